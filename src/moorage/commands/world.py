"""What a story needs from outside that is neither a setting nor a registry: the time, the environment, and someone to tell."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from moorage.commands.ending import Ending


class Progress(Protocol):
    """Told how long work goes on; may be called from several threads."""

    def start(self, title: str, total: int | None = None) -> None: ...

    def advance(self, text: str = "", count: int = 1) -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def fault(self, text: str, file: str, line: int) -> None:
        """Something is wrong at this line of a file of the user's; shown there, where the host can."""

    def done(self, text: str = "") -> None: ...

    def group(self, title: str) -> AbstractContextManager[None]:
        """Lines that belong together: a log group or section where the host has such."""


class Silence:
    """Tells nobody: for libraries, tests and `--log-level error`."""

    def start(self, title: str, total: int | None = None) -> None: ...

    def advance(self, text: str = "", count: int = 1) -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def fault(self, text: str, file: str, line: int) -> None: ...

    def done(self, text: str = "") -> None: ...

    def group(self, title: str) -> AbstractContextManager[None]:  # noqa: ARG002 -- the protocol's signature
        return nullcontext()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class World:
    """`ticks` are seconds of a clock that never jumps; the time budget is measured on it, from `started`."""

    progress: Progress = field(default_factory=Silence)
    now: Callable[[], datetime] = _now
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    ticks: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)
    ending: Ending = field(default_factory=Ending)

    def deadline(self, budget: timedelta | None) -> Callable[[], float | None]:
        """Seconds left of a time budget, or for telling once the end was asked for; None without either. Asked anew each time."""

        def left() -> float | None:
            ends = [] if budget is None else [self.started + budget.total_seconds() - self.ticks()]
            return min([*ends, *([self.ending.left] if self.ending.left is not None else [])], default=None)

        return left

    def spent(self, budget: timedelta | None) -> Callable[[], bool]:
        """Whether a time budget is used up, or the end was asked for: nothing new is begun then. Asked anew each time."""
        left = self.deadline(budget)
        return lambda: self.ending.asked is not None or ((seconds := left()) is not None and seconds <= 0)
