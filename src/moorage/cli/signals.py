"""Being told to end: the work unwinds, or stops and says what it did, and the exit code says which signal it was."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Final

from moorage.commands.ending import Ending

_PATIENCE: Final = 7.0  # seconds until the end, come what may; docker stop waits 10, GitHub 7.5 before it insists
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ending_on_signals(ending: Ending) -> Iterator[None]:
    """Ask for the end on SIGTERM and SIGINT; end the process if that takes too long.

    A handler is needed even where the default would do: as the first process of a container, signals without one are ignored.
    Outside the main thread, where Python allows no handlers, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if previous[number] is not signal.SIG_IGN:
            signal.signal(number, partial(_end, ending))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(ending: Ending, number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature of handlers
    # Threads may be in the middle of a request that nothing interrupts; leaving waits for them no longer than this.
    leave_within(_PATIENCE, 128 + number)
    ending.ask(number, signal.Signals(number).name)


def leave_within(seconds: float, exit_code: int) -> None:
    """End the process after so long, whatever its threads are at."""
    timer = threading.Timer(seconds, os._exit, (exit_code,))
    timer.daemon = True
    timer.start()
