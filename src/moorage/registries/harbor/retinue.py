"""What Harbor deletes along with an artifact, so that nothing that stays goes with it, and what went is not called missing.

Deleting an artifact takes its accessories, whatever tags they have, and those children that have no tag and that no other index
refers to (source: controller/artifact, deleteDeeply, seen 2026-11).
"""

import threading

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag


class Retinue:
    """What the last inventory of each repository said, minus what this run has deleted since. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accessories: dict[Repository, dict[Digest, set[Digest]]] = {}
        self._children: dict[Repository, dict[Digest, tuple[Digest, ...]]] = {}
        self._tags: dict[Repository, dict[Tag, Digest]] = {}
        self._taken: dict[Repository, set[Digest]] = {}

    def learn(self, inventory: Inventory) -> None:
        accessories: dict[Digest, set[Digest]] = {}
        for stored in inventory.manifests.values():
            if stored.subject is not None:
                accessories.setdefault(stored.subject, set()).add(stored.digest)
        with self._lock:
            self._accessories[inventory.repository] = accessories
            self._children[inventory.repository] = {
                stored.digest: stored.children for stored in inventory.manifests.values() if stored.children
            }
            self._tags[inventory.repository] = dict(inventory.tags)
            self._taken[inventory.repository] = set()

    def staying(self, repository: Repository, digest: Digest) -> tuple[str, ...]:
        """The tags of accessories that would go with this manifest although nobody has let go of them yet."""
        with self._lock:
            going = self._belonging(repository, digest)
            tags = self._tags.get(repository, {})
            return tuple(sorted(tag.text for tag, target in tags.items() if target in going))

    def untagged(self, repository: Repository, tag: Tag) -> None:
        with self._lock:
            self._tags.get(repository, {}).pop(tag, None)

    def went(self, repository: Repository, digest: Digest) -> None:
        """This manifest is deleted, and with it all that Harbor may have taken along."""
        with self._lock:
            tags = self._tags.get(repository, {})
            for tag in [tag for tag, target in tags.items() if target == digest]:
                del tags[tag]
            taken = self._taken.setdefault(repository, set())
            waiting = self._below(repository, digest)
            while waiting:
                one = waiting.pop()
                if one not in taken:
                    taken.add(one)
                    waiting += self._below(repository, one)
            for belonging in self._accessories.get(repository, {}).values():
                belonging.discard(digest)

    def was_taken(self, repository: Repository, digest: Digest) -> bool:
        """Whether Harbor may have deleted this along with something that this run deleted."""
        with self._lock:
            return digest in self._taken.get(repository, ())

    def _below(self, repository: Repository, digest: Digest) -> list[Digest]:
        return [
            *self._children.get(repository, {}).get(digest, ()),
            *self._accessories.get(repository, {}).get(digest, ()),
        ]

    def _belonging(self, repository: Repository, digest: Digest) -> set[Digest]:
        found: set[Digest] = set()
        waiting = list(self._accessories.get(repository, {}).get(digest, ()))
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._accessories.get(repository, {}).get(one, ())
        return found
