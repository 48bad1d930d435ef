"""Taking typed values out of the tree. A mistake is noted and reading goes on, so that all of them are told at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TypeVar

from moorage.option import boolean, duration, whole_number
from moorage.settings.config.document import Items, Place, Scalar, Section, Value
from moorage.settings.problems import Problems, nearest

T = TypeVar("T")


class Reading:
    """One section with the keys that it may have. Keys that nobody knows are told at once, with the nearest right one."""

    def __init__(self, section: Section, keys: Iterable[str], problems: Problems) -> None:
        self.section = section
        self.problems = problems
        known = tuple(keys)
        for key, value in section.entries.items():
            if key not in known:
                meant = nearest(key, known)
                hint = f", did you mean {meant}?" if meant else f"; known here: {', '.join(known)}"
                problems.add(f"{value.place}: unknown key{hint}")

    @property
    def place(self) -> Place:
        return self.section.place

    def has(self, key: str) -> bool:
        """Whether the key is given with something in it."""
        value = self.section.entries.get(key)
        return value is not None and not (isinstance(value, Scalar) and value.is_null)

    def place_of(self, key: str) -> Place:
        value = self.section.entries.get(key)
        return value.place if value else self.place.child(key, self.place.line)

    def text(self, key: str) -> str | None:
        scalar = self._scalar(key, "a text")
        return scalar.text if scalar else None

    def number(self, key: str, minimum: int = 0, maximum: int | None = None) -> int | None:
        return self.parsed(key, whole_number(minimum, maximum), "a number")

    def boolean(self, key: str) -> bool | None:
        return self.parsed(key, boolean, "true or false")

    def duration(self, key: str) -> timedelta | None:
        return self.parsed(key, duration, "a duration")

    def parsed(self, key: str, parse: Callable[[str], T], kind: str = "a text") -> T | None:
        """The value of a key as `parse` understands it; None where it is missing or wrong, which is noted."""
        scalar = self._scalar(key, kind)
        if scalar is None:
            return None
        try:
            return parse(scalar.text)
        except ValueError as error:
            self.problems.add(f"{scalar.place} {scalar.text!r}: {error}")
            return None

    def texts(self, key: str, split: Callable[[str], Iterable[str]]) -> tuple[tuple[str, Place], ...]:
        """The texts of a list, or of one text that `split` takes apart, each with its place."""
        value = self.section.entries.get(key)
        if value is None or (isinstance(value, Scalar) and value.is_null):
            return ()
        return tuple(texts_of(value, split, self.problems))

    def section_of(self, key: str, keys: Iterable[str]) -> "Reading | None":
        if not self.has(key):
            return None
        value = self.section.entries[key]
        if not isinstance(value, Section):
            self.problems.add(f"{value.place}: a mapping is needed here, not {kind_of(value)}")
            return None
        return Reading(value, keys, self.problems)

    def sections(self, key: str, keys: Iterable[str]) -> Iterator["Reading"]:
        """The mappings in a list."""
        if not self.has(key):
            return
        value = self.section.entries[key]
        if not isinstance(value, Items):
            self.problems.add(f"{value.place}: a list is needed here, not {kind_of(value)}")
            return
        for item in value.items:
            if isinstance(item, Section):
                yield Reading(item, keys, self.problems)
            else:
                self.problems.add(f"{item.place}: a mapping is needed here, not {kind_of(item)}")

    def pairs(self, key: str) -> Mapping[str, str]:
        """A mapping of texts."""
        if not self.has(key):
            return {}
        value = self.section.entries[key]
        if not isinstance(value, Section):
            self.problems.add(f"{value.place}: a mapping is needed here, not {kind_of(value)}")
            return {}
        found = {}
        for name, entry in value.entries.items():
            if isinstance(entry, Scalar):
                found[name] = entry.text
            else:
                self.problems.add(f"{entry.place}: a text is needed here, not {kind_of(entry)}")
        return found

    def _scalar(self, key: str, kind: str) -> Scalar | None:
        if not self.has(key):
            return None
        value = self.section.entries[key]
        if isinstance(value, Scalar):
            return value
        self.problems.add(f"{value.place}: {kind} is needed here, not {kind_of(value)}")
        return None


def texts_of(value: Value, split: Callable[[str], Iterable[str]], problems: Problems) -> Iterator[tuple[str, Place]]:
    """The texts in a value that may be a list or one text."""
    if isinstance(value, Scalar):
        yield from ((text, value.place) for text in split(value.text))
    elif isinstance(value, Section):
        problems.add(f"{value.place}: a list or a text is needed here, not a mapping")
    else:
        for item in value.items:
            if isinstance(item, Scalar) and not item.is_null:
                yield item.text, item.place
            else:
                problems.add(f"{item.place}: a text is needed here, not {kind_of(item)}")


def kind_of(value: Value) -> str:
    match value:
        case Scalar(is_null=True):
            return "nothing"
        case Scalar():
            return "a text"
        case Items():
            return "a list"
        case Section():
            return "a mapping"
