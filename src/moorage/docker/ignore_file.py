"""Which files of a directory a build gets to see: `.dockerignore` as docker reads it (moby/patternmatcher, seen 2026-11)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Final

IGNORE_FILE: Final = ".dockerignore"


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    brings_back: bool


class IgnoreFile:
    """The patterns of one file; the last one that matches a path, or a directory above it, decides."""

    def __init__(self, text: str = "") -> None:
        self._patterns = list(_patterns(text))
        self._brings_back = any(pattern.brings_back for pattern in self._patterns)

    @classmethod
    def of(cls, context: Path, dockerfile: Path) -> "IgnoreFile":
        """The Dockerfile's own ignore file if it has one (`Dockerfile.dockerignore`), else that of the context, else none."""
        for place in (dockerfile.with_name(f"{dockerfile.name}{IGNORE_FILE}"), context / IGNORE_FILE):
            if place.is_file():
                return cls(place.read_text(encoding="utf-8-sig", errors="surrogateescape"))
        return cls()

    def excludes(self, path: str) -> bool:
        """Whether the build does not see this path, relative to the context and with slashes."""
        above = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        excluded = False
        for pattern in self._patterns:
            if pattern.brings_back == excluded and any(pattern.expression.fullmatch(one) for one in (path, *above)):
                excluded = not pattern.brings_back
        return excluded

    def prunes(self, directory: str) -> bool:
        """Whether nothing below an excluded directory can be seen, so that nobody has to look."""
        return not self._brings_back and self.excludes(directory)


def _patterns(text: str) -> Iterator[_Pattern]:
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        written = line.strip()
        brings_back = written.startswith("!")
        path = normpath(written.removeprefix("!").strip()) if written.removeprefix("!").strip() else ""
        path = path.lstrip("/")
        if path and path != ".":
            yield _Pattern(re.compile(_expression(path), re.DOTALL), brings_back)


def _expression(pattern: str) -> str:
    """`*` stays within a part of the path, `**` crosses them; `?`, classes and escapes as in Go's filepath.Match."""
    found: list[str] = []
    rest: Sequence[str] = pattern
    at = 0
    while at < len(rest):
        character = rest[at]
        at += 1
        if character == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
            found.append(".*" if at >= len(pattern) else "(?:.*/)?")
        elif character == "*":
            found.append("[^/]*")
        elif character == "?":
            found.append("[^/]")
        elif character == "\\" and at < len(pattern):
            found.append(re.escape(pattern[at]))
            at += 1
        elif character == "[" and (end := pattern.find("]", at + 1)) > 0:
            found.append(f"[{_class(pattern[at:end])}]")
            at = end + 1
        else:
            found.append(re.escape(character))
    return "".join(found)


def _class(text: str) -> str:
    """The inside of a character class, with what only Python gives a meaning there made plain."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("&&", "&\\&").replace("||", "|\\|").replace("~~", "~\\~")
