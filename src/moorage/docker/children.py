"""Docker commands as child processes: argument lists, a group of their own, and none that outlives us."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from moorage.docker.termination import at_end

_GRACE: Final = 5.0  # seconds between asking a command to end and ending it
_STARTING: Final = 2.0  # seconds that a command may take to be a process
_TAIL: Final = 20  # lines of a long output that are kept for the error message


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended. `exit_code` is negative for a signal, as in subprocess."""

    exit_code: int
    output: str
    errors: str
    timed_out: bool = False


def capture(argv: Sequence[str], environment: Mapping[str, str], *, stdin: bytes = b"", timeout: float | None = None) -> Finished:
    """Run a command to its end and return what it wrote. `timeout` in seconds; after it the command is ended."""
    with _child(argv, environment, stderr=subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(stdin, timeout)
            timed_out = False
        except subprocess.TimeoutExpired:
            _end(process)
            output, errors = process.communicate()
            timed_out = True
    return Finished(process.returncode, _text(output), _text(errors), timed_out)


def stream(
    argv: Sequence[str],
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    *,
    timeout: float | None = None,
) -> Finished:
    """Run a command and hand over each line as it comes, of both outputs; `errors` of the result has the last ones."""
    tail: deque[str] = deque(maxlen=_TAIL)
    with _child(argv, environment, stderr=subprocess.STDOUT) as process, _ended_after(timeout, process) as timed_out:
        _opened(process.stdin).close()
        for raw in _opened(process.stdout):
            line = _text(raw).rstrip()
            tail.append(line)
            on_line(line)
        process.wait()
    return Finished(process.returncode, "", "\n".join(tail), timed_out.is_set())


def copy_output(
    argv: Sequence[str], environment: Mapping[str, str], target: IO[bytes], *, timeout: float | None = None
) -> Finished:
    """Run a command and write its output, as it comes, to an open file."""
    with _child(argv, environment, stderr=subprocess.PIPE) as process, _ended_after(timeout, process) as timed_out:
        _opened(process.stdin).close()
        # docker writes at most a few lines of errors: they fit into the pipe until the output has been read.
        shutil.copyfileobj(_opened(process.stdout), target, 1024 * 1024)
        errors = _opened(process.stderr).read()
        process.wait()
    return Finished(process.returncode, "", _text(errors), timed_out.is_set())


@contextmanager
def _child(argv: Sequence[str], environment: Mapping[str, str], *, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    """A running command that is ended with the block, or with us.

    In a session of its own: docker's plugins (buildx) and helpers are its children, and only a signal to the group reaches all.
    """
    start = _Start()
    with at_end(start.end), start.begin(argv, environment, stderr) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _end(process)


class _Start:
    """A command from before it is started: one that a thread is just starting when we are told to end has to end, too."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._begun = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, argv: Sequence[str], environment: Mapping[str, str], stderr: int) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                list(argv), env=dict(environment), stdin=pipe, stdout=pipe, stderr=stderr, start_new_session=True
            )
        finally:
            self._begun.set()
        return self._process

    def end(self) -> None:
        if threading.get_ident() != self._thread:  # the thread that starts it cannot get on while it waits for itself
            self._begun.wait(_STARTING)
        if self._process is not None:
            _signal_group(self._process, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # An ended process that was not waited for still holds its number, one that was waited for does not: then it is left alone.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


@contextmanager
def _ended_after(timeout: float | None, process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    timed_out = threading.Event()

    def end() -> None:
        timed_out.set()
        _end(process)

    timer = threading.Timer(timeout, end) if timeout is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield timed_out
    finally:
        if timer is not None:
            timer.cancel()


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the command was started without this pipe")
    return pipe


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")
