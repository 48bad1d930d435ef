"""Reports at the end of a run: the work is done by then, so that a file which cannot be written must not hide what came of it."""

from collections.abc import Callable, Iterable
from typing import Final

from moorage.errors import Failure, PartialFailure

_DONE: Final = "Name another file, or make room; the work itself is done, and told here in full."


def write_each(reports: Iterable[Callable[[], None]]) -> PartialFailure | None:
    """Write every report that can be written; returns what is to be said of the others."""
    unwritten = []
    for write in reports:
        try:
            write()
        except Failure as failure:
            unwritten.append(failure.message)
    return PartialFailure("; ".join(unwritten), items=unwritten, remedy=_DONE) if unwritten else None
