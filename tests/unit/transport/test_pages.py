from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.errors import Contradiction
from moorage.transport.exchange import Answer
from moorage.transport.pages import next_link, walk

if TYPE_CHECKING:
    from collections.abc import Sequence


def linked(link: str, url: str = "https://reg.example:5000/v2/app/tags/list?n=2") -> str | None:
    return next_link(Answer(200, {"link": link}, url))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ('</v2/app/tags/list?last=b&n=2>; rel="next"', "https://reg.example:5000/v2/app/tags/list?last=b&n=2"),
        ("</x>; rel=next", "https://reg.example:5000/x"),
        ("<list?last=b>;rel=next", "https://reg.example:5000/v2/app/tags/list?last=b"),
        ("<?last=b>; rel=next", "https://reg.example:5000/v2/app/tags/list?last=b"),
        ('<https://reg.example:5000/x>; rel="next"', "https://reg.example:5000/x"),
        ('</p>; rel="prev", </n>; rel="next", </l>; rel="last"', "https://reg.example:5000/n"),
        ('</n,1>; title="a, b; rel=x"; rel="start next"', "https://reg.example:5000/n,1"),
        ("</n>; REL=Next", "https://reg.example:5000/n"),
        ('</p>; rel="prev"', None),
        ("</n>", None),
        ("", None),
        ("garbage; rel=next", None),
    ],
)
def test_the_next_page(link: str, url: str | None) -> None:
    assert linked(link) == url


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x", "http://reg.example:5000/x", "https://reg.example/x", "https://reg.example:5001/x",
        "//evil.example/x", "ftp://reg.example:5000/x", "https://reg.example:5000@evil.example/", "https://[/",
    ],
)  # fmt: skip
def test_no_next_page_on_another_host(target: str) -> None:
    with pytest.raises(Contradiction, match="another host"):
        linked(f'<{target}>; rel="next"')


def test_the_schemes_own_port_is_the_same_host() -> None:
    assert linked('<https://reg.example:443/x>; rel="next"', "https://reg.example/y") == "https://reg.example:443/x"


def test_all_pages_are_walked() -> None:
    pages = {1: ("ab", 2), 2: ("cd", 3), 3: ("e", None)}
    assert list(walk(1, lambda number: pages[number])) == list("abcde")


def test_an_empty_page_is_not_the_end() -> None:
    pages: dict[int, tuple[Sequence[str], int | None]] = {1: ("", 2), 2: ("", 3), 3: ("a", None)}
    assert list(walk(1, lambda number: pages[number])) == ["a"]


def test_pages_that_lead_in_a_circle_are_a_contradiction() -> None:
    circle: dict[str, tuple[Sequence[str], str | None]] = {"a": ("1", "b"), "b": ("2", "a")}
    with pytest.raises(Contradiction, match="repeat"):
        list(walk("a", lambda key: circle[key]))


def test_the_same_page_again_is_a_contradiction() -> None:
    with pytest.raises(Contradiction, match="repeat"):
        list(walk(1, lambda number: (["same"], number + 1)))


def test_pages_without_an_end_are_a_contradiction() -> None:
    with pytest.raises(Contradiction, match="do not end after 50"):
        list(walk(1, lambda number: ([number], number + 1), bound=50))
