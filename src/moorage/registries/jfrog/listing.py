"""A repository of Artifactory as an inventory: one query for all manifests, and the list of tags as a check on it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.errors import ItemRefused, NotFound, Unreachable
from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.snapshot import Readings, read_digest, with_children
from moorage.registries.distribution.threads import in_threads
from moorage.registries.jfrog.payloads import Folder

if TYPE_CHECKING:
    from datetime import datetime


def take_inventory(
    client: Distribution, repository: Repository, folders: Sequence[Folder], names: Iterable[Tag], *, parallel: int
) -> Inventory:
    """Every manifest, by the `folders` of the query and the `names` of the list of tags.

    Costs a HEAD per tag whose digest the query did not say, and a GET per index and per OCI manifest that no index describes as
    an image: Artifactory does not say whether it has a `subject`. Docker's manifests have none.
    """
    told = {folder.name: folder.digest for folder in folders if isinstance(folder.name, Tag)}
    listed = dict.fromkeys(names)
    asked = _resolved(client, repository, [tag for tag in listed if told.get(tag) is None], parallel)
    tags = {tag: digest for tag in listed if (digest := told.get(tag)) is not None}
    tags |= {tag: found for tag, found in asked.items() if isinstance(found, Digest)}
    current = [one for one in folders if isinstance(one.name, Digest) or (one.digest and tags.get(one.name) == one.digest)]
    kinds = {one.digest: one.media_type for one in current if one.digest}
    found = _manifests(client, repository, tags, kinds, parallel)
    return Inventory(
        repository=repository,
        tags=tags,
        manifests=_dated(found.manifests, current),
        unreadable=found.unreadable,
        unresolved={tag: reason for tag, reason in asked.items() if isinstance(reason, str)},
        missing=found.missing,
        tag_dates={one.name: one.date for one in current if isinstance(one.name, Tag) and one.date},
        lists_untagged=True,
    )


def _resolved(client: Distribution, repository: Repository, tags: list[Tag], parallel: int) -> Mapping[Tag, Digest | str]:
    """What tags point at, or why nobody knows."""

    def look(tag: Tag) -> Digest | str | None:
        try:
            return client.head(repository, tag).digest
        except NotFound:
            return None  # gone since the listing
        except (ItemRefused, Unreachable) as error:
            return error.message

    found = zip(tags, in_threads(look, tags, parallel), strict=True)
    return {tag: answer for tag, answer in found if answer is not None}


def _manifests(
    client: Distribution, repository: Repository, tags: Mapping[Tag, Digest], kinds: Mapping[Digest, str], parallel: int
) -> Readings:
    """What the digests are: indexes first, since they say of their children what else would have to be read."""
    images = {digest for tag, digest in tags.items() if not is_record(tag)}
    records = {digest for tag, digest in tags.items() if is_record(tag)} - images
    wanted = (kinds.keys() | images) - records
    likely = {digest for digest in wanted if kinds.get(digest) in media_type.INDEXES}
    first = _read(client, repository, likely, parallel)
    described = {child: kind for stored in first.manifests.values() for child, kind in _images_in(stored.content)}
    silent = {digest for digest in wanted - likely if kinds.get(digest) == media_type.DOCKER_MANIFEST}
    second = _read(client, repository, wanted - likely - silent - described.keys(), parallel)
    plain = {digest: Stored(digest, kinds[digest]) for digest in silent | records if digest in kinds}
    plain |= {digest: Stored(digest, kind) for digest, kind in described.items()}
    together = Readings(
        {**plain, **first.manifests, **second.manifests},
        {**first.unreadable, **second.unreadable},
        first.missing | second.missing,
    )
    return with_children(client, repository, together, parallel=parallel)


def _read(client: Distribution, repository: Repository, digests: Iterable[Digest], parallel: int) -> Readings:
    wanted = sorted(digests)
    found = dict(zip(wanted, in_threads(lambda digest: read_digest(client, repository, digest), wanted, parallel), strict=True))
    return Readings(
        {digest: reading.stored for digest, reading in found.items() if reading.stored},
        {digest: reading.reason for digest, reading in found.items() if reading.reason},
        frozenset(digest for digest, reading in found.items() if not reading.stored and not reading.reason),
    )


def _images_in(index: bytes) -> list[tuple[Digest, str]]:
    """The children of an index (its bytes, parsed before) that it describes as images, which lead to no other manifests."""
    entries = json.loads(index).get("manifests") or ()
    return [(Digest(entry["digest"]), entry["mediaType"]) for entry in entries if entry.get("mediaType") in media_type.IMAGES]


def _dated(manifests: Mapping[Digest, Stored], folders: Iterable[Folder]) -> Mapping[Digest, Stored]:
    """A manifest is as young as the youngest of its names."""
    dates: dict[Digest, datetime] = {}
    for one in folders:
        if one.digest and one.date:
            dates[one.digest] = max(one.date, dates.get(one.digest, one.date))
    return {digest: replace(stored, date=dates.get(digest), dated=digest in dates) for digest, stored in manifests.items()}
