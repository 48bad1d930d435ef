"""Facts about manifests in the order in which they will be wanted, asked for a hundred at a time."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Final, Generic, TypeVar

from moorage.oci.reference import Digest

T = TypeVar("T")

AT_ONCE: Final = 100  # the most that ECR's batches hold, and as much as is deleted one by one within seconds


class Ahead(Generic[T]):
    """Asks for what is wanted now together with what is wanted next; no answer is used that is older than `fresh_for` seconds.

    An answer that took half of that or more is of no use, and nothing is asked for many at once any more: a list of many pages,
    or one that limits hold up, would be asked for anew with each deletion. `ask` may leave out what it cannot say; that is not
    asked for again while the answer would be fresh. Thread-safe: one thread asks, the others wait for its answer.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Digest]], Mapping[Digest, T]],
        order: Sequence[Digest],
        *,
        fresh_for: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._order = order
        self._places = {digest: place for place, digest in enumerate(order)}
        self._fresh_for = fresh_for
        self._clock = clock
        self._lock = Lock()
        self._is_slow = False
        self._asked: dict[Digest, float] = {}
        self._answers: dict[Digest, T] = {}

    def see(self, digest: Digest) -> T | None:
        """What is known of a manifest, None where it has to be asked for by itself. Raises what `ask` raises."""
        with self._lock:
            self._make_known(digest)
            return self._answers.get(digest)

    def take(self, digest: Digest) -> T | None:
        """The same, for what is wanted once: it is not kept."""
        with self._lock:
            self._make_known(digest)
            return self._answers.pop(digest, None)

    def _make_known(self, digest: Digest) -> None:
        now = self._clock()  # an answer is as old as its question
        if self._is_slow or self._is_fresh(digest, now):
            return
        place = self._places.get(digest)
        next_ones = [digest] if place is None else self._order[place : place + AT_ONCE]
        wanted = [one for one in next_ones if not self._is_fresh(one, now)]
        answers = self._ask(wanted)
        if self._clock() - now > self._fresh_for / 2:
            self._is_slow, self._answers = True, {}
            return
        stale = [one for one in self._asked if not self._is_fresh(one, now)]
        for one in stale:
            del self._asked[one]
            self._answers.pop(one, None)
        self._asked |= dict.fromkeys(wanted, now)
        self._answers |= answers

    def _is_fresh(self, digest: Digest, now: float) -> bool:
        return digest in self._asked and now - self._asked[digest] <= self._fresh_for
