"""Applying a plan to the repositories that it is about: look again, carry out, add up what became of it."""

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from moorage.commands.carry_out import Run
from moorage.commands.journal import Journal
from moorage.commands.reconcile import Result, reconcile
from moorage.commands.stage_needs import StageViews
from moorage.commands.survey import revealed, seen_again
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Failure, PartialFailure, RegistryError
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository
from moorage.policy.last_tagged import gone_with_repository
from moorage.policy.plan import Item, Key, Kind, Outcome, Plan, RepositoryItem
from moorage.policy.planner import Planner, freed_bytes
from moorage.registries.interface import Registry, TagDeleter
from moorage.settings.settings import Access


@dataclass(frozen=True, slots=True)
class Views:
    """What was seen of each repository, and why the others could not be looked at.

    `stages` is what was seen of a stages storage, whose registry may be another one than that of `planners`.
    """

    planners: Mapping[Repository, Planner]
    failures: Mapping[Repository, RegistryError]
    notes: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()  # why a plan that rests on this must not be carried out
    stages: StageViews | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """The plan with outcomes, and why repositories were left before they were done.

    `alarm` says that something which was to stay is gone, or that the journal takes no more lines: everything was stopped for it.
    """

    plan: Plan
    halted: tuple[RegistryError, ...] = ()
    alarm: Failure | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one repository's part of a plan; the rest is as in `Applied`."""

    outcomes: Mapping[Key, Result]
    halted: tuple[RegistryError, ...] = ()
    notes: tuple[str, ...] = ()
    alarm: Failure | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """What is needed to apply a plan. `reviewed` plans come from a file, so that everything may have changed since."""

    registry: Registry
    journal: Journal
    access: Access
    world: World
    reviewed: bool = False

    def apply(self, plan: Plan, views: Views) -> Applied:
        """Carry the plan out in every repository that was looked at, unless what was to stay disappears on the way.

        Raises ConfigurationError where there is no journal to write to and nothing was deleted.
        """
        alarm: Failure | None = None
        halted: list[RegistryError] = []
        outcomes: dict[Key, Result] = {}
        notes: list[str] = []
        spent = self.world.spent(self.access.time_budget)
        going: dict[Repository, list[Item]] = {}
        for item in plan.deletions:
            going.setdefault(item.repository, []).append(item)
        self.world.progress.start("Deleting", len(plan.deletions))
        for repository, planner in views.planners.items():
            if repository not in going or spent():
                continue
            done = self.one(planner, going[repository], last=repository in plan.doomed)
            outcomes |= done.outcomes
            halted += done.halted
            notes += done.notes
            if done.alarm is not None:
                alarm = done.alarm
                break
        if isinstance(alarm, ConfigurationError) and all(outcome is not Outcome.DELETED for outcome, _ in outcomes.values()):
            raise alarm
        if self.world.ending.asked is not None:
            notes.append(f"ended by {self.world.ending.asked}; the next run goes on from here")
        elif spent():
            notes.append("the time budget is spent; the next run goes on from here")
        self.world.progress.done()
        return Applied(ended(plan, outcomes, notes, views), tuple(halted), alarm)

    def one(
        self, planner: Planner, items: Sequence[Item], before: Mapping[Key, Result] | None = None, *, last: bool = False
    ) -> Done:
        """Carry out what is planned for one repository; `before` is what became of other items of it."""
        repository = planner.inventory.repository
        try:
            run = self._prepare(planner, items, last=last)
        except RegistryError as error:  # what was done in other repositories has to be told all the same
            return Done({}, (error,), (f"{repository}: not begun, it could not be looked at again: {error.message}",))
        run.outcomes |= before or {}
        try:
            outcomes = run.carry_out()
        except ConfigurationError as error:  # the disk under the journal is full, say: what was done has to be told
            return Done(run.outcomes, alarm=error)
        if run.halted is None:
            return Done(outcomes, alarm=run.lost)
        return Done(outcomes, (run.halted,), (f"{repository}: stopped, {run.halted.message}",), run.lost)

    def _prepare(self, planner: Planner, items: Sequence[Item], *, last: bool) -> Run:
        """Look again right before deleting: at the names, and at everything where they have changed or the plan is an old one.

        `last` says that the repository goes, too: what can only go with it is left to moorage.commands.emptying.
        """
        inventory = planner.inventory
        outcomes: Mapping[Key, Result] = {}
        going = {item.digest for item in items if item.digest is not None}
        if self.reviewed:
            inventory = revealed(self.registry, inventory, going)
            outcomes = reconcile(items, inventory, planner.claims)
        else:
            known = inventory.tags.keys() | inventory.unresolved.keys() | inventory.dangling.keys()
            if {tag for tag in self.registry.tag_names(inventory.repository) if not is_record(tag)} != known:
                inventory = seen_again(self.registry, inventory, going)
                outcomes = reconcile(items, inventory, planner.claims)
        left = [item for item in items if item.key not in outcomes]
        unfit = {**outcomes, **_cannot_untag(self.registry, inventory.repository, left)}
        held_back = gone_with_repository(planner.inventory) if last else frozenset()
        return Run(
            self.registry,
            inventory,
            [item for item in left if item.key not in unfit and item.digest not in held_back],
            self.journal,
            parallel=self.access.parallel,
            progress=self.world.progress,
            spent=self.world.spent(self.access.time_budget),
            leave=lambda: self.world.ending.impatient,
            outcomes=unfit,
        )


def journal_path(asked_for: Path | None, world: World) -> Path:
    """Where the journal of this run goes: what was asked for, else a file of its own in the user's state directory."""
    if asked_for is not None:
        return asked_for
    state = Path(world.environ.get("XDG_STATE_HOME") or Path(world.environ.get("HOME") or "/") / ".local" / "state")
    if not _may_write(state):  # a container's user without a home
        state = Path(tempfile.gettempdir())
    moment = world.now().strftime("%Y%m%dT%H%M%S%f")
    return state / "moorage" / f"journal-{moment}-{os.getpid()}.jsonl"


def _may_write(folder: Path) -> bool:
    """Whether this folder could be written to, or made."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return os.access(there, os.W_OK)


def _cannot_untag(registry: Registry, repository: Repository, items: Sequence[Item]) -> Mapping[Key, Result]:
    """Tags whose manifest was saved meanwhile, on a registry that only removes whole manifests: they stay with it."""
    manifests = {item.digest for item in items if item.kind is Kind.MANIFEST}
    alone = [item for item in items if item.kind is Kind.TAG and item.digest not in manifests]
    reason = registry.cannot_untag(repository) if alone and isinstance(registry, TagDeleter) else ""
    if not alone or (isinstance(registry, TagDeleter) and not reason):
        return {}
    return {
        item.key: (Outcome.CHANGED, f"its manifest stays, and {reason or 'single tags cannot be removed here'}") for item in alone
    }


def ended(plan: Plan, outcomes: Mapping[Key, Result], notes: Iterable[str], views: Views) -> Plan:
    """The plan with these outcomes beside those that it has, and the bytes that all of its deletions freed."""
    done = plan.with_outcomes(outcomes)
    deleted = (item for item in done.deletions if item.outcome is Outcome.DELETED and item.kind is Kind.MANIFEST)
    gone: dict[Repository, set[Digest]] = {}
    for item in deleted:
        if item.digest is not None:
            gone.setdefault(item.repository, set()).add(item.digest)
    freed = {where: freed_bytes(planner.inventory, gone.get(where, set())) for where, planner in views.planners.items()}
    return replace(done, freed=freed, notes=(*done.notes, *notes))


def incomplete(views: Views) -> Failure | None:
    """That some repositories could not be looked at, if so."""
    if not views.failures:
        return None
    items = [f"{repository}: {error.message}" for repository, error in views.failures.items()]
    many = "1 repository" if len(items) == 1 else f"{len(items)} repositories"
    remedy = " ".join(dict.fromkeys(error.remedy for error in views.failures.values()))
    return PartialFailure(f"{many} could not be looked at", items=items, remedy=remedy)


def shortfall(applied: Applied, views: Views) -> Failure | None:
    """What the run set out to do and did not, or did and was not to."""
    plan = applied.plan
    if applied.alarm is not None:
        return PartialFailure(applied.alarm.message, remedy=applied.alarm.remedy)
    remaining: list[Item | RepositoryItem] = [item for item in plan.deletions if item.remains]
    remaining += [item for item in plan.empties if item.remains]
    if not remaining:
        return incomplete(views)
    items = [f"{item}: {item.error or 'not reached'}" for item in remaining]
    items += [f"{repository}: {error.message}" for repository, error in views.failures.items()]
    # Running it again does not help where a registry forbids deletion: what helps there is said by what it answered.
    remedy = " ".join(dict.fromkeys(error.remedy for error in applied.halted if error.remedy))
    return PartialFailure(f"{len(remaining)} planned deletions remain", items=items, remedy=remedy or None)
