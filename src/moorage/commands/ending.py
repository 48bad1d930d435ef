"""Being asked to end: at any moment by a signal, and in the middle of deletions with the wish to tell what was deleted."""

import time
from collections.abc import Callable
from typing import Final

SECONDS_TO_TELL: Final = 4.0  # from the signal on, for whatever is still asked of a registry
_SECONDS_FOR_WORKERS: Final = 2.0  # of those, for requests that are under way
_TWICE: Final = 1.0  # seconds within which a second signal is the first one's echo: `timeout` sends both to process and group


class Ended(BaseException):
    """A signal asked for the end. Not an Exception: nothing that handles errors may take it for one."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__(name)
        self.exit_code = 128 + number


class Ending:
    """Whether this process was asked to end, and how long it may still take.

    Until `hold` is called a request unwinds the work on the spot, since there is nothing to tell. From then on it only makes
    `asked` true, whoever works stops by it, and the result is told as after any other run.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._held = False
        self._since: float | None = None
        self._ended: Ended | None = None

    def hold(self) -> None:
        """From here on there is something to tell."""
        self._held = True

    def ask(self, number: int, name: str) -> None:
        """Called by the signal handler, in the main thread. Raises Ended where the work is to unwind: also for who insists."""
        if self._since is None:
            self._since, self._ended = self._ticks(), Ended(number, name)
            if not self._held:
                raise self._ended
        elif self._ticks() - self._since > _TWICE:
            raise Ended(number, name)

    @property
    def asked(self) -> Ended | None:
        return self._ended

    @property
    def left(self) -> float | None:
        """Seconds that are left for telling; None where nobody asked for the end."""
        return None if self._since is None else self._since + SECONDS_TO_TELL - self._ticks()

    @property
    def impatient(self) -> bool:
        """Whether requests that are under way are not to be waited for any more."""
        left = self.left
        return left is not None and left < SECONDS_TO_TELL - _SECONDS_FOR_WORKERS
