"""A person at a terminal, or a log that nobody in particular keeps."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TextIO

from moorage.auth.secret import blank
from moorage.errors import Failure
from moorage.hosts.lines import Lines

_REDRAWS: Final = 0.1  # seconds between two drawings of the moving line
_CLEAR: Final = "\r\x1b[2K"


class MovingLine(Lines):
    """Progress as one line that is rewritten; whatever else is said goes above it."""

    def __init__(
        self, stream: TextIO, level: str = "info", ticks: Callable[[], float] = time.monotonic, columns: int | None = None
    ) -> None:
        super().__init__(stream, level, ticks)
        self._columns = columns or shutil.get_terminal_size().columns
        self._drawn = False
        self._redrawn = float("-inf")

    def advance(self, text: str = "", count: int = 1) -> None:
        with self._lock:
            self._count += count
            if self._rank > 1 or self._ticks() - self._redrawn < _REDRAWS:
                return
            self._redrawn = self._ticks()
            self._drawn = True
            shown = blank(f"{self._title}: {self._counted()}  {text}")
            self._stream.write(_CLEAR + shown[: self._columns - 1])
            self._stream.flush()

    def raw(self, text: str) -> None:
        with self._lock:
            if self._drawn:
                self._stream.write(_CLEAR)
                self._drawn = False
            super().raw(text)


class TerminalHost:
    """Has no outputs, no summary and no later steps."""

    def __init__(self, environ: Mapping[str, str], stream: TextIO, level: str) -> None:
        moving = stream.isatty() and environ.get("TERM") != "dumb"
        self.progress = MovingLine(stream, level) if moving else Lines(stream, level)

    def set_level(self, level: str) -> None:
        self.progress.set_level(level)

    def outputs(self, values: Mapping[str, str]) -> None:
        """Nobody to tell."""

    def summary(self, markdown: str) -> None:
        """Nowhere to show."""

    def summary_limit(self) -> int:
        return 0

    def fail(self, title: str, failure: Failure) -> None:
        say_failure(self.progress, title, failure)

    def export(self, name: str, value: str) -> bool:  # noqa: ARG002 -- no later steps
        return False

    def save_state(self, name: str, value: str) -> None:
        """No later steps."""

    def outside(self, path: Path) -> Path:
        return path

    def shared_directory(self) -> Path | None:
        return None


def say_failure(lines: Lines, title: str, failure: Failure) -> None:
    """What, with which thing, what to do next; several problems one a line."""
    problems = failure.problems
    if len(problems) == 1:
        lines.write(f"{title}: {problems[0]}")
    else:
        lines.write(f"{title}: {failure.message if failure.message not in '; '.join(problems) else f'{len(problems)} problems'}")
        for problem in problems:
            lines.write(f"  - {problem}")
    if failure.remedy:
        lines.write(f"  {failure.remedy}")
