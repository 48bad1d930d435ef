"""Streams that know what they should hold: bytes on their way through are counted and hashed, and a lie is found at the end."""

import io
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from moorage.errors import Contradiction
from moorage.oci.manifest import Blob

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK: Final = 1024 * 1024  # bytes read at a time: layers are never held in memory


class Readable(Protocol):
    """The part of a stream that is needed here; files, HTTP answers and archive members have it."""

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _Verified(io.RawIOBase):
    def __init__(self, stream: Readable, blob: Blob, origin: str) -> None:
        self._stream = stream
        self._blob = blob
        self._origin = origin
        self._hash = sha256()
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._hash.update(data)
        self._size += len(data)
        if self._size > self._blob.size > 0 or (not data and len(view)):
            self._compare()
        return len(data)

    def _compare(self) -> None:
        if self._blob.size and self._size != self._blob.size:
            found = f"{self._size} of" if self._size < self._blob.size else "more than"
            raise Contradiction(f"{self._origin}: blob {self._blob.digest} has {found} the {self._blob.size} bytes announced")
        if self._hash.hexdigest() != self._blob.digest.hex:
            found = f"sha256:{self._hash.hexdigest()}"
            raise Contradiction(f"{self._origin}: blob {self._blob.digest} has bytes with the digest {found}")

    def close(self) -> None:
        self._stream.close()
        super().close()


def verified(stream: Readable, blob: Blob, origin: str) -> BinaryIO:
    """The same bytes; reading to the end, or beyond the announced size, raises Contradiction if they are not the blob's.

    A size of 0 counts as not known: manifests may leave it out. `origin` names the registry or file in the message. Closing
    closes the stream underneath.
    """
    return io.BufferedReader(_Verified(stream, blob, origin), CHUNK)


def chunks(stream: Readable) -> Iterator[bytes]:
    """The stream in pieces of at most CHUNK bytes."""
    while piece := stream.read(CHUNK):
        yield piece
