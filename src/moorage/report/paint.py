"""Colours for terminals, of the sixteen that every theme makes readable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paint:
    """ANSI colours where they are wanted, else the text as it is."""

    wanted: bool

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.wanted else text

    def strong(self, text: str) -> str:
        return self._in("1", text)

    def faint(self, text: str) -> str:
        return self._in("2", text)

    def bad(self, text: str) -> str:
        return self._in("31", text)

    def good(self, text: str) -> str:
        return self._in("32", text)

    def notable(self, text: str) -> str:
        return self._in("33", text)
