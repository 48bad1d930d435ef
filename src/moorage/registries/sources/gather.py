"""Collecting a parcel from a manifest downwards, whatever it is that holds the manifests and blobs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from moorage.errors import ConfigurationError
from moorage.oci.layout import BadLayout, Descriptor, parse_index
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, BadManifest, Blob, Manifest, parse_manifest
from moorage.oci.media_type import IMAGES, INDEXES, OCI_ARTIFACT
from moorage.oci.reference import Digest
from moorage.registries.sources.parcel import BlobSource, Document, Parcel

ReadManifest = Callable[[Digest], bytes | None]
"""The bytes of a manifest, or None where the source does not hold it."""
FindBlob = Callable[[Blob], BlobSource | None]


class Incomplete(ConfigurationError):
    """The source names parts that it does not hold."""


def gather(origin: str, root: Descriptor, read: ReadManifest, find: FindBlob) -> Parcel:
    """Everything that a manifest leads to: children at any depth, and the blobs of all of them.

    Raises Incomplete naming what is missing; ConfigurationError for bytes that are no manifest, or not those that their digest or
    their descriptor say.
    """
    gathering = _Gathering(origin, read, find)
    document = gathering.visit(root, 0)
    if document is None or gathering.missing:
        shown = ", ".join(str(digest) for digest in gathering.missing[:5])
        raise Incomplete(
            f"{origin} is not whole: {len(gathering.missing)} of the parts of {root.digest} are not in it: {shown}",
            remedy="Save it again with all its platforms, or name a single image.",
        )
    gathering.documents.pop(document.digest)
    return Parcel(origin, document, gathering.documents, gathering.blobs)


@dataclass(slots=True)
class _Gathering:
    origin: str
    read: ReadManifest
    find: FindBlob
    documents: dict[Digest, Document] = field(default_factory=dict)
    blobs: dict[Digest, BlobSource] = field(default_factory=dict)
    missing: list[Digest] = field(default_factory=list)

    def visit(self, descriptor: Descriptor, depth: int) -> Document | None:
        """A manifest after all that it leads to, so that `documents` is in the order in which they can be put."""
        if descriptor.digest in self.documents:
            return self.documents[descriptor.digest]
        if depth > INDEX_DEPTH_LIMIT:
            raise ConfigurationError(f"{self.origin}: indexes are nested deeper than {INDEX_DEPTH_LIMIT}")
        content = self.read(descriptor.digest)
        if content is None:
            self.missing.append(descriptor.digest)
            return None
        manifest = self._parsed(descriptor, content)
        if manifest.is_index:
            for child in self._children(manifest, content):
                self.visit(child, depth + 1)
        for blob in manifest.blobs:
            self._take(manifest, blob)
        document = self.documents[manifest.digest] = Document(content, manifest.media_type)
        return document

    def _parsed(self, descriptor: Descriptor, content: bytes) -> Manifest:
        digest = descriptor.digest
        if Digest.of(content) != digest:
            raise ConfigurationError(f"{self.origin}: the bytes of the manifest {digest} do not match their digest")
        if descriptor.size not in {0, len(content)}:
            raise ConfigurationError(
                f"{self.origin}: the manifest {digest} has {len(content)} bytes, {descriptor.size} are announced"
            )
        try:
            manifest = parse_manifest(content, descriptor.media_type)
        except BadManifest as error:
            raise ConfigurationError(f"{self.origin}: {digest} {error}") from None
        if manifest.media_type not in INDEXES | IMAGES | {OCI_ARTIFACT}:
            raise ConfigurationError(f"{self.origin}: {digest} is no image, but {manifest.media_type or 'of an unknown kind'}")
        if manifest.children and (manifest.blobs or not manifest.is_index):
            raise ConfigurationError(f"{self.origin}: {digest} claims to be an image and an index at once (see CVE-2021-41190)")
        return manifest

    def _children(self, manifest: Manifest, content: bytes) -> tuple[Descriptor, ...]:
        try:
            return parse_index(content).descriptors
        except BadLayout as error:
            raise ConfigurationError(f"{self.origin}: the index {manifest.digest} {error}") from None

    def _take(self, manifest: Manifest, blob: Blob) -> None:
        source = self.blobs.get(blob.digest) or self.find(blob)
        if source is None:
            self.missing.append(blob.digest)
            return
        if blob.size not in {0, source.size}:
            raise ConfigurationError(
                f"{self.origin}: the blob {blob.digest} has {source.size} bytes, {manifest.digest} announces {blob.size}"
            )
        self.blobs[blob.digest] = source
