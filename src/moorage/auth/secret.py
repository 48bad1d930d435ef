"""A text that must never be seen: not in `repr`, not in a log, not in an error.

Whoever makes a `Secret` also announces it: the host (GitHub) masks announced texts, and `moorage.transport.redact` blanks them in
whatever comes back from outside.
"""

from collections.abc import Callable
from typing import Final

MASK: Final = "***"
_SHORTEST: Final = 4  # blanking shorter texts would blank half of every message, and tells an observer the secret

_known: set[str] = set()
_listeners: list[Callable[[str], None]] = []


class Secret:
    """Holds a text; only `reveal` gives it, and only the call that sends it should ask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        announce(text)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


def announce(text: str) -> None:
    """Make a text known as secret from now on; each line of it on its own, since hosts mask line by line."""
    for line in {text, *text.splitlines()}:
        if len(line.strip()) >= _SHORTEST and line not in _known:
            _known.add(line)
            for listener in _listeners:
                listener(line)


def listen(listener: Callable[[str], None]) -> None:
    """Be told of every secret, those already known included (GitHub's `::add-mask::`)."""
    _listeners.append(listener)
    for text in sorted(_known):
        listener(text)


def blank(text: str) -> str:
    """The text with every known secret in it replaced by ***."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
