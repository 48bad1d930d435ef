"""The fewest requests that a vendor's API allows for a cleanup, as its contract test declares them: what ours are held against.

Counted for `tags` OCI images of one tag each, of which `going` go, with Moorage's promises kept: what is deleted was looked at
right before, the journal has its bytes, and afterwards somebody looks whether it is gone. Where a listing says all there is to
know, its pages do; where it says too little, what has to be asked for besides is part of the least. `why` says what it is that
nobody can leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def pages(items: int, size: int) -> int:
    return -(-items // size)


def looks(tags: int, going: int, page: int) -> int:
    """The requests by which a list of all tags tells where those point that go, asked anew for every hundred deletions."""
    return sum(pages(tags - gone, page) for gone in range(0, going, 100))


@dataclass(frozen=True)
class Least:
    """`inventory` is for a number of tags, `changing` for a number of deletions; `reading` is what a cleanup of both adds.

    `once` is the most that a run may ask beside that, however much there is: a ping, logins, what kind of server it is.
    """

    inventory: Callable[[int], int]
    changing: Callable[[int], int]
    reading: Callable[[int, int], int]
    why: str
    once: int = 9

    def cleanup(self, tags: int, going: int) -> int:
        return self.inventory(tags) + self.changing(going) + self.reading(tags, going)
