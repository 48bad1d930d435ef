"""The story of a purge: all that this project published goes, under the same guards, protection and journal as in a cleanup.

Images are told by their labels, never by their names, so what others pushed beside them stays. Git has no say; keep lists,
what runs, protected tags, what the registry locks and the grace for new images have.
"""

from collections.abc import Mapping
from dataclasses import replace

from moorage.commands.cleanup import CleanupResult, conclude
from moorage.commands.connect import connect
from moorage.commands.in_use import running
from moorage.commands.planning import fresh_plan, reviewed_plan
from moorage.commands.project_images import ProjectImages, ProjectVerdict, project_images
from moorage.commands.stage_planning import stage_planner
from moorage.commands.world import World
from moorage.errors import Refused
from moorage.oci.inventory import Inventory
from moorage.oci.reference import Repository
from moorage.policy.claims import Claims
from moorage.policy.reason import Code, Reason
from moorage.settings.settings import CleanupSettings


def purge(settings: CleanupSettings, world: World, *, confirmed: bool) -> CleanupResult:
    """Plan and, when it is confirmed and no dry run, carry out. Raises what `cleanup` raises; Refused where nobody said yes."""
    if not confirmed and not settings.dry_run:
        raise Refused(
            "purge deletes everything that this project published, and nobody has said yes to that",
            remedy="Look at the plan (--dry-run), then say --yes.",
        )
    # Rules are about what others published, and the age of an image that was published by us does not protect it from a purge.
    policy = replace(settings.policy, rules=(), delete_unknown_age=True)
    guards = replace(settings.guards, boundless=())
    settings = replace(settings, policy=policy, guards=guards, git=replace(settings.git, by_history=False))
    in_use = running(settings.clusters, world, dry_run=settings.dry_run)
    with (
        connect(settings.storage, settings.access, world) as registry,
        project_images(settings, world, registry) as project,
        stage_planner(settings, world, registry, project, in_use) as stages,
    ):
        if project is not None:
            project.leaving = True
        if settings.plan_in is not None:
            plan, views = reviewed_plan(settings, world, registry, in_use, settings.plan_in)
            plan, views = stages.reviewed(plan, views) if stages is not None else (plan, views)
        else:
            plan, views = fresh_plan(settings, world, registry, in_use, project, judge=_everything)
            plan, views = stages.beside(plan, views, project, purge=True) if stages is not None else (plan, views)
        return conclude(settings, world, registry, project, plan, views, in_use)


def _everything(project: ProjectImages, inventories: Mapping[Repository, Inventory]) -> ProjectVerdict:
    verdict = project.claims(inventories)
    reason = (Reason(Code.PURGE, f"published by the project {project.settings.project.name}"),)
    claims = {
        repository: Claims(let_go={one.tag: reason for one in project.published[repository].tags}) for repository in inventories
    }
    return ProjectVerdict(claims, verdict.failures, project.notes)
