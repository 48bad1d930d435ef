"""Taking a command line apart by the option table.

Not argparse: it stops at the first mistake, guesses abbreviations, knows no `--flag=false`, and does not tell an option that was
not given from one that was given its default, which the cascade has to know.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from moorage.option import Command, Shape
from moorage.settings.problems import Problems
from moorage.settings.table import BY_NAME
from moorage.settings.unknown import meant_by, unknown_option


@dataclass(slots=True)
class Arguments:
    """What stood on the command line: words, and the texts of options by their names."""

    words: list[str] = field(default_factory=list)
    flags: dict[str, list[str]] = field(default_factory=dict)
    help: bool = False
    version: bool = False


def take_apart(argv: Sequence[str], problems: Problems) -> Arguments:
    """Options may stand anywhere, before the command too; after `--` everything is a word."""
    found = Arguments()
    rest = deque(argv)
    while rest:
        word = rest.popleft()
        match word:
            case "--":
                found.words += rest
                rest.clear()
            case "--help" | "-h":
                found.help = True
            case "--version":
                found.version = True
            case _ if word.startswith("--"):
                _take_option(word, rest, found, problems)
            case _ if word.startswith("-") and word != "-":
                problems.add(f"unknown option {word}: options have two dashes; a word that starts with a dash comes after --")
            case _:
                found.words.append(word)
    return found


def check_flags(command: Command, found: Arguments, problems: Problems) -> None:
    """Tell options that exist and mean nothing to this command, and those that contradict themselves."""
    for name, texts in found.flags.items():
        option = BY_NAME[name]
        if command not in option.commands:
            problems.add(f"{option.flag} means nothing to {command}; it belongs to {', '.join(sorted(option.commands))}")
        different = list(dict.fromkeys(text for text in texts if text))
        if option.shape is not Shape.MANY and len(different) > 1:
            values = "different values" if option.secret else " and ".join(map(repr, different))
            problems.add(f"{option.flag} takes one value and is given {values}")


def _take_option(word: str, rest: deque[str], found: Arguments, problems: Problems) -> None:
    name, equals, text = word.removeprefix("--").partition("=")
    option = BY_NAME.get(name)
    if option is None:
        problems.add(unknown_option(f"option --{name}", name))
        meant = meant_by(name)
        # Its value would be taken for a word, and told as a second mistake.
        if not equals and meant and BY_NAME[meant].shape is not Shape.FLAG and rest and not rest[0].startswith("-"):
            rest.popleft()
        return
    if option.shape is Shape.FLAG:
        text = text if equals else "true"
    elif not equals:
        if not rest or rest[0].startswith("--"):
            problems.add(f"{option.flag} needs a value: {option.flag} {option.metavar}")
            return
        text = rest.popleft()
    found.flags.setdefault(name, []).append(text)
