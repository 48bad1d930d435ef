"""The story of a cleanup: look, plan, guard, carry out, say what became of it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from moorage.commands.applying import Application, Views, incomplete, journal_path, shortfall
from moorage.commands.atomic import write_atomically
from moorage.commands.connect import connect
from moorage.commands.journal import Journal
from moorage.commands.keep_list import read_keep_lists
from moorage.commands.project_images import ProjectImages, ProjectVerdict, project_images
from moorage.commands.survey import Question, complete, labelled, look, survey
from moorage.commands.targets import target_repositories
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Contradiction, Failure, NotFound, Refused, RegistryError
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Repository
from moorage.policy.claims import Claims, merged
from moorage.policy.document import from_document, to_document
from moorage.policy.guards import objections
from moorage.policy.plan import Plan
from moorage.policy.planner import Planner
from moorage.policy.rules import Policy
from moorage.registries.interface import Registry
from moorage.settings.settings import CleanupSettings

T = TypeVar("T")

_REPOSITORIES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """The plan as it ended, and what went wrong, if anything did.

    `objections` are the guards that would stop this plan, or did; `failure` is what the process exits with.
    """

    plan: Plan
    objections: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a look at every repository gave, and why it gave nothing for the others."""

    found: Mapping[Repository, T]
    failures: Mapping[Repository, RegistryError]
    notes: tuple[str, ...]


def cleanup(settings: CleanupSettings, world: World) -> CleanupResult:
    """Plan and, unless it is a dry run, carry out.

    A guard that objects leaves everything as it is and comes back as `failure`. Raises ConfigurationError and, where no
    repository could be looked at, the registry's own error.
    """
    with connect(settings.storage, settings.access, world) as registry, project_images(settings, world, registry) as project:
        if settings.plan_in is not None:
            plan, views = _reviewed(settings, world, registry, settings.plan_in)
        else:
            plan, views = _fresh(settings, world, registry, project)
        if settings.plan_out is not None:
            write_atomically(settings.plan_out, json.dumps(to_document(plan), indent=1, ensure_ascii=False) + "\n")
        objected = objections(plan, settings.guards)
        if settings.dry_run:
            return CleanupResult(plan, objected, incomplete(views))
        if objected:
            return CleanupResult(plan, objected, Refused("; ".join(objected)))
        with Journal(journal_path(settings.journal, world), settings.storage.repo.registry, world.now()) as journal:
            done = Application(registry, journal, settings.access, world, settings.plan_in is not None).apply(plan, views)
        if project is not None:
            done = replace(done, notes=(*done.notes, *project.tidy(done)))
    return CleanupResult(done, (), shortfall(done, views))


def _fresh(settings: CleanupSettings, world: World, registry: Registry, project: ProjectImages | None) -> tuple[Plan, Views]:
    targets = project.repositories if project is not None else target_repositories(settings, registry)
    repositories = _own_shard(targets, settings.shard)
    seen = _look(repositories, lambda repository: _seen(registry, repository, project), world)
    claims = read_keep_lists(settings.keep_lists, seen.found)
    verdict = project.claims(seen.found) if project is not None else ProjectVerdict({})
    now = world.now()

    def decide(repository: Repository) -> Planner:
        if repository in verdict.failures:
            raise verdict.failures[repository]
        both = merged([claims[repository], verdict.claims.get(repository, Claims())])
        return complete(registry, seen.found[repository], Question(settings.policy, now, both))

    decided = _look(tuple(seen.found), decide, world)
    notes = (*seen.notes, *decided.notes, *verdict.notes)
    views = Views(decided.found, {**seen.failures, **decided.failures}, notes)
    plans = {repository: planner.plan() for repository, planner in views.planners.items()}
    plan = Plan(
        created=now,
        items=tuple(item for repository in plans for item in plans[repository].items),
        notes=(*views.notes, *(note for repository in plans for note in plans[repository].notes)),
        freed={repository: plans[repository].freed for repository in plans},
    )
    return plan, views


def _seen(registry: Registry, repository: Repository, project: ProjectImages | None) -> Inventory:
    inventory = look(registry, repository)
    return labelled(registry, inventory) if project is not None else inventory


def _reviewed(settings: CleanupSettings, world: World, registry: Registry, path: Path) -> tuple[Plan, Views]:
    """The plan from a file, beside a new look at the repositories that it deletes from."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"--plan {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"--plan {path} is not JSON: {error}") from None
    plan = from_document(document, f"--plan {path}", settings.storage.repo.registry)
    only_look = Question(Policy(), world.now(), Claims())
    repositories = tuple(dict.fromkeys(item.repository for item in plan.deletions))
    seen = _look(repositories, lambda repository: survey(registry, repository, only_look), world)
    return plan, Views(seen.found, seen.failures, seen.notes)


def _look(repositories: Sequence[Repository], view: Callable[[Repository], T], world: World) -> "Seen[T]":
    """Look at every repository; one that cannot be listed does not stop the others, unless there is no other."""
    there: dict[Repository, T] = {}
    failures: dict[Repository, RegistryError] = {}
    notes: list[str] = []
    world.progress.start("Reading repositories", len(repositories))
    with ThreadPoolExecutor(max_workers=_REPOSITORIES_AT_ONCE, thread_name_prefix="look") as pool:
        for repository, found in zip(
            repositories, pool.map(lambda repository: _try(view, repository), repositories), strict=True
        ):
            if isinstance(found, NotFound):
                notes.append(f"{repository} is not there, so there is nothing to clean: {found.message}")
            elif isinstance(found, RegistryError):
                failures[repository] = found
                notes.append(f"{repository} could not be looked at: {found.message}")
                world.progress.warn(notes[-1])
            else:
                there[repository] = found
            world.progress.advance(str(repository))
    world.progress.done()
    if failures and not there and not any(isinstance(error, Contradiction) for error in failures.values()):
        raise next(iter(failures.values()))
    return Seen(there, failures, tuple(notes))


def _try(view: Callable[[Repository], T], repository: Repository) -> T | RegistryError:
    try:
        return view(repository)
    except RegistryError as error:
        return error


def _own_shard(repositories: Iterable[Repository], shard: tuple[int, int]) -> tuple[Repository, ...]:
    """The repositories of this shard: by name alone, so that every job of a matrix agrees without talking to the others."""
    index, count = shard
    return tuple(r for r in repositories if int.from_bytes(sha256(str(r).encode()).digest()[:8]) % count == index - 1)
