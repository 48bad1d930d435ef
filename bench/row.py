"""One line of a benchmark: a task, ours, theirs, in one unit."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Row:
    """`theirs` is what the task costs otherwise, or the least it could cost; None where there is nothing to compare with."""

    task: str
    ours: float
    theirs: float | None
    unit: str
    against: str = ""

    def __str__(self) -> str:
        compared = "" if self.theirs is None else f"{self.theirs:>10.3f} {self.unit:<9} {self.against}"
        ratio = f"  {self.theirs / self.ours:.2f} times" if self.theirs is not None and self.ours else ""
        return f"{self.task:<58} {self.ours:>10.3f} {self.unit:<9} {compared}{ratio}"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_seconds(work: Callable[[], object], times: int) -> float:
    work()  # warms caches, as every later start finds them
    return statistics.median(seconds(work) for _ in range(times))


def show(rows: Iterable[Row]) -> None:
    for row in rows:
        print(row, flush=True)
