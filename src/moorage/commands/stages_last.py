"""Stages go last: after the images, whose deletion may have failed, and with another look at what was published meanwhile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from moorage.commands.applying import Application, Applied, Views, ended
from moorage.commands.blob_cache import BlobCache
from moorage.commands.reconcile import Result, reconcile
from moorage.commands.stage_needs import Needs, Place, StageViews, needs_in, united
from moorage.commands.survey import labelled, look
from moorage.errors import RegistryError
from moorage.oci.records import RecordTag
from moorage.oci.reference import Tag
from moorage.policy.claims import merged
from moorage.policy.plan import DONE, Item, Key, Kind, Outcome, Plan
from moorage.policy.stages import kept


@dataclass(frozen=True, slots=True)
class StagesLast:
    """`application` is the one that carried out what is planned for the images."""

    views: StageViews
    application: Application

    def carry_out(self, applied: Applied) -> Applied:
        """Let the stages of an applied plan go, but for those that images were made from which are there after all."""
        repository = self.views.home.repository
        items = [item for item in applied.plan.deletions if item.repository == repository]
        if not items or applied.alarm is not None:
            return applied
        try:
            spared = self._spared(applied.plan, items)
        except RegistryError as error:
            notes = (*applied.plan.notes, f"{repository}: not begun, the images could not be looked at again: {error.message}")
            return replace(applied, plan=replace(applied.plan, notes=notes), halted=(*applied.halted, error))
        outcomes: dict[Key, Result] = dict(spared)
        application = replace(self.application, registry=self.views.home.registry)
        portions = []
        application.world.progress.start("Deleting stages", len(items))
        for portion in self._portions([item for item in items if item.key not in spared], outcomes):
            if portion:
                portions.append(application.one(self.views.planner, portion, outcomes))
                outcomes |= portions[-1].outcomes
        application.world.progress.done()
        outcomes |= self._marks_that_stay(items, outcomes)
        said = [note for done in portions for note in done.notes]
        plan = ended(applied.plan, outcomes, said, Views({repository: self.views.planner}, {}))
        return Applied(
            replace(plan, freed={**applied.plan.freed, **plan.freed}),
            (*applied.halted, *(error for done in portions for error in done.halted)),
            next((done.alarm for done in portions if done.alarm is not None), None),
        )

    def _portions(self, items: Sequence[Item], outcomes: Mapping[Key, Result]) -> Iterator[Sequence[Item]]:
        """The stages, then the marks on those that are gone: a stage that lost its mark would be used."""
        yield [item for item in items if not self._marked(item)]
        yield [item for item in items if (became := self._became(item, outcomes)) and became <= DONE]

    def _marks_that_stay(self, items: Sequence[Item], outcomes: Mapping[Key, Result]) -> Mapping[Key, Result]:
        """Marks on stages that turned out to be needed: nothing of that is left to be done."""
        why = (Outcome.CHANGED, "the stage that it marks as rejected stays")
        left = [item for item in items if item.key not in outcomes]
        return {item.key: why for item in left if Outcome.CHANGED in self._became(item, outcomes)}

    def _became(self, item: Item, outcomes: Mapping[Key, Result]) -> set[Outcome]:
        """What became of the stages that an item marks as rejected; empty for what is no mark."""
        tags, repository = self.views.planner.inventory.tags, self.views.home.repository
        unknown = (Outcome.PLANNED, None)
        return {outcomes.get((repository, stage, tags.get(stage)), unknown)[0] for stage in self._marked(item)}

    def _marked(self, item: Item) -> Sequence[Tag]:
        """The stages that a tag, or a manifest with all its tags, marks as rejected: several marks may be one manifest."""
        rejected, tags = self.views.stages.rejected, [item.tag] if item.tag is not None else []
        if item.tag is None and item.digest is not None:
            tags = list(self.views.planner.tags_of.get(item.digest, ()))
        return [rejected[tag] for tag in tags if tag in rejected]

    def _spared(self, plan: Plan, items: Sequence[Item]) -> Mapping[Key, Result]:
        """Stages that an image was made from which was to go and is there, or was published while this run was at work.

        Raises RegistryError where it cannot be known.
        """
        repository = self.views.home.repository
        left = {
            (item.repository, item.digest)
            for item in plan.deletions
            if item.kind is Kind.MANIFEST and item.repository != repository and item.outcome not in DONE and item.digest
        }
        needs = united([self.views.needs, *self._newcomers()])
        known = self.views.needs.titles

        def stays(place: Place) -> bool:
            return place in left or place not in known

        if unknown := needs.unknown(stays):
            return {item.key: (Outcome.CHANGED, unknown[0]) for item in items}
        claims = kept(self.views.stages.needed(needs.names(stays)))
        planner = self.views.planner
        return reconcile(items, planner.inventory, merged([planner.claims, claims])) if claims.keep_tags else {}

    def _newcomers(self) -> Iterator[Needs]:
        """What the images of repositories say to which something was published since they were looked at.

        A publish adds tags, or moves some and then records it in the stages storage, or with the images.
        """
        cache, parallel = BlobCache.of(self.application.world.environ), self.application.access.parallel
        home, images = self.views.home, self.application.registry
        records = {tag for tag in home.registry.tag_names(home.repository) if RecordTag.parse(tag)}
        moved = bool(records - self.views.planner.inventory.records)
        for repository, inventory in self.views.images.items():
            new = images.tag_names(repository) - inventory.tags.keys() - inventory.dangling.keys() - inventory.records
            if moved or new:
                yield needs_in(images, labelled(images, look(images, repository)), cache, parallel)
