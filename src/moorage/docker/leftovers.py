"""Sweeping up what runs left behind that could not clean up themselves: ended by SIGKILL, or logged in and never out."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from moorage.docker.places import PREFIX, STATE_FILE, Kind, remove_tree, state_of

_log = logging.getLogger(__name__)

SETTLING: Final = 5.0  # seconds between making a directory and holding its lock, generously
LOGIN_LIFETIME: Final = 24 * 3600.0  # seconds; no job that logs in runs longer on GitHub or GitLab


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Mark a new configuration as that of a living run, until the block is left or the process ends in whatever way.

    flock belongs to the open file: another thread of this very process that sweeps is kept off as well (with lockf it would not
    be), and the kernel lets go of it when the process is killed.
    """
    descriptor = os.open(directory / STATE_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, f"{Kind.RUN}\n".encode())
        yield
    finally:
        os.close(descriptor)


def mark_lasting(directory: Path) -> None:
    """Mark a configuration as one that outlives its process; marking it again starts its lifetime anew."""
    state = directory / STATE_FILE
    state.touch(mode=0o600)
    state.write_text(f"{Kind.LOGIN}\n", encoding="utf-8")


def sweep(parent: Path, *, now: float | None = None) -> list[Path]:
    """Remove the abandoned configurations in a directory of ours; returns them. `now` is in seconds since the epoch."""
    now = time.time() if now is None else now
    with os.scandir(parent) as entries:
        directories = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX) and _is_directory(entry)]
    removed = [directory for directory in directories if _abandoned(directory, now) and _remove(directory)]
    for directory in removed:
        _log.info("removed %s, left behind by an earlier run", directory)
    return removed


def _is_directory(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _abandoned(directory: Path, now: float) -> bool:
    state = directory / STATE_FILE
    try:
        age = now - (state if state.exists() else directory).lstat().st_mtime
    except FileNotFoundError:  # its owner was faster
        return False
    return age > (LOGIN_LIFETIME if state_of(directory) is Kind.LOGIN else SETTLING)


def _remove(directory: Path) -> bool:
    """Remove a directory unless its run lives; the lock is kept meanwhile, so that two sweepers don't meet."""
    if not (directory / STATE_FILE).exists():
        return remove_tree(directory)
    with suppress(OSError):
        descriptor = os.open(directory / STATE_FILE, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return remove_tree(directory)
        finally:
            os.close(descriptor)
    return False
