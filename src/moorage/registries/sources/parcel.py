"""An image with all that belongs to it, ready to be put into a registry. Of blobs, only the way to open them is held."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from moorage.errors import ConfigurationError
from moorage.oci.manifest import MANIFEST_LIMIT, BadManifest, Blob, Manifest, parse_manifest
from moorage.oci.reference import Digest, Repository
from moorage.oci.rewrite import is_runnable, labelled_config, with_config, with_manifests


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of a manifest."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> Digest:
        return Digest.of(self.content)

    @property
    def manifest(self) -> Manifest:
        return parse_manifest(self.content, self.media_type)


@dataclass(frozen=True, slots=True)
class BlobSource:
    """A blob that can be read, from its beginning each time it is opened, by several threads at once. `size` is in bytes.

    `home` is the repository that it lies in, if it lies in one: within one registry it need not be sent, but can be mounted.
    """

    size: int
    open: Callable[[], BinaryIO]
    home: Repository | None = None

    @classmethod
    def of(cls, content: bytes) -> "BlobSource":
        return cls(len(content), lambda: io.BytesIO(content))


@dataclass(frozen=True, slots=True)
class Parcel:
    """`root` is the image or index itself; `manifests` all that it leads to, each after those that it needs.

    `origin` is how its user called the source, for messages.
    """

    origin: str
    root: Document
    manifests: Mapping[Digest, Document]
    blobs: Mapping[Digest, BlobSource]

    def documents(self) -> tuple[Document, ...]:
        """All manifests, the root last."""
        return (*self.manifests.values(), self.root)

    def images(self) -> tuple[Document, ...]:
        """The manifests that are images in the narrow sense: no indexes, attestations, signatures or artifacts."""
        return tuple(document for document in self.documents() if is_runnable(document.manifest, document.content))

    def config(self, image: Document) -> bytes:
        """The config of an image. Raises ConfigurationError where it is too large for one."""
        blob = image.manifest.config
        if blob is None or blob.size > MANIFEST_LIMIT:
            raise ConfigurationError(f"{self.origin}: {image.digest} has no config, or one of more than {MANIFEST_LIMIT} bytes")
        with self.blobs[blob.digest].open() as stream:
            return stream.read()


def relabel(parcel: Parcel, labels: Mapping[str, str]) -> Parcel:
    """The same image with these labels in its config; of an index, in the config of each platform's image.

    Layers, attestations and artifacts keep their bytes (but for the `subject` of what refers to an image by digest); manifests,
    indexes and what they say about attestations follow the new digests. What an attestation says inside of its layer stays: it
    speaks of the image as it was built. Raises ConfigurationError for a config that is none.
    """
    images = {document.digest for document in parcel.images()}
    # Whatever refers to an image, as a child or as its subject, has to come after it.
    in_order = sorted(parcel.documents(), key=lambda document: (document.digest not in images, document.manifest.is_index))
    replaced: dict[Digest, Blob] = {}
    blobs = dict(parcel.blobs)
    documents = []
    for document in in_order:
        content = document.content
        if document.digest in images:
            config = _labelled(parcel, document, labels)
            blob = Blob(Digest.of(config), len(config))
            blobs[blob.digest] = BlobSource.of(config)
            content = with_config(content, blob)
        content = with_manifests(content, replaced)
        documents.append(replace(document, content=content))
        if content != document.content:
            replaced[document.digest] = Blob(documents[-1].digest, len(content))
    needed = {blob.digest for document in documents for blob in document.manifest.blobs}
    return Parcel(
        parcel.origin,
        documents[-1],
        {document.digest: document for document in documents[:-1]},
        {digest: source for digest, source in blobs.items() if digest in needed},
    )


def _labelled(parcel: Parcel, image: Document, labels: Mapping[str, str]) -> bytes:
    try:
        return labelled_config(parcel.config(image), labels)
    except BadManifest as error:
        raise ConfigurationError(f"{parcel.origin}: the image {image.digest} {error}") from None


def diff_ids(config: bytes) -> tuple[str, ...] | None:
    """The digests of the uncompressed layers that an image config claims; None when it claims none. Raises BadManifest."""
    try:
        document = json.loads(config)
        rootfs = document.get("rootfs")
        found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    except (ValueError, RecursionError, AttributeError):
        raise BadManifest("has a config that is no JSON object") from None
    return tuple(map(str, found)) if isinstance(found, list) else None
