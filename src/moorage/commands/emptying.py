"""Repositories in which a plan leaves nothing: which they are, and deleting them once nothing is left in them.

A repository goes last of all, when everything in it is confirmed gone and a fresh listing finds nothing else. What has failed,
changed or appeared meanwhile keeps it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Final

from moorage.commands.applying import Applied, Views, ended
from moorage.commands.journal import Entry, Journal
from moorage.commands.project_images import ProjectImages
from moorage.commands.reconcile import Result
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.survey import look
from moorage.commands.undoing import Undoing
from moorage.commands.workers import work_off
from moorage.commands.world import World
from moorage.errors import ConfigurationError, NotFound, RegistryError, Unsupported
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Digest, Repository, Tag
from moorage.policy.emptiness import Surroundings, repository_item, too_young
from moorage.policy.last_tagged import gone_with_repository
from moorage.policy.plan import DONE, Item, Key, Outcome, Plan, RepositoryItem
from moorage.policy.planner import Planner, RepositoryPlan
from moorage.policy.rules import Policy
from moorage.registries.interface import Registry, RepositoryDeleter, WholeDeleter
from moorage.settings.settings import Access

_LOOKS: Final = 5
_FIRST_PAUSE: Final = 0.5  # seconds; doubled each time
_NO_CALL: Final = "--delete-empty-repositories: this registry has no call that deletes a repository, so they stay"
_HELD_BACK: Final = "something else is left in the repository, so that this image need not go with it: run again"
_ENDED: Final[Result] = (Outcome.PLANNED, "the end was asked for before anybody could tell whether it is gone")

Deleter = RepositoryDeleter | WholeDeleter
Holding = dict[Digest, set[Tag]]
"""Manifests that go with their repository, each with its tags."""


def empties(
    registry: Registry,
    planners: Mapping[Repository, Planner],
    plans: Mapping[Repository, RepositoryPlan],
    images: Mapping[Repository, frozenset[str]],
) -> tuple[tuple[RepositoryItem, ...], tuple[str, ...]]:
    """The repositories in which the plan leaves nothing and what becomes of them, and what else is to be said.

    `images` are the project's images that live in each of its own repositories, as `images_alone` gives them.
    """
    if not any(planner.policy.delete_empty for planner in planners.values()):
        return (), ()
    if not isinstance(registry, Deleter):
        return (), (_NO_CALL,)
    found = [_empty(registry, planner, plans[repository].items, images) for repository, planner in planners.items()]
    return tuple(item for item in found if item is not None), ()


def _empty(
    registry: Deleter, planner: Planner, items: Sequence[Item], images: Mapping[Repository, frozenset[str]]
) -> RepositoryItem | None:
    inventory = planner.inventory
    known = Surroundings(images=images.get(inventory.repository))
    if all(item.goes for item in items):
        try:
            date = registry.repository_date(inventory.repository) if not items else None
            known = replace(known, cannot=registry.cannot_delete(inventory.repository), date=date)
        except NotFound:
            return None  # gone since it was listed
        except RegistryError as error:
            known = replace(known, cannot=error.message)
    return repository_item(inventory, items, planner.policy, planner.now, known)


def images_alone(project: ProjectImages | None) -> Mapping[Repository, frozenset[str]]:
    """The project's images by repository, where their records lie beside them; none where a stages storage has the records."""
    found: dict[Repository, frozenset[str]] = {}
    if project is not None and project.homes.common is None:
        for name in project.names:
            repository = project.homes.repo.repository(name)
            found[repository] = found.get(repository, frozenset()) | {name}
    return found


@dataclass(frozen=True, slots=True)
class Emptying:
    """Deletes the repositories that a plan says go, after everything else of the plan."""

    registry: Registry
    journal: Journal
    access: Access
    world: World
    policy: Policy
    sleep: Callable[[float], None] = time.sleep

    def carry_out(self, applied: Applied, views: Views) -> Applied:
        """The same with outcomes for repositories, and for what could only go with them."""
        plan, halted, alarm = applied.plan, list(applied.halted), applied.alarm
        results: dict[Repository, Result] = {}
        outcomes: dict[Key, Result] = {}
        spent = self.world.spent(self.access.time_budget)
        if plan.doomed:
            self.world.progress.start("Deleting repositories", len(plan.doomed))
        for repository in plan.doomed:
            if spent() or alarm is not None or repository in views.failures:
                continue
            try:
                result = self._waited_for(partial(self._one, repository, views.planners.get(repository), plan))
            except NotFound:
                result = (Outcome.ALREADY_GONE, None)
            except ConfigurationError as error:  # the disk under the journal is full, say: what was done has to be told
                alarm, result = error, (Outcome.FAILED, error.message)
            except RegistryError as error:
                halted.append(error)
                result = (Outcome.FAILED, error.message)
            results[repository] = result
            held = [item for item in plan.of(repository) if item.goes and item.outcome is Outcome.PLANNED]
            if result[0] is not Outcome.PLANNED:
                outcomes |= dict.fromkeys((item.key for item in held), _of_images(result))
        if plan.doomed:
            self.world.progress.done()
        return Applied(_with_results(ended(plan, outcomes, (), views), results), tuple(halted), alarm)

    def _waited_for(self, work: Callable[[], Result]) -> Result:
        """What came of it, unless the end was asked for while a request or a pause went on. Raises what it does."""
        results: list[Result] = []
        work_off([lambda: results.append(work())], 1, Event(), lambda: self.world.ending.impatient)
        return results[0] if results else _ENDED

    def _one(self, repository: Repository, planner: Planner | None, plan: Plan) -> Result:
        """Raises NotFound where it is gone already, whatever the registry objects, and ConfigurationError for a full journal."""
        if not isinstance(self.registry, Deleter):
            raise Unsupported(f"{repository}: this registry has no call that deletes a repository; nothing was changed")
        if planner is None:
            raise NotFound(f"{repository} is not there any more")
        items = [item for item in plan.of(repository) if item.goes]
        held_back = gone_with_repository(planner.inventory)
        early = [item for item in items if item.digest not in held_back]
        if any(item.outcome is Outcome.CHANGED for item in items):
            return Outcome.CHANGED, "something in it has changed since the plan, and stays"
        if left := sum(1 for item in early if item.outcome not in DONE):
            return Outcome.PLANNED, f"{left} of what was to go is still in it"
        holding: Holding = {}
        for item in items:
            if item.outcome is Outcome.PLANNED and item.digest is not None:
                holding.setdefault(item.digest, set()).update((item.tag,) if item.tag is not None else ())
        if why := self._occupied(self.registry, planner, holding, was_empty=not items):
            return Outcome.CHANGED, why
        return self._delete(self.registry, planner.inventory, holding)

    def _occupied(self, registry: Deleter, planner: Planner, holding: Holding, *, was_empty: bool) -> str:
        """What lies in the repository that the plan knows nothing of, by a fresh listing, in words; empty where nothing does.

        Records that were there when the plan was made go now, or are added to what is held.
        """
        repository = planner.inventory.repository
        seen = look(self.registry, repository)
        if why := _beside(seen, holding):
            return why
        if seen.records - planner.inventory.records:
            return "somebody has recorded a publish in it since the plan"
        if isinstance(registry, WholeDeleter):
            return self._hold_records(seen, holding)
        if seen.records:
            eraser = Eraser(Home(self.registry, repository), self.access.parallel, frozenset(holding), self.journal)
            said = eraser.erase(seen.records)
            return "; ".join(said) or _beside(self.registry.inventory(repository), holding)
        if not was_empty:
            return ""
        policy = replace(self.policy, delete_unknown_age=True)  # where it is unknown, the plan has decided
        young = too_young(registry.repository_date(repository), policy, self.world.now())
        return young.detail if young is not None else ""

    def _hold_records(self, seen: Inventory, holding: Holding) -> str:
        """Records that go with their repository can be brought back with it; says why they cannot be held, or nothing."""
        for tag in seen.records:
            try:
                holding.setdefault(self.registry.resolve(seen.repository, tag), set()).add(tag)
            except NotFound:  # of the record, and not of the repository
                return f"its record {tag} has gone meanwhile"
        return ""

    def _delete(self, registry: Deleter, inventory: Inventory, holding: Holding) -> Result:
        repository = inventory.repository
        undoing = Undoing(self.registry, inventory, list(holding))
        try:
            entries = [undoing.entry(digest, tuple(sorted(tags))) for digest, tags in holding.items()]
        except NotFound as error:
            return Outcome.CHANGED, f"some of what was to go with it is not there any more: {error.message}"
        if self.world.ending.asked is not None:
            return _ENDED
        for entry in entries:
            self.journal.about_to(entry)
        self.journal.emptied(repository)
        outcome = Outcome.FAILED
        try:
            if isinstance(registry, WholeDeleter):
                registry.delete_whole(repository, holding)
            else:
                registry.delete_repository(repository)
            outcome = Outcome.DELETED
        except NotFound:
            outcome = Outcome.ALREADY_GONE
        finally:
            self._happened(repository, entries, outcome)
        self.world.progress.advance(f"{repository} {outcome}")
        if outcome is Outcome.DELETED and self._still_there(registry, repository):
            return Outcome.FAILED, "the registry accepted the deletion, and it is still there"
        return outcome, None

    def _happened(self, repository: Repository, entries: Sequence[Entry], outcome: Outcome) -> None:
        """A journal that takes no more lines says that it was about to: whoever reads it looks. The next deletion is stopped."""
        try:
            for entry in entries:
                self.journal.happened(entry, outcome)
            self.journal.emptied(repository, outcome)
        except ConfigurationError as error:
            self.world.progress.warn(error.message)

    def _still_there(self, registry: Deleter, repository: Repository) -> bool:
        """Whether a few looks see it there, between which registries that work in the background get some time."""
        for attempt in range(_LOOKS):
            try:
                registry.repository_date(repository)
            except NotFound:
                return False
            except RegistryError as error:
                self.world.progress.warn(f"{repository}: could not look whether the deletion took effect: {error.message}")
                return False
            if self.world.ending.asked is not None:
                break
            if attempt + 1 < _LOOKS:
                self.sleep(_FIRST_PAUSE * 2**attempt)
        return True


def _beside(seen: Inventory, holding: Holding) -> str:
    """What a repository holds beside this, in words."""
    tags = {(tag, digest) for tag, digest in seen.tags.items()}
    planned = {(tag, digest) for digest, on_it in holding.items() for tag in on_it}
    there = seen.manifests.keys() | seen.unreadable.keys() | set(seen.tags.values())
    others = [tag.text for tag, _ in tags - planned] + [tag.text for tag in (*seen.unresolved, *seen.dangling)]
    others += [digest.short for digest in there - holding.keys()]
    if others:
        return f"it holds {', '.join(sorted(others)[:5])}, which the plan does not delete"
    return "some of what was to go with it is not there any more" if planned - tags or holding.keys() - there else ""


def _of_images(result: Result) -> Result:
    """What a repository's outcome means for the images that could only go with it."""
    return (Outcome.CHANGED, _HELD_BACK) if result[0] is Outcome.CHANGED else result


def _with_results(plan: Plan, results: Mapping[Repository, Result]) -> Plan:
    def done(item: RepositoryItem) -> RepositoryItem:
        outcome, error = results.get(item.repository, (item.outcome, item.error))
        return replace(item, outcome=outcome, error=error)

    return replace(plan, empties=tuple(done(item) for item in plan.empties))
