"""A blob on its way in, hashed as it is read."""

import io
from hashlib import sha256
from typing import Any, BinaryIO

from moorage.errors import Contradiction
from moorage.oci.manifest import Blob


class VerifiedBlob(io.RawIOBase):
    """Raises Contradiction at the end of bytes that are not what the digest says, or as soon as the size is passed.

    A size of 0 counts as not known: manifests may leave it out.
    """

    def __init__(self, source: BinaryIO, blob: Blob, place: str) -> None:
        super().__init__()
        self._source = source
        self._blob = blob
        self._place = place
        self._hash = sha256()
        self._size = 0

    @classmethod
    def over(cls, source: BinaryIO, blob: Blob, place: str) -> BinaryIO:
        """The verified stream, buffered. `place` says in errors where the blob comes from."""
        return io.BufferedReader(cls(source, blob, place), 65536)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        block = self._source.read(len(view))
        view[: len(block)] = block
        self._hash.update(block)
        self._size += len(block)
        if self._blob.size and self._size > self._blob.size:
            raise Contradiction(f"the blob {self._blob.digest} of {self._place} has more than its {self._blob.size} bytes")
        if not block and len(view) and self._hash.hexdigest() != self._blob.digest.hex:
            raise Contradiction(
                f"the blob {self._blob.digest} of {self._place} has bytes with the digest sha256:{self._hash.hexdigest()}"
            )
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
