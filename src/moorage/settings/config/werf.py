"""The `project:` and `cleanup:` parts of a werf.yaml, so that a project that moves over keeps its policies.

The rest of the file is not looked at, and its Go templates are not rendered: those two parts have to be readable without them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moorage.errors import ConfigurationError

_PART: Final = re.compile(r"(?:project|cleanup)\s*:", re.ASCII)
_INSIDE: Final = re.compile(r"\s|#|$", re.ASCII)  # what the following lines of a part begin with
_ACTION: Final = re.compile(r"\{\{-?\s*(\w+)", re.ASCII)
_OPENING: Final = frozenset({"if", "range", "with", "define", "block"})
_REMEDY: Final = "Write these parts without templates, or move them to moorage.yaml."


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    within: int  # how many template blocks are open


def own_parts(text: str, file: str) -> str:
    """The same text with every line blanked that belongs to neither part, so that line numbers stay true.

    Raises ConfigurationError where one of the parts, or something around it, is a template.
    """
    kept: dict[int, str] = {}
    problems: list[str] = []
    inside = False
    for line in _lines(text):
        inside = bool(_PART.match(line.text)) or (inside and bool(_INSIDE.match(line.text)))
        if not inside:
            continue
        if "{{" in line.text and not line.text.lstrip().startswith("#"):
            problems.append(f"{file}:{line.number}: Go templates are not rendered here")
        elif line.within and line.text.strip():
            problems.append(f"{file}:{line.number}: this stands inside of a Go template, which is not rendered")
        kept[line.number] = line.text
    if problems:
        raise ConfigurationError(*problems, remedy=_REMEDY)
    return "\n".join(kept.get(number, "") for number in range(1, text.count("\n") + 2))


def _lines(text: str) -> Iterator[_Line]:
    open_blocks = 0
    for number, line in enumerate(text.split("\n"), start=1):
        words = [match[1] for match in _ACTION.finditer(line)]
        ended = words.count("end")
        yield _Line(number, line.rstrip("\r"), open_blocks)
        open_blocks = max(open_blocks + sum(1 for word in words if word in _OPENING) - ended, 0)
