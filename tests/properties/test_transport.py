"""Whatever a server writes into its headers and bodies, the readers of them answer within their promises."""

from __future__ import annotations

import json
import math
from string import ascii_letters, digits

from hypothesis import given
from hypothesis import strategies as st

from moorage.auth.origin import Origin
from moorage.auth.secret import Secret
from moorage.errors import Contradiction
from moorage.registries.distribution.challenge import parse_challenges
from moorage.transport import outcome, redact, retry
from moorage.transport.exchange import Answer
from moorage.transport.pages import next_link

HERE = "https://registry.example/v2/app/tags/list"
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-retry-after", "ratelimit-remaining", "x-ratelimit-reset", "ratelimit-reset"]),
    st.one_of(st.text(max_size=40), st.integers().map(str), st.floats().map(str)),
)
WORD = st.text(ascii_letters + digits + "-._~", min_size=1, max_size=12)


@given(HEADERS, st.floats(min_value=0, max_value=4e9))
def test_a_wait_is_finite_and_not_negative(headers: dict[str, str], now: float) -> None:
    wait = retry.asked_wait(headers, now)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


@given(st.text(max_size=200))
def test_any_link_leads_to_the_same_host_or_nowhere(link: str) -> None:
    try:
        url = next_link(Answer(200, {"link": link}, HERE))
    except Contradiction:
        return
    assert url is None or Origin.of(url) == Origin.of(HERE)


@given(st.lists(st.tuples(st.sampled_from(["prev", "first", "last"]), WORD), max_size=3), WORD, st.booleans())
def test_the_next_link_is_found_among_others(others: list[tuple[str, str]], target: str, quoted: bool) -> None:
    links = [f'</{path}>; rel="{relation}"' for relation, path in others]
    relation = '"next"' if quoted else "next"
    links.insert(len(links) // 2, f"</{target}>; rel={relation}")
    assert next_link(Answer(200, {"link": ", ".join(links)}, HERE)) == f"https://registry.example/{target}"


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5).map(lambda value: json.dumps(value).encode())
)
def test_any_error_body_is_survived(body: bytes) -> None:
    assert len(str(outcome.refusal("GET", Answer(400, {}, HERE, body)))) < 1500


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_known_secret_never_shows(before: str, after: str) -> None:
    secret = "sham-property-secret"
    Secret(secret)
    assert secret not in redact.text(before + secret + after)
    assert secret not in redact.url(f"https://{before}{secret}@host/{after}?{secret}={secret}")


@given(st.text(max_size=300))
def test_a_shown_text_is_one_line(text: str) -> None:
    shown = redact.text(text)
    assert len(shown) <= redact.TEXT_LIMIT
    assert "\x1b" not in shown
    assert len(shown.splitlines()) <= 1


@given(st.text(max_size=200))
def test_any_challenge_is_survived(header: str) -> None:
    assert all(challenge.scheme == challenge.scheme.lower() for challenge in parse_challenges(header))


@given(st.dictionaries(WORD.map(str.lower), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30), max_size=4))
def test_quoted_parameters_come_back_as_they_were(parameters: dict[str, str]) -> None:
    quoted = ", ".join(
        '{}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in parameters.items()
    )
    first, second = parse_challenges(f"Bearer {quoted}, Basic realm=x")
    assert (first.scheme, dict(first.parameters)) == ("bearer", parameters)
    assert (second.scheme, second["realm"]) == ("basic", "x")
