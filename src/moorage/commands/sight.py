"""Where tags point right before something goes.

Each tag is read by itself, unless the registry says of many manifests at once which tags are on them (`TagFinder`). Between
looking and deleting somebody may push, whatever is done: no registry deletes "if the tag still points there". So a look for many
is as good as one for each as long as it is as young. It is asked for as far ahead as deletions get within seconds, and is not
believed any more after `FRESH` seconds: where limits slow a run down, it looks again instead of acting on what it saw minutes
ago. Single tags, which a registry removes by their name, are always read by themselves. Where a registry says nothing of the
kind, new names are looked out for (`Newcomers`).
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from moorage.commands.ahead import Ahead
from moorage.commands.newcomers import Newcomers
from moorage.errors import NotFound
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Registry, TagFinder

FRESH: Final = 5.0  # seconds


class Sight:
    """One repository. `order` are the manifests to go, in the order in which they will; `listed` are its tags. Thread-safe."""

    def __init__(
        self,
        registry: Registry,
        repository: Repository,
        order: Sequence[Digest],
        clock: Callable[[], float] = time.monotonic,
        *,
        listed: Collection[Tag] = (),
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._newcomers = Newcomers(registry, repository, listed, FRESH, clock)
        self._tags: Ahead[frozenset[Tag]] | None = None
        if isinstance(registry, TagFinder):
            finder = registry
            self._tags = Ahead(lambda digests: finder.tags_on(repository, digests), order, fresh_for=FRESH, clock=clock)

    def target(self, tag: Tag) -> Digest | None:
        """What a tag points at, by a look of its own; None for one that is not there."""
        try:
            return self._registry.resolve(self._repository, tag)
        except NotFound:
            return None

    def target_beside(self, tag: Tag, digest: Digest) -> Digest | None:
        """The same, for a tag that was on this manifest and probably is: then a look for many may say so."""
        return digest if tag in (self._on(digest) or ()) else self.target(tag)

    def others_on(self, digest: Digest, known: Collection[Tag]) -> list[Tag]:
        """The tags that have come to a manifest beside those that were known, as far as the registry tells."""
        found = self._on(digest)
        return sorted((self._newcomers.on(digest) if found is None else found).difference(known))

    def _on(self, digest: Digest) -> frozenset[Tag] | None:
        return self._tags.see(digest) if self._tags else None
