"""A repository of Nexus as an inventory: the search for its components, and /v2's list of tags as a check on it.

The search answers from an index of its own, which may lag behind (help.sonatype.com has a task to rebuild it, seen 2026-11), so
what only one of the two knows is asked for at /v2, which is always right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.parts import read_listed
from moorage.registries.distribution.snapshot import resolve_tags
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

    Costs a HEAD per tag that the search does not know, and a GET per index and per OCI manifest without a tag that no index
    describes as an image: Nexus does not say whether it has a `subject`. Docker's manifests have none.
    """
    targets: dict[Tag, set[Digest]] = {tag: set() for tag in names}
    for one in components:
        if one.reference in targets and isinstance(one.reference, Tag):
            targets[one.reference].add(one.digest)
    doubtful = [tag for tag, digests in targets.items() if len(digests) != 1]
    asked = resolve_tags(client, repository, doubtful, parallel=parallel)
    tags = {tag: next(iter(digests)) for tag, digests in targets.items() if len(digests) == 1}
    tags |= {tag: found for tag, found in asked.items() if isinstance(found, Digest)}
    current = [one for one in components if isinstance(one.reference, Digest) or tags.get(one.reference) == one.digest]
    kinds = {one.digest: one.media_type for one in current}
    found = read_listed(client, repository, kinds, tags, parallel=parallel)
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


def _dated(manifests: Mapping[Digest, Stored], components: Iterable[Component]) -> Mapping[Digest, Stored]:
    """A manifest is as young as the youngest of its names."""
    dates: dict[Digest, datetime] = {}
    for one in components:
        if one.date:
            dates[one.digest] = max(one.date, dates.get(one.digest, one.date))
    return {digest: replace(stored, date=dates.get(digest), dated=digest in dates) for digest, stored in manifests.items()}
