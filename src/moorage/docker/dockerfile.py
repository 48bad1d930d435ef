"""What a Dockerfile says about other images, without building it.

The grammar is that of docs.docker.com "Dockerfile reference" (seen 2026-11).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

SCRATCH: Final = "scratch"
_DIRECTIVE: Final = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC: Final = re.compile(r"<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_.-]*)\2")
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))")
_FLAGS: Final = re.compile(r"\S+(?:\s+--\S+)+")  # the word, and the flags before anything else
_FROM_FLAG: Final = re.compile(r"(?P<before>\s--from=|\s--mount=(?:\S*?,)?from=)(?P<name>[^\s,]+)")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its lines from `first` to before `end`, from 0, and its text without continuations."""

    word: str
    text: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class _From:
    flags: tuple[str, ...]
    image: str
    stage: str


def base_images(text: str, build_args: Mapping[str, str]) -> tuple[str, ...]:
    """Every image that a build may start from or copy out of, each once, in their order; stages and `scratch` are none.

    Variables are filled as the builder does it; one that has no value here (such as TARGETARCH) stays as it is written.
    """
    found: dict[str, None] = {}

    def note(image: str) -> str:
        found[image] = None
        return image

    _visit(text, build_args, note)
    return tuple(found)


def with_bases(text: str, build_args: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The same Dockerfile, of as many lines, with other names for some images."""
    lines = text.split("\n")
    for instruction, new in _visit(text, build_args, lambda image: names.get(image, image)):
        count = instruction.end - instruction.first
        lines[instruction.first : instruction.end] = [new, *[""] * (count - 1)]
    return "\n".join(lines)


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions in their order, comments and the bodies of here-documents left out."""
    lines = text.split("\n")
    escape = _escape(lines)
    number = 0
    while number < len(lines):
        first = number
        parts: list[str] = []
        while number < len(lines):
            line = lines[number].rstrip("\r")
            number += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                first = first if parts else number
                continue
            parts.append(line.rstrip().removesuffix(escape) if line.rstrip().endswith(escape) else line)
            if not line.rstrip().endswith(escape):
                break
        whole = " ".join(part.strip() for part in parts).strip()
        word = whole.partition(" ")[0].upper()
        if not word:
            continue
        yield Instruction(word, whole, first, number)
        if word in {"RUN", "COPY", "ADD"}:
            number = _after_heredocs(lines, number, whole)


def _escape(lines: list[str]) -> str:
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip())
        if not directive:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


def _after_heredocs(lines: list[str], number: int, instruction: str) -> int:
    for dash, _, end in _HEREDOC.findall(instruction):
        while number < len(lines):
            line = lines[number].rstrip("\r")
            number += 1
            if (line.lstrip("\t") if dash else line) == end:
                break
    return number


def _visit(text: str, build_args: Mapping[str, str], rename: Callable[[str], str]) -> list[tuple[Instruction, str]]:
    """Call `rename` with every image; returns the instructions whose images got another name, with their new text."""
    arguments: dict[str, str] = {}
    stages: set[str] = set()
    changed: list[tuple[Instruction, str]] = []
    in_stage = False
    for instruction in instructions(text):
        if instruction.word == "ARG" and not in_stage:
            arguments |= _arguments(instruction.text, arguments, build_args)
        elif instruction.word == "FROM":
            in_stage = True
            start = _parsed(instruction.text)
            image = _filled(start.image, arguments)
            if image.lower() not in stages and image != SCRATCH:
                new = rename(image)
                if new != image:
                    stage = ["AS", start.stage] if start.stage else []
                    changed.append((instruction, " ".join(["FROM", *start.flags, new, *stage])))
            stages |= {start.stage.lower()} if start.stage else set()
        elif instruction.word in {"COPY", "ADD", "RUN"}:
            new = _with_sources(instruction.text, stages, rename)
            if new != instruction.text:
                changed.append((instruction, new))
    return changed


def _with_sources(text: str, stages: set[str], rename: Callable[[str], str]) -> str:
    """An instruction whose flags (`--from=`, `--mount=…,from=`) name other images or stages to copy from."""

    def renamed(found: re.Match[str]) -> str:
        name = found["name"]
        own = name.lower() in stages or name.isdigit() or "$" in name
        return found["before"] + (name if own else rename(name))

    flags = _FLAGS.match(text)
    return _FROM_FLAG.sub(renamed, flags[0]) + text[flags.end() :] if flags else text


def _parsed(text: str) -> _From:
    words = text.split()[1:]
    flags = tuple(word for word in words if word.startswith("--"))
    rest = [word for word in words if not word.startswith("--")]
    stage = rest[2] if len(rest) == 3 and rest[1].upper() == "AS" else ""
    return _From(flags, rest[0].strip("\"'") if rest else "", stage)


def _arguments(text: str, known: Mapping[str, str], build_args: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in text.split()[1:]:
        name, separator, default = word.partition("=")
        if name in build_args:
            found[name] = build_args[name]
        elif separator:
            found[name] = _filled(default.strip("\"'"), {**known, **found})
    return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, operator, word = found[1] or found[4], found[2] or "", found[3] or ""
        given = values.get(name)
        if operator.endswith("-"):
            return given if given or (given is not None and operator == "-") else word
        if operator.endswith("+"):
            return word if given or (given is not None and operator == "+") else ""
        return given if given is not None else found[0]

    return _VARIABLE.sub(value, text)
