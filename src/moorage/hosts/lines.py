"""Progress in whole lines, for logs: one when a piece of work ends, and one now and then while it lasts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from moorage.auth.secret import blank

_INTERVAL: Final = 10.0  # seconds between two lines about the same work
LEVELS: Final = ("debug", "info", "warning", "error")


class Lines:
    """Writes to a stream, line by line; safe to be called from several threads. Known secrets are blanked.

    Hosts override how a warning and a group look.
    """

    def __init__(self, stream: TextIO, level: str = "info", ticks: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._rank = LEVELS.index(level)
        self._ticks = ticks
        self._lock = threading.RLock()
        self._title = ""
        self._total: int | None = None
        self._count = 0
        self._started = self._told = ticks()

    def set_level(self, level: str) -> None:
        self._rank = LEVELS.index(level)

    def start(self, title: str, total: int | None = None) -> None:
        with self._lock:
            self._title, self._total, self._count = title, total, 0
            self._started = self._told = self._ticks()

    def advance(self, text: str = "", count: int = 1) -> None:
        with self._lock:
            self._count += count
            if self._ticks() - self._told >= _INTERVAL:
                self._told = self._ticks()
                self.say(f"{self._title}: {self._counted()}{', ' if text else ''}{text}, {self._elapsed()}")

    def note(self, text: str) -> None:
        self.say(text)

    def warn(self, text: str) -> None:
        if self._rank <= LEVELS.index("warning"):
            self.write(f"warning: {text}")

    def fault(self, text: str, file: str, line: int) -> None:
        place = f"{file}:{line}: "
        self.write(f"error: {place}{text.removeprefix(place)}")

    def done(self, text: str = "") -> None:
        with self._lock:
            if self._title:
                self.say(text or f"{self._title}: {self._counted()}, {self._elapsed()}")
            self._title = ""

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.say(title)
        yield

    def say(self, text: str) -> None:
        """A line for those who want to know how it goes."""
        if self._rank <= LEVELS.index("info"):
            self.write(text)

    def write(self, text: str) -> None:
        """A line whatever the level is."""
        self.raw(blank(text) + "\n")

    def raw(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()

    def _counted(self) -> str:
        return f"{self._count} of {self._total}" if self._total is not None else str(self._count)

    def _elapsed(self) -> str:
        seconds = self._ticks() - self._started
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
