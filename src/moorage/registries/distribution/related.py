"""Referrers by the API of distribution-spec 1.1. Those under fallback tags are ordinary tags, and in the inventory already."""

from collections.abc import Iterable, Sequence

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.snapshot import read_digest
from moorage.registries.distribution.threads import in_threads


def referrers_of(client: Distribution, inventory: Inventory, digests: Iterable[Digest], *, parallel: int) -> Sequence[Stored]:
    """The manifests whose `subject` is one of these, each once; none where the API is not offered.

    A referrer that cannot be read is known by its descriptor alone; one that is listed and not there is left out.
    """
    subjects = list(dict.fromkeys(digests))
    if not subjects:
        return []
    first, *others = subjects
    listed = {first: client.referrers(inventory.repository, first)}
    if listed[first] is None:
        return []  # one question was enough
    listed |= dict(
        zip(others, in_threads(lambda digest: client.referrers(inventory.repository, digest), others, parallel), strict=True)
    )
    found = {
        descriptor.digest: Stored(descriptor.digest, descriptor.media_type, subject=subject, size=descriptor.size)
        for subject, descriptors in listed.items()
        for descriptor in descriptors or ()
    }

    def read(fallback: Stored) -> Stored | None:
        if fallback.digest in inventory.manifests:
            return inventory.manifests[fallback.digest]
        reading = read_digest(client, inventory.repository, fallback.digest)
        return reading.stored or (fallback if reading.reason else None)

    return [stored for stored in in_threads(read, found.values(), parallel) if stored]
