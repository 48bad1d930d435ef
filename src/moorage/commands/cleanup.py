"""The story of a cleanup: look, plan, guard, carry out, say what became of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from moorage.commands.applying import Application, Views, incomplete, journal_path, shortfall
from moorage.commands.atomic import write_atomically
from moorage.commands.connect import connect
from moorage.commands.emptying import Emptying
from moorage.commands.engine_stages import stages_repository
from moorage.commands.in_use import Running, running
from moorage.commands.journal import RECORDED, Journal
from moorage.commands.planning import fresh_plan, reviewed_plan
from moorage.commands.project_images import ProjectImages, project_images
from moorage.commands.recorded import Recorded, recorded_in_plan, records_going
from moorage.commands.stage_planning import stage_planner
from moorage.commands.stages_last import StagesLast
from moorage.commands.world import World
from moorage.errors import Failure, Refused
from moorage.policy.document import to_document
from moorage.policy.guards import objections
from moorage.policy.plan import Plan
from moorage.registries.interface import Registry
from moorage.settings.settings import CleanupSettings


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """The plan as it ended, and what went wrong, if anything did.

    `objections` are the guards that would stop this plan, or did; `failure` is what the process exits with.
    """

    plan: Plan
    objections: tuple[str, ...] = ()
    failure: Failure | None = None


def cleanup(settings: CleanupSettings, world: World) -> CleanupResult:
    """Plan and, unless it is a dry run, carry out.

    A guard that objects leaves everything as it is and comes back as `failure`. Raises ConfigurationError, Refused where a
    cluster could not say what runs and, where no repository could be looked at, the registry's own error.
    """
    in_use = running(settings.clusters, world, dry_run=settings.dry_run)
    with (
        connect(settings.storage, settings.access, world) as registry,
        project_images(settings, world, registry) as project,
        stage_planner(settings, world, registry, project, in_use) as stages,
    ):
        if settings.plan_in is not None:
            plan, views = reviewed_plan(settings, world, registry, in_use, settings.plan_in)
            plan, views = stages.reviewed(plan, views) if stages is not None else (plan, views)
        else:
            plan, views = fresh_plan(settings, world, registry, in_use, project)
            plan, views = stages.beside(plan, views, project) if stages is not None else (plan, views)
        return conclude(settings, world, registry, project, plan, views, in_use)


def conclude(
    settings: CleanupSettings,
    world: World,
    registry: Registry,
    project: ProjectImages | None,
    plan: Plan,
    views: Views,
    in_use: Running,
) -> CleanupResult:
    """Write the plan down, ask the guards and, unless it is a dry run or they object, carry it out."""
    objected = (*in_use.objections, *views.objections, *objections(plan, settings.guards))
    recorded = [one.as_json() for one in _recorded(settings, project, plan)]
    if settings.plan_out is not None:
        document = {**to_document(plan, objected), RECORDED: recorded}
        write_atomically(settings.plan_out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if settings.dry_run:
        return CleanupResult(plan, objected, incomplete(views))
    if objected:
        return CleanupResult(plan, objected, Refused("; ".join(objected)))
    world.ending.hold()
    stored = stages_repository(settings)
    others = [stored.registry] if stored is not None else []
    with Journal(journal_path(settings.journal, world), settings.storage.repo.registry, world.now(), others) as journal:
        journal.recorded(recorded)
        application = Application(registry, journal, settings.access, world, settings.plan_in is not None)
        applied = application.apply(plan, views)
        done = applied.plan
        if project is not None and applied.alarm is None:
            done = replace(done, notes=(*done.notes, *project.tidy(done, journal)))
        emptying = Emptying(registry, journal, settings.access, world, settings.policy)
        applied = emptying.carry_out(replace(applied, plan=done), views)
        if views.stages is not None:
            applied = StagesLast(views.stages, application).carry_out(applied)
        if journal.path.exists():
            world.progress.note(f"To undo, as far as the registry still can: moorage restore {journal.path}")
    return CleanupResult(applied.plan, (), shortfall(applied, views))


def _recorded(settings: CleanupSettings, project: ProjectImages | None, plan: Plan) -> Iterable[Recorded]:
    """What is recorded of what is to go: the project knows it, or whoever made the plan did."""
    if settings.plan_in is not None:
        return recorded_in_plan(settings.plan_in)
    return records_going(project, plan) if project is not None else ()
