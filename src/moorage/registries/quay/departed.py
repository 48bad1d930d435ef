"""What went with an index. Quay keeps what a live tag leads to, so the parts of a deleted index are gone with it."""

import threading

from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository


class Departed:
    """What the last inventory of each repository said of indexes, and which of them this run has deleted since. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[Repository, dict[Digest, tuple[Digest, ...]]] = {}
        self._gone: dict[Repository, set[Digest]] = {}

    def learn(self, inventory: Inventory) -> None:
        with self._lock:
            self._children[inventory.repository] = {
                stored.digest: stored.children for stored in inventory.manifests.values() if stored.children
            }
            self._gone[inventory.repository] = set()

    def note(self, repository: Repository, digest: Digest) -> None:
        """This manifest is deleted: whatever it leads to may be gone as well."""
        with self._lock:
            gone = self._gone.setdefault(repository, set())
            children = self._children.get(repository, {})
            waiting = list(children.get(digest, ()))
            while waiting:
                one = waiting.pop()
                if one not in gone:
                    gone.add(one)
                    waiting += children.get(one, ())

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """Whether this may have gone with something that this run deleted."""
        with self._lock:
            return digest in self._gone.get(repository, ())
