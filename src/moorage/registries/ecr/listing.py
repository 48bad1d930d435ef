"""A repository of ECR as an inventory: the listing says everything but what indexes lead to, so only those are read.

Archived images are listed with a lock on them: their bytes cannot be read (a pull answers 404; user guide, "Archiving an image",
seen 2026-11), so what is deleted of them could not be put back, and of archived indexes nobody knows what they need.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, BadManifest, parse_manifest
from moorage.oci.reference import Digest, Repository
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.snapshot import Readings, read_digests
from moorage.registries.distribution.threads import in_threads
from moorage.registries.ecr.api import BATCH, EcrApi
from moorage.registries.ecr.payloads import ACTIVE, NOT_THERE, Content, Image, Refusal
from moorage.registries.ecr.refusal import refused

Read = Callable[[Repository, Collection[Digest]], Readings]

_LOCK: Final = "it is {status}, so that it could not be put back: activate it first, or delete it by hand"
_UNREAD: Final = "it is {status}, and cannot be read"


def take_inventory(api: EcrApi, read: Read, repository: Repository, *, says_subjects: bool) -> Inventory:
    """Every manifest and every tag, at a page per 1000 images, and what it takes to read the indexes.

    `says_subjects`: the listing has the subjects of referrers; else all that is no plain image is read for them.
    """
    listed = api.images(repository)
    wanted = [image.digest for image in listed if image.status == ACTIVE and _is_to_be_read(image, says_subjects)]
    readings = read(repository, wanted) if wanted else Readings({}, {}, frozenset())
    lost = {
        image.digest: _UNREAD.format(status=image.status.lower())
        for image in listed
        if image.status != ACTIVE and _may_lead_further(image)
    }
    manifests = {image.digest: _stored(image, readings.manifests.get(image.digest)) for image in listed}
    unreadable = {**readings.unreadable, **lost}
    for digest in readings.missing:  # gone since the listing
        manifests.pop(digest, None)
    return Inventory(
        repository=repository,
        tags={tag: image.digest for image in listed for tag in image.tags if image.digest not in readings.missing},
        manifests={digest: stored for digest, stored in manifests.items() if digest not in unreadable},
        unreadable=unreadable,
        missing=_missing(manifests.values(), unreadable),
        locked_tags={
            tag: _LOCK.format(status=image.status.lower()) for image in listed if image.status != ACTIVE for tag in image.tags
        },
        lists_untagged=True,
    )


def by_batches(api: EcrApi, *, parallel: int) -> Read:
    """Reads manifests with BatchGetImage, a hundred a call."""

    def read(repository: Repository, digests: Collection[Digest]) -> Readings:
        batches = in_batches(digests)
        answers = in_threads(lambda batch: api.contents(repository, batch), batches, parallel)
        found = Readings({}, {}, frozenset())
        for batch, (contents, refusals) in zip(batches, answers, strict=True):
            found = _joined(found, _parsed(repository, batch, contents, refusals))
        return found

    return read


def in_batches(digests: Iterable[Digest]) -> list[list[Digest]]:
    """As many at a time as one call may name."""
    wanted = list(digests)
    return [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]


def one_by_one(client: Distribution, *, parallel: int) -> Read:
    """Reads manifests by /v2."""

    def read(repository: Repository, digests: Collection[Digest]) -> Readings:
        return read_digests(client, repository, digests, parallel=parallel)

    return read


def remembering(read: Read, inventory: Inventory) -> Read:
    """The same, without asking for manifests whose bytes the inventory has."""

    def known_first(repository: Repository, digests: Collection[Digest]) -> Readings:
        listed = [inventory.manifests[digest] for digest in digests if digest in inventory.manifests]
        known = {one.digest: Stored.of(parse_manifest(one.content, one.media_type), one.content) for one in listed if one.content}
        rest = [digest for digest in digests if digest not in known]
        found = Readings(known, {}, frozenset())
        return _joined(found, read(repository, rest)) if rest else found

    return known_first


def read_below(read: Read, repository: Repository, digests: Iterable[Digest]) -> Readings:
    """These manifests and all that their indexes lead to, each read once."""
    found = Readings({}, {}, frozenset())
    level = list(dict.fromkeys(digests))
    for _ in range(INDEX_DEPTH_LIMIT + 1):
        if not level:
            break
        fresh = read(repository, level)
        found = _joined(found, fresh)
        known = found.manifests.keys() | found.unreadable.keys() | found.missing
        level = list(
            dict.fromkeys(child for stored in fresh.manifests.values() for child in stored.children if child not in known)
        )
    return found


def _is_to_be_read(image: Image, says_subjects: bool) -> bool:
    return _may_lead_further(image) or (not says_subjects and image.config_media_type not in media_type.IMAGE_CONFIGS)


def _may_lead_further(image: Image) -> bool:
    """Everything but plain images: an index, and what nobody knows the kind of."""
    return image.media_type not in media_type.IMAGES


def _stored(image: Image, read: Stored | None) -> Stored:
    return Stored(
        image.digest,
        image.media_type or (read.media_type if read else ""),
        children=read.children if read else (),
        subject=image.subject or (read.subject if read else None),
        annotations=read.annotations if read else {},
        size=image.size,
        date=image.pushed,
        dated=image.pushed is not None,  # else the config may say when it was built
        locked="" if image.status == ACTIVE else _LOCK.format(status=image.status.lower()),
        content=read.content if read else b"",
    )


def _missing(manifests: Iterable[Stored], unreadable: Collection[Digest]) -> frozenset[Digest]:
    """What indexes lead to and the listing, which has everything, has not."""
    stored = list(manifests)
    known = {one.digest for one in stored} | set(unreadable)
    return frozenset(child for one in stored for child in one.children if child not in known)


def _parsed(
    repository: Repository, batch: Sequence[Digest], contents: Iterable[Content], refusals: Mapping[Digest, Refusal]
) -> Readings:
    manifests, unreadable = {}, {}
    for content in contents:
        try:
            manifest = parse_manifest(content.text, content.media_type)
        except BadManifest as error:
            unreadable[content.digest] = str(error)
            continue
        if manifest.digest == content.digest:
            manifests[content.digest] = Stored.of(manifest, content.text)
        else:
            unreadable[content.digest] = f"its bytes have the digest {manifest.digest}"
    missing = frozenset(digest for digest, refusal in refusals.items() if refusal.code == NOT_THERE)
    for digest in batch:
        if digest not in manifests and digest not in missing:
            reason = refused(repository, digest, refusals[digest]).message if digest in refusals else "ECR did not hand it out"
            unreadable.setdefault(digest, reason)
    return Readings(manifests, unreadable, missing)


def _joined(one: Readings, other: Readings) -> Readings:
    return Readings({**one.manifests, **other.manifests}, {**one.unreadable, **other.unreadable}, one.missing | other.missing)
