"""How an option gets its value: the first source that says something wins, and the winner is remembered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from moorage.auth.secret import MASK
from moorage.option import Option, Shape
from moorage.settings.problems import Problems
from moorage.settings.sources import Given, Source

T = TypeVar("T")

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Found:
    """A parsed value and where it came from; a MANY option's value is a tuple."""

    value: Any
    origin: str
    texts: tuple[str, ...] = ()


class Resolved:
    """The values of a command's options. What was not given has its default, and says so."""

    def __init__(self, found: Mapping[str, Found]) -> None:
        self._found = dict(found)

    def value(self, option: Option[T]) -> T | None:
        """The value of an option that takes one; None where nothing gave one and there is no default.

        An option that this command does not take has its default: stories share settings that only some let people choose.
        """
        found = self._found.get(option.name)
        value: T | None = found.value if found else option.default  # type: ignore[assignment] # a tuple only where it takes many
        return value

    def known(self, option: Option[T]) -> T:
        """The value of an option that has a default. Raises LookupError, a mistake in the code, for one that has none."""
        value = self.value(option)
        if value is None:
            raise LookupError(f"{option.flag} has no default")
        return value

    def flag(self, option: Option[bool]) -> bool:
        return self.value(option) is True

    def values(self, option: Option[T]) -> tuple[T, ...]:
        """The values of an option that takes many; empty where nothing gave one."""
        found = self._found.get(option.name)
        values: tuple[T, ...] = found.value if found and found.value is not None else ()
        return values

    def is_given(self, option: Option[Any]) -> bool:
        found = self._found.get(option.name)
        return found is not None and found.origin != DEFAULT

    def origin(self, option: Option[Any]) -> str:
        """How messages name the place that the value came from: "--images-repo", "$MOORAGE_IMAGES_REPO", "default"."""
        found = self._found.get(option.name)
        return found.origin if found else DEFAULT

    def written(self, option: Option[Any]) -> str:
        """An option as messages call it: by its flag, with the place that it was given in where that is another."""
        origin = self.origin(option)
        return option.flag if origin == option.flag else f"{option.flag} (from {origin})"

    def texts(self, option: Option[Any]) -> tuple[str, ...]:
        """What was written, for messages that repeat it."""
        found = self._found.get(option.name)
        return found.texts if found else ()

    def told(self, options: Iterable[Option[Any]]) -> Iterator[str]:
        """For the debug log: every option that was given, its value (secrets hidden) and its origin."""
        for option in options:
            if self.is_given(option):
                value = MASK if option.secret else _readable(self._found[option.name].value)
                yield f"{option.name} = {value} (from {self.origin(option)})"


def resolve(options: Iterable[Option[Any]], sources: Sequence[Source], problems: Problems) -> Resolved:
    """Ask the sources in their order for each option. Bad values are added to `problems`, and count as not given."""
    return Resolved({option.name: _find(option, sources, problems) for option in options})


def _find(option: Option[Any], sources: Sequence[Source], problems: Problems) -> Found:
    for source in sources:
        given = source.find(option)
        if given is not None:
            return _parsed(option, given, problems)
    return Found(option.default, DEFAULT)


def _parsed(option: Option[Any], given: Given, problems: Problems) -> Found:
    values = []
    for text in given.texts:
        with problems.gather():
            values.append(option.read(text, source=given.origin))
    if option.shape is Shape.MANY:
        return Found(tuple(values), given.origin, given.texts)
    return Found(values[0], given.origin, given.texts) if values else Found(option.default, DEFAULT)


def _readable(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
