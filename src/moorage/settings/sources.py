"""Where the text of an option can come from. Each source gives what its user wrote, and how to name the place in a message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from moorage.option import Option, Shape


@dataclass(frozen=True, slots=True)
class Given:
    """What one source says: one text, or several for an option that takes many. `origin` reads after "bad" and "from"."""

    texts: tuple[str, ...]
    origin: str


class Source(Protocol):
    def find(self, option: Option[Any]) -> Given | None:
        """None where this source says nothing; an empty text says nothing."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The command line. A repeatable flag gives its values as they stand, the empty ones too: they are mistakes to tell."""

    values: Mapping[str, Sequence[str]]

    def find(self, option: Option[Any]) -> Given | None:
        texts = tuple(self.values.get(option.name, ()))
        if option.shape is not Shape.MANY:
            texts = tuple(text for text in texts if text)[-1:]
        return Given(texts, option.flag) if texts else None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Action inputs as GitHub's runner hands them over, and component inputs, whose variables cannot hold hyphens."""

    environ: Mapping[str, str] = field(repr=False)

    def find(self, option: Option[Any]) -> Given | None:
        for name in (option.input_variable, option.input_variable.replace("-", "_")):
            given = _split(option, self.environ.get(name, ""), f"input {option.name}")
            if given:
                return given
        return None


@dataclass(frozen=True, slots=True)
class Variables:
    """`MOORAGE_…`."""

    environ: Mapping[str, str] = field(repr=False)

    def find(self, option: Option[Any]) -> Given | None:
        return _split(option, self.environ.get(option.variable, ""), f"${option.variable}")


@dataclass(frozen=True, slots=True)
class Listed:
    """Options that something else has found already, by name: the config file, the CI system."""

    values: Mapping[str, Given]

    def find(self, option: Option[Any]) -> Given | None:
        given = self.values.get(option.name)
        return given if given and any(given.texts) else None


@dataclass(frozen=True, slots=True)
class ForeignVariables:
    """Variables of other tools that an option declares (DOCKER_CONFIG, GITHUB_API_URL)."""

    environ: Mapping[str, str] = field(repr=False)

    def find(self, option: Option[Any]) -> Given | None:
        for name in option.variables:
            given = _split(option, self.environ.get(name, ""), f"${name}")
            if given:
                return given
        return None


def split(option: Option[Any], text: str) -> tuple[str, ...]:
    """The texts in one value of an input, a variable or the config file; none in an empty one."""
    if option.shape is Shape.MANY:
        return tuple(option.split(text))
    # A secret is taken as it stands, but for the line break that a file or a shell leaves at its end.
    text = text.rstrip("\r\n") if option.secret else text.strip()
    return (text,) if text else ()


def _split(option: Option[Any], text: str, origin: str) -> Given | None:
    texts = split(option, text)
    return Given(texts, origin) if texts else None
