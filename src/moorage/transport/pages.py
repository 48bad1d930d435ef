"""Walking through pages to their end, and noticing when there is none."""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final, TypeVar
from urllib.parse import urljoin

from moorage.auth.origin import Origin
from moorage.errors import Contradiction
from moorage.transport import redact
from moorage.transport.exchange import Answer

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST_PAGES: Final = 10_000
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_PARAMETER = re.compile(r";\s*([^\s=;,]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s;,\"]*)))?")


def walk(first: K, step: Callable[[K], tuple[Sequence[T], K | None]], *, bound: int = MOST_PAGES) -> Iterator[T]:
    """The items of all pages. `step` fetches the page that a key names (a URL, a number, a cursor) and says the next key.

    Raises Contradiction when a key or a page repeats, or after `bound` pages: such a listing would never end.
    """
    key: K | None = first
    seen: set[K] = set()
    before: Sequence[T] = ()
    while key is not None:
        if key in seen or len(seen) >= bound:
            why = "repeat themselves" if key in seen else f"do not end after {bound}"
            raise Contradiction(f"the pages of {_shown(first)} {why}")
        seen.add(key)
        items, key = step(key)
        if items and items == before:
            raise Contradiction(f"the pages of {_shown(first)} repeat themselves")
        before = items
        yield from items


def next_link(answer: Answer) -> str | None:
    """The absolute URL of the next page by `Link: <…>; rel="next"` (RFC 8288), None on the last page.

    Raises Contradiction when it leads to another scheme, host or port: credentials would go there with the next request.
    """
    for target, parameters in _LINK.findall(answer.headers.get("link", "")):
        relations = [quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel"]
        if not relations or "next" not in relations[0].lower().split():
            continue
        try:
            url: str = urljoin(answer.url, target)
            same = Origin.of(url) == Origin.of(answer.url)
        except ValueError:
            same, url = False, target
        if not same:
            raise Contradiction(f"{redact.url(answer.url)} names a next page on another host: {redact.url(url)}")
        return url
    return None


def _shown(key: object) -> str:
    return redact.url(key) if isinstance(key, str) else "a listing"
