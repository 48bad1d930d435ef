"""What "an option" is: declared once, shown as a flag, an environment variable, an action input and a GitLab input.

Everything that people see of an option is derived here from its name, so that no surface can drift:
`images-repo` is `--images-repo`, `MOORAGE_IMAGES_REPO`, `INPUT_IMAGES-REPO` and the component input `images-repo`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from moorage.errors import ConfigurationError

T = TypeVar("T")


class Command(StrEnum):
    """The commands, as typed."""

    NAMES = "names"
    SLUG = "slug"
    PUBLISH = "publish"
    CLEANUP = "cleanup"
    PURGE = "purge"
    RESTORE = "restore"
    EXPLAIN = "explain"
    DOCTOR = "doctor"
    LOGIN = "login"
    LOGOUT = "logout"
    CI_ENV = "ci-env"
    MANAGED_IMAGES = "managed-images"
    REPORT = "report"


class Shape(StrEnum):
    """How many values an option takes, and how a surface has to ask for them."""

    FLAG = "flag"  # true/false; `--name` alone means true, `--name=false` is understood
    ONE = "one"
    MANY = "many"  # repeatable flag; newline or comma separated everywhere else


EVERY_COMMAND: frozenset[Command] = frozenset(Command)


def items(value: str) -> list[str]:
    """The items of a list in an input, a variable or the config file: between commas and line breaks, trimmed."""
    return [item for line in value.splitlines() for part in line.split(",") if (item := part.strip())]


def lines(value: str) -> list[str]:
    """The items of a list whose items may hold commas themselves: one a line, trimmed."""
    return [item for line in value.splitlines() if (item := line.strip())]


_PATTERN = re.compile(r"\s*(!?/.*?/(?=\s*(?:,|$))|[^,]*)\s*(?:,|$)", re.ASCII)


def patterns(value: str) -> list[str]:
    """As `items`, but a comma inside `/a{1,3}/` belongs to the regular expression."""
    return [item for line in value.splitlines() for match in _PATTERN.finditer(line) if (item := match[1].strip())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(Generic[T]):
    """One row of the option table.

    `parse` turns one piece of text into a value and raises ValueError with a sentence that reads after
    "bad --name 'text': ". A MANY option holds a tuple of parsed values.
    `variables` are foreign environment variables that are honoured after the config file (e.g. DOCKER_CONFIG).
    `split` is how a MANY option reads a list in one text; a repeated flag is never split.
    `other_words` are what other tools call it; for "did you mean" only.
    """

    name: str
    help: str
    parse: Callable[[str], T] = field(compare=False)
    shape: Shape = Shape.ONE
    metavar: str = "VALUE"
    default: T | tuple[T, ...] | None = None
    default_text: str = ""  # how the default reads where it is computed ("2h", "from $CI_REGISTRY")
    choices: tuple[str, ...] = ()
    secret: bool = False
    commands: frozenset[Command] = EVERY_COMMAND
    variables: tuple[str, ...] = ()
    split: Callable[[str], Sequence[str]] = field(default=items, compare=False)
    other_words: tuple[str, ...] = ()
    theme: str = "General"

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        return "MOORAGE_" + self.name.upper().replace("-", "_")

    @property
    def input_variable(self) -> str:
        """The environment variable in which GitHub's runner hands over the action input; its hyphens stay."""
        return "INPUT_" + self.name.upper()

    def read(self, text: str, *, source: str | None = None) -> T:
        """Parse one value. Raises ConfigurationError, which names `source` and never echoes a secret."""
        try:
            return self.parse(text)
        except ValueError as error:
            shown = "***" if self.secret else repr(text)
            raise ConfigurationError(f"bad {source or self.flag} {shown}: {error}") from None


def text(value: str) -> str:
    return value


def whole_number(minimum: int | None = None, maximum: int | None = None) -> Callable[[str], int]:
    """A parser for whole numbers within bounds, both inclusive. It raises ValueError with a sentence, as every parser does."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip(), re.ASCII):
            raise ValueError("a whole number is needed")
        number = int(value)
        if minimum is not None and number < minimum:
            raise ValueError(f"{minimum} or more is needed")
        if maximum is not None and number > maximum:
            raise ValueError(f"{maximum} or less is needed")
        return number

    return parse


def boolean(value: str) -> bool:
    match value.strip().lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError("true or false is needed (also 1/0, yes/no)")


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)} is needed")
        return value

    return parse


_UNITS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
    "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0,
}  # fmt: skip
_PIECE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-zµ]+)\s*", re.ASCII | re.IGNORECASE)


def duration(value: str) -> timedelta:
    """`2h`, `7d`, `2w 3d`, `168h`, `1h30m`, `2 weeks`. Raises ValueError for a number without a unit, and a negative one."""
    if value.strip() == "0":
        return timedelta()
    seconds, position = 0.0, 0
    while position < len(value):
        piece = _PIECE.match(value, position)
        unit = piece and _UNITS.get(piece[2].lower(), _UNITS.get(piece[2].lower().rstrip("s")))
        if not piece or unit is None:
            raise ValueError("a duration such as 2h, 7d, 2w 3d or 1h30m is needed, each number with its unit")
        seconds += float(piece[1]) * unit
        position = piece.end()
    if not value.strip():
        raise ValueError("a duration such as 2h, 7d or 2w 3d is needed")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("this duration is longer than any calendar") from None
