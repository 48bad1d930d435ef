"""A package of GitHub as an inventory: its versions, and of the manifests those that tell what leads to what.

GitHub says digests, tags and dates, and nothing of what is in a manifest. Read by /v2 are those with tags, and those without that
no index has named as an image of some platform. Each of these GETs counts as a download (5000 of them lock a public version).
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.snapshot import Reading, Readings, read_digest, read_tag, with_children
from moorage.registries.distribution.threads import in_threads
from moorage.registries.github.payloads import Version

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_VANISHED: Final = "GitHub lists it, and its registry says that it is not there"


def of_manifests(
    client: Distribution,
    repository: Repository,
    versions: Sequence[Version],
    *,
    is_listed: Callable[[Version], bool],
    parallel: int,
) -> Inventory:
    """The inventory of a package whose versions are manifests; every version has a digest. Raises what reading raises.

    What the registry denies is asked for once more by `is_listed`: listed still, it is unreadable, and may lead to anything.
    """
    newest_first = sorted(versions, key=lambda version: (version.changed or _NEVER, int(version.id)), reverse=True)
    by_digest = {version.digest: version for version in newest_first if version.digest}
    tags = _tags(client, repository, by_digest.values())
    names = {tag: digest for tag, digest in tags.items() if not is_record(tag)}
    only_records = {digest for digest, version in by_digest.items() if version.tags} - set(names.values())
    listed = [digest for digest in by_digest if digest not in only_records]
    found = _read(client, repository, listed, set(names.values()), parallel)
    denied = [by_digest[digest] for digest in sorted(found.missing) if digest in by_digest]
    asked = zip(denied, in_threads(is_listed, denied, parallel), strict=True)
    unreadable = {version.digest: _VANISHED for version, there in asked if there and version.digest}
    gone = found.missing - unreadable.keys()
    return Inventory(
        repository=repository,
        tags={tag: digest for tag, digest in names.items() if digest not in gone},
        manifests={
            digest: _dated(stored, by_digest[digest]) if digest in by_digest else stored
            for digest, stored in found.manifests.items()
        },
        unreadable={**found.unreadable, **unreadable},
        missing=gone,
        lists_untagged=True,
        records=frozenset(tags.keys() - names.keys()),
    )


def of_tags(client: Distribution, repository: Repository, versions: Sequence[Version], *, parallel: int) -> Inventory:
    """The inventory of a package whose versions are tags. Costs one GET per tag; what has no tag is not seen."""
    listed = {tag: version for version in versions for tag in version.tags}
    records = frozenset(tag for tag in listed if is_record(tag))
    names = [tag for tag in listed if tag not in records]
    read = dict(zip(names, in_threads(lambda tag: read_tag(client, repository, tag), names, parallel), strict=True))
    first = _sorted(read.values())
    newest = {
        digest: max(dates)
        for digest in first.manifests
        if (dates := [date for tag, one in read.items() if one.digest == digest and (date := listed[tag].changed)])
    }
    found = with_children(client, repository, first, parallel=parallel)
    return Inventory(
        repository=repository,
        tags={tag: reading.digest for tag, reading in read.items() if reading.digest},
        manifests={
            digest: replace(stored, date=newest[digest], dated=True) if digest in newest else stored
            for digest, stored in found.manifests.items()
        },
        unreadable=found.unreadable,
        unresolved={tag: reading.reason for tag, reading in read.items() if reading.digest is None and reading.reason},
        dangling={tag: _VANISHED for tag, reading in read.items() if reading.digest is None and not reading.reason},
        missing=found.missing,
        tag_dates={tag: date for tag in names if (date := listed[tag].changed)},
        lives_by_tags=True,
        records=records,
    )


def _tags(client: Distribution, repository: Repository, versions: Iterable[Version]) -> Mapping[Tag, Digest]:
    """What each tag points at. One that moved while the pages were read stands on two versions: the registry knows."""
    found: dict[Tag, Digest] = {}
    for version in versions:
        for tag in version.tags:
            if tag in found and version.digest != found[tag]:
                found[tag] = client.head(repository, tag).digest
            elif version.digest:
                found[tag] = version.digest
    return found


def _read(
    client: Distribution, repository: Repository, listed: Sequence[Digest], tagged: AbstractSet[Digest], parallel: int
) -> Readings:
    """All listed manifests and all that their indexes lead to. `listed` has the newest first.

    First what has tags, then what that leads to, then the rest in volleys: an index is newer than its children, so that most
    images are known from their index when their turn would come.
    """
    images: dict[Digest, Stored] = {}
    read: dict[Digest, Reading] = {}
    everything = frozenset(listed)
    wanted = [digest for digest in listed if digest in tagged]
    for _ in range(len(listed) + INDEX_DEPTH_LIMIT):
        now = in_threads(lambda digest: read_digest(client, repository, digest), wanted, parallel)
        read |= dict(zip(wanted, now, strict=True))
        below: set[Digest] = set()
        for stored in (reading.stored for reading in now if reading.stored):
            images |= {digest: image for digest, image in _images(stored).items() if digest in everything}
            below |= set(stored.children)
        left = (digest for digest in listed if digest not in read and digest not in images)
        wanted = sorted(below - read.keys() - images.keys()) or list(itertools.islice(left, max(parallel, 1)))
        if not wanted:
            break
    found = _sorted(read.values())
    missing = frozenset(digest for digest, reading in read.items() if not reading.stored and not reading.reason)
    known = {digest: image for digest, image in images.items() if digest not in missing and digest not in found.unreadable}
    first = Readings({**known, **found.manifests}, found.unreadable, missing)
    return with_children(client, repository, first, parallel=parallel)  # finds nothing more, unless indexes nest too deep


def _images(index: Stored) -> dict[Digest, Stored]:
    """The children that an index describes as images of a platform: those lead to nothing.

    Others are read: they may be indexes themselves, or refer to something (a list of referrers names no platforms).
    """
    document: Any = json.loads(index.content) if index.children else {}
    entries = [entry for entry in document.get("manifests") or () if entry.get("mediaType") in media_type.IMAGES]
    found = [Stored(Digest(str(entry["digest"])), entry["mediaType"]) for entry in entries if entry.get("platform")]
    return {stored.digest: stored for stored in found}


def _sorted(readings: Iterable[Reading]) -> Readings:
    all_of_them = list(readings)
    return Readings(
        {reading.digest: reading.stored for reading in all_of_them if reading.digest and reading.stored},
        {reading.digest: reading.reason for reading in all_of_them if reading.digest and reading.reason},
        frozenset(),
    )


def _dated(stored: Stored, version: Version) -> Stored:
    return replace(stored, vendor_id=version.id, date=version.changed, dated=version.changed is not None)
