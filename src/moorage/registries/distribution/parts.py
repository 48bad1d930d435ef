"""Manifests by digest, indexes with their parts, for vendors whose own listing names everything that has a tag.

An index says of each part what it is. What it calls an image leads no further and is taken at its word; read are the parts that
may be indexes themselves. What an image says of itself (its labels, say) is read when somebody asks for it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.snapshot import VANISHED, Readings, read_digests, with_children


def read_with_parts(
    client: Distribution,
    repository: Repository,
    digests: Iterable[Digest],
    *,
    parallel: int,
    known: Iterable[Stored] = (),
) -> Readings:
    """These manifests, each read once, and all that their indexes lead to. What is `known` is not read.

    Raises Unauthorized, Denied and Throttled, which concern the repository as a whole.
    """
    told = {stored.digest: stored for stored in known}
    read = read_digests(client, repository, (digest for digest in digests if digest not in told), parallel=parallel)
    images = {image.digest: image for stored in read.manifests.values() if stored.children for image in images_of(stored)}
    return with_children(client, repository, replace(read, manifests={**images, **told, **read.manifests}), parallel=parallel)


def read_listed(
    client: Distribution, repository: Repository, kinds: Mapping[Digest, str], tags: Mapping[Tag, Digest], *, parallel: int
) -> Readings:
    """What a listing that has media types leaves open, by as few GETs as that takes.

    `kinds` are the media types of what is listed, "" for those it does not say; `tags` may lead to more. Indexes come first: what
    they call an image needs no look of its own. Then OCI manifests that are part of none and have no tag: any of those may have a
    `subject`, which Docker's have not. Those with a tag stay unread until one of their tags may go (`reveal`). What only records
    point at is not read: there may be a hundred thousand of them.
    """
    records = {digest for tag, digest in tags.items() if is_record(tag)} - {
        digest for tag, digest in tags.items() if not is_record(tag)
    }
    wanted = (kinds.keys() | set(tags.values())) - records
    indexes = {digest for digest in wanted if kinds.get(digest) not in media_type.IMAGES}
    images = [Stored(digest, kind) for digest, kind in kinds.items() if digest not in indexes]
    above = read_with_parts(client, repository, sorted(indexes), parallel=parallel, known=images)
    parts = {child for stored in above.manifests.values() for child in stored.children}
    doubtful = {image.digest for image in images if image.media_type != media_type.DOCKER_MANIFEST} - parts - records
    unread = {digest: Stored(digest, kinds[digest], unread=True) for digest in doubtful & set(tags.values())}
    below = read_with_parts(client, repository, sorted(doubtful - unread.keys()), parallel=parallel)
    lost = below.unreadable.keys() | below.missing
    return Readings(
        {digest: stored for digest, stored in {**above.manifests, **unread, **below.manifests}.items() if digest not in lost},
        {**above.unreadable, **below.unreadable},
        above.missing | below.missing,
    )


def reveal(client: Distribution, inventory: Inventory, digests: Iterable[Digest], *, parallel: int) -> Inventory:
    """As `Revealer.reveal`: these manifests read, each once, with all that they lead to."""
    wanted = frozenset(digests)
    known = [stored for stored in inventory.manifests.values() if stored.digest not in wanted]
    read = read_with_parts(client, inventory.repository, sorted(wanted), parallel=parallel, known=known)
    told = inventory.manifests
    gone = {tag for tag, digest in inventory.tags.items() if digest in wanted & read.missing}
    return replace(
        inventory,
        tags={tag: digest for tag, digest in inventory.tags.items() if tag not in gone},
        manifests={
            digest: told[digest].with_bytes_of(stored) if digest in wanted & told.keys() else stored
            for digest, stored in read.manifests.items()
        },
        unreadable={**inventory.unreadable, **read.unreadable},
        dangling={**inventory.dangling, **dict.fromkeys(gone, VANISHED)},
        missing=inventory.missing | read.missing,
    )


def images_of(index: Stored) -> Sequence[Stored]:
    """The parts that an index with its bytes at hand describes as images. Their size is not known: descriptors omit layers."""
    try:
        entries = json.loads(index.content)["manifests"]
        kinds = [(Digest(entry["digest"]), entry.get("mediaType")) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, BadReference):
        return []
    return [Stored(digest, kind) for digest, kind in kinds if kind in media_type.IMAGES]
