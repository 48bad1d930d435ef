"""Making a plan: look at the repositories, hear what others claim, decide. The same for every story that deletes or explains."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from moorage.commands.applying import Views
from moorage.commands.emptying import empties, images_alone
from moorage.commands.engine_stages import stages_repository
from moorage.commands.in_use import Running
from moorage.commands.keep_list import read_keep_lists
from moorage.commands.plan_file import read_plan
from moorage.commands.project_images import ProjectImages, ProjectVerdict
from moorage.commands.survey import Question, complete, labelled, look
from moorage.commands.targets import target_repositories
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Contradiction, NotFound, OutOfTime, RegistryError
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Repository
from moorage.policy.claims import Claims, merged
from moorage.policy.plan import Outcome, Plan
from moorage.policy.planner import Planner, RepositoryPlan
from moorage.policy.reason import Code
from moorage.policy.rules import Policy
from moorage.registries.interface import Registry
from moorage.settings.settings import CleanupSettings

T = TypeVar("T")
Judge = Callable[[ProjectImages, Mapping[Repository, Inventory]], ProjectVerdict]

_REPOSITORIES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a look at every repository gave, and why it gave nothing for the others."""

    found: Mapping[Repository, T]
    failures: Mapping[Repository, RegistryError]
    notes: tuple[str, ...]


def fresh_plan(
    settings: CleanupSettings,
    world: World,
    registry: Registry,
    in_use: Running,
    project: ProjectImages | None,
    judge: Judge = ProjectImages.claims,
    only: Repository | None = None,
) -> tuple[Plan, Views]:
    """A plan for what is there now. `judge` says what becomes of the project's own images; `only` narrows it to one repository.

    A repository of an image that was never published is none; one that was named and is not there is a failure. Raises
    ConfigurationError and, where no repository could be looked at, the registry's own error.
    """
    targets = project.repositories if project is not None else target_repositories(settings, registry)
    repositories = (only,) if only is not None else own_shard(targets, settings.shard)
    named = bool(settings.repositories) and only is None
    seen = _look(
        repositories, lambda repository: _seen(registry, repository, project), world, "Reading repositories", named=named
    )
    claims = read_keep_lists(settings.keep_lists, seen.found)
    verdict = judge(project, seen.found) if project is not None else ProjectVerdict({})
    now = world.now()

    def decide(repository: Repository) -> Planner:
        if repository in verdict.failures:
            raise verdict.failures[repository]
        inventory = seen.found[repository]
        every = merged([in_use.claims(inventory), claims[repository], verdict.claims.get(repository, Claims())])
        return complete(registry, inventory, Question(settings.policy, now, every))

    decided = _look(tuple(seen.found), decide, world, "Planning")
    notes = (*seen.notes, *_unlisted(settings.policy, seen.found), *decided.notes, *verdict.notes, *in_use.notes)
    views = Views(decided.found, {**seen.failures, **decided.failures}, notes, verdict.objections)
    plans = {repository: planner.plan() for repository, planner in views.planners.items()}
    emptied, said = empties(registry, views.planners, plans, images_alone(project))
    united = _united(now, plans)
    return replace(united, notes=(*views.notes, *united.notes, *said), empties=emptied), views


def _united(created: datetime, plans: Mapping[Repository, RepositoryPlan]) -> Plan:
    """The plans of several repositories as one."""
    return Plan(
        created=created,
        items=tuple(item for plan in plans.values() for item in plan.items),
        notes=tuple(note for plan in plans.values() for note in plan.notes),
        freed={repository: plan.freed for repository, plan in plans.items()},
    )


def _unlisted(policy: Policy, inventories: Mapping[Repository, Inventory]) -> Iterator[str]:
    """That a rule for manifests without tags may find none because the registry shows none."""
    blind = sorted(repository for repository, inventory in inventories.items() if not inventory.lists_untagged)
    if policy.wants_untagged and blind:
        where = f"{blind[0]}{f' and {len(blind) - 1} more' if len(blind) > 1 else ''}"
        yield (
            f"manifests without tags are to go, and the registry does not list them in {where}: only those were seen that "
            "something with a tag leads to; the registry's own garbage collection finds the others"
        )


def _seen(registry: Registry, repository: Repository, project: ProjectImages | None) -> Inventory:
    inventory = look(registry, repository)
    return labelled(registry, inventory) if project is not None else inventory


def reviewed_plan(settings: CleanupSettings, world: World, registry: Registry, in_use: Running, path: Path) -> tuple[Plan, Views]:
    """The plan from a file, beside a new look at the repositories that it deletes from, and at what claims something in them.

    What it says of a stages storage is looked at by moorage.commands.stage_planning.
    """
    stages = stages_repository(settings)
    plan = read_plan(path, f"--plan {path}", settings.storage.repo.registry, *((stages.registry,) if stages is not None else ()))
    # What became of it in an earlier run does not count: each item is looked at anew.
    plan = replace(
        plan,
        applied=False,
        items=tuple(replace(item, outcome=Outcome.PLANNED, error=None) for item in plan.items),
        empties=tuple(replace(item, outcome=Outcome.PLANNED, error=None) for item in plan.empties),
    )
    _refuse_unknown_stages(plan, stages)
    doomed = dict.fromkeys((*(item.repository for item in plan.deletions), *plan.doomed))
    repositories = tuple(repository for repository in doomed if repository != stages)
    listed = read_keep_lists(settings.keep_lists, repositories)
    now = world.now()

    def view(repository: Repository) -> Planner:
        inventory = look(registry, repository)
        return complete(registry, inventory, Question(Policy(), now, merged([in_use.claims(inventory), listed[repository]])))

    seen = _look(repositories, view, world, "Reading repositories")
    return plan, Views(seen.found, seen.failures, seen.notes)


def _refuse_unknown_stages(plan: Plan, stages: Repository | None) -> None:
    """Raises ConfigurationError for stages that nobody would hold against the images that are made from them."""
    for item in plan.deletions:
        if item.repository != stages and any(reason.code is Code.STAGE_UNUSED for reason in item.reasons):
            raise ConfigurationError(
                f"the plan lets stages of {item.repository} go, and this run does not know it as the stages storage",
                remedy=f"Give --stages-storage {item.repository}, as for the run that made the plan.",
            )


def _look(
    repositories: Sequence[Repository], view: Callable[[Repository], T], world: World, title: str, *, named: bool = False
) -> "Seen[T]":
    """Look at every repository; one that cannot be listed does not stop the others, unless there is no other.

    `named` says that the user named them, so that one which is not there is a mistake in its name, or a missing right.
    """
    there: dict[Repository, T] = {}
    failures: dict[Repository, RegistryError] = {}
    notes: list[str] = []
    world.progress.start(title, len(repositories))
    with ThreadPoolExecutor(max_workers=_REPOSITORIES_AT_ONCE, thread_name_prefix="look") as pool:
        for repository, found in zip(
            repositories, pool.map(lambda repository: _try(view, repository), repositories), strict=True
        ):
            if isinstance(found, NotFound) and not named:
                notes.append(f"nothing to clean in {repository}: {found.message}")
            elif isinstance(found, RegistryError):
                failures[repository] = found
                notes.append(f"{repository} could not be looked at: {found.message}")
                world.progress.warn(notes[-1])
            else:
                there[repository] = found
            world.progress.advance(str(repository))
    world.progress.done()
    if failures and not there and not any(isinstance(error, Contradiction | OutOfTime) for error in failures.values()):
        raise next(iter(failures.values()))
    return Seen(there, failures, tuple(notes))


def _try(view: Callable[[Repository], T], repository: Repository) -> T | RegistryError:
    try:
        return view(repository)
    except RegistryError as error:
        return error


def own_shard(repositories: Iterable[Repository], shard: tuple[int, int]) -> tuple[Repository, ...]:
    """The repositories of this shard: by name alone, so that every job of a matrix agrees without talking to the others."""
    index, count = shard
    return tuple(r for r in repositories if int.from_bytes(sha256(str(r).encode()).digest()[:8]) % count == index - 1)
