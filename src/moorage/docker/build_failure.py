"""Finding the line of a Dockerfile at which a build failed, in what the builder said. Wording as seen 2026-11."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from moorage.docker.dockerfile import instructions

_MARKED: Final = re.compile(r"\s*([0-9]+) \| >>> ")  # BuildKit since 0.10 shows the place itself
_STEP: Final = re.compile(r" > \[[^\]]*\] (.*?):?\s*")  # BuildKit before: the step, as the Dockerfile has it
_CLASSIC: Final = re.compile(r"Step [0-9]+/[0-9]+ : (.*)")  # the classic builder: the last step that it began


def failed_line(said: Sequence[str], dockerfile: str) -> int | None:
    """The line, from 1; None where the builder does not say, as for a build that did not begin."""
    for line in said:
        if marked := _MARKED.match(line):
            return int(marked[1])
    lines = {_plain(one.text): one.first + 1 for one in instructions(dockerfile)}
    return next((lines[step] for step in _steps(said) if step in lines), None)


def _steps(said: Sequence[str]) -> Iterator[str]:
    for pattern in (_STEP, _CLASSIC):
        for line in reversed(said):
            if found := pattern.fullmatch(line):
                yield _plain(found[1])


def _plain(text: str) -> str:
    return " ".join(text.split())
