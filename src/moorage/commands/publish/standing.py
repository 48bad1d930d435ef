"""What stands in the registry under a tag, as far as publishing has to know."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from moorage.commands.publish.content import Content, content_of_index, content_of_manifest, read_config
from moorage.errors import Contradiction, NotFound
from moorage.oci.manifest import INDEX_DEPTH_LIMIT, MANIFEST_LIMIT, BadManifest, parse_manifest
from moorage.oci.reference import Digest, Repository, Tag
from moorage.oci.rewrite import is_runnable
from moorage.registries.interface import Reader


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as the registry has it, byte for byte."""

    text: bytes
    media_type: str

    @property
    def digest(self) -> Digest:
        return Digest.of(self.text)

    @property
    def config(self) -> Digest | None:
        """Of an image, the digest of its config, which docker calls the image's id; an index has none."""
        try:
            config = parse_manifest(self.text, self.media_type).config
        except BadManifest:
            return None
        return config.digest if config is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a tag points at: a manifest, and what it is the manifest of."""

    document: Document
    content: Content

    @property
    def digest(self) -> Digest:
        return self.document.digest


class Shelf:
    """Reads one repository. Safe for several threads; tags of one manifest cost one look at what it is the manifest of."""

    def __init__(self, reader: Reader, repository: Repository) -> None:
        self._reader = reader
        self._repository = repository
        self._known: dict[Digest, Content] = {}
        self._turn = threading.Lock()

    def document(self, reference: Tag | Digest) -> Document:
        """The manifest behind a tag or digest. Raises what the reader raises."""
        return Document(*self._reader.manifest(self._repository, reference))

    def under(self, tag: Tag) -> Standing | None:
        """What the tag points at; None when there is no such tag or repository. Raises what the reader raises otherwise."""
        try:
            document = self.document(tag)
        except NotFound:
            return None
        with self._turn:
            if document.digest not in self._known:
                self._known[document.digest] = self._content(document)
            return Standing(document, self._known[document.digest])

    def _content(self, document: Document) -> Content:
        """Of what is broken or incomplete, the content is the manifest itself, which equals nothing that is to be published."""
        try:
            images = list(self._images(document))
        except (BadManifest, Contradiction, NotFound, ValueError):
            images = []
        return content_of_index(images) if images else content_of_manifest(document.digest)

    def _images(self, document: Document, depth: int = 0) -> Iterator[Content]:
        """The images that a manifest leads to, without what is attached to them."""
        manifest = parse_manifest(document.text, document.media_type)
        if manifest.is_index and depth < INDEX_DEPTH_LIMIT:
            for child in manifest.children:
                yield from self._images(self.document(child), depth + 1)
        elif manifest.config is not None and is_runnable(manifest, document.text):
            with self._reader.blob(self._repository, manifest.config) as stream:
                yield read_config(stream.read(MANIFEST_LIMIT))
