"""Looking whether deletions took effect, and only those: no answer is believed.

A registry that takes its time is waited for, within bounds. What was to stay is looked at too: a registry that takes a tag's
siblings along, whatever its documentation says, is found out after the first repository and not after the last.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from moorage.commands.reconcile import Result
from moorage.errors import NotFound
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.plan import Key, Outcome
from moorage.registries.interface import Asynchronous, BatchReader, Registry

_FIRST_PAUSE = 0.5  # seconds; doubled each time


@dataclass(frozen=True, slots=True)
class View:
    """`still` are said to be deleted and are there all the same; `lost` were to stay and are not there any more.

    `gone` are tags that went though their manifest was refused: Docker Hub takes them away before it says that it needs that.
    """

    still: frozenset[Key] = frozenset()
    lost: frozenset[Tag] = frozenset()
    gone: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Aftermath:
    """`tags` are the tags that went with each manifest: where those are gone, the manifest needs no look of its own."""

    registry: Registry
    repository: Repository
    tags: Mapping[Digest, Sequence[Tag]]
    parallel: int
    spent: Callable[[], bool]
    sleep: Callable[[float], None]

    def view(self, outcomes: Mapping[Key, Result], kept: Collection[Tag]) -> View:
        """Whether these are true. Raises RegistryError where nobody could look."""
        deleted = [key for key, (outcome, _) in outcomes.items() if outcome is Outcome.DELETED]
        refused = [key for key, (outcome, _) in outcomes.items() if outcome is Outcome.FAILED and key[1] is not None]
        if not deleted and not refused:
            return View()
        names = self.registry.tag_names(self.repository)
        still = self._still(deleted, names)
        patience = self.registry.settles_within if isinstance(self.registry, Asynchronous) else 0.0
        pause = _FIRST_PAUSE
        while still and patience > 0 and not self.spent():
            self.sleep(min(pause, patience))
            patience -= pause
            pause *= 2
            still = self.still_there(still)
        return View(still, frozenset(kept) - names, frozenset(key for key in refused if key[1] not in names))

    def still_there(self, deleted: Collection[Key]) -> frozenset[Key]:
        """Those that are there right now."""
        return self._still(deleted, self.registry.tag_names(self.repository))

    def loose(self, still: Collection[Key]) -> list[Key]:
        """Tags that can still be pulled although the manifest under them is gone.

        go-containerregistry's registry keeps those, as do newer Nexus servers (seen 2026-11).
        """
        found = [key for key in still if key[1] is not None]
        gone = {digest for digest in {key[2] for key in found} if not self._is_there(digest, digest)}
        return [key for key in found if key[2] in gone]

    def _still(self, deleted: Collection[Key], names: Collection[Tag]) -> frozenset[Key]:
        """One request for each tag that is still listed, and for each manifest that had none and is in no batch."""
        back = {key for key in deleted if key[1] is not None and key[1] in names and self._is_there(key[1], key[2])}
        untagged = {key[2]: key for key in deleted if key[1] is None and key[2] is not None and not self.tags.get(key[2])}
        left = {untagged[digest] for digest in self._there(list(untagged))}
        behind = {digest for _, _, digest in back}
        return frozenset(back | left | {key for key in deleted if key[1] is None and key[2] in behind})

    def _there(self, digests: Sequence[Digest]) -> list[Digest]:
        """Those of these manifests that are there."""
        registry = self.registry
        told = registry.manifests(self.repository, digests) if digests and isinstance(registry, BatchReader) else {}
        silent = [digest for digest in digests if digest not in told]
        with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="look") as pool:
            asked = dict(zip(silent, pool.map(lambda digest: self._is_there(digest, digest), silent), strict=True))
        return [digest for digest in digests if asked.get(digest) or told.get(digest) is not None]

    def _is_there(self, reference: Tag | Digest | None, digest: Digest | None) -> bool:
        try:
            return reference is not None and self.registry.resolve(self.repository, reference) == digest
        except NotFound:
            return False
