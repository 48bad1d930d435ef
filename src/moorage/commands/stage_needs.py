"""Which stages the images of a project were made from, as far as its repositories say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.records import in_threads
from moorage.commands.survey import described
from moorage.errors import Denied, RegistryError, Throttled, Unauthorized
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import BadManifest, parse_manifest
from moorage.oci.reference import Digest, Repository
from moorage.oci.stub import is_stub
from moorage.policy.planner import Planner
from moorage.policy.stages import Ancestry, Name, Stages, is_of_werf, made_from
from moorage.registries.interface import Registry

Place = tuple[Repository, Digest]


@dataclass(frozen=True, slots=True)
class Needs:
    """`made_from` has every image that says something; `silent` are those that could not be asked, each with why.

    `titles` is how people call images. `doubts` are why there may be images that nobody has seen, one sentence each.
    """

    made_from: Mapping[Place, tuple[Name, ...]] = field(default_factory=dict)
    titles: Mapping[Place, str] = field(default_factory=dict)
    silent: Mapping[Place, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    def names(self, stays: Callable[[Place], bool]) -> Mapping[Name, str]:
        """What the images that stay were made from, each with one of them."""
        found: dict[Name, str] = {}
        for place, names in self.made_from.items():
            if stays(place):
                for name in names:
                    found.setdefault(name, self.titles[place])
        return found

    def unknown(self, stays: Callable[[Place], bool]) -> tuple[str, ...]:
        """Why images that stay may have been made from stages of which nobody knows."""
        return (*self.doubts, *(f"{self.titles[place]} {why}" for place, why in self.silent.items() if stays(place)))


@dataclass(frozen=True, slots=True)
class StageViews:
    """The stages of one storage as a plan saw them, beside the images that it saw, and what those were made from."""

    home: Home
    planner: Planner
    stages: Stages
    needs: Needs
    images: Mapping[Repository, Inventory]


def needs_in(registry: Registry, inventory: Inventory, cache: BlobCache, parallel: int) -> Needs:
    """What the images of one repository say. Tagged images have their labels in the inventory; others are asked here.

    Raises Unauthorized, Denied and Throttled, which concern the repository as a whole.
    """
    home = Home(registry, inventory.repository)
    manifests = _with_labels(registry, inventory)
    ancestry, silent = ancestry_of(home, filter(is_of_werf, manifests.values()), cache, parallel)
    blank = [stored for stored in manifests.values() if _is_blank(stored)]
    silent |= _unreadable(home, blank, cache, parallel)
    said = _with_parts({digest: made_from(stored, ancestry.get(digest)) for digest, stored in manifests.items()}, manifests)
    repository, tags = inventory.repository, inventory.tags_of()
    return Needs(
        made_from={(repository, digest): names for digest, names in said.items() if names},
        titles={
            (repository, digest): f"{repository}:{tags[digest][0]}" if digest in tags else f"{repository}@{digest.short}"
            for digest in manifests
        },
        silent={(repository, digest): why for digest, why in silent.items()},
        doubts=tuple(_gaps(inventory)),
    )


def united(needs: Iterable[Needs], doubts: Iterable[str] = ()) -> Needs:
    """What several repositories say together."""
    every = list(needs)
    return Needs(
        made_from={place: names for one in every for place, names in one.made_from.items()},
        titles={place: title for one in every for place, title in one.titles.items()},
        silent={place: why for one in every for place, why in one.silent.items()},
        doubts=(*doubts, *(doubt for one in every for doubt in one.doubts)),
    )


def ancestry_of(
    home: Home, manifests: Iterable[Stored], cache: BlobCache, parallel: int
) -> tuple[dict[Digest, Ancestry], dict[Digest, str]]:
    """Image IDs out of the configs of what werf built, and why others could not be read. Indexes have none."""
    images = [stored for stored in manifests if not stored.children]
    found: dict[Digest, Ancestry] = {}
    silent: dict[Digest, str] = {}
    configs = in_threads(lambda stored: _config(home, stored, cache), images, parallel)
    for stored, (config, own) in zip(images, configs, strict=True):
        settings = config.get("config")
        if own is None or not isinstance(settings, dict):
            silent[stored.digest] = "does not say what it was built on: its config could not be read"
        else:
            found[stored.digest] = Ancestry(own.text, str(settings.get("Image") or ""))
    return found, silent


def _with_labels(registry: Registry, inventory: Inventory) -> Mapping[Digest, Stored]:
    """The repository's manifests. Parts of an index that says what it was made from are not asked: it says what they agree on."""
    told = {part for stored in inventory.manifests.values() if made_from(stored) for part in stored.children}
    unasked = [stored.digest for stored in inventory.manifests.values() if stored.labels is None and stored.digest not in told]
    return inventory.with_manifests(described(registry, inventory, unasked) if unasked else ()).manifests


def _with_parts(said: Mapping[Digest, tuple[Name, ...]], manifests: Mapping[Digest, Stored]) -> Mapping[Digest, tuple[Name, ...]]:
    """What an index says holds for its parts, which may stay without it."""
    found = dict(said)
    for digest, names in said.items():
        inside = [part for part in manifests[digest].children if part in said] if names else []
        for part in inside:  # grows while it is walked
            found[part] = (*found[part], *names)
            inside += [deeper for deeper in manifests[part].children if deeper in said and deeper not in inside]
    return found


def _is_blank(stored: Stored) -> bool:
    """Whether it says so little that its config may not have been readable."""
    return stored.config is not None and stored.labels == {} and stored.date is None and not is_stub(stored)


def _unreadable(home: Home, blank: list[Stored], cache: BlobCache, parallel: int) -> dict[Digest, str]:
    configs = in_threads(lambda stored: _config(home, stored, cache), blank, parallel)
    return {
        stored.digest: "does not say what it was made from: its config could not be read"
        for stored, (config, _) in zip(blank, configs, strict=True)
        if not config
    }


def _config(home: Home, stored: Stored, cache: BlobCache) -> tuple[Mapping[str, Any], Digest | None]:
    """The config of an image, and its digest; empty where it cannot be read."""
    try:
        content, kind = stored.content, stored.media_type
        if not content:
            content, kind = home.reader.manifest(home.repository, stored.digest)
        manifest = parse_manifest(content, kind)
        return home.config(manifest, cache), manifest.config.digest if manifest.config else None
    except (Unauthorized, Denied, Throttled):
        raise
    except (RegistryError, BadManifest):
        return {}, None


def _gaps(inventory: Inventory) -> Iterable[str]:
    repository = inventory.repository
    unseen = set(inventory.tags.values()) - inventory.manifests.keys() - inventory.unreadable.keys() - inventory.missing
    if inventory.unreadable or inventory.unresolved or unseen:
        count = len(inventory.unreadable) + len(inventory.unresolved) + len(unseen)
        yield f"{count} tags and manifests of {repository} could not be read"
