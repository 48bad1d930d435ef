"""Stages in a plan: what nothing was made from that stays goes, once it is known what becomes of all images.

Whoever sees only some of the project's images, or could not read one, lets no stage go.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from moorage.commands.applying import Views
from moorage.commands.blob_cache import BlobCache
from moorage.commands.connect import connect
from moorage.commands.engine_stages import engine_home
from moorage.commands.in_use import Running
from moorage.commands.keep_list import read_keep_lists
from moorage.commands.managed_images import fits, managed_names
from moorage.commands.project_images import ProjectImages
from moorage.commands.record_home import Home
from moorage.commands.record_homes import Homes
from moorage.commands.stage_needs import Needs, Place, StageViews, ancestry_of, needs_in, united
from moorage.commands.survey import Question, complete, labelled, look
from moorage.commands.targets import target_repositories
from moorage.commands.world import World
from moorage.errors import NotFound, RegistryError
from moorage.oci.inventory import Inventory
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import Repository
from moorage.policy.claims import Claims, merged
from moorage.policy.plan import Kind, Plan
from moorage.policy.planner import Planner
from moorage.policy.reason import Code, Reason
from moorage.policy.rules import Policy
from moorage.policy.stages import Stages, is_of_werf, kept, settle, stages_in
from moorage.registries.interface import Registry
from moorage.settings.settings import CleanupSettings

_UNUSED: Final = Reason(Code.STAGE_UNUSED, "no image that stays was made from it")
_UNSURE: Final = Reason(Code.MAY_BE_NEEDED, "it is not known what all images that stay were made from")


@dataclass(frozen=True, slots=True)
class StagePlanner:
    """Judges the stages of a project. `registry` is where its images are, `home` where its stages are."""

    settings: CleanupSettings
    world: World
    registry: Registry
    home: Home
    in_use: Running

    def beside(self, plan: Plan, views: Views, project: ProjectImages | None, *, purge: bool = False) -> tuple[Plan, Views]:
        """The plan with the stages that go: all of them in a purge, else those that no image needs which stays by this plan."""
        partial = self._sees_too_little(project)
        if project is None or partial:
            return _noted(plan, f"{self.home.repository}: no stage goes, since {partial}"), views
        images = {repository: planner.inventory for repository, planner in views.planners.items()}
        try:
            needs = self._needs(images, _unseen(views, project))
            found = self._judged(images, needs, _going(plan), purge=purge)
        except NotFound:
            return plan, views  # nothing was kept there yet
        except RegistryError as error:
            failures = {**views.failures, self.home.repository: error}
            return self._warned(plan, error), replace(views, failures=failures)
        return self._joined(plan, found, purge=purge), replace(views, stages=found)

    def reviewed(self, plan: Plan, views: Views) -> tuple[Plan, Views]:
        """The same plan: the stages that an older one lets go are held against the images that are there now."""
        if not any(item.repository == self.home.repository for item in plan.deletions):
            return plan, views
        try:
            return plan, replace(views, stages=self._seen_again(plan))
        except RegistryError as error:
            failures = {**views.failures, self.home.repository: error}
            return self._warned(plan, error), replace(views, failures=failures)

    def _seen_again(self, plan: Plan) -> StageViews:
        images, doubts = self._look_at_images()
        needs, gone = self._needs(images, doubts), _going(plan)
        inventory, stages, silent = self._stages()
        needs = replace(needs, doubts=(*needs.doubts, *silent))
        claims = _unsure(stages, needs, gone) or kept(stages.needed(needs.names(lambda place: place not in gone)))
        return StageViews(self.home, self._planners(inventory, Policy())(claims), stages, needs, images)

    def _sees_too_little(self, project: ProjectImages | None) -> str:
        """Why what this run sees of the project's images is not enough, or empty."""
        if project is None:
            return "this run is about some repositories, and not about all images of the project"
        if self.settings.shard != (1, 1):
            return "each shard sees only its own images; a run without --shard looks at them"
        unknown = sorted(set(self.settings.unnamed) - project.names)
        return f"--image leaves out {', '.join(unknown)}, which may be made from them" if unknown else ""

    def _needs(self, images: Mapping[Repository, Inventory], doubts: Iterable[str]) -> Needs:
        cache, parallel = BlobCache.of(self.world.environ), self.settings.access.parallel
        needs = united((needs_in(self.registry, inventory, cache, parallel) for inventory in images.values()), doubts)
        if any(inventory.tags for inventory in images.values()):
            return needs
        return replace(needs, doubts=(*needs.doubts, "no image is published at all, so the images may be elsewhere"))

    def _stages(self) -> tuple[Inventory, Stages, tuple[str, ...]]:
        """What the storage holds, and why some of it may lead to more than is known. Raises RegistryError."""
        inventory = labelled(self.home.registry, look(self.home.registry, self.home.repository))
        cache, parallel = BlobCache.of(self.world.environ), self.settings.access.parallel
        tagged = [inventory.manifests[digest] for digest in set(inventory.tags.values()) if digest in inventory.manifests]
        ancestry, silent = ancestry_of(self.home, filter(is_of_werf, tagged), cache, parallel)
        stages = stages_in(inventory, self.settings.project.name, ancestry)
        doubts = (f"{len(silent)} stages do not say what they were built on",) if silent else ()
        return stages.dated(inventory), stages, doubts

    def _planners(self, inventory: Inventory, policy: Policy) -> Callable[[Claims], Planner]:
        listed = read_keep_lists(self.settings.keep_lists, [inventory.repository])[inventory.repository]
        running, now = self.in_use.claims(inventory), self.world.now()

        def planner(claims: Claims) -> Planner:
            return complete(self.home.registry, inventory, Question(policy, now, merged([running, listed, claims])))

        return planner

    def _judged(
        self, images: Mapping[Repository, Inventory], needs: Needs, gone: Collection[Place], *, purge: bool
    ) -> StageViews:
        inventory, stages, silent = self._stages()
        policy = replace(self.settings.policy, rules=(), delete_empty=False)
        if purge:
            because = Reason(Code.PURGE, f"a stage of the project {self.settings.project.name}")
            found = settle(stages, {}, because, self._planners(inventory, policy))
            return StageViews(self.home, found, stages, Needs(), {})
        needs = replace(needs, doubts=(*needs.doubts, *silent))
        planners = self._planners(inventory, replace(policy, delete_unknown_age=False))
        unsure = _unsure(stages, needs, gone)
        names = needs.names(lambda place: place not in gone)
        found = planners(unsure) if unsure is not None else settle(stages, names, _UNUSED, planners)
        return StageViews(self.home, found, stages, needs, images)

    def _joined(self, plan: Plan, found: StageViews, *, purge: bool) -> Plan:
        planned, repository = found.planner.plan(), self.home.repository
        gone = _going(plan)
        doubts = () if purge else found.needs.unknown(lambda place: place not in gone)
        others = (f"{count} stages in {repository} are of the project {name!r}, and are left to it"
                  for name, count in sorted(found.stages.others.items()))  # fmt: skip
        return replace(
            plan,
            items=(*plan.items, *planned.items),
            notes=(*plan.notes, *(f"{repository}: no stage goes: {doubt}" for doubt in doubts), *others, *planned.notes),
            freed={**plan.freed, repository: planned.freed},
        )

    def _warned(self, plan: Plan, error: RegistryError) -> Plan:
        said = f"{self.home.repository} could not be looked at: {error.message}"
        self.world.progress.warn(said)
        return _noted(plan, said)

    def _look_at_images(self) -> tuple[Mapping[Repository, Inventory], list[str]]:
        """All that the project has published, by the names that are configured or recorded."""
        homes = Homes(self.registry, self.settings.storage.repo, self.home)
        recorded = managed_names(homes, self.settings.access.parallel).names
        names = {*self.settings.images, *self.settings.unnamed, *(name for name in recorded if fits(homes, name))}
        images, doubts = dict[Repository, Inventory](), list[str]()
        for repository in target_repositories(replace(self.settings, images=tuple(sorted(names))), self.registry):
            try:
                images[repository] = labelled(self.registry, look(self.registry, repository))
            except NotFound:
                continue
            except RegistryError as error:
                doubts.append(f"{repository} could not be looked at: {error.message}")
        return images, doubts


def _unsure(stages: Stages, needs: Needs, gone: Collection[Place]) -> Claims | None:
    """What keeps every stage, where some image that stays does not say what it was made from; else None."""
    if not needs.unknown(lambda place: place not in gone):
        return None
    return Claims(dict.fromkeys((stage.tag for stage in stages.stages), (_UNSURE,)))


def _going(plan: Plan) -> frozenset[Place]:
    """The manifests that go by a plan."""
    return frozenset(
        (item.repository, item.digest) for item in plan.deletions if item.kind is Kind.MANIFEST and item.digest is not None
    )


def _unseen(views: Views, project: ProjectImages) -> Iterator[str]:
    """Why there may be images of the project that this run has not seen."""
    for repository, error in views.failures.items():
        yield f"{repository} could not be looked at: {error.message}"
    for repository in project.repositories:
        if repository not in views.planners and repository not in views.failures and project.has_records_of(repository):
            yield (
                f"{repository} is not there, though it is recorded what was published to it "
                "(moorage managed-images rm, with the image's name, if that is meant)"
            )


def _noted(plan: Plan, note: str) -> Plan:
    return replace(plan, notes=(*plan.notes, note))


@contextmanager
def stage_planner(
    settings: CleanupSettings, world: World, registry: Registry, project: ProjectImages | None, in_use: Running
) -> Iterator[StagePlanner | None]:
    """For the stages storage, where there is one that can be looked at; `registry` is the one of the images."""
    if settings.local_stages:
        with engine_home(settings.project, settings.access, world) as home:
            yield StagePlanner(settings, world, registry, home, in_use) if home is not None else None
    elif settings.stages is None:
        yield None
    elif project is not None and project.homes.common is not None:
        yield StagePlanner(settings, world, registry, project.homes.common, in_use)
    else:
        with connect(settings.stages, settings.access, world) as other:
            yield StagePlanner(settings, world, registry, Home(other, settings.stages.repo.repository(NAMELESS)), in_use)
