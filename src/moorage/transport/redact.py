"""What comes from outside, made fit to be seen: no secrets, no query values, no control characters, not too long."""

import re
from typing import Final

from moorage.auth.secret import blank

TEXT_LIMIT: Final = 300  # characters of a server's own words in an error
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+", re.ASCII | re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#@\s]*@")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")  # they forge lines in logs and terminals


def url(address: str) -> str:
    """A URL without user name and password, and with the names of its query parameters only."""
    head, question, query = _USERINFO.sub("", address.partition("#")[0]).partition("?")
    names = [f"{name}=…" if equals else "…" for name, equals, _ in (pair.partition("=") for pair in query.split("&") if pair)]
    return blank(_UNSEEN.sub(" ", head + question + "&".join(names)))


def text(words: str, limit: int = TEXT_LIMIT) -> str:
    """A foreign text as one line of at most `limit` characters, secrets and the URLs in it redacted."""
    seen = _URL.sub(lambda found: url(found[0]), blank(words))
    seen = blank(" ".join(_UNSEEN.sub(" ", seen).split()))
    return seen if len(seen) <= limit else seen[: limit - 1] + "…"
