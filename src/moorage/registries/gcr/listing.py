"""A repository of Artifact Registry as an inventory: one list says what there is, and only what may lead further is read.

That is indexes, for their parts, and OCI manifests without a tag that are part of none, as any of those may belong to an image by
its `subject`. Docker's manifests know no subject; OCI's with a tag stay unread until one of their tags may go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from moorage.errors import Contradiction, ItemRefused, NotFound, Unreachable
from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution, snapshot
from moorage.registries.distribution.parts import read_with_parts
from moorage.registries.distribution.snapshot import Readings
from moorage.registries.distribution.threads import in_threads
from moorage.registries.gcr.api import GoogleApi
from moorage.registries.gcr.payloads import Listed

_PLAIN: Final = frozenset({media_type.DOCKER_MANIFEST})


def take_inventory(api: GoogleApi, repository: Repository, *, parallel: int) -> Inventory:
    """Everything in the repository, with and without tags. Raises NotFound for one that is not there."""
    listing = api.listing(repository)
    if listing.manifests is None:  # a registry of another kind at this address: a proxy, or a mirror
        return snapshot.take_inventory(api.client, repository, parallel=parallel)
    listed = {one.digest: one for one in listing.manifests}
    tags = _tags(listing.manifests, repository)
    silent = [tag for tag in listing.tags if tag not in tags]
    resolved = _resolved(api.client, repository, silent, parallel)
    tags |= {tag: digest for tag, digest in resolved.items() if isinstance(digest, Digest)}
    found = _manifests(api.client, repository, listed, tags, parallel)
    return Inventory(
        repository=repository,
        tags=tags,
        manifests={digest: _told(stored, listed.get(digest)) for digest, stored in found.manifests.items()},
        unreadable=found.unreadable,
        unresolved={tag: reason for tag, reason in resolved.items() if isinstance(reason, str)},
        missing=found.missing,
        lists_untagged=True,
    )


def _tags(listed: Iterable[Listed], repository: Repository) -> dict[Tag, Digest]:
    tags: dict[Tag, Digest] = {}
    for one in listed:
        for tag in one.tags:
            if tags.setdefault(tag, one.digest) != one.digest:
                raise Contradiction(f"{repository}:{tag} is listed at two manifests, {tags[tag]} and {one.digest}")
    return tags


def _resolved(client: Distribution, repository: Repository, tags: list[Tag], parallel: int) -> Mapping[Tag, Digest | str]:
    """What tags point at that no manifest of the list has, or why nobody knows."""

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
    client: Distribution, repository: Repository, listed: Mapping[Digest, Listed], tags: Mapping[Tag, Digest], parallel: int
) -> Readings:
    """Indexes first: what they call an image needs no look of its own. What only records point at is not looked at either."""
    only_records = _only_records(tags)
    wanted = (listed.keys() | set(tags.values())) - only_records
    indexes = {digest for digest in wanted if digest not in listed or listed[digest].media_type not in media_type.IMAGES}
    images = [Stored(digest, one.media_type) for digest, one in listed.items() if digest not in indexes]
    above = read_with_parts(client, repository, sorted(indexes), parallel=parallel, known=images)
    parts = {child for stored in above.manifests.values() for child in stored.children}
    doubtful = {image.digest for image in images if image.media_type not in _PLAIN} - parts - only_records
    unread = {digest: Stored(digest, listed[digest].media_type, unread=True) for digest in doubtful & set(tags.values())}
    below = read_with_parts(client, repository, sorted(doubtful - unread.keys()), parallel=parallel)
    lost = below.unreadable.keys() | below.missing
    return Readings(
        {digest: stored for digest, stored in {**above.manifests, **unread, **below.manifests}.items() if digest not in lost},
        {**above.unreadable, **below.unreadable},
        above.missing | below.missing,
    )


def _only_records(tags: Mapping[Tag, Digest]) -> set[Digest]:
    """Manifests whose tags are all records; there may be a hundred thousand of them."""
    return {digest for tag, digest in tags.items() if is_record(tag)} - {
        digest for tag, digest in tags.items() if not is_record(tag)
    }


def _told(stored: Stored, listed: Listed | None) -> Stored:
    """A manifest with what the listing says of it."""
    if listed is None:
        return stored
    return replace(
        stored,
        media_type=stored.media_type or listed.media_type,
        date=listed.uploaded,
        dated=listed.uploaded is not None,  # else the config may say when it was built
        size=max(listed.size or 0, stored.size or 0) or None,
    )
