"""Looking whether deletions took effect: no answer is believed; a registry that takes its time is waited for, within bounds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from moorage.errors import NotFound
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.plan import Key
from moorage.registries.interface import Asynchronous, Registry

_FIRST_PAUSE = 0.5  # seconds; doubled each time


@dataclass(frozen=True, slots=True)
class Aftermath:
    """`tags` are the tags that went with each manifest: where those are gone, the manifest needs no look of its own."""

    registry: Registry
    repository: Repository
    tags: Mapping[Digest, Sequence[Tag]]
    parallel: int
    spent: Callable[[], bool]
    sleep: Callable[[float], None]

    def still_there(self, deleted: Collection[Key]) -> set[Key]:
        """Those that are said to be deleted and are there all the same. Raises RegistryError where nobody could look."""
        found = self._look(deleted)
        patience = self.registry.settles_within if isinstance(self.registry, Asynchronous) else 0.0
        pause = _FIRST_PAUSE
        while found and patience > 0 and not self.spent():
            self.sleep(min(pause, patience))
            patience -= pause
            pause *= 2
            found = self._look(found)
        return found

    def _look(self, deleted: Collection[Key]) -> set[Key]:
        """One listing for all tags, and one request for each manifest that had none."""
        if not deleted:
            return set()
        names = self.registry.tag_names(self.repository) if any(tag for _, tag, _ in deleted) else frozenset()
        back = {key for key in deleted if key[1] is not None and key[1] in names and self._is_there(key[1], key[2])}
        untagged = [key for key in deleted if key[1] is None and key[2] is not None and not self.tags.get(key[2])]
        with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="look") as pool:
            there = pool.map(lambda key: self._is_there(key[2], key[2]), untagged)
            left = {key for key, is_there in zip(untagged, there, strict=True) if is_there}
        behind = {digest for _, _, digest in back}
        return back | left | {key for key in deleted if key[1] is None and key[2] in behind}

    def _is_there(self, reference: Tag | Digest | None, digest: Digest | None) -> bool:
        try:
            return reference is not None and self.registry.resolve(self.repository, reference) == digest
        except NotFound:
            return False
