"""Uploading one blob: mounted if possible, else in one piece, else in chunks, and going on where a broken connection stopped.

OCI distribution-spec 1.1, "Pushing blobs". distribution 2.8 forgets an upload that broke off in the middle of a piece, so that it
is begun anew; others keep what they have received and say how much that is (seen 2026-11).
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, Final, Protocol
from urllib.parse import urljoin

from moorage.auth.origin import Origin
from moorage.errors import Contradiction, Failure, NotFound, Throttled, Unreachable
from moorage.oci.manifest import Blob
from moorage.transport import outcome, redact
from moorage.transport.session import Answer, Session, Upload

_ATTEMPTS: Final = 4
_CHUNK: Final = 16 * 1024 * 1024  # bytes; ECR wants 5 MiB or more
_DONE: Final = frozenset({200, 201, 204})
_TOO_MUCH_AT_ONCE: Final = frozenset({405, 411, 413, 416, 501})
_OCTETS: Final = {"Content-Type": "application/octet-stream"}
_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})", re.ASCII)


class UploadCall(Protocol):
    """Sends one signed call, without repeating those that move the upload."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Upload | None, ok: Collection[int]
    ) -> Answer: ...


class BlobUpload:
    """One upload. `start` is the URL that begins it, a mount included."""

    def __init__(self, session: Session, call: UploadCall, start: str, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        self._session = session
        self._call = call
        self._start = start
        self._blob = blob
        self._content = content
        self._whole = True
        self._chunk = _CHUNK

    def run(self) -> bool:
        """Whether the registry says that it has mounted the blob, so that nothing was sent.

        Raises Unreachable when the connection breaks off too often, Contradiction when the registry stores something else.
        """
        location, offset = "", 0
        for attempt in range(1, _ATTEMPTS + 1):
            if not location:
                answer = self._begin()
                if answer.status == 201:
                    return True
                location, offset = self._location(answer), 0
            try:
                if self._send(location, offset):
                    return False
                location = ""
            except (Unreachable, NotFound) as error:
                if isinstance(error, Contradiction) or attempt == _ATTEMPTS:
                    raise
                self._session.pause(attempt)
                location, offset = self._progress(location)
        raise Unreachable(f"the blob {self._blob.digest} could not be uploaded to {redact.url(self._start)}")

    def _begin(self) -> Answer:
        answer = self._call("POST", self._start, {"Content-Length": "0"}, None, {201, 202})
        minimum = answer.headers.get("oci-chunk-min-length", "")
        if minimum.isascii() and minimum.isdigit():
            self._chunk = max(_CHUNK, min(int(minimum), 1 << 40))
        return answer

    def _send(self, location: str, offset: int) -> bool:
        """Whether the registry has taken the blob; False when it has to be begun anew, in chunks."""
        if self._whole and offset == 0:
            answer = self._call(
                "PUT", self._finished(location), _OCTETS, self._part(0, self._blob.size), _DONE | _TOO_MUCH_AT_ONCE
            )
            if answer.status in _TOO_MUCH_AT_ONCE:
                if self._blob.size == 0:
                    raise outcome.refusal("PUT", answer)
                self._whole = False
                return False
        else:
            answer = self._in_chunks(location, offset)
        said = answer.headers.get("docker-content-digest", "").strip()
        if said and said != str(self._blob.digest):
            raise Contradiction(f"the blob {self._blob.digest} was stored as {redact.text(said)} by {redact.url(self._start)}")
        return True

    def _in_chunks(self, location: str, offset: int) -> Answer:
        while offset < self._blob.size:
            length = min(self._chunk, self._blob.size - offset)
            headers = {**_OCTETS, "Content-Range": f"{offset}-{offset + length - 1}"}
            location = self._location(self._call("PATCH", location, headers, self._part(offset, length), {200, 201, 202, 204}))
            offset += length
        return self._call("PUT", self._finished(location), _OCTETS, b"", _DONE)

    def _progress(self, location: str) -> tuple[str, int]:
        """Where to go on, and after how many bytes; ("", 0) when the registry has let go of the upload."""
        try:
            answer = self._call("GET", location, {}, None, {204})
            received = _RANGE.fullmatch(answer.headers.get("range", "").strip())
            here = self._location(answer)
        except Throttled:
            raise
        except Failure:
            return "", 0
        offset = int(received[1]) + 1 if received else 0
        return (here, offset) if 1 < offset <= self._blob.size else ("", 0)  # "0-0" is also how an empty upload reads

    def _part(self, offset: int, length: int) -> Upload:
        return Upload(lambda: _opened_at(self._content, offset), length)

    def _finished(self, location: str) -> str:
        return f"{location}{'&' if '?' in location else '?'}digest={self._blob.digest}"

    def _location(self, answer: Answer) -> str:
        try:
            url: str = urljoin(answer.url, answer.headers["location"])
            plain = Origin.of(url).scheme == "http" and Origin.of(answer.url).scheme == "https"
        except (KeyError, ValueError):
            raise Contradiction(f"{redact.url(answer.url)} does not say where the upload goes on") from None
        if plain:
            raise Contradiction(
                f"{redact.url(answer.url)} sends the upload on to plain HTTP",
                remedy="Let the proxy in front of the registry set X-Forwarded-Proto, or the registry its `http.host`.",
            )
        return url


def _opened_at(content: Callable[[], BinaryIO], offset: int) -> BinaryIO:
    stream = content()
    if offset and stream.seekable():
        stream.seek(offset)
    else:
        while offset > 0 and (block := stream.read(min(offset, 65536))):
            offset -= len(block)
    return stream
