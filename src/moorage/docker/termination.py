"""What has to happen before this process ends, whichever way it ends.

A `with` block alone is not enough: SIGTERM (a cancelled CI job) and SIGHUP end Python without unwinding. Actions registered here
run when their block is left, on SIGTERM, SIGINT and SIGHUP, and at interpreter exit. Only SIGKILL escapes; what it leaves behind
is swept by the next run (`leftovers`).
"""

import atexit
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_Handler = Callable[[int, FrameType | None], object]


@dataclass(frozen=True, slots=True)
class _Action:
    act: Callable[[], object]
    process: int

    def run(self) -> None:
        """Act, except in a forked child: it inherits handlers and blocks, but what they would remove belongs to its parent."""
        if self.process == os.getpid():
            self.act()


# Dictionaries without a lock: a handler runs between any two steps of the main thread and would wait for its own lock forever.
_actions: dict[int, _Action] = {}
_keys = itertools.count()
_previous: dict[int, _Handler | int] = {}


@contextmanager
def at_end(action: Callable[[], object]) -> Iterator[None]:
    """Run `action` when the block is left or the process ends before that; it may run more than once and must not raise.

    Outside the main thread Python allows no signal handlers: there, the ones of an enclosing `at_end` of the main thread do the
    work, and without one only the end of the block and of the interpreter count.
    """
    key = next(_keys)
    with _signals_handled():
        _actions[key] = _Action(action, os.getpid())
        try:
            yield
        finally:
            _actions[key].run()
            del _actions[key]


@contextmanager
def _signals_handled() -> Iterator[None]:
    ours = list(_install()) if threading.current_thread() is threading.main_thread() else []
    try:
        yield
    finally:
        for number in ours:
            # Somebody who put a handler over ours chains to it: then it stays, and passes on to `_previous`.
            if signal.getsignal(number) is _on_signal:
                signal.signal(number, _previous[number])


def _install() -> Iterator[int]:
    for number in _SIGNALS:
        current = signal.getsignal(number)
        # Ignored signals stay ignored (nohup, background jobs); None is a handler that was not installed from Python.
        if current is None or current in {_on_signal, signal.SIG_IGN}:
            continue
        _previous[number] = current
        signal.signal(number, _on_signal)
        yield number


def _on_signal(number: int, frame: FrameType | None) -> None:
    _run_all()
    previous = _previous.get(number, signal.SIG_DFL)
    if callable(previous):
        previous(number, frame)
        return
    # Dying of the signal itself, not of an exit code, is what the shell and the CI runner look at.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _run_all() -> None:
    """Newest first: docker commands are ended before the configuration that they use is removed."""
    for _, action in sorted(_actions.items(), reverse=True):
        action.run()


atexit.register(_run_all)
