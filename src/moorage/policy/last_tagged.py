"""Registries that never delete the last image with a tag by itself (GitHub): which one that is.

It stays, unless the repository is to go with it.
"""

from datetime import UTC, datetime

from moorage.oci.inventory import Inventory
from moorage.oci.manifest import followed_digest
from moorage.oci.reference import Digest
from moorage.oci.stub import is_stub

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def last_tagged(inventory: Inventory) -> Digest | None:
    """The newest image that has a tag; signatures, and what belongs to something else, only where there is no image.

    None where nothing has a tag, or the registry deletes the last one like any other.
    """
    tags_of = inventory.tags_of() if inventory.keeps_last_tagged else {}

    def rank(digest: Digest) -> tuple[bool, datetime, str]:
        stored = inventory.manifests.get(digest)
        own = any(followed_digest(tag.text) is None for tag in tags_of[digest])
        is_image = own and stored is not None and stored.subject is None and not is_stub(stored)
        dates = [stored.date if stored else None, *(inventory.tag_dates.get(tag) for tag in tags_of[digest])]
        return is_image, max((date for date in dates if date), default=_LONG_AGO), digest.text

    return max(tags_of, key=rank, default=None)


def gone_with_repository(inventory: Inventory) -> frozenset[Digest]:
    """What cannot go before its repository does: the last image with a tag, and its parts at any depth."""
    last = last_tagged(inventory)
    found = {last} if last is not None else set()
    queue = list(found)
    for digest in queue:  # grows while it is walked
        stored = inventory.manifests.get(digest)
        below = [child for child in (stored.children if stored else ()) if child not in found]
        found.update(below)
        queue += below
    return frozenset(found)
