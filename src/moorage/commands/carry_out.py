"""Carrying out a plan in one repository: look again, delete in waves, look whether it is true.

Whatever was planned, a deletion happens only if it still fits: the tag still points at the planned digest, no tag has appeared on
it (`moorage.commands.sight`), and nothing that has turned out to stay leads to it. What does not fit is left alone and says
`changed-since-plan`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import TypeVar

from moorage.commands.aftermath import Aftermath
from moorage.commands.answers import answers_of, outcome_of
from moorage.commands.journal import Entry, Journal
from moorage.commands.reconcile import Result, unfit
from moorage.commands.sight import Sight
from moorage.commands.undoing import Undoing
from moorage.commands.workers import work_off
from moorage.commands.world import Progress, Silence
from moorage.errors import (
    Contradiction,
    Denied,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unsupported,
)
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.graph import Graph
from moorage.policy.order import Deletion, Removal, Untag, waves
from moorage.policy.plan import Item, Key, Outcome
from moorage.registries.interface import BatchDeleter, Registry, TagDeleter

D = TypeVar("D", bound=Deletion)
T = TypeVar("T")
_MEANING: Mapping[type, Outcome] = {type(None): Outcome.DELETED, NotFound: Outcome.ALREADY_GONE}
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
    sleep: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic
    stop: Event = field(default_factory=Event)  # set when the process is to end
    leave: Callable[[], bool] = lambda: False  # whether requests under way are not to be waited for
    outcomes: dict[Key, Result] = field(default_factory=dict)
    halted: RegistryError | None = None  # why the rest of this repository was left alone
    lost: RegistryError | None = None  # that something which was to stay is gone

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._graph = Graph.of(self.inventory)
        self._waves = waves(self.items, self.inventory)
        self._tags = {
            deletion.digest: deletion.tags for wave in self._waves for deletion in wave if isinstance(deletion, Removal)
        }
        listed = self.inventory.tags.keys() | self.inventory.unresolved.keys() | self.inventory.dangling.keys()
        self._sight = Sight(self.registry, self.repository, list(self._tags), self.ticks, listed=listed)
        self._undoing = Undoing(self.registry, self.inventory, list(self._tags))
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
        if not self.leave():
            self._look_again()
        return self.outcomes

    def _each(self, deletions: Sequence[Deletion]) -> None:
        untags = [deletion for deletion in deletions if isinstance(deletion, Untag)]
        removals = [deletion for deletion in deletions if isinstance(deletion, Removal)]
        registry = self.registry
        size = registry.batch_limit if isinstance(registry, BatchDeleter) else 1
        batches = [removals[start : start + size] for start in range(0, len(removals), size)]
        untag = self._guarded(self._untag)
        works = [*(partial(untag, one) for one in untags), *(partial(self._batch, batch) for batch in batches)]
        work_off(works, self.parallel, self.stop, self.leave)
        with self._lock:
            return  # after this lock no thread that was left behind writes an outcome any more, see `_record`

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

    def _guarded(self, work: Callable[[D], T]) -> Callable[[D], T | None]:
        """The same work on one deletion, where it is still to be done, with what the registry says put down as its outcome."""

        def one(deletion: D) -> T | None:
            if self.stop.is_set() or self.halted or self.spent():
                return None
            try:
                return work(deletion)
            except RegistryError as error:
                self._refused(deletion, error)
            except BaseException:
                self.stop.set()  # nothing of what is queued may be deleted after what nobody foresaw
                raise
            return None

        return one

    def _refused(self, deletion: Deletion, error: RegistryError) -> None:
        if isinstance(error, NotFound):
            self._record_removal(deletion, Outcome.ALREADY_GONE, None)
            return
        if isinstance(error, _ENDS_REPOSITORY) and not isinstance(error, ItemRefused):
            self.halted = self.halted or error
        self._record_removal(deletion, Outcome.FAILED, error.message)

    def _untag(self, deletion: Untag) -> None:
        now = self._sight.target(deletion.tag)
        if now != deletion.digest:
            self._record(deletion.tag, deletion.digest, *unfit(now))
            return
        registry = self.registry
        if not isinstance(registry, TagDeleter):
            raise Unsupported(f"{self.repository}:{deletion.tag} cannot be removed alone on this registry; nothing was changed")
        entry = self._undoing.entry(deletion.digest, (deletion.tag,), manifest_stays=True)
        if self.leave():
            return
        self.journal.about_to(self._undoing.worth(entry))
        self._conclude([(deletion, entry, outcome_of(lambda: registry.delete_tag(self.repository, deletion.tag)))])

    def _batch(self, removals: Sequence[Removal]) -> None:
        """Delete manifests: those of the batch that still fit, in one call where the registry has one."""
        fitting = [(removal, entry) for removal in removals if (entry := self._guarded(self._fitting)(removal))]
        if not fitting or self.stop.is_set() or self.halted or self.leave():
            return
        try:
            answers = self._delete([entry for _, entry in fitting])
            self._conclude([(removal, entry, answers[entry.digest]) for removal, entry in fitting])
        except BaseException:
            self.stop.set()
            raise

    def _delete(self, entries: Sequence[Entry]) -> Mapping[Digest, Exception | None]:
        for entry in entries:
            self.journal.about_to(self._undoing.worth(entry))
            for part in self._along(entry.digest) if self.inventory.takes_children else ():
                if part in self._undoing.foreseen:  # after what takes it along, since the last is put back first
                    self.journal.about_to(self._undoing.foreseen[part])
        registry = self.registry
        if isinstance(registry, BatchDeleter):
            digests = [entry.digest for entry in entries]
            return answers_of(lambda: registry.delete_manifests(self.repository, digests), digests)
        return {entry.digest: outcome_of(partial(registry.delete_manifest, self.repository, entry.digest)) for entry in entries}

    def _fitting(self, removal: Removal) -> Entry | None:
        """What the journal has to hold of a manifest whose tags all still point at it, or are gone; None where it must stay.

        Tags that moved away are left alone.
        """
        places = {tag: self._sight.target_beside(tag, removal.digest) for tag in removal.tags}
        for tag, now in places.items():
            if now != removal.digest:
                self._record(tag, removal.digest, *unfit(now))
        if removal.tags and removal.digest not in places.values() and any(places.values()):
            self._record(None, removal.digest, Outcome.CHANGED, "its tags point elsewhere now")
            return None
        if why := self._objection(removal):
            self._record_removal(removal, Outcome.CHANGED, why)
            return None
        entry = self._undoing.entry(removal.digest, tuple(tag for tag, now in places.items() if now == removal.digest))
        if self.inventory.takes_children:
            self._undoing.foresee({part: self._tags[part] for part in self._along(removal.digest)})
        self._undoing.worth(entry)  # read now, while a refusal concerns this one alone
        return entry

    def _objection(self, removal: Removal) -> str:
        """Why a manifest must stay that its own tags would let go, in words; empty where nothing speaks for it."""
        if others := self._sight.others_on(removal.digest, removal.tags):
            return f"{', '.join(tag.text for tag in others[:10])} points at it since the plan"
        if self._target_changed(removal.digest):
            return "what it belongs to is no longer what was planned"
        belonging = self._graph.referrers.get(removal.digest, ()) if self.inventory.takes_along else ()
        if any(self.outcomes.get((self.repository, None, one), (None,))[0] is Outcome.CHANGED for one in belonging):
            return "this registry would delete something with it that stays"
        return ""

    def _along(self, digest: Digest) -> list[Digest]:
        """What is to go, too, and may go with this manifest."""
        planned = [part for part in self._graph.reach([digest]) if part != digest and part in self._tags]
        return [part for part in planned if (self.repository, None, part) not in self.outcomes]

    def _conclude(self, done: Sequence[tuple[Deletion, Entry, Exception | None]]) -> None:
        """Put down what the registry answered to deletions.

        Among the outcomes first: what is gone has to be told also where the journal takes no more lines.
        """
        for deletion, _, answer in done:
            if answer is None:
                self._record_removal(deletion, Outcome.DELETED, None)
            elif isinstance(answer, RegistryError):
                self._refused(deletion, answer)
        for _, entry, answer in done:
            self.journal.happened(self._undoing.worth(entry), _MEANING.get(type(answer), Outcome.FAILED))
        for _, _, answer in done:
            if answer is not None and not isinstance(answer, RegistryError):
                raise answer

    def _target_changed(self, digest: Digest) -> bool:
        """Whether a tag of what this manifest belongs to has moved: a signature must not go before its image is sure to."""
        return any(
            self._sight.target_beside(tag, target) not in (target, None)
            for target in self._belongs_to.get(digest, ())
            if (self.repository, None, target) not in self.outcomes
            for tag in self._tags[target]
        )

    def _look_again(self) -> None:
        """What is said to be deleted and is still there has failed; what was to stay and is gone ends the repository."""
        planned = {item.tag for item in self.items}
        look = Aftermath(self.registry, self.repository, self._tags, self.parallel, self.spent, self.sleep)
        try:
            kept = [tag for tag in self.inventory.tags if tag not in planned and not self._left_alone(tag)]
            seen = look.view(self.outcomes, kept)
            still = self._without_loose_tags(look, seen.still)
        except RegistryError as error:
            self.progress.warn(f"{self.repository}: could not look whether the deletions took effect: {error.message}")
            return
        self.outcomes |= dict.fromkeys(seen.gone, (Outcome.DELETED, None))
        self.outcomes |= dict.fromkeys(still, (Outcome.FAILED, "the registry accepted the deletion, and it is still there"))
        if seen.lost:
            names = ", ".join(sorted(tag.text for tag in seen.lost)[:10])
            self.lost = Contradiction(
                f"{self.repository}: {len(seen.lost)} tags that were to stay are gone: {names}",
                remedy="Find out whether somebody else deleted them. If the registry takes siblings along, do not clean it up.",
            )

    def _left_alone(self, tag: Tag) -> bool:
        """Whether somebody else moved or removed a tag meanwhile, as far as we noticed."""
        return (self.repository, tag, self.inventory.tags[tag]) in self.outcomes

    def _without_loose_tags(self, look: Aftermath, still: frozenset[Key]) -> frozenset[Key]:
        """Remove the tags that a registry keeps although their manifest is gone; each is in the plan.

        It may have been pushed again since it was looked at, and so is looked at right before.
        """
        loose = look.loose(still)
        if not loose or not isinstance(self.registry, TagDeleter):
            return still
        for tag, digest in sorted((tag, digest) for _, tag, digest in loose if tag is not None and digest is not None):
            if self._sight.target(tag) != digest:
                continue
            if outcome_of(partial(self.registry.delete_tag, self.repository, tag)) is not None:
                break
        return look.still_there(still)

    def _record(self, tag: Tag | None, digest: Digest, outcome: Outcome, error: str | None) -> None:
        with self._lock:
            if not self.leave():
                self.outcomes[(self.repository, tag, digest)] = (outcome, error)
        self.progress.advance(f"{self.repository}:{tag} {outcome}" if tag else "")

    def _record_removal(self, deletion: Deletion, outcome: Outcome, error: str | None) -> None:
        for tag in (deletion.tag,) if isinstance(deletion, Untag) else (*deletion.tags, None):
            if (self.repository, tag, deletion.digest) not in self.outcomes:
                self._record(tag, deletion.digest, outcome, error)
