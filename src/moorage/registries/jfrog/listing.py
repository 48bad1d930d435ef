"""A repository of Artifactory as an inventory: one query for all manifests, and the list of tags as a check on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.parts import read_listed
from moorage.registries.distribution.snapshot import resolve_tags
from moorage.registries.jfrog.payloads import Folder

if TYPE_CHECKING:
    from datetime import datetime


def take_inventory(
    client: Distribution, repository: Repository, folders: Sequence[Folder], names: Iterable[Tag], *, parallel: int
) -> Inventory:
    """Every manifest, by the `folders` of the query and the `names` of the list of tags.

    Costs a HEAD per tag whose digest the query did not say, and a GET per index and per OCI manifest without a tag that no index
    describes as an image: Artifactory does not say whether it has a `subject`. Docker's manifests have none.
    """
    told = {folder.name: folder.digest for folder in folders if isinstance(folder.name, Tag)}
    listed = dict.fromkeys(names)
    asked = resolve_tags(client, repository, [tag for tag in listed if told.get(tag) is None], parallel=parallel)
    tags = {tag: digest for tag in listed if (digest := told.get(tag)) is not None}
    tags |= {tag: found for tag, found in asked.items() if isinstance(found, Digest)}
    current = [one for one in folders if isinstance(one.name, Digest) or (one.digest and tags.get(one.name) == one.digest)]
    kinds = {one.digest: one.media_type for one in current if one.digest}
    found = read_listed(client, repository, kinds, tags, parallel=parallel)
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


def _dated(manifests: Mapping[Digest, Stored], folders: Iterable[Folder]) -> Mapping[Digest, Stored]:
    """A manifest is as young as the youngest of its names."""
    dates: dict[Digest, datetime] = {}
    for one in folders:
        if one.digest and one.date:
            dates[one.digest] = max(one.date, dates.get(one.digest, one.date))
    return {digest: replace(stored, date=dates.get(digest), dated=digest in dates) for digest, stored in manifests.items()}
