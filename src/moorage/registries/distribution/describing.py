"""Labels and missing dates, out of manifests and configs: what a vendor's listing does not say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_manifest
from moorage.oci.reference import Digest
from moorage.registries.distribution import dating
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.snapshot import Readings, read_digest, with_children
from moorage.registries.distribution.threads import in_threads


def describe(
    client: Distribution, inventory: Inventory, digests: Iterable[Digest], *, parallel: int, now: Callable[[], datetime]
) -> Sequence[Stored]:
    """The manifests with `dated` and `labels` filled in, where the listing has neither; the vendor's own word counts more.

    What the inventory has read already is not read again. Raises Unauthorized, Denied and Throttled, which concern the repository
    as a whole.
    """
    wanted = [inventory.manifests[digest] for digest in dict.fromkeys(digests) if digest in inventory.manifests]
    unclear = [stored for stored in wanted if stored.labels is None or not stored.dated]
    known = {stored.digest: _parsed(stored) for stored in _reached(inventory, unclear) if stored.content}
    unread = [stored.digest for stored in unclear if stored.digest not in known]
    read = in_threads(lambda digest: read_digest(client, inventory.repository, digest), unread, parallel)
    known |= {one.stored.digest: one.stored for one in read if one.stored}
    first = Readings(known, inventory.unreadable, inventory.missing)
    below = with_children(client, inventory.repository, first, parallel=parallel)
    seen = Inventory(inventory.repository, {}, below.manifests, unreadable=below.unreadable, missing=below.missing)
    roots = [stored.digest for stored in unclear]
    told = {stored.digest: stored for stored in dating.describe(client, seen, roots, parallel=parallel, now=now)}
    return [_completed(_read(stored, known), told.get(stored.digest)) for stored in wanted]


def _reached(inventory: Inventory, roots: Iterable[Stored]) -> Iterable[Stored]:
    """These and what their indexes lead to, as far as the inventory knows."""
    found = {stored.digest: stored for stored in roots}
    queue = list(found.values())
    for stored in queue:  # grows while it is walked
        for child in stored.children:
            if child in inventory.manifests and child not in found:
                found[child] = inventory.manifests[child]
                queue.append(found[child])
    return queue


def _parsed(stored: Stored) -> Stored:
    return Stored.of(parse_manifest(stored.content, stored.media_type), stored.content)


def _read(stored: Stored, known: Mapping[Digest, Stored]) -> Stored:
    """With what reading it for its config has told besides, where the listing had not read it."""
    return stored if stored.content or stored.digest not in known else stored.with_bytes_of(known[stored.digest])


def _completed(stored: Stored, told: Stored | None) -> Stored:
    labels = stored.labels if stored.labels is not None else told.labels if told else {}
    if stored.dated:  # the vendor's own date is better than the config's
        return replace(stored, labels=labels)
    return replace(stored, labels=labels, date=told.date if told else None, dated=True)
