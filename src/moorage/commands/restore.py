"""The story of a restore: put back what a cleanup or purge deleted, as far as the registry still can, and name the rest.

A tag that points somewhere else by now is left there: somebody has published since. What is there already stays as it is. A tag
that was left on a stub by a run that was killed is put back as one that is gone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from moorage.commands.connect import connect
from moorage.commands.emptied import emptied_in_journal, made_again
from moorage.commands.engine_stages import ENGINE
from moorage.commands.journal import Entry, entries_to_undo, read_journal
from moorage.commands.record_home import Home
from moorage.commands.record_restoring import Again, record_again
from moorage.commands.recorded import Recorded, recorded_in_journal
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Failure, NotFound, PartialFailure, RegistryError
from moorage.oci.inventory import Stored
from moorage.oci.manifest import BadManifest, parse_manifest
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import Digest, Repository, Tag
from moorage.oci.reference import Registry as RegistryName
from moorage.oci.stub import is_stub
from moorage.registries.interface import Reader, Registry, Restorer, Writer
from moorage.settings.settings import Access, Storage

_PUBLISH_ANEW: Final = (
    "Publish anew what the registry has let go of; a tag that has moved on stays where it is. After any other failure, run again."
)


class Back(StrEnum):
    """What became of one tag or manifest."""

    RESTORED = "restored"
    THERE = "there-already"
    TAKEN = "tag-moved-on"
    LOST = "lost"
    PLANNED = "planned"  # a dry run


@dataclass(frozen=True, slots=True)
class RestoredItem:
    """One tag (or, where `tag` is None, one manifest)."""

    repository: Repository
    digest: Digest
    tag: Tag | None
    outcome: Back
    error: str | None = None

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class RestoreSettings:
    access: Access
    storage: Storage
    journal: Path
    dry_run: bool = False
    stages: Storage | None = None  # records may be there, and stages are


@dataclass(frozen=True, slots=True)
class RestoreResult:
    items: tuple[RestoredItem, ...]
    failure: Failure | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "items": [
                {
                    "repository": str(item.repository),
                    "kind": "tag" if item.tag else "manifest",
                    "tag": item.tag.text if item.tag else None,
                    "digest": item.digest.text,
                    "outcome": item.outcome.value,
                    "error": item.error,
                }
                for item in self.items
            ],
            "notes": list(self.notes),
        }


def restore(settings: RestoreSettings, world: World) -> RestoreResult:
    """Undo a journal's deletions, last first. Raises ConfigurationError for a journal of another registry, or none at all."""
    registry_name, entries = read_journal(settings.journal)
    if registry_name != settings.storage.repo.registry:
        raise ConfigurationError(
            f"{settings.journal} is about {registry_name}, and this run speaks to {settings.storage.repo.registry}",
            remedy=f"Give the images repo on {registry_name} that was cleaned.",
        )
    recorded = recorded_in_journal(settings.journal)
    emptied = emptied_in_journal(settings.journal, registry_name)
    items: list[RestoredItem] = []
    with connect(settings.storage, settings.access, world) as registry, _stages_home(settings, world) as stages:
        notes = tuple(made_again(registry, emptied, dry_run=settings.dry_run))
        undone = [entry for entry in entries_to_undo(entries) if entry.repository.registry != ENGINE]
        notes += tuple(_left_to_publish(entries_to_undo(entries)))
        world.progress.start("Restoring", len(undone))
        for entry in undone:
            port = _port(entry.repository, registry_name, registry, stages)
            items += _put_back(port, entry, dry_run=settings.dry_run) if port is not None else _out_of_reach(entry)
            world.progress.advance(str(entry.repository))
        world.progress.done()
        again = Again() if settings.dry_run else _recorded_again(recorded, items, {registry_name: registry}, stages, world)
    lost = [f"{item}: {item.error}" for item in items if item.outcome in (Back.LOST, Back.TAKEN)]
    lost += again.problems
    failure = PartialFailure(f"{len(lost)} could not be put back", items=lost, remedy=_PUBLISH_ANEW) if lost else None
    return RestoreResult(tuple(items), failure, (*notes, *again.notes))


@contextmanager
def _stages_home(settings: RestoreSettings, world: World) -> Iterator[Home | None]:
    """The stages storage, where the run was told of one: it may be on another registry, and has credentials of its own."""
    if settings.stages is None:
        yield None
        return
    with connect(settings.stages, settings.access, world) as other:
        yield Home(other, settings.stages.repo.repository(NAMELESS))


def _port(repository: Repository, own: RegistryName, registry: Registry, stages: Home | None) -> Registry | None:
    """Who is asked to put something back in a repository; None where nobody can be."""
    if stages is not None and repository == stages.repository:
        return stages.registry
    return registry if repository.registry == own else None


def _left_to_publish(entries: Iterable[Entry]) -> Iterator[str]:
    """Stages of the docker engine are nowhere else, and are made again when they are needed."""
    gone = Counter(str(entry.repository) for entry in entries if entry.repository.registry == ENGINE)
    for repository, count in sorted(gone.items()):
        yield f"{repository}: {count} stages of the docker engine are not put back, the next publish that needs one builds it"


def _out_of_reach(entry: Entry) -> list[RestoredItem]:
    why = f"this run does not speak to {entry.repository.registry}: give --stages-storage, as for the run that deleted it"
    return [RestoredItem(entry.repository, entry.digest, tag, Back.LOST, why) for tag in (*entry.tags, None)]


def _recorded_again(
    recorded: Iterable[Recorded],
    items: Iterable[RestoredItem],
    registries: Mapping[RegistryName, Registry],
    stages: Home | None,
    world: World,
) -> Again:
    """Record anew, after the last tag is up, at which commits the images were published that are back."""
    back = {
        (str(item.repository), item.digest.text) for item in items if item.tag and item.outcome in (Back.RESTORED, Back.THERE)
    }
    others = {stages.repository.registry: stages.registry} if stages is not None else {}
    return record_again(recorded, back, {**others, **registries}, world)


def _put_back(registry: Registry, entry: Entry, *, dry_run: bool) -> list[RestoredItem]:
    try:
        manifest = RestoredItem(entry.repository, entry.digest, None, *_manifest_back(registry, entry, dry_run=dry_run))
    except RegistryError as error:
        manifest = RestoredItem(entry.repository, entry.digest, None, Back.LOST, error.message)
    items = [] if entry.manifest_stays else [manifest]
    for tag in entry.tags:
        if manifest.outcome is Back.LOST:
            items.append(RestoredItem(entry.repository, entry.digest, tag, Back.LOST, "its manifest could not be put back"))
            continue
        try:
            items.append(RestoredItem(entry.repository, entry.digest, tag, *_tag_back(registry, entry, tag, dry_run=dry_run)))
        except RegistryError as error:
            items.append(RestoredItem(entry.repository, entry.digest, tag, Back.LOST, error.message))
    return items


def _manifest_back(registry: Registry, entry: Entry, *, dry_run: bool) -> tuple[Back, str | None]:
    if _at(registry, entry.repository, entry.digest) == entry.digest:
        return Back.THERE, None
    if dry_run:
        return Back.PLANNED, None
    if isinstance(registry, Restorer) and entry.vendor_id:
        registry.restore(entry.repository, entry.digest, entry.vendor_id, entry.tags)
    elif not entry.content or not isinstance(registry, Writer):
        return Back.LOST, "the journal does not hold its bytes, and the registry cannot bring it back by itself"
    else:
        if missing := _missing(registry, registry, entry):
            return Back.LOST, f"the registry has let go of {missing}"
        registry.put_manifest(entry.repository, entry.digest, entry.content, entry.media_type)
    if _at(registry, entry.repository, entry.digest) != entry.digest:
        return Back.LOST, "the registry accepted it, and it is not there"
    return Back.RESTORED, None


def _missing(registry: Registry, writer: Writer, entry: Entry) -> str:
    """The first thing that a manifest needs and the registry no longer has, or empty."""
    try:
        manifest = parse_manifest(entry.content, entry.media_type)
    except BadManifest as error:
        return f"nothing, but the manifest {error}"
    for blob in manifest.blobs:
        if not writer.has_blob(entry.repository, blob.digest):
            return f"blob {blob.digest}"
    for child in manifest.children:
        if _at(registry, entry.repository, child) is None:
            return f"manifest {child}"
    return ""


def _tag_back(registry: Registry, entry: Entry, tag: Tag, *, dry_run: bool) -> tuple[Back, str | None]:
    now = _at(registry, entry.repository, tag)
    if now == entry.digest:
        return Back.THERE, None
    stub = now if now is not None and _is_stub(registry, entry.repository, now) else None
    if now is not None and stub is None:
        return Back.TAKEN, f"it points at {now} now"
    if dry_run:
        return Back.PLANNED, None
    if not entry.content or not isinstance(registry, Writer):
        return Back.LOST, "the registry cannot set a tag, and did not bring it back with its manifest"
    registry.put_manifest(entry.repository, tag, entry.content, entry.media_type)
    if _at(registry, entry.repository, tag) != entry.digest:
        return Back.LOST, "the registry accepted it, and it is not there"
    if stub is not None:
        with suppress(RegistryError):  # it is of no more use and does no harm
            registry.delete_manifest(entry.repository, stub)
    return Back.RESTORED, None


def _is_stub(registry: Registry, repository: Repository, digest: Digest) -> bool:
    """Whether a tag points at what a run left there that was killed while it took the tag away."""
    if not isinstance(registry, Reader):
        return False
    try:
        content, media_type = registry.manifest(repository, digest)
        return is_stub(Stored.of(parse_manifest(content, media_type)))
    except (NotFound, BadManifest):
        return False


def _at(registry: Registry, repository: Repository, reference: Tag | Digest) -> Digest | None:
    try:
        return registry.resolve(repository, reference)
    except NotFound:
        return None
