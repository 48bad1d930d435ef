"""HTTP and network trouble become Moorage's errors, here and nowhere else."""

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final

from requests import exceptions as requests_errors
from urllib3 import exceptions as urllib3_errors

from moorage.auth.origin import Origin
from moorage.errors import (
    Contradiction,
    Denied,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from moorage.transport import redact, retry
from moorage.transport.exchange import Answer

# OSError covers sockets, ssl and requests' own root; UnicodeError comes from host names that IDNA cannot spell, ValueError from
# header values and URLs that http.client refuses.
FOREIGN: Final = (OSError, urllib3_errors.HTTPError, HTTPException, UnicodeError, ValueError)

_FOR_STATUS: Final[dict[int, type[RegistryError]]] = {
    401: Unauthorized, 403: Denied, 404: NotFound, 405: Unsupported, 408: Unreachable, 409: ItemRefused, 410: NotFound,
    412: ItemRefused, 423: ItemRefused, 429: Throttled, 501: Unsupported,
}  # fmt: skip
_UNKNOWN_HOST: Final = "the host name cannot be resolved"
_SILENCE: Final = "no answer in time"
_FEW_ATTEMPTS: Final = {_UNKNOWN_HOST: 3, _SILENCE: 2}  # DNS may hiccup; each silence has cost a minute already


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of an OCI error body: `{"errors": [{"code": …, "message": …}]}`, or what other APIs write in its place."""

    code: str = ""
    message: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.code, self.message) if part)


class NoAnswer(Exception):
    """No complete answer came; never leaves the transport. `attempts` is how often trying makes sense, None for no bound."""

    def __init__(self, failure: Unreachable, attempts: int | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.attempts = attempts
        self.untrusted = False


def complaints(body: bytes) -> list[Complaint]:
    """What an error body says, by OCI's form or the usual others; redacted and cut. Empty when it says nothing readable."""
    try:
        document = json.loads(body[:65536])
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    entries = document.get("errors") or document.get("error") or document
    found = [_complaint(entry) for entry in (entries if isinstance(entries, list) else [entries])[:3]]
    message = document.get("message") or document.get("error_description")
    if isinstance(message, str) and not any(entry.message for entry in found):
        found = [Complaint(found[0].code if found else "", redact.text(message))]
    return [entry for entry in found if entry.code or entry.message]


def codes(answer: Answer) -> frozenset[str]:
    """The OCI error codes in an answer."""
    return frozenset(entry.code for entry in complaints(answer.body))


def refusal(method: str, answer: Answer, *, remedy: str | None = None) -> RegistryError:
    """The error for a status that was not asked for."""
    said = "; ".join(str(entry) for entry in complaints(answer.body)) or _plain(answer)
    message = f"{method} {redact.url(answer.url)} answered {answer.status}" + (f" ({redact.text(said)})" if said else "")
    return _kind(answer)(message, remedy=remedy)


def no_answer(error: BaseException, method: str, url: str) -> NoAnswer:
    """The error for an exception of requests, urllib3, http.client, ssl or the operating system."""
    chain = list(_chain(error))
    target = f"{method} {redact.url(url)}"
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            found = NoAnswer(_untrusted(link, target), attempts=1)
            found.untrusted = True
            return found
    if any(isinstance(link, ssl.SSLError | requests_errors.SSLError | urllib3_errors.SSLError) for link in chain):
        return NoAnswer(_no_tls(chain, target, url), attempts=2)
    if isinstance(error, UnicodeError | ValueError) and not isinstance(
        error, requests_errors.RequestException | urllib3_errors.HTTPError
    ):
        return NoAnswer(Unreachable(f"{target} cannot be sent: {redact.text(type(error).__name__)}"), attempts=1)
    why = _why(chain)
    attempts = _FEW_ATTEMPTS.get(why)
    if isinstance(error, requests_errors.InvalidURL | requests_errors.MissingSchema | requests_errors.InvalidSchema):
        attempts = 1
    return NoAnswer(Unreachable(f"{target}: {why}"), attempts)


def _kind(answer: Answer) -> type[RegistryError]:
    if retry.is_throttled(answer):
        return Throttled
    if "UNSUPPORTED" in codes(answer) and 400 <= answer.status < 500:
        return Unsupported
    if answer.status in _FOR_STATUS:
        return _FOR_STATUS[answer.status]
    if answer.status >= 500:
        return Unreachable
    return RegistryError if answer.status >= 400 else Contradiction


def _complaint(entry: object) -> Complaint:
    if isinstance(entry, str):
        return Complaint(message=redact.text(entry))
    if not isinstance(entry, dict):
        return Complaint()
    code, message = entry.get("code"), entry.get("message") or entry.get("detail")
    return Complaint(
        redact.text(code, 64) if isinstance(code, str) else "", redact.text(message) if isinstance(message, str) else ""
    )


def _plain(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return redact.text(answer.body[:2048].decode("utf-8", "replace")) if kind == "text/plain" else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all it wraps: requests wraps urllib3 in `args`, urllib3 keeps its cause in `reason`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or any(link is other for other in seen):
            continue
        seen.append(link)
        yield link
        waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def _untrusted(error: ssl.SSLCertVerificationError, target: str) -> Unreachable:
    why = redact.text(getattr(error, "verify_message", "") or "it cannot be verified")
    remedy = (
        "Give the authority that signed it with --ca-file (or SSL_CERT_FILE), or correct the host name. TLS is verified always."
    )
    return Unreachable(f"{target}: the server's certificate is not trusted: {why}", remedy=remedy)


def _no_tls(chain: list[BaseException], target: str, url: str) -> Unreachable:
    reasons = [getattr(link, "reason", None) for link in chain if isinstance(link, ssl.SSLError)]
    why = f" ({redact.text(reasons[0])})" if reasons and isinstance(reasons[0], str) else ""
    remedy = f"Check the port. A server that speaks plain HTTP has to be allowed: --insecure-registry {Origin.of(url).authority}"
    return Unreachable(f"{target}: the server does not answer in TLS{why}", remedy=remedy)


def _why(chain: list[BaseException]) -> str:
    """The trouble in our own words; foreign texts may hold proxy passwords."""
    for link in chain:
        if isinstance(link, requests_errors.ProxyError | urllib3_errors.ProxyError):
            return "the proxy of HTTP_PROXY / HTTPS_PROXY does not pass it on"
        if isinstance(link, socket.gaierror | urllib3_errors.NameResolutionError):
            return _UNKNOWN_HOST
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    for link in chain:
        if isinstance(link, TimeoutError | requests_errors.Timeout | urllib3_errors.TimeoutError):
            return _SILENCE
        if isinstance(link, requests_errors.ContentDecodingError | urllib3_errors.DecodeError):
            return "the compressed answer cannot be read"
        if isinstance(link, HTTPException | urllib3_errors.ProtocolError):
            return "the connection broke off"
    return f"no answer ({type(chain[0]).__name__})"
