"""Being told to end: the work unwinds, so that everything temporary goes, and the exit code says which signal it was."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PATIENCE: Final = 5.0  # seconds for unwinding; docker stop waits 10, GitHub 7.5 before it insists
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Ended(BaseException):
    """A signal asked for the end. Not an Exception: nothing that handles errors may take it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Raise Ended in the main thread on SIGTERM and SIGINT; end the process if unwinding takes too long.

    A handler is needed even where the default would do: as the first process of a container, signals without one are ignored.
    Outside the main thread, where Python allows no handlers, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if previous[number] is not signal.SIG_IGN:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature of handlers
    # Threads may be in the middle of a request that nothing interrupts; leaving waits for them no longer than this.
    timer = threading.Timer(_PATIENCE, os._exit, (128 + number,))
    timer.daemon = True
    timer.start()
    raise Ended(number)
