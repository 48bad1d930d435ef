"""Sends one request once: timeouts, size limits, what a redirect may carry along. No second attempts, no waiting for limits."""

import io
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode, urljoin

import requests
from requests.structures import CaseInsensitiveDict

from moorage.auth.origin import Origin
from moorage.errors import ConfigurationError, Contradiction, Failure, OutOfTime, Unreachable
from moorage.transport import outcome, redact
from moorage.transport.connections import Connections
from moorage.transport.exchange import Answer, Upload
from moorage.transport.stream import Incoming, Outgoing, SourceBroken
from moorage.transport.wire import Clock, Wire

ANSWER_LIMIT: Final = 64 * 1024 * 1024  # bytes
_ERROR_LIMIT: Final = 64 * 1024  # bytes of a refused stream, enough to hear why
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BLOCK: Final = 64 * 1024
# What may be told to any host; everything else stays with the origin that it was meant for.
_HARMLESS: Final = frozenset({"accept", "accept-encoding", "content-type", "range"})
_log = logging.getLogger("moorage.transport")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes out; with `stream`, the answer's body is left unread."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Upload | None = None
    stream: bool = False
    limit: int = ANSWER_LIMIT


class Sender:
    """Thread-safe. `count` is told method and host of everything that is sent."""

    def __init__(self, wire: Wire, clock: Clock, count: Callable[[str, str], None]) -> None:
        self._wire = wire
        self._clock = clock
        self._count = count
        self._connections = Connections(wire)

    def close(self) -> None:
        self._connections.close()

    def spell(self, url: str, params: Mapping[str, str] | None) -> str:
        """The URL with these parameters. Raises ConfigurationError where it is no URL, or plain HTTP that is not allowed."""
        try:
            origin = Origin.of(url)
        except ValueError:
            raise ConfigurationError(f"{redact.url(url)} is no http or https URL") from None
        if origin.scheme == "http" and not self._wire.allows_plain(origin):
            raise ConfigurationError(
                f"{redact.url(url)} would be asked in plain HTTP",
                remedy=f"Use https, or allow it for this host: --insecure-registry {origin.authority}",
            )
        if not params:
            return url
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"

    def open_body(self, call: Call) -> "Outgoing | bytes | None":
        """The body for one attempt; what is opened has to be closed. Raises what the upload's own `open` raises."""
        if not isinstance(call.body, Upload):
            return call.body
        try:
            return Outgoing(call.body) if call.body.size else b""
        except SourceBroken as broken:
            raise broken.reason from None

    def send(self, call: Call, body: "Outgoing | bytes | None", patience: Callable[[], float]) -> Answer:
        """The answer to this request, a redirect as it is. `patience` bounds all of it, in seconds.

        Raises NoAnswer when none came, Contradiction for one that is too large.
        """
        started = self._clock.monotonic()
        response = self._response(call, body, patience())
        milliseconds = (self._clock.monotonic() - started) * 1000
        _log.debug("%s %s %d %.0f ms", call.method, redact.url(call.url), response.status_code, milliseconds)
        headers = CaseInsensitiveDict(response.headers)
        pull = self._puller(call, response, patience)
        if call.stream and response.status_code < 300:
            stream = io.BufferedReader(Incoming(pull, response.close), _BLOCK)
            return Answer(response.status_code, headers, call.url, stream=stream)
        try:
            return Answer(response.status_code, headers, call.url, self._body(call, pull, self._clock.monotonic() + patience()))
        finally:
            response.close()

    def redirected(self, call: Call, answer: Answer) -> Call | None:
        """The request to send next, None when this answer is no redirect. Raises Contradiction when it must not be followed."""
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            return None
        refused = f"{call.method} {redact.url(call.url)} is redirected to {redact.url(answer.headers['location'])}"
        remedy = "Use the address that the server redirects to."
        try:
            url = urljoin(call.url, answer.headers["location"])
            old, new = Origin.of(call.url), Origin.of(url)
        except ValueError:
            raise Contradiction(f"{refused}, which is no URL") from None
        if new.scheme == "http" and not self._wire.allows_plain(new):
            raise Contradiction(f"{refused}, which is plain HTTP", remedy=f"{remedy[:-1]}, by https.")
        if call.method not in {"GET", "HEAD"} and answer.status not in {307, 308}:
            raise Contradiction(f"{refused}; calls that change something are not redirected", remedy=remedy)
        if old == new:
            return replace(call, url=url)
        if call.method == "POST":
            raise Contradiction(f"{refused}, another host; its form may hold credentials", remedy=remedy)
        return replace(call, url=url, headers={name: value for name, value in call.headers.items() if name.lower() in _HARMLESS})

    def _response(self, call: Call, body: "Outgoing | bytes | None", patience: float) -> requests.Response:
        self._count(call.method, Origin.of(call.url).authority)
        timeout = (min(self._wire.connect_timeout, patience), min(self._wire.read_timeout, patience))
        try:
            return self._connections.send(call.method, call.url, call.headers, body, timeout)
        except SourceBroken as broken:
            raise broken.reason from None
        except Failure:
            raise  # out of an upload that is read from another registry
        except outcome.FOREIGN as error:
            lost = outcome.no_answer(error, call.method, call.url)
            _log.debug("%s", lost.failure.message)
            raise lost from None

    def _body(self, call: Call, pull: Callable[[int], bytes], stop: float) -> bytes:
        limit = min(call.limit, _ERROR_LIMIT) if call.stream else call.limit
        blocks, size = [], 0
        while block := pull(_BLOCK):
            blocks.append(block)
            size += len(block)
            if size > limit:
                raise Contradiction(f"{call.method} {redact.url(call.url)} answers with more than {limit} bytes")
            if self._clock.monotonic() > stop:
                raise outcome.NoAnswer(
                    Unreachable(f"{call.method} {redact.url(call.url)}: the answer takes too long"), attempts=1
                )
        return b"".join(blocks)

    def _puller(self, call: Call, response: requests.Response, patience: Callable[[], float]) -> Callable[[int], bytes]:
        """Reads whatever has arrived, so that a server that drips is noticed between two drops."""
        streamed = call.stream and response.status_code < 300

        def pull(amount: int) -> bytes:
            if patience() <= 0:
                raise OutOfTime(f"{call.method} {redact.url(call.url)}: the time budget is used up")
            try:
                block: bytes = response.raw.read1(amount, decode_content=True)
            except outcome.FOREIGN as error:
                lost = outcome.no_answer(error, call.method, call.url)
                raise lost.failure if streamed else lost from None
            return block

        return pull
