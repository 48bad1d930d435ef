"""Reading a repository into an inventory: each tag once, each manifest once, indexes with all their children.

One GET per tag says both its digest and its content; what is reached through indexes costs one GET per distinct digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Throttled, Unauthorized, Unreachable
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, BadManifest, parse_manifest
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution.client import Distribution
from moorage.registries.distribution.payloads import Fetched
from moorage.registries.distribution.threads import in_threads

VANISHED: Final = "the registry lists it and then says that it is not there"


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of reading one manifest: `stored`, or `reason` why not, or neither when it is not there."""

    digest: Digest | None
    stored: Stored | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """Many manifests, sorted by what became of them."""

    manifests: Mapping[Digest, Stored]
    unreadable: Mapping[Digest, str]
    missing: frozenset[Digest]


def take_inventory(client: Distribution, repository: Repository, *, parallel: int) -> Inventory:
    """Everything that the tags of a repository lead to. Manifests that no tag leads to are not seen: the API does not list them.

    Records (moorage.oci.records) are named and not read: there may be a hundred thousand of them.
    Raises NotFound for an unknown repository, Unauthorized and Denied where it must not be read, Throttled.
    """
    listed = client.tags(repository)
    records = frozenset(tag for tag in listed if is_record(tag))
    names = [tag for tag in listed if tag not in records]
    read = dict(zip(names, in_threads(lambda tag: read_tag(client, repository, tag), names, parallel), strict=True))
    vanished = {tag for tag, reading in read.items() if reading.digest is None and not reading.reason}
    if vanished:  # deleted since the listing, or broken: a second listing knows
        vanished &= set(client.tags(repository))
    first = Readings(
        {reading.digest: reading.stored for reading in read.values() if reading.digest and reading.stored},
        {reading.digest: reading.reason for reading in read.values() if reading.digest and reading.reason},
        frozenset(),
    )
    found = with_children(client, repository, first, parallel=parallel)
    unresolved = {tag: reading.reason for tag, reading in read.items() if reading.digest is None and reading.reason}
    return Inventory(
        repository=repository,
        tags={tag: reading.digest for tag, reading in read.items() if reading.digest},
        manifests=found.manifests,
        unreadable=found.unreadable,
        unresolved=unresolved,
        dangling=dict.fromkeys(vanished, VANISHED),
        missing=found.missing,
        records=records,
    )


def resolve_tags(
    client: Distribution, repository: Repository, tags: Sequence[Tag], *, parallel: int
) -> Mapping[Tag, Digest | str]:
    """What tags point at that a vendor's listing only names: the digest, or why nobody knows. Tags that are gone are left out.

    One HEAD each, which no registry counts as a pull. Raises Unauthorized, Denied and Throttled, which concern the repository.
    """

    def look(tag: Tag) -> Digest | str | None:
        try:
            return client.head(repository, tag).digest
        except NotFound:
            return None  # gone since the listing
        except (ItemRefused, Unreachable) as error:
            return error.message

    found = zip(tags, in_threads(look, tags, parallel), strict=True)
    return {tag: answer for tag, answer in found if answer is not None}


def with_children(client: Distribution, repository: Repository, first: Readings, *, parallel: int) -> Readings:
    """These manifests and what their indexes lead to, each digest read once, down to the depth that indexes may have."""
    manifests, unreadable = dict(first.manifests), dict(first.unreadable)
    missing = set(first.missing)
    level: Iterable[Stored] = list(manifests.values())
    for _ in range(INDEX_DEPTH_LIMIT):
        known = manifests.keys() | unreadable.keys() | missing
        wanted = dict.fromkeys(child for stored in level for child in stored.children if child not in known)
        readings = in_threads(lambda digest: read_digest(client, repository, digest), wanted, parallel)
        for digest, reading in zip(wanted, readings, strict=True):
            if reading.stored:
                manifests[digest] = reading.stored
            elif reading.reason:
                unreadable[digest] = reading.reason
            else:
                missing.add(digest)
        level = [reading.stored for reading in readings if reading.stored]
    known = manifests.keys() | unreadable.keys() | missing
    too_deep = {child for stored in level for child in stored.children if child not in known}
    unreadable |= dict.fromkeys(too_deep, f"lies deeper than {INDEX_DEPTH_LIMIT} indexes")
    readable = {digest: reason for digest, reason in unreadable.items() if digest not in manifests}
    return Readings(manifests, readable, frozenset(missing))


def read_digests(client: Distribution, repository: Repository, digests: Iterable[Digest], *, parallel: int) -> Readings:
    """Manifests by their digests, each read once. Raises Unauthorized, Denied and Throttled, which concern the repository."""
    wanted = list(dict.fromkeys(digests))
    read = in_threads(lambda digest: read_digest(client, repository, digest), wanted, parallel)
    found = dict(zip(wanted, read, strict=True))
    return Readings(
        {digest: reading.stored for digest, reading in found.items() if reading.stored},
        {digest: reading.reason for digest, reading in found.items() if reading.reason},
        frozenset(digest for digest, reading in found.items() if not reading.stored and not reading.reason),
    )


def read_digest(client: Distribution, repository: Repository, digest: Digest) -> Reading:
    """One manifest by its digest."""
    try:
        return _parsed(client.manifest(repository, digest))
    except NotFound:
        return Reading(digest)
    except RegistryError as error:
        return Reading(digest, reason=_bearable(error))


def read_tag(client: Distribution, repository: Repository, tag: Tag) -> Reading:
    """The manifest under a tag; where it cannot be read, at least its digest, by HEAD."""
    try:
        return _parsed(client.manifest(repository, tag))
    except NotFound:
        return Reading(None)
    except RegistryError as error:
        reason = _bearable(error)
    try:
        return Reading(client.head(repository, tag).digest, reason=reason)
    except NotFound:
        return Reading(None)
    except RegistryError as error:
        _bearable(error)
        return Reading(None, reason=reason)


def _parsed(fetched: Fetched) -> Reading:
    try:
        return Reading(fetched.digest, Stored.of(parse_manifest(fetched.content, fetched.media_type), fetched.content))
    except BadManifest as error:
        return Reading(fetched.digest, reason=str(error))


def _bearable(error: RegistryError) -> str:
    """The trouble with one manifest as a reason; trouble with the whole repository is raised again."""
    if isinstance(error, Unauthorized | Throttled) or (isinstance(error, Denied) and not isinstance(error, ItemRefused)):
        raise error
    return error.message
