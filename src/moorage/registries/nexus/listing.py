"""A repository of Nexus as an inventory: the search for its components, and /v2's list of tags as a check on it.

The search answers from an index of its own, which may lag behind (help.sonatype.com has a task to rebuild it, seen 2026-11), so
what only one of the two knows is asked for at /v2, which is always right.
"""

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
from moorage.registries.nexus.api import NexusApi
from moorage.registries.nexus.payloads import Component
from moorage.registries.nexus.place import Place

if TYPE_CHECKING:
    from datetime import datetime


def components_of(api: NexusApi, place: Place) -> list[Component]:
    """Every component of one image.

    Asked for as a phrase: without quotation marks, criteria are split at slashes and dashes (OpenAPI of 3.94). Where that finds
    nothing, it is asked for without them, for versions that take them for part of the name.
    """
    for name in (f'"{place.image}"', place.image):
        found = [component for component in api.search(place, name=name) if component.image == place.image]
        if found:
            return found
    return []


def take_inventory(
    client: Distribution, repository: Repository, components: Sequence[Component], names: Iterable[Tag], *, parallel: int
) -> Inventory:
    """Every manifest, by what the search found and by the `names` of /v2's list.

    Costs a HEAD per tag that the search does not know, and a GET per index and per OCI manifest that no index describes as an
    image: Nexus does not say whether it has a `subject`. Docker's manifests have none.
    """
    targets: dict[Tag, set[Digest]] = {tag: set() for tag in names}
    for one in components:
        if one.reference in targets and isinstance(one.reference, Tag):
            targets[one.reference].add(one.digest)
    doubtful = [tag for tag, digests in targets.items() if len(digests) != 1]
    asked = _resolved(client, repository, doubtful, parallel)
    tags = {tag: next(iter(digests)) for tag, digests in targets.items() if len(digests) == 1}
    tags |= {tag: found for tag, found in asked.items() if isinstance(found, Digest)}
    current = [one for one in components if isinstance(one.reference, Digest) or tags.get(one.reference) == one.digest]
    kinds = {one.digest: one.media_type for one in current}
    found = _manifests(client, repository, tags, kinds, parallel)
    return Inventory(
        repository=repository,
        tags=tags,
        manifests=_dated(found.manifests, current),
        unreadable=found.unreadable,
        unresolved={tag: reason for tag, reason in asked.items() if isinstance(reason, str)},
        missing=found.missing,
        tag_dates={one.reference: one.date for one in current if isinstance(one.reference, Tag) and one.date},
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
    likely = {digest for digest in wanted if kinds.get(digest) not in media_type.IMAGES}
    first = _read(client, repository, likely, parallel)
    described = {child: kind for stored in first.manifests.values() for child, kind in _images_in(stored.content)}
    silent = {digest for digest in wanted - likely if kinds[digest] == media_type.DOCKER_MANIFEST}
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


def _dated(manifests: Mapping[Digest, Stored], components: Iterable[Component]) -> Mapping[Digest, Stored]:
    """A manifest is as young as the youngest of its names."""
    dates: dict[Digest, datetime] = {}
    for one in components:
        if one.date:
            dates[one.digest] = max(one.date, dates.get(one.digest, one.date))
    return {digest: replace(stored, date=dates.get(digest), dated=digest in dates) for digest, stored in manifests.items()}
