from __future__ import annotations

import pytest

from moorage.registries.distribution.challenge import Challenge, chosen, parse_challenges
from moorage.registries.distribution.scope import missing_scopes


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('Basic realm="Registry"', [Challenge("basic", {"realm": "Registry"})]),
        (
            'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"',
            [Challenge("bearer", {"realm": "https://auth.example/token", "service": "reg", "scope": "repository:a/b:pull,push"})],
        ),
        ("bearer REALM=https://a/t , service=reg", [Challenge("bearer", {"realm": "https://a/t", "service": "reg"})]),
        (
            'Negotiate, Basic realm="a, \\"b\\"", Bearer realm="x"',
            [Challenge("negotiate"), Challenge("basic", {"realm": 'a, "b"'}), Challenge("bearer", {"realm": "x"})],
        ),
        ('Bearer realm="first",realm="second"', [Challenge("bearer", {"realm": "first"})]),
        ("", []),
        ('="', []),
    ],
)
def test_challenges_are_read(header: str, challenges: list[Challenge]) -> None:
    assert list(parse_challenges(header)) == challenges


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        ('Basic realm="a", Bearer realm="https://b"', "bearer"),
        ('Bearer, Basic realm="a"', "basic"),
        ("Negotiate", "negotiate"),
        ("", None),
    ],
)
def test_the_best_challenge_is_chosen(header: str, scheme: str | None) -> None:
    found = chosen(header)
    assert (found.scheme if found else None) == scheme


@pytest.mark.parametrize(
    ("wanted", "asked", "missing"),
    [
        ("repository:a:pull", ["repository:a:pull,push"], ()),
        ("repository:a:push,pull", ["repository:a:pull,push"], ()),
        ("repository:a:*", ["repository:a:pull,push,delete"], ("repository:a:*",)),
        ("repository:a:pull repository:b:pull", ["repository:a:pull"], ("repository:b:pull",)),
        ("repository:a:pull,delete", ["repository:a:pull", "repository:a:delete"], ()),
        ("", ["repository:a:pull"], ()),
        ("nonsense", [], ()),
    ],
)
def test_what_a_challenge_wants_beyond_what_was_asked_for(wanted: str, asked: list[str], missing: tuple[str, ...]) -> None:
    assert missing_scopes(wanted, asked) == missing
