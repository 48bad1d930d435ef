"""A repository of Artifact Registry as an inventory: one list says what there is, and only what may lead further is read.

That is indexes, for their parts, and OCI manifests without a tag that are part of none, as any of those may belong to an image by
its `subject`. Docker's manifests know no subject; OCI's with a tag stay unread until one of their tags may go.
"""

from collections.abc import Iterable
from dataclasses import replace

from moorage.errors import Contradiction
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import snapshot
from moorage.registries.distribution.parts import read_listed
from moorage.registries.gcr.api import GoogleApi
from moorage.registries.gcr.payloads import Listed


def take_inventory(api: GoogleApi, repository: Repository, *, parallel: int) -> Inventory:
    """Everything in the repository, with and without tags. Raises NotFound for one that is not there."""
    listing = api.listing(repository)
    if listing.manifests is None:  # a registry of another kind at this address: a proxy, or a mirror
        return snapshot.take_inventory(api.client, repository, parallel=parallel)
    listed = {one.digest: one for one in listing.manifests}
    tags = _tags(listing.manifests, repository)
    silent = [tag for tag in listing.tags if tag not in tags]
    resolved = snapshot.resolve_tags(api.client, repository, silent, parallel=parallel)
    tags |= {tag: digest for tag, digest in resolved.items() if isinstance(digest, Digest)}
    kinds = {digest: one.media_type for digest, one in listed.items()}
    found = read_listed(api.client, repository, kinds, tags, parallel=parallel)
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
