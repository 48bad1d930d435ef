"""What the registry said a moment ago, for vendors whose deletion has to know it, too.

Whoever deletes has asked where the tags point right before. Between that question and the vendor's own lies nothing but the
journal's line, so it is not asked again: what was seen is believed once, and for seconds.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

BELIEVED_FOR: Final = 5.0  # seconds


class JustSeen(Generic[K, V]):
    """Thread-safe. Keys are mostly a repository and a tag or digest in it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seen: dict[K, tuple[float, V]] = {}

    def moment(self) -> float:
        """Now, for an answer that takes its time: it is as old as its question."""
        return self._clock()

    def note(self, key: K, value: V, asked: float | None = None) -> None:
        """The registry says so as of now, or of that `moment`."""
        with self._lock:
            self._seen[key] = (self._clock() if asked is None else asked, value)

    def take(self, key: K) -> V | None:
        """What was said a moment ago, once; None for whoever has to ask."""
        with self._lock:
            seen = self._seen.pop(key, None)
            return seen[1] if seen is not None and self._clock() - seen[0] <= BELIEVED_FOR else None
