"""What belongs to an image without being part of it: its referrers, and the tags that follow it by their form.

Signatures, SBOMs and attestations that were made after the build. They name the image by digest, so they are of use only beside
an image that is promoted byte for byte.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from moorage.errors import ConfigurationError, NotFound
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_manifest, referrers_tag
from moorage.oci.media_type import OCI_INDEX
from moorage.oci.reference import Digest, Reference, Repository, Tag
from moorage.registries.interface import Reader, ReferrerLister, Registry, Writer
from moorage.registries.sources.checks import parallel
from moorage.registries.sources.opening import registry_parcel
from moorage.registries.sources.parcel import Document, Parcel
from moorage.registries.upload import put_parcel

_SUFFIXES: Final = ("", ".sig", ".att", ".sbom")  # the referrers' fallback, and cosign's before OCI 1.1
_ROUNDS: Final = 8  # a signature of an SBOM of an image is three deep


class Home(Registry, Reader, Protocol):
    """A registry that images are read from."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """`tag` is the following tag that it stands under; None for a referrer, which its subject leads to."""

    parcel: Parcel
    tag: Tag | None = None


def attached_to(source: Home, repository: Repository, parcel: Parcel) -> tuple[Attachment, ...]:
    """Everything that belongs to any manifest of a parcel, and what belongs to that in turn. Raises what the reader raises."""
    known = {document.digest for document in parcel.documents()}
    news, found = known, []
    for _ in range(_ROUNDS):
        attachments = [*_referrers(source, repository, news), *_followers(source, repository, news)]
        found += attachments
        news = {document.digest for one in attachments for document in one.parcel.documents()} - known
        known = known | news
        if not news:
            return tuple(found)
    raise ConfigurationError(f"{parcel.origin}: what belongs to it is nested deeper than {_ROUNDS}")


def put_attached(
    target: Writer, repository: Repository, attachments: Sequence[Attachment], *, parallel: int = 4
) -> tuple[str, ...]:
    """Put them beside the image that they belong to, unless they are there. Returns what had to be left, as sentences.

    Raises what the registry raises.
    """
    left = []
    for one in attachments:
        before = _standing(target, repository, one.tag or one.parcel.root.digest)
        if before is not None and before.digest == one.parcel.root.digest:
            continue
        if one.tag is not None and before is not None and not _within(before, one.parcel.root):
            left.append(f"{repository}:{one.tag} stays: it holds what {one.parcel.origin} does not")
            continue
        put_parcel(target, repository, one.parcel, tags=[one.tag] if one.tag else (), parallel=parallel)
    _list_referrers(target, repository, [one.parcel.root for one in attachments if one.tag is None])
    return tuple(left)


def _referrers(source: Home, repository: Repository, subjects: Iterable[Digest]) -> Iterator[Attachment]:
    if isinstance(source, ReferrerLister):
        for stored in source.referrers(Inventory(repository, {}, {}), sorted(subjects)):
            yield Attachment(registry_parcel(source, Reference(repository, digest=stored.digest)))


def _followers(source: Home, repository: Repository, targets: Iterable[Digest]) -> Iterator[Attachment]:
    """By name and not from a listing, which may be long, and closed to who may only pull."""

    def found(tag: Tag) -> Attachment | None:
        try:
            source.resolve(repository, tag)
            return Attachment(registry_parcel(source, Reference(repository, tag)), tag)
        except NotFound:
            return None

    tags = [Tag(f"{referrers_tag(target)}{suffix}") for target in sorted(targets) for suffix in _SUFFIXES]
    yield from (attachment for attachment in parallel(found, tags) if attachment is not None)


def _standing(target: Writer, repository: Repository, reference: Tag | Digest) -> Document | None:
    if not isinstance(target, Reader):
        return None
    try:
        return Document(*target.manifest(repository, reference))
    except NotFound:
        return None


def _within(before: Document, after: Document) -> bool:
    """Whether nothing is lost when one manifest takes the place of the other: cosign adds signatures to those that are there."""
    old, new = before.manifest, after.manifest
    return set(old.layers) <= set(new.layers) and set(old.children) <= set(new.children)


def _list_referrers(target: Writer, repository: Repository, referrers: Sequence[Document]) -> None:
    """Where a registry does not lead from a subject to its referrers, a tag does (OCI 1.1, "Referrers Tag Schema")."""
    if repository.registry.is_layout:
        return
    by_subject: dict[Digest, list[Document]] = {}
    for referrer in referrers:
        if (subject := referrer.manifest.subject) is not None:
            by_subject.setdefault(subject, []).append(referrer)
    for subject, own in by_subject.items():
        listed: Sequence[Stored] = ()
        if isinstance(target, ReferrerLister):
            listed = target.referrers(Inventory(repository, {}, {}), [subject])
        if not {document.digest for document in own} <= {stored.digest for stored in listed}:
            _list_by_tag(target, repository, Tag(referrers_tag(subject)), own)


def _list_by_tag(target: Writer, repository: Repository, tag: Tag, referrers: Sequence[Document]) -> None:
    before = _standing(target, repository, tag)
    document = json.loads(before.content) if before is not None and before.manifest.is_index else dict(_EMPTY_INDEX)
    listed = {entry["digest"] for entry in document["manifests"]}
    new = [_descriptor(referrer) for referrer in referrers if referrer.digest.text not in listed]
    if new:
        document["manifests"] = [*document["manifests"], *new]
        target.put_manifest(repository, tag, json.dumps(document, separators=(",", ":")).encode(), OCI_INDEX)


_EMPTY_INDEX: Final[Mapping[str, Any]] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def _descriptor(referrer: Document) -> dict[str, Any]:
    manifest = parse_manifest(referrer.content, referrer.media_type)
    kind = manifest.artifact_type or manifest.config_media_type
    found: dict[str, Any] = {"mediaType": manifest.media_type, "digest": manifest.digest.text, "size": manifest.size}
    if kind:
        found["artifactType"] = kind
    if manifest.annotations:
        found["annotations"] = dict(manifest.annotations)
    return found
