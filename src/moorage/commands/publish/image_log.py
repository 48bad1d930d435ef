"""The log lines of one image, kept together although several images are under way at once."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from moorage.commands.world import Progress

_LAST: Final = 200  # lines, enough for what a builder says about its failure
_turn = threading.Lock()  # groups of a log do not nest: one image tells its lines at a time


class ImageLog:
    """Takes lines, from any thread. `at_once` passes them on as they come, which fits a run that has no other image."""

    def __init__(self, progress: Progress, *, at_once: bool) -> None:
        self._progress = progress
        self._at_once = at_once
        self._lines: list[str] = []
        self._last: deque[str] = deque(maxlen=_LAST)

    @property
    def last_lines(self) -> list[str]:
        """What was said last, shown already or not."""
        return list(self._last)

    def __call__(self, line: str) -> None:
        self._last.append(line)
        if self._at_once:
            self._progress.note(line)
        else:
            self._lines.append(line)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Lines of this block form a group; nothing is shown of a group without lines that come later than its work."""
        if self._at_once:
            with self._progress.group(title):
                yield
            return
        try:
            yield
        finally:
            lines, self._lines = self._lines, []
            if lines:
                with _turn, self._progress.group(title):
                    for line in lines:
                        self._progress.note(line)
