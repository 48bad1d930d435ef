"""Collecting mistakes, so that all of them are told at once."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from moorage.errors import ConfigurationError


class Problems:
    """Mistakes found so far. Those that are told twice count once."""

    def __init__(self) -> None:
        self._errors: list[ConfigurationError] = []

    def add(self, *problems: str, remedy: str | None = None) -> None:
        self._errors.append(ConfigurationError(*problems, remedy=remedy))

    def add_all(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self.add(problem)

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Note a ConfigurationError of the block and go on after it."""
        try:
            yield
        except ConfigurationError as error:
            self._errors.append(error)

    def __len__(self) -> int:
        return len(self._errors)

    def error(self) -> ConfigurationError | None:
        """One error with everything, None where there is nothing."""
        return ConfigurationError.gathered(self._errors)

    def raise_any(self) -> None:
        """Raises one ConfigurationError with everything, if there is anything."""
        error = self.error()
        if error is not None:
            raise error


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that somebody who typed this one most likely meant."""
    found = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return found[0] if found else None
