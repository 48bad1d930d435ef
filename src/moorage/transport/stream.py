"""Bodies on their way: uploads that hold what they promise, and answers whose trouble is ours."""

import io
from collections.abc import Callable
from typing import Any, TypeVar

from moorage.transport.exchange import Upload

T = TypeVar("T")


class SourceBroken(Exception):
    """What was to be uploaded could not be read; `reason` is raised in its place, lest it pass for the network's fault."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _guarded(step: Callable[[], T]) -> T:
    try:
        return step()
    except OSError as error:
        raise SourceBroken(error) from error


class Outgoing:
    """One attempt at an upload, in the form that requests streams: a length and `read`."""

    def __init__(self, upload: Upload) -> None:
        self._size = self._left = upload.size
        self._source = _guarded(upload.open)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> "Outgoing":  # requests streams what can be iterated; urllib3 then reads it
        return self

    def __next__(self) -> bytes:
        block = self.read(65536)
        if not block:
            raise StopIteration
        return block

    def read(self, amount: int = -1) -> bytes:
        wanted = self._left if amount < 0 else min(amount, self._left)
        block = _guarded(lambda: self._source.read(wanted)) if wanted else b""
        if wanted and not block:
            raise SourceBroken(EOFError(f"{self._left} of {self._size} bytes are missing from what was to be uploaded"))
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._source.close()


class Incoming(io.RawIOBase):
    """The body of an answer as a stream. `pull` gives the next bytes, b"" at the end; Unreachable when they break off."""

    def __init__(self, pull: Callable[[int], bytes], release: Callable[[], None]) -> None:
        super().__init__()
        self._pull = pull
        self._release = release

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        block = self._pull(len(view))
        view[: len(block)] = block
        return len(block)

    def close(self) -> None:
        if not self.closed:
            self._release()
        super().close()
