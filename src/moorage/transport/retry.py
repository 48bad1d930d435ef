"""When a request is sent again, and after how long. Pure: the session does the waiting."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from moorage.transport.exchange import Answer

LONGEST_WAIT: Final = 300.0  # seconds; no single wait is longer, whatever a server asks for
REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
SERVER_TROUBLE: Final = frozenset({408, 500, 502, 503, 504})
_AWS_TYPE: Final = re.compile(rb'"__type"\s*:\s*"([A-Za-z0-9.#:_-]+)"')
_EPOCH_FROM: Final = 1_000_000_000.0  # larger numbers are a moment since 1970, smaller ones seconds from now


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently. Waits are in seconds.

    `attempts` counts sends when the network or the server fails; `throttled_attempts` when the server limits requests, where
    patience pays. Backoff is exponential with full jitter, between nothing and `first * 2^n`, at most `ceiling`.
    """

    attempts: int = 5
    throttled_attempts: int = 12
    first: float = 0.5
    ceiling: float = 30.0

    def backoff(self, attempt: int, jitter: Callable[[], float]) -> float:
        """The wait after the attempt with this number, counted from 1."""
        return min(self.ceiling, self.first * 2.0 ** min(attempt, 30)) * jitter()


# AWS's page on common errors, and botocore's data/_retry.json: "throttling".
_AWS_LIMITS: Final = (
    "ThrottlingException",
    "ThrottledException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
)


def is_throttled(answer: Answer) -> bool:
    """Whether the server limits requests: 429, the 403 that GitHub answers for its limits, or the 400 that AWS does.

    GitHub's primary limit is a 403 with `x-ratelimit-remaining: 0`; its secondary limits are a 403 with `Retry-After`, or with
    neither header and a `documentation_url` that leads to the page on rate limits (docs.github.com, seen 2026-11).
    """
    if answer.status == 429:
        return True
    if answer.status == 400:
        return _aws_code(answer) in _AWS_LIMITS
    if answer.status != 403:
        return False
    if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        return True
    return b'"documentation_url"' in answer.body and b"rate-limit" in answer.body.partition(b'"documentation_url"')[2][:200]


def _aws_code(answer: Answer) -> str:
    """The error's name in AWS's JSON protocols: a header, or `__type` in the body, either with a name space before it."""
    code = answer.headers.get("x-amzn-errortype", "")
    if not code and answer.headers.get("content-type", "").startswith("application/x-amz-json"):
        found = _AWS_TYPE.search(answer.body[:4096])
        code = found[1].decode() if found else ""
    return code.partition(":")[0].rpartition("#")[2]


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that a server asks to wait, None when it says nothing (or nothing that can be read).

    `Retry-After` as seconds or date; Docker Hub's `X-Retry-After` as seconds since 1970 (its API description, seen 2026-11);
    without them the reset of an exhausted limit.
    """
    for name in ("retry-after", "x-retry-after"):
        found = _moment(headers.get(name, ""), now)
        if found is not None:
            return found
    return reset_in(headers, now) if remaining(headers) == 0 else None


def remaining(headers: Mapping[str, str]) -> int | None:
    """How many requests the server says are left, None when it does not say."""
    text = headers.get("ratelimit-remaining") or headers.get("x-ratelimit-remaining") or ""
    text = text.partition(";")[0].strip()  # Docker Hub: `98;w=21600`
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def reset_in(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the server's limit starts anew; GitHub and GitLab give a moment since 1970, the IETF draft seconds."""
    return _moment(headers.get("ratelimit-reset") or headers.get("x-ratelimit-reset") or "", now)


def _moment(text: str, now: float) -> float | None:
    text = text.partition(";")[0].strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return _date(text, now)
    if not math.isfinite(number):
        return None
    return max(0.0, number - now if number >= _EPOCH_FROM else number)


def _date(text: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
