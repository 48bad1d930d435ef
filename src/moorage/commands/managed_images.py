"""Managed images: the names of all images that a project has or had, recorded in its registry.

They tell a cleanup where to look for what the config file no longer mentions. Publishing adds names; a cleanup drops those that
nothing mentions any more; `moorage managed-images` shows and changes them by hand. Names that werf 1.1 recorded count too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from moorage.commands.connect import connect
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.record_homes import Homes, record_homes
from moorage.commands.records import WHEN, in_threads, words_of, write_image_name
from moorage.commands.world import World
from moorage.errors import NotFound, RegistryError, Unsupported
from moorage.oci import labels, werf_tag
from moorage.oci.manifest import parse_time
from moorage.oci.naming import shown
from moorage.oci.records import image_of_field, image_tag, recorded_image_field
from moorage.oci.reference import TAG_LIMIT, BadReference, Tag
from moorage.registries.images_repo import final_names
from moorage.registries.interface import RepositoryLister, TagDeleter
from moorage.settings.settings import ManagedImagesSettings

_FEW = 200  # repositories whose tags are listed to find names; beyond that it would take minutes


@dataclass(frozen=True, slots=True)
class ManagedNames:
    """The recorded names, and why there may be more."""

    names: frozenset[str]
    note: str = ""


def list_managed(settings: ManagedImagesSettings, world: World) -> Sequence[str]:
    """The recorded names, sorted, the nameless image as `""`.

    Raises Unsupported where names are recorded all over a registry that does not list its repositories.
    """
    with _homes(settings, world) as homes:
        found = managed_names(homes, settings.access.parallel)
        if found.note:
            raise Unsupported(found.note, remedy="Give --stages-storage ADDRESS, or an images repo that is a repository.")
        return sorted(found.names)


def add_managed(settings: ManagedImagesSettings, world: World) -> Sequence[str]:
    """Record names; returns those that are new. Raises ConfigurationError for a name that the images repo cannot hold."""
    final_names(settings.storage.repo, settings.images, ["latest"])
    with _homes(settings, world) as homes:
        return [
            image
            for image in dict.fromkeys(settings.images)
            if write_image_name(homes.of_name(image), image, world.now(), settings.project.name)
        ]


def remove_managed(settings: ManagedImagesSettings, world: World) -> Sequence[str]:
    """Take names out; returns those that were there. The images themselves stay."""
    with _homes(settings, world) as homes:
        return [image for image in dict.fromkeys(settings.images) if fits(homes, image) and forget_name(homes, image)]


def managed_names(homes: Homes, parallel: int) -> ManagedNames:
    """The recorded names, as far as they can be found in a few requests."""
    home = homes.of_names
    if home is not None:
        return ManagedNames(frozenset(_names_in(home, home.registry.tag_names(home.repository))))
    if not isinstance(homes.registry, RepositoryLister):
        return ManagedNames(frozenset(), f"{homes.repo.text} does not list its repositories, where names of images are recorded")
    try:
        repositories = homes.registry.repositories("/".join(homes.repo.address.path))
    except NotFound:
        return ManagedNames(frozenset())
    if len(repositories) > _FEW:
        return ManagedNames(frozenset(), f"{homes.repo.text} has {len(repositories)} repositories, too many to look for names in")
    tags = in_threads(homes.registry.tag_names, repositories, parallel)
    found = [
        name
        for repository, names in zip(repositories, tags, strict=True)
        for name in _names_in(Home(homes.registry, repository), names)
        if fits(homes, name) and homes.repo.repository(name) == repository  # other names in it are strays
    ]
    return ManagedNames(frozenset(found))


def fits(homes: Homes, image: str) -> bool:
    """Whether the images repo can hold an image of this name."""
    try:
        homes.repo.repository(image)
    except BadReference:
        return False
    return True


def forget_name(homes: Homes, image: str) -> bool:
    """Delete the records of an image's name, ours and werf's; says whether there was one.

    Raises ItemRefused for a tag that has such a record's name and is something else: that stays.
    """
    eraser, found = Eraser(homes.of_name(image)), False
    for text in (image_tag(image).text, werf_tag.managed_image_tag(image)):
        if len(text) > TAG_LIMIT:
            continue
        try:
            _delete(eraser, Tag(text))
            found = True
        except NotFound:
            continue
    return found


def prune_names(homes: Homes, images: Iterable[str], before: datetime, eraser: Callable[[Home], Eraser]) -> tuple[str, ...]:
    """Forget these names where Moorage recorded them before that moment; returns what went wrong, a sentence each.

    Names that werf recorded stay: a project that still builds with it would not record them again.
    """
    notes: list[str] = []
    for image in sorted(images):
        home, tag = homes.of_name(image), image_tag(image)
        try:
            recorded = parse_time(words_of(home, tag).get(WHEN))
        except RegistryError as error:
            notes.append(f"the name of {shown(image)} is still recorded: {error.message}")
            continue
        if recorded is not None and recorded <= before:
            notes += eraser(home).erase([tag])
    return tuple(notes)


@contextmanager
def _homes(settings: ManagedImagesSettings, world: World) -> Iterator[Homes]:
    with (
        connect(settings.storage, settings.access, world) as registry,
        record_homes(registry, settings.storage, settings.stages, settings.access, world) as homes,
    ):
        yield homes


def _delete(eraser: Eraser, tag: Tag) -> None:
    """Delete a record, and no other: werf dates its records, and two of the same date are one manifest with two tags."""
    registry, repository = eraser.home.registry, eraser.home.repository
    entry = eraser.look(tag)
    names = registry.tag_names(repository) if werf_tag.managed_image(tag.text) is not None else frozenset()
    others = [other for other in names if other != tag and werf_tag.managed_image(other.text) is not None]
    if all(registry.resolve(repository, other) != entry.digest for other in others):
        eraser.delete(entry)
    elif isinstance(registry, TagDeleter):
        registry.delete_tag(repository, tag)
    else:
        raise Unsupported(
            f"{repository}:{tag} is one manifest with another name's record, and {repository.registry} cannot part them"
        )


def _names_in(home: Home, tags: Iterable[Tag]) -> Iterable[str]:
    for tag in tags:
        field = recorded_image_field(tag)
        if field is not None:
            name = image_of_field(field)
            yield words_of(home, tag).get(labels.IMAGE, "") if name is None else name
        elif (recorded := werf_tag.managed_image(tag.text)) is not None:
            yield recorded
