"""GitHub's two ways of being told something: workflow commands in the log, and files whose names are in variables.

Formats: docs.github.com "Workflow commands for GitHub Actions", seen 2026-11. The runner reads commands from stdout and stderr
of a container action alike.
"""

import secrets
from pathlib import Path

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def command(name: str, text: str = "", **properties: str) -> str:
    """One workflow command, everything in it escaped."""
    listed = ",".join(f"{key}={_escape(value, _PROPERTY)}" for key, value in properties.items() if value)
    return f"::{name}{' ' if listed else ''}{listed}::{_escape(text, _DATA)}"


def append_value(file: Path, name: str, value: str) -> None:
    """Add NAME=VALUE to one of GitHub's files. The value stands between two lines that cannot be in it.

    Raises ValueError for a name that would be read as something else.
    """
    if not name or any(character in name for character in "=<\r\n"):
        raise ValueError(f"{name!r} cannot name a value")
    delimiter = f"moorage_{secrets.token_hex(16)}"
    while delimiter in value:
        delimiter = f"moorage_{secrets.token_hex(16)}"
    with file.open("a", encoding="utf-8", newline="") as stream:
        stream.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def _escape(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
