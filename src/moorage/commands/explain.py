"""The story of an explanation: why one image would stay or go, decided by the very code that a cleanup runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from moorage.commands.connect import connect
from moorage.commands.engine_stages import stages_repository
from moorage.commands.explain_record import record_told
from moorage.commands.in_use import running
from moorage.commands.planning import fresh_plan
from moorage.commands.project_images import project_images
from moorage.commands.record_home import Home
from moorage.commands.stage_planning import stage_planner
from moorage.commands.targets import named_repository
from moorage.commands.world import World
from moorage.errors import ConfigurationError, NotFound
from moorage.oci.inventory import Inventory
from moorage.oci.records import is_record
from moorage.oci.reference import BadReference, Digest, Repository, Tag, split_reference
from moorage.policy.document import item_document
from moorage.policy.graph import Graph
from moorage.policy.plan import Action, Item, Kind
from moorage.registries.images_repo import ImagesRepo
from moorage.settings.settings import CleanupSettings


@dataclass(frozen=True, slots=True)
class Relation:
    """Something that leads to the image, or that it leads to, with what becomes of it."""

    item: Item
    how: str  # "is part of", "needs", "belongs to", "carries"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`items` are about the image itself: the tag that was asked about first, its siblings, then its manifest."""

    reference: str
    items: tuple[Item, ...]
    relations: tuple[Relation, ...] = ()
    notes: tuple[str, ...] = ()
    about: tuple[str, ...] = ()  # what it is, where it is a record: those are in no plan, so there are no items

    @property
    def goes(self) -> bool:
        return bool(self.items) and self.items[0].goes

    def as_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "action": (self.items[0].action if self.items else Action.KEEP).value,
            "items": [item_document(item) for item in self.items],
            "relations": [{"how": relation.how, **item_document(relation.item)} for relation in self.relations],
            "notes": list(self.notes),
            "about": list(self.about),
        }


def explain(settings: CleanupSettings, text: str, world: World) -> Explanation:
    """Why what `text` names (PATH:TAG, PATH@DIGEST, on the images repo's host or below it, or a stage) would stay or go.

    Raises ConfigurationError for what is no reference, NotFound for what is not there.
    """
    stored = stages_repository(settings)
    repository, tag, digest = _meant(text, settings.storage.repo, stored)
    if tag is not None and is_record(tag):
        storage = settings.stages if settings.stages is not None and repository == stored else settings.storage
        with connect(storage, settings.access, world) as registry:
            return Explanation(text, (), about=record_told(Home(registry, repository), tag))
    in_use = running(settings.clusters, world, dry_run=True)
    with (
        connect(settings.storage, settings.access, world) as registry,
        project_images(settings, world, registry) as project,
        stage_planner(settings, world, registry, project, in_use) as stages,
    ):
        if stages is not None and repository == stored:
            plan, views = stages.beside(*fresh_plan(settings, world, registry, in_use, project), project)
        else:
            own = project if project is not None and repository in project.repositories else None
            asked = settings if own is not None else replace(settings, repositories=(str(repository),))
            plan, views = fresh_plan(asked, world, registry, in_use, own, only=repository)
    if repository in views.failures:
        raise views.failures[repository]
    planner = views.stages.planner if views.stages is not None else views.planners.get(repository)
    there = plan.of(repository)
    items = [item for item in there if (item.tag == tag if tag else item.digest == digest)]
    if planner is None or not items:
        shows = "`moorage cleanup --dry-run` shows what is."
        remedy = shows if tag is not None else f"{shows} What only records lead to is no image; name the tag of the record."
        raise NotFound(f"{text} is not there", remedy=remedy)
    subject = items[0].digest
    items += [item for item in there if item.digest == subject and item not in items]
    relations = tuple(_relations(subject, planner.inventory, there))
    return Explanation(text, tuple(items), relations, (*plan.notes, *in_use.objections, *views.objections))


def _meant(text: str, repo: ImagesRepo, stages: Repository | None) -> tuple[Repository, Tag | None, Digest | None]:
    try:
        name, tag, digest = split_reference(text)
        repository = stages if stages is not None and name == str(stages) else named_repository(name, repo)
    except BadReference as error:
        raise ConfigurationError(
            f"bad reference {text!r}: {error}", remedy=f"Name an image below {repo.text}, as PATH:TAG or PATH@sha256:…"
        ) from None
    return repository, tag if digest is None else None, digest


def _relations(subject: Digest | None, inventory: Inventory, items: Iterable[Item]) -> Iterable[Relation]:
    """One step in each direction."""
    if subject is None:
        return
    manifests: Mapping[Digest | None, Item] = {item.digest: item for item in items if item.kind is Kind.MANIFEST}
    graph = Graph.of(inventory)
    words = {"child": ("is part of", "needs"), "referrer": ("belongs to", "carries"), "follower": ("belongs to", "carries")}
    for digest in sorted(inventory.manifests):
        for target, edge in graph.leads_to(digest):
            inward, outward = words[edge.value]
            if target == subject and digest in manifests:
                yield Relation(manifests[digest], inward)
            if digest == subject and target in manifests:
                yield Relation(manifests[target], outward)
