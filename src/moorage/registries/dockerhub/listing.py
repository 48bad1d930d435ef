"""A repository of Docker Hub as an inventory: the tag listing, and the manifests that it does not explain.

Reading a manifest counts as a pull, of which an account may have few per hour, and HEAD does not (docs.docker.com, seen 2026-11).
So images are taken from the listing; read are indexes, for what they need, and artifacts, for what they belong to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import followed_digest
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.parts import images_of
from moorage.registries.distribution.snapshot import Readings, read_digests, resolve_tags, with_children
from moorage.registries.dockerhub import payloads
from moorage.registries.dockerhub.api import HubApi
from moorage.registries.dockerhub.immutability import immutability
from moorage.registries.dockerhub.payloads import TagRecord

_VANISHED: Final = "Docker Hub lists it, and its registry says that it is not there"


@dataclass(frozen=True, slots=True)
class _Dates:
    """When each manifest was last pushed, by its tags and by what the listing says of images."""

    pushed: Mapping[Digest, datetime]

    @classmethod
    def of(cls, records: Iterable[TagRecord], targets: Mapping[Tag, Digest]) -> "_Dates":
        found: dict[Digest, datetime] = {}
        for record in records:
            told = [(image.digest, image.pushed) for image in record.images]
            for digest, pushed in [*told, (targets.get(record.name), record.pushed)]:
                if digest is not None and pushed is not None:
                    found[digest] = max(pushed, found.get(digest, pushed))
        return cls(found)

    def dated(self, stored: Stored) -> Stored:
        date = self.pushed.get(stored.digest)
        return replace(stored, date=date, dated=True) if date else stored  # else the config may say when it was built


def tag_records(api: HubApi, repository: Repository) -> list[TagRecord]:
    """Every tag, each once. Raises NotFound for a repository that is not there, or that this login must not see."""
    place = f"{repository}: Docker Hub's list of tags"
    listed = api.listed(f"{api.named(repository)}/tags", lambda answer: payloads.tags(answer.json(), place))
    # A page may repeat what was on the one before, since a push in between moves everything on by one.
    return list({record.name: record for record in listed}.values())


def take_inventory(api: HubApi, client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """Everything that tags lead to; Docker Hub lists nothing else.

    Costs a page per 100 tags, one question for the rules of immutable tags, one GET per distinct index or artifact, and one HEAD
    for each tag of which the listing has no digest.
    """
    records = tag_records(api, repository)
    images = [record for record in records if not is_record(record.name)]
    targets, unresolved = _targets(client, repository, images, parallel)
    found = _manifests(client, repository, images, targets, parallel)
    dangling = {tag for tag, digest in targets.items() if digest in found.missing}
    dates = _Dates.of(images, targets)
    return Inventory(
        repository=repository,
        tags={tag: digest for tag, digest in targets.items() if tag not in dangling},
        manifests={digest: dates.dated(stored) for digest, stored in found.manifests.items()},
        unreadable=found.unreadable,
        unresolved=unresolved,
        dangling=dict.fromkeys(dangling, _VANISHED),
        missing=found.missing,
        locked_tags=immutability(api, repository).reasons(targets),
        tag_dates={record.name: record.pushed for record in images if record.pushed},
        records=frozenset(record.name for record in records if is_record(record.name)),
    )


def _targets(
    client: Distribution, repository: Repository, records: Iterable[TagRecord], parallel: int
) -> tuple[dict[Tag, Digest], dict[Tag, str]]:
    """What tags point at, and why nobody knows of some. Tags of before 2021 may have no digest in the listing (seen 2026-11)."""
    targets = {record.name: record.digest for record in records if record.digest}
    silent = [record.name for record in records if not record.digest]
    found = resolve_tags(client, repository, silent, parallel=parallel)
    targets |= {tag: digest for tag, digest in found.items() if isinstance(digest, Digest)}
    return targets, {tag: reason for tag, reason in found.items() if isinstance(reason, str)}


def _manifests(
    client: Distribution,
    repository: Repository,
    records: Iterable[TagRecord],
    targets: Mapping[Tag, Digest],
    parallel: int,
) -> Readings:
    plain: dict[Digest, Stored] = {}
    doubtful: dict[Digest, None] = {}
    for record in records:
        digest = targets.get(record.name)
        if digest is not None and _explains_itself(record):
            plain[digest] = Stored(digest, _manifest_type(record.media_type), size=record.size)
        elif digest is not None:
            doubtful[digest] = None
    read = read_digests(client, repository, (digest for digest in doubtful if digest not in plain), parallel=parallel)
    parts = _parts(records, read.manifests.values())
    return with_children(client, repository, replace(read, manifests={**parts, **plain, **read.manifests}), parallel=parallel)


def _explains_itself(record: TagRecord) -> bool:
    """Whether nothing is to be learned from the manifest: an image, or what belongs to another by the form of its tag."""
    if record.is_image:
        return True
    return followed_digest(record.name.text) is not None and record.media_type not in media_type.INDEXES | {""}


def _parts(records: Iterable[TagRecord], read: Iterable[Stored]) -> dict[Digest, Stored]:
    """The images that are part of an index, as its descriptors have them."""
    sizes = {image.digest: image.size for record in records for image in record.images}
    return {
        image.digest: Stored(image.digest, size=sizes.get(image.digest))
        for stored in read
        if stored.children
        for image in images_of(stored)
    }


def _manifest_type(listed: str) -> str:
    return listed if listed in media_type.IMAGES else ""
