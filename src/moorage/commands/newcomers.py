"""Tags that come to manifests while a run deletes, on registries that do not say which tags a manifest has.

A manifest goes with every tag on it, and whoever promotes an image by another tag, meanwhile, would lose it. The names are listed
again every few seconds, and what is new is asked for. A tag that was there before and is moved onto such a manifest is not seen:
that would take asking for every tag that stays.
"""

from collections.abc import Callable, Collection
from threading import Lock
from typing import Final

from moorage.errors import NotFound
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Registry

_SHARE: Final = 20  # a list of many pages is asked for again after so many times as long as it took


class Newcomers:
    """One repository. `listed` are the names when it was looked at, just now. Thread-safe: one thread asks, the others wait."""

    def __init__(
        self, registry: Registry, repository: Repository, listed: Collection[Tag], pause: float, clock: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._listed = frozenset(listed)
        self._pause = pause
        self._clock = clock
        self._next = clock() + pause
        self._lock = Lock()
        self._found: dict[Tag, Digest] = {}

    def on(self, digest: Digest) -> frozenset[Tag]:
        """The tags that have come to a manifest, as the names were listed last. Raises what the registry raises."""
        with self._lock:
            asked = self._clock()
            if asked >= self._next:
                names = self._registry.tag_names(self._repository) - self._listed
                targets = {tag: self._target(tag) for tag in names if not is_record(tag)}
                self._found = {tag: target for tag, target in targets.items() if target is not None}
                now = self._clock()
                self._next = now + max(self._pause, _SHARE * (now - asked))
            return frozenset(tag for tag, target in self._found.items() if target == digest)

    def _target(self, tag: Tag) -> Digest | None:
        try:
            return self._registry.resolve(self._repository, tag)
        except NotFound:
            return None
