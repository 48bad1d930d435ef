"""Carrying out a plan in one repository: look again, delete in waves, look whether it is true.

Whatever was planned, a deletion happens only if it still fits: the tag still points at the planned digest, no tag has appeared on
it, and nothing that has turned out to stay leads to it. What does not fit is left alone and says `changed-since-plan`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

from moorage.commands.journal import Entry, Journal
from moorage.commands.world import Progress, Silence
from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Throttled, Unauthorized, Unsupported
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.graph import Graph
from moorage.policy.order import Deletion, Removal, Untag, waves
from moorage.policy.plan import Item, Key, Kind, Outcome
from moorage.registries.interface import Reader, Registry, Restorer, TagDeleter

Result = tuple[Outcome, str | None]
# What says that the repository as a whole will not let us, so that asking for the next item is pointless and impolite.
_ENDS_REPOSITORY = (Unauthorized, Denied, Unsupported, Throttled)


@dataclass
class Run:
    """One repository's part of a plan, being carried out. `outcomes` only ever holds what is known to be true."""

    registry: Registry
    inventory: Inventory
    items: Sequence[Item]
    journal: Journal
    parallel: int = 8
    progress: Progress = field(default_factory=Silence)
    spent: Callable[[], bool] = lambda: False  # the time budget
    stop: Event = field(default_factory=Event)  # set when the process is to end
    outcomes: dict[Key, Result] = field(default_factory=dict)
    halted: RegistryError | None = None  # why the rest of this repository was left alone

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._graph = Graph.of(self.inventory)
        self._waves = waves(self.items, self.inventory)
        self._tags = {
            deletion.digest: deletion.tags for wave in self._waves for deletion in wave if isinstance(deletion, Removal)
        }
        self._belongs_to: dict[Digest, set[Digest]] = {}
        for target in self._tags:
            for digest in (
                *self._graph.referrers.get(target, ()),
                *(found for _, found in self._graph.followers.get(target, ())),
            ):
                self._belongs_to.setdefault(digest, set()).add(target)

    @property
    def repository(self) -> Repository:
        return self.inventory.repository

    def carry_out(self) -> Mapping[Key, Result]:
        """Work through the waves; returns the outcome of every item that was tried or turned out to be none of our business."""
        for wave in self._waves:
            self._spare(Outcome.CHANGED, "something that stays needs it")
            blocked = set(self._graph.reach(self._staying(Outcome.FAILED)))
            ready = [deletion for deletion in wave if isinstance(deletion, Untag) or deletion.digest not in blocked]
            self._each([deletion for deletion in ready if self._key(deletion) not in self.outcomes])
        self._look_again()
        return self.outcomes

    def _each(self, deletions: Sequence[Deletion]) -> None:
        with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="delete") as pool:
            try:
                for _ in pool.map(self._one, deletions):
                    pass
            except BaseException:
                self.stop.set()  # nor while the pool winds up after a signal
                raise

    def _key(self, deletion: Deletion) -> Key:
        return (self.repository, deletion.tag if isinstance(deletion, Untag) else None, deletion.digest)

    def _staying(self, *outcomes: Outcome) -> set[Digest]:
        """Manifests that were to go by now and are still there."""
        found = self.outcomes.items()
        return {digest for (_, tag, digest), (outcome, _) in found if tag is None and digest is not None and outcome in outcomes}

    def _spare(self, outcome: Outcome, why: str) -> None:
        """What a manifest that turned out to stay leads to, stays too; after a failure it merely remains, for the next run."""
        for digest in self._graph.reach(self._staying(Outcome.CHANGED)):
            if digest in self._tags:
                self._record_removal(Removal(digest, self._tags[digest]), outcome, why)

    def _one(self, deletion: Deletion) -> None:
        if self.stop.is_set() or self.halted or self.spent():
            return
        try:
            if isinstance(deletion, Untag):
                self._untag(deletion)
            else:
                self._remove(deletion)
        except NotFound:
            self._record_removal(deletion, Outcome.ALREADY_GONE, None)
        except RegistryError as error:
            if isinstance(error, _ENDS_REPOSITORY) and not isinstance(error, ItemRefused):
                self.halted = self.halted or error
            self._record_removal(deletion, Outcome.FAILED, error.message)
        except BaseException:
            self.stop.set()  # nothing of what is queued may be deleted after what nobody foresaw
            raise

    def _untag(self, deletion: Untag) -> None:
        now = self._now_at(deletion.tag)
        if now != deletion.digest:
            self._record(deletion.tag, deletion.digest, *_unfit(now))
            return
        registry = self.registry
        if not isinstance(registry, TagDeleter):
            raise Unsupported(f"{self.repository}:{deletion.tag} cannot be removed alone on this registry; nothing was changed")
        entry = self._entry(deletion.digest, (deletion.tag,), manifest_stays=True)
        gone = self._journalled(entry, lambda: registry.delete_tag(self.repository, deletion.tag))
        self._record(deletion.tag, deletion.digest, gone, None)

    def _remove(self, deletion: Removal) -> None:
        """Delete a manifest whose tags all still point at it, or are gone; tags that moved away are left alone."""
        places = {tag: self._now_at(tag) for tag in deletion.tags}
        for tag, now in places.items():
            if now != deletion.digest:
                self._record(tag, deletion.digest, *_unfit(now))
        if deletion.tags and deletion.digest not in places.values() and any(places.values()):
            self._record(None, deletion.digest, Outcome.CHANGED, "its tags point elsewhere now")
            return
        if self._target_changed(deletion.digest):
            self._record_removal(deletion, Outcome.CHANGED, "what it belongs to is no longer what was planned")
            return
        entry = self._entry(deletion.digest, tuple(tag for tag, now in places.items() if now == deletion.digest))
        gone = self._journalled(entry, lambda: self.registry.delete_manifest(self.repository, deletion.digest))
        for tag, now in places.items():
            if now == deletion.digest:
                self._record(tag, deletion.digest, gone, None)
        self._record(None, deletion.digest, gone, None)

    def _entry(self, digest: Digest, tags: tuple[Tag, ...], *, manifest_stays: bool = False) -> Entry:
        """What it takes to put this back: bytes from the listing or read now, unless the registry undoes deletions by itself."""
        stored = self.inventory.manifests.get(digest, Stored(digest))
        content, media_type = stored.content, stored.media_type
        undone_by_vendor = isinstance(self.registry, Restorer) and stored.vendor_id
        if not content and not undone_by_vendor and isinstance(self.registry, Reader):
            content, media_type = self.registry.manifest(self.repository, digest)
        return Entry(self.repository, digest, tags, manifest_stays, media_type, content, stored.vendor_id)

    def _journalled(self, entry: Entry, delete: Callable[[], None]) -> Outcome:
        """Delete, with a line in the journal before and after."""
        self.journal.about_to(entry)
        try:
            delete()
        except NotFound:
            outcome = Outcome.ALREADY_GONE
        except RegistryError:
            self.journal.happened(entry, Outcome.FAILED)
            raise
        else:
            outcome = Outcome.DELETED
        self.journal.happened(entry, outcome)
        return outcome

    def _target_changed(self, digest: Digest) -> bool:
        """Whether a tag of what this manifest belongs to has moved: a signature must not go before its image is sure to."""
        return any(
            self._now_at(tag) not in (target, None)
            for target in self._belongs_to.get(digest, ())
            if (self.repository, None, target) not in self.outcomes
            for tag in self._tags[target]
        )

    def _now_at(self, tag: Tag) -> Digest | None:
        try:
            return self.registry.resolve(self.repository, tag)
        except NotFound:
            return None

    def _look_again(self) -> None:
        """Believe no answer: what is said to be deleted and is still there has failed."""
        deleted = [key for key, (outcome, _) in self.outcomes.items() if outcome is Outcome.DELETED]
        if not deleted:
            return
        try:
            names = self.registry.tag_names(self.repository)
            untagged = [digest for _, tag, digest in deleted if tag is None and digest and not self._tags.get(digest)]
            with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="look") as pool:
                still = {digest for digest, there in zip(untagged, pool.map(self._is_there, untagged), strict=True) if there}
        except RegistryError as error:
            self.progress.warn(f"{self.repository}: could not look whether the deletions took effect: {error.message}")
            return
        for key in deleted:
            _, tag, digest = key
            if (tag is not None and tag in names and self._now_at(tag) == digest) or (tag is None and digest in still):
                self.outcomes[key] = (Outcome.FAILED, "the registry accepted the deletion, and it is still there")

    def _is_there(self, digest: Digest) -> bool:
        try:
            self.registry.resolve(self.repository, digest)
        except NotFound:
            return False
        return True

    def _record(self, tag: Tag | None, digest: Digest, outcome: Outcome, error: str | None) -> None:
        with self._lock:
            self.outcomes[(self.repository, tag, digest)] = (outcome, error)
        self.progress.advance(f"{self.repository}:{tag} {outcome}" if tag else "")

    def _record_removal(self, deletion: Deletion, outcome: Outcome, error: str | None) -> None:
        for tag in (deletion.tag,) if isinstance(deletion, Untag) else (*deletion.tags, None):
            if (self.repository, tag, deletion.digest) not in self.outcomes:
                self._record(tag, deletion.digest, outcome, error)


def reconcile(items: Iterable[Item], inventory: Inventory) -> Mapping[Key, Result]:
    """Where the repository, seen anew, no longer fits the plan: the outcomes of the items that must be left alone.

    A tag that moved or went, a tag that appeared on a planned digest, and everything that something outside of the plan leads to.
    """
    found: dict[Key, Result] = {}
    going = [item for item in items if item.goes and item.digest is not None]
    planned_tags = {item.tag: item.digest for item in going if item.tag is not None}
    planned = {item.digest for item in going if item.kind is Kind.MANIFEST}
    standing = set(inventory.manifests) | set(inventory.unreadable) | set(inventory.tags.values())
    standing -= {digest for digest in planned if digest is not None}
    standing |= {digest for tag, digest in inventory.tags.items() if planned_tags.get(tag) != digest}
    if inventory.unreadable.keys() - planned or inventory.unresolved.keys() - planned_tags.keys():
        standing |= {digest for digest in planned if digest is not None}
    held = Graph.of(inventory).reach(standing)
    for item in going:
        if item.tag is not None:
            now = inventory.tags.get(item.tag)
            if now != item.digest:
                found[item.key] = _unfit(now)
        elif item.digest not in inventory.manifests and item.digest not in inventory.unreadable and inventory.lists_untagged:
            found[item.key] = (Outcome.ALREADY_GONE, None)
        elif item.digest in held:
            found[item.key] = (Outcome.CHANGED, "something that stays leads to it now")
    return found


def _unfit(now: Digest | None) -> Result:
    if now is None:
        return Outcome.ALREADY_GONE, None
    return Outcome.CHANGED, f"it points at {now} now"
