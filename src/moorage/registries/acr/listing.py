"""A repository of ACR as an inventory: its manifests and its tags, two listings side by side, and what neither explains."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import Repository
from moorage.registries.acr.api import AcrApi
from moorage.registries.acr.payloads import Attributes, ManifestRecord, TagRecord
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.parts import images_of
from moorage.registries.distribution.snapshot import Readings, read_digests, with_children
from moorage.registries.distribution.threads import in_threads

_LOCK: Final = "it is locked in ACR ({} is false)"


def take_inventory(api: AcrApi, client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """Every manifest, tagged or not, and every tag.

    Costs a page per 1000 manifests, one per 1000 tags, and one GET per index (for its parts) and artifact (for its subject).
    Raises NotFound for an unknown repository.
    """
    tags: list[TagRecord] = []
    manifests: list[ManifestRecord] = []
    listings: tuple[Callable[[], None], ...] = (
        lambda: tags.extend(api.tags(repository)),
        lambda: manifests.extend(api.manifests(repository)),
    )
    in_threads(lambda listing: listing(), listings, parallel)
    images = [record for record in tags if not is_record(record.name)]
    notes = {record.digest for record in tags} - {record.digest for record in images}  # what only records point at
    found = _manifests(client, repository, [record for record in manifests if record.digest not in notes], parallel)
    return Inventory(
        repository=repository,
        tags={record.name: record.digest for record in images},
        manifests=found.manifests,
        unreadable=found.unreadable,
        missing=found.missing,
        locked_tags={record.name: _locked(record.attributes) for record in images if record.attributes.lock},
        tag_dates={record.name: record.updated for record in images if record.updated},
        lists_untagged=True,
        records=frozenset(record.name for record in tags if is_record(record.name)),
    )


def _manifests(client: Distribution, repository: Repository, records: Iterable[ManifestRecord], parallel: int) -> Readings:
    listed = {record.digest: record for record in records}
    read = partial(read_digests, client, repository, parallel=parallel)
    tops = [record.digest for record in listed.values() if record.media_type in media_type.INDEXES]
    indexes = read(tops)
    parts = {image.digest for index in indexes.manifests.values() for image in images_of(index)}
    others = read(digest for digest, record in listed.items() if digest not in {*tops, *parts} and not _is_image(record))
    known = {**indexes.manifests, **others.manifests}
    unreadable, missing = {**indexes.unreadable, **others.unreadable}, indexes.missing | others.missing
    first = Readings(
        {
            digest: _stored(record, known.get(digest))
            for digest, record in listed.items()
            if digest not in unreadable and digest not in missing
        },
        unreadable,
        missing,
    )
    # Parts that ACR was told not to list (listEnabled) are read as well.
    return with_children(client, repository, first, parallel=parallel)


def _is_image(record: ManifestRecord) -> bool:
    """Whether its manifest has nothing to add: Docker's have no subject, and images have none and no parts."""
    if record.media_type == media_type.DOCKER_MANIFEST:
        return True
    return record.media_type == media_type.OCI_MANIFEST and record.config_media_type in media_type.IMAGE_CONFIGS and record.runs


def _stored(record: ManifestRecord, read: Stored | None) -> Stored:
    known = read or Stored(record.digest, record.media_type, size=record.size)
    return replace(
        known, date=record.updated, dated=record.updated is not None, locked=_locked(record.attributes)
    )  # without a date, the config may say when it was built


def _locked(attributes: Attributes) -> str:
    return _LOCK.format(attributes.lock) if attributes.lock else ""
