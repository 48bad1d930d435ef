"""Strict YAML: a tree in which every value knows its file, line and key, and every scalar is the text that was written.

YAML's own guesses are not made: `branch: 1.0` stays "1.0" and `yes` stays "yes"; who reads a value knows what it should be.
Refused: keys that are given twice, merge keys, aliases that multiply, tags, more than 1 MiB, more than 50 levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import yaml

from moorage.errors import ConfigurationError

SIZE_LIMIT: Final = 1024 * 1024  # bytes
_DEPTH_LIMIT: Final = 50
_NODE_LIMIT: Final = 100_000  # values, those behind aliases counted each time; a 1 MiB file without aliases has fewer
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "seq", "map", "merge")
)  # those that YAML itself gives to what is written without a tag


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands. `key` is its path from the top ("cleanup.rules[0].olderThan"), empty at the top."""

    file: str
    line: int
    key: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}" if self.key else f"{self.file}:{self.line}"

    def child(self, key: str, line: int) -> "Place":
        return Place(self.file, line, f"{self.key}.{key}" if self.key else key)

    def item(self, number: int, line: int) -> "Place":
        return Place(self.file, line, f"{self.key}[{number}]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text, as it was written. `is_null` is for a plain `~`, `null` or nothing."""

    text: str
    place: Place
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: "tuple[Value, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping, in its order."""

    entries: "Mapping[str, Value]"
    place: Place


Value = Scalar | Items | Section


def load(text: str, file: str) -> Sequence[Value]:
    """The documents of a YAML text. Raises one ConfigurationError with every mistake, each with file, line and key."""
    if len(text.encode()) > SIZE_LIMIT:
        raise ConfigurationError(f"{file} is larger than {SIZE_LIMIT // 1024} KiB")
    reader = _Reader(file)
    documents = [reader.value(node, Place(file, node.start_mark.line + 1), 0) for node in _compose(text, file)]
    if reader.problems:
        raise ConfigurationError(*reader.problems)
    return documents


def _compose(text: str, file: str) -> list[yaml.Node]:
    try:
        return list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{file}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigurationError(f"{file} nests deeper than {_DEPTH_LIMIT} levels") from None


class _Reader:
    """Walks YAML's node graph into values, and counts: a node that many aliases lead to counts every time."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0
        self.problems: list[str] = []

    def value(self, node: yaml.Node, place: Place, depth: int) -> Value:
        self._count += 1
        if self._count > _NODE_LIMIT:
            raise ConfigurationError(f"{self._file} holds more than {_NODE_LIMIT} values, aliases counted each time")
        if depth > _DEPTH_LIMIT:
            raise ConfigurationError(f"{self._file}:{place.line} nests deeper than {_DEPTH_LIMIT} levels")
        if node.tag not in _TAGS:
            self.problems.append(f"{place}: YAML tags such as {node.tag.replace('tag:yaml.org,2002:', '!!')} are not read")
        if isinstance(node, yaml.ScalarNode):
            return Scalar(node.value, place, is_null=node.style is None and node.value in _NULLS)
        if isinstance(node, yaml.SequenceNode):
            items = (self.value(item, place.item(n, item.start_mark.line + 1), depth + 1) for n, item in enumerate(node.value))
            return Items(tuple(items), place)
        return Section(dict(self._entries(node, place, depth)), place)

    def _entries(self, node: yaml.Node, place: Place, depth: int) -> Iterator[tuple[str, Value]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                self.problems.append(f"{Place(self._file, line, place.key)}: a key is plain text, no list, mapping or merge key")
                continue
            key = str(key_node.value)
            if key in seen:
                self.problems.append(f"{place.child(key, line)} is given twice, first in line {seen[key]}")
                continue
            seen[key] = line
            yield key, self.value(value_node, place.child(key, line), depth + 1)
