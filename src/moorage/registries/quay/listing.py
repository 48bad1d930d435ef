"""A repository of Quay as an inventory.

By the API, tags come a hundred a page with digest, date and lock, and it says which are indexes (data/registry_model, quay/quay,
seen 2026-11): those are read, and their parts taken at their word. It does not say which image belongs to another by its
`subject`, so images stay unread until one of their tags may go. By /v2 alone each tag is read, and dates stand in image configs.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository
from moorage.registries.distribution import Distribution, snapshot
from moorage.registries.distribution.parts import read_with_parts
from moorage.registries.quay.api import QuayApi
from moorage.registries.quay.payloads import TagRecord

if TYPE_CHECKING:
    from datetime import datetime

_IMMUTABLE: Final = "the tag is immutable in Quay"
_VANISHED: Final = "Quay lists it and then says that it is not there"


def by_api(api: QuayApi, client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """A page per 100 tags, and a GET per distinct index. Raises NotFound for an unknown repository."""
    listed = api.tags(repository)
    images = [record for record in listed if not is_record(record.name)]
    unread = {record.digest: Stored(record.digest, unread=True) for record in images if not record.is_index}
    indexes = [record.digest for record in images if record.digest not in unread]
    found = read_with_parts(client, repository, indexes, parallel=parallel, known=unread.values())
    dangling = [record for record in images if record.digest in found.missing]
    return Inventory(
        repository=repository,
        tags={record.name: record.digest for record in images if record.digest not in found.missing},
        manifests={**found.manifests, **_told(images, found.manifests.values())},
        unreadable=found.unreadable,
        dangling={record.name: _VANISHED for record in dangling},
        missing=found.missing,
        locked_tags={record.name: _IMMUTABLE for record in images if record.immutable},
        tag_dates={record.name: record.started for record in images if record.started},
        lives_by_tags=True,
        records=frozenset(record.name for record in listed if is_record(record.name)),
    )


def by_tags(client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """What the distribution API alone can say: a GET per tag, and one for each manifest that indexes lead to."""
    return replace(snapshot.take_inventory(client, repository, parallel=parallel), lives_by_tags=True)


def _told(records: Iterable[TagRecord], read: Iterable[Stored]) -> dict[Digest, Stored]:
    """The tagged manifests with what the listing says of them. A manifest is as old as the oldest of its live tags."""
    dates: dict[Digest, datetime] = {}
    sizes: dict[Digest, int] = {}
    tagged = set()
    for record in records:
        tagged.add(record.digest)
        sizes[record.digest] = record.size or 0
        if record.started:
            dates[record.digest] = min(record.started, dates.get(record.digest, record.started))
    return {
        stored.digest: replace(
            stored,
            date=dates.get(stored.digest),
            dated=stored.digest in dates,  # else the config may say when it was built
            size=max(sizes[stored.digest], stored.size or 0),  # of an index, Quay may count the layers of its parts
            vendor_id=stored.digest.text,  # by which the time machine finds it
        )
        for stored in read
        if stored.digest in tagged
    }
