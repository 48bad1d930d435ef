"""A clock that waits without waiting: the transport sleeps on it, and simulators date by it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from moorage.transport.wire import Clock


class FakeClock:
    """Starts now and moves only when somebody sleeps on it. `slept` are the waits, in seconds."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._start = time.time()
        self._passed = 0.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._passed += seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._start + self._passed, UTC)

    def ago(self, age: timedelta) -> datetime:
        return self.now() - age

    def for_transport(self) -> Clock:
        """The same time as the session wants it; its backoff is always the longest possible."""
        return Clock(
            now=lambda: self._start + self._passed, monotonic=lambda: self._passed, sleep=self.sleep, jitter=lambda: 0.999
        )
