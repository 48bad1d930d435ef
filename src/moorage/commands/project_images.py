"""The project's own images in a cleanup: which they are, what git says about them, and which records they leave behind."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from moorage.commands.blob_cache import BlobCache
from moorage.commands.git_claims import GitVerdict, ImageHistory, claims_by_history, claims_by_strategy, open_git
from moorage.commands.journal import Journal
from moorage.commands.managed_images import fits, managed_names, prune_names
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.record_homes import Homes, record_homes
from moorage.commands.record_tidying import Alive, Tidying
from moorage.commands.records import HomeRecords, in_threads, read_records, strategies_in, words_of
from moorage.commands.targets import shared_places, target_repositories
from moorage.commands.world import World
from moorage.errors import ConfigurationError, RegistryError
from moorage.git.repository import GitRepository
from moorage.oci.inventory import Inventory
from moorage.oci.ledger import ImageRecords
from moorage.oci.naming import NAMELESS
from moorage.oci.records import is_record
from moorage.oci.reference import Repository, Tag
from moorage.oci.stub import is_stub
from moorage.policy.claims import Claims, Reasons, merged
from moorage.policy.plan import Kind, Outcome, Plan
from moorage.policy.published import Publications, PublishedTag, published_in
from moorage.policy.reason import Code, Reason
from moorage.policy.selection import spell
from moorage.registries.interface import Registry
from moorage.registries.vendor import Form
from moorage.settings.settings import CleanupSettings


@dataclass(frozen=True, slots=True)
class ProjectVerdict:
    """Claims by repository. `failures` are the repositories whose records could not be read: nothing may be deleted there."""

    claims: Mapping[Repository, Claims]
    failures: Mapping[Repository, RegistryError] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()  # why nothing may be deleted by this


@dataclass
class ProjectImages:
    """One cleanup's view of the project's own images.

    `names` are those that are configured or recorded; where there are none, a repository has the nameless image. `leaving` says
    that the project gives its images up: then what is configured is not recorded any longer either.
    """

    settings: CleanupSettings
    world: World
    homes: Homes
    git: GitRepository | None
    names: frozenset[str]
    notes: tuple[str, ...] = ()
    published: dict[Repository, Publications] = field(default_factory=dict)
    inventories: dict[Repository, Inventory] = field(default_factory=dict)
    records: dict[Home, HomeRecords] = field(default_factory=dict)
    recorded: dict[Home, Mapping[str, ImageRecords]] = field(default_factory=dict)  # the same, by image
    leaving: bool = False

    @property
    def repositories(self) -> Sequence[Repository]:
        """Raises ConfigurationError where there is no name, and the address is a registry."""
        return target_repositories(replace(self.settings, images=tuple(sorted(self.names))), self.homes.registry)

    def claims(self, inventories: Mapping[Repository, Inventory]) -> ProjectVerdict:
        """What git claims in these repositories, all of whose tagged images have their labels. Reads the records first."""
        failures: dict[Repository, RegistryError] = {}
        histories: list[ImageHistory] = []
        project = self.settings.project.name
        for repository, inventory in inventories.items():
            images = self._repositories().get(repository, frozenset())
            self.inventories[repository] = inventory
            self.published[repository] = published_in(inventory, self.homes.repo.mode, images, project)
            try:
                histories += [self._history(image, repository) for image in sorted(images)]
            except RegistryError as error:
                failures[repository] = error
        verdict = self._judge(histories)
        claims = {repository: self._claims_in(repository, verdict) for repository in inventories if repository not in failures}
        return ProjectVerdict(claims, failures, (*self.notes, *verdict.notes, *self._foreign_notes()), verdict.objections)

    def has_records_of(self, repository: Repository) -> bool:
        """Whether it is recorded that something was published to a repository, as far as records were read."""
        images = self._repositories().get(repository, frozenset())
        return any(recorded[image].commits for recorded in self.recorded.values() for image in images if image in recorded)

    def tidy(self, plan: Plan, journal: Journal) -> tuple[str, ...]:
        """After the plan was carried out: let go of the records of what is gone. Returns what went wrong, a sentence each."""
        eraser = partial(self._eraser, journal)
        alive = self._alive(plan)
        notes: list[str] = []
        spent = self.world.spent(self.settings.access.time_budget)
        for records in self.records.values():
            if spent():
                return (*notes, "there was no time left to put the records in order; the next run does that")
            tidying = Tidying(records, eraser(records.home), alive, self.names, self.world.now(), self.settings.policy.young)
            notes += tidying.tidy()
        settled = self.world.now() - self.settings.policy.young
        staying = () if self.leaving else self.settings.images
        gone = {image for image, contents in alive.contents.items() if not contents} - set(staying)
        return (*notes, *prune_names(self.homes, gone - self._recorded_since(settled), settled, eraser))

    def _eraser(self, journal: Journal, home: Home) -> Eraser:
        """A journal is about one registry: what is recorded in a stages storage elsewhere is not in it."""
        inventory = self.inventories.get(home.repository) if home.registry is self.homes.registry else None
        images = frozenset(inventory.tags.values()) if inventory is not None else frozenset()
        same = home.repository.registry == self.settings.storage.repo.registry
        return Eraser(home, self.settings.access.parallel, images, journal if same else None)

    def _recorded_since(self, moment: datetime) -> set[str]:
        """Images with a record that is younger: their publisher may still be at it."""
        return {
            image
            for recorded in self.recorded.values()
            for image, records in recorded.items()
            if any(seconds > moment.timestamp() for contents in records.commits.values() for seconds in contents.values())
        }

    def _repositories(self) -> Mapping[Repository, frozenset[str]]:
        """Each repository with the images that live in it."""
        found: dict[Repository, frozenset[str]] = {}
        for name in self.names:
            repository = self.homes.repo.repository(name)
            found[repository] = found.get(repository, frozenset()) | {name}
        return found

    def _history(self, image: str, repository: Repository) -> ImageHistory:
        home = self.homes.of(image)
        if home not in self.records:
            own = home.repository == repository and home.registry is self.homes.registry
            names = self.inventories[repository].records if own else home.registry.tag_names(home.repository)
            self.records[home] = read_records(home, names, BlobCache.of(self.world.environ), self.settings.access.parallel)
            self.recorded[home] = self.records[home].images(self.names)
        recorded = self.recorded[home].get(image, ImageRecords())
        strategies = {tag: strategy for tag, (strategy, _) in recorded.tags.items()}
        if not self.settings.git.by_history:
            strategies |= self._single_strategies(self.records[home], image)
        return ImageHistory(
            image=image,
            tags=[one for one in self.published[repository].tags if one.image == image],
            records={commit: frozenset(contents) for commit, contents in recorded.commits.items()},
            strategies=strategies,
        )

    def _single_strategies(self, records: HomeRecords, image: str) -> Mapping[str, str]:
        """Of records that no ledger has taken in yet: those have to be opened, and the latest word on a tag counts."""
        own = [(record.seconds, tag) for tag, record in records.singles.items() if record.image_among(self.names) == image]
        tags = [tag for _, tag in sorted(own)]
        words = in_threads(lambda tag: words_of(records.home, tag), tags, self.settings.access.parallel)
        return {tag: strategy for said in words for tag, strategy in strategies_in(said).items()}

    def _judge(self, histories: Sequence[ImageHistory]) -> GitVerdict:
        git, now = self.settings.git, self.world.now()
        if git.by_history and self.git is not None:
            return claims_by_history(git, self.git, histories, now, self.world.progress)
        return claims_by_strategy(git, self.git, histories, now)

    def _claims_in(self, repository: Repository, verdict: GitVerdict) -> Claims:
        images = self._repositories().get(repository, frozenset())
        claims = [verdict.claims[image] for image in sorted(images) if image in verdict.claims]
        claimed = merged([*claims, _left_on_stubs(self.inventories[repository])])
        return merged([claimed, Claims(keep_tags=dict(self._young(repository, claimed.let_go)))])

    def _young(self, repository: Repository, let_go: Collection[Tag]) -> Iterator[tuple[Tag, Reasons]]:
        """What was published so recently that the clone may not know its commit yet; layers may be much older."""
        now, grace = self.world.now().timestamp(), self.settings.policy.young
        for one in self.published[repository].tags:
            recorded = self.recorded[self.homes.of(one.image)].get(one.image)
            last = recorded.last(one.content) if recorded is not None else None
            if one.tag in let_go and last is not None and now - last < grace.total_seconds():
                ago = spell(timedelta(seconds=max(now - last, 0)))
                detail = f"published {ago} ago, the grace for new images is {spell(grace)}"
                yield one.tag, (Reason(Code.TOO_YOUNG, detail),)

    def _foreign_notes(self) -> Iterator[str]:
        for repository, found in self.published.items():
            for project, count in sorted(found.others.items()):
                yield (
                    f"{count} tags of {repository} were published by the project {project!r}, not by "
                    f"{self.settings.project.name!r} (--project), and are left to it"
                )

    def _alive(self, plan: Plan) -> Alive:
        """What is still there, of the images about which that is certain."""
        contents: dict[str, frozenset[str]] = {}
        tags: dict[str, frozenset[str]] = {}
        for repository, images in self._repositories().items():
            left = self._left(repository, plan)
            if left is not None:
                for image in images:
                    contents[image] = frozenset(one.content for one in left if one.image == image)
                    tags[image] = frozenset(one.meta_tag for one in left if one.image == image)
        return Alive(contents, tags)

    def _left(self, repository: Repository, plan: Plan) -> Sequence[PublishedTag] | None:
        """The project's tags after the run; None where something was not readable, or changed while we worked."""
        inventory = self.inventories.get(repository)
        if inventory is None or inventory.unreadable or inventory.unresolved or inventory.dangling or _blank(inventory):
            return None
        items = [item for item in plan.of(repository) if item.kind is Kind.TAG]
        if any(item.outcome is Outcome.CHANGED for item in items):
            return None
        gone = {item.tag for item in items if item.outcome in {Outcome.DELETED, Outcome.ALREADY_GONE}}
        try:
            now = {tag for tag in self.homes.registry.tag_names(repository) if not is_record(tag)}
        except RegistryError:
            return None
        if now - (inventory.tags.keys() - gone):
            return None
        return [one for one in self.published[repository].tags if one.tag not in gone]


@contextmanager
def project_images(settings: CleanupSettings, world: World, registry: Registry) -> Iterator[ProjectImages | None]:
    """The project's own images; None where the run is about other repositories, or about a plan that is made already.

    Raises ConfigurationError where git is needed and is not there, before anything is asked of a registry, and where images and
    stages share a repository.
    """
    if settings.repositories or settings.all_repositories or settings.plan_in is not None:
        yield None
        return
    git = open_git(settings.git, settings.project)
    with record_homes(registry, settings.storage, settings.stages, settings.access, world) as homes:
        managed = managed_names(homes, settings.access.parallel)
        names = frozenset(name for name in managed.names if fits(homes, name)) | set(settings.images)
        if not names and homes.repo.form is Form.REPOSITORY:
            names = frozenset({NAMELESS})
        if homes.common is not None and (problems := list(shared_places(homes.repo, homes.common.repository, sorted(names)))):
            raise ConfigurationError(*problems)
        notes = (f"names of images that are not configured were not looked for: {managed.note}",) if managed.note else ()
        yield ProjectImages(settings, world, homes, git, names, notes)


def _left_on_stubs(inventory: Inventory) -> Claims:
    """Tags that an earlier run was taking away when it was killed: of the project's, since nobody else has Moorage clean here."""
    tags = [tag for tag, digest in inventory.tags.items() if is_stub(inventory.manifests.get(digest))]
    reason = Reason(Code.HALF_REMOVED, "an earlier run was ended while it took this tag away")
    return Claims(let_go=dict.fromkeys(tags, (reason,)))


def _blank(inventory: Inventory) -> bool:
    """Whether some image says nothing about itself, neither label nor date: then its config could not be read, most likely."""
    tagged = (inventory.manifests.get(digest) for digest in inventory.tags.values())
    return any(
        stored is not None and stored.config is not None and not stored.labels and stored.date is None and not is_stub(stored)
        for stored in tagged
    )
