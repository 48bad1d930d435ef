"""What a real part is, and how a command run on its behalf fails."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class NotBrought(Exception):
    """A part could not be brought; the message is the one line that people read."""


@dataclass(frozen=True)
class Part:
    """One real part: how to see whether it is there, and how to bring it."""

    name: str
    without_it: str
    """What cannot run when it is missing, in words that follow "cannot run:"."""
    there: Callable[[], str]
    """A short description of what was found, "" when it is missing. Must be quick (well under a second)
    and must need no privileges, since it is also asked on a developer's own machine."""
    bring: Callable[[], None]
    """Bring it, as root on Debian; raises NotBrought."""


def run(argv: list[str | Path], *, timeout: float, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return its stdout; on failure raise NotBrought with its last lines.

    timeout is in seconds: a registry that does not answer must not hold up CI until its own limit.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=env,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise NotBrought(f"{words[0]} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise NotBrought(f"`{' '.join(words[:3])} ...` did not end within {timeout:.0f} s") from None
    if done.returncode != 0:
        last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise NotBrought(f"`{' '.join(words[:3])} ...` exited {done.returncode}: {last}")
    return done.stdout


def first_line(argv: list[str | Path], *, timeout: float = 10) -> str:
    """The first line a command prints, or "" when it cannot be run: for asking a program its version."""
    try:
        lines = run(argv, timeout=timeout).strip().splitlines()
    except NotBrought:
        return ""
    return lines[0].strip() if lines else ""
