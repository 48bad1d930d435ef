"""The `index.json` of an OCI image layout as a value: which names it gives to which manifests, and how that changes.

Grammar: image-spec 1.1, "OCI Image Layout". A repository of the embedded registry is one such layout: a tag is a descriptor with
`org.opencontainers.image.ref.name`, several tags of one manifest are several descriptors, and a manifest without tags is a
descriptor without that annotation. What Moorage does not know (platforms, foreign annotations, extra keys) is carried along.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from moorage.oci.manifest import Manifest, parse_time
from moorage.oci.media_type import OCI_INDEX
from moorage.oci.reference import TAG, BadReference, Digest, Tag

LAYOUT_FILE: Final = "oci-layout"
INDEX_FILE: Final = "index.json"
BLOBS: Final = "blobs"
LAYOUT_VERSION: Final = "1.0.0"
REF_NAME: Final = "org.opencontainers.image.ref.name"
PUSHED: Final = "dev.moorage.pushed"  # ours: when the tag, or the manifest without tags, was pushed (RFC 3339)
CONTAINERD_NAME: Final = "io.containerd.image.name"  # docker and buildx write the full name here, the bare tag in REF_NAME


class BadLayout(ValueError):
    """A file that does not make a layout; the message reads after the file's name."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One entry of `index.json`. `size` is in bytes; `rest` are the keys that are none of the other fields."""

    digest: Digest
    media_type: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> "Descriptor":
        return cls(manifest.digest, manifest.media_type, manifest.size)

    @property
    def name(self) -> str:
        """The text in `ref.name`, which other tools also fill with full references; empty without one."""
        return self.annotations.get(REF_NAME, "")

    @property
    def tag(self) -> Tag | None:
        return Tag(self.name) if TAG.fullmatch(self.name) else None

    @property
    def pushed(self) -> datetime | None:
        return _moment(self.annotations.get(PUSHED))

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing but that the manifest is there."""
        return not self.annotations.keys() - {PUSHED}

    def tagged(self, tag: Tag) -> "Descriptor":
        return replace(self, annotations={**self.annotations, REF_NAME: tag.text})

    def pushed_at(self, when: datetime) -> "Descriptor":
        moment = when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return replace(self, annotations={**self.annotations, PUSHED: moment})

    def nameless(self) -> "Descriptor":
        kept = {key: value for key, value in self.annotations.items() if key not in {REF_NAME, CONTAINERD_NAME}}
        return replace(self, annotations=kept)

    def plain(self) -> "Descriptor":
        return replace(self, annotations={key: value for key, value in self.annotations.items() if key == PUSHED})

    def document(self) -> dict[str, object]:
        own: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest.text, "size": self.size}
        return {**own, **self.rest, **({"annotations": dict(self.annotations)} if self.annotations else {})}


@dataclass(frozen=True, slots=True)
class LayoutIndex:
    """A whole `index.json`. Every change gives a new value; `content` are the bytes to write."""

    descriptors: tuple[Descriptor, ...] = ()
    rest: Mapping[str, object] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Descriptor]:
        return iter(self.descriptors)

    def content(self) -> bytes:
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            **self.rest,
            "manifests": [entry.document() for entry in self.descriptors],
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def tags(self) -> Mapping[Tag, Descriptor]:
        """Each tag with its descriptor. Raises BadLayout when one tag is given to two manifests."""
        found: dict[Tag, Descriptor] = {}
        for entry in self.descriptors:
            tag = entry.tag
            if tag is None:
                continue
            if found.setdefault(tag, entry).digest != entry.digest:
                raise BadLayout(f"gives the tag {tag} to two manifests, {found[tag].digest.short} and {entry.digest.short}")
        return found

    def foreign_names(self) -> Mapping[Digest, str]:
        """Manifests that go by a name which is no tag: another tool's word that they are in use."""
        return {entry.digest: entry.name for entry in self.descriptors if entry.name and entry.tag is None}

    def has(self, tag: Tag) -> bool:
        return any(entry.name == tag.text for entry in self.descriptors)

    def lists(self, digest: Digest) -> bool:
        return any(entry.digest == digest for entry in self.descriptors)

    def with_tag(self, tag: Tag, descriptor: Descriptor) -> "LayoutIndex":
        """This tag on this manifest. The manifest that loses it stays, without a tag if it has no other, as in any registry."""
        moved = self.without_tag(tag)
        kept = (entry for entry in moved if not (entry.digest == descriptor.digest and entry.is_plain))
        return replace(self, descriptors=(*kept, descriptor.tagged(tag)))

    def with_manifest(self, descriptor: Descriptor) -> "LayoutIndex":
        """This manifest listed without a tag, beside the tags that it may have."""
        kept = (entry for entry in self.descriptors if not (entry.digest == descriptor.digest and entry.is_plain))
        return replace(self, descriptors=(*kept, descriptor.plain()))

    def without_tag(self, tag: Tag) -> "LayoutIndex":
        gone = [entry for entry in self.descriptors if entry.name == tag.text]
        kept = [entry for entry in self.descriptors if entry.name != tag.text]
        listed = {entry.digest for entry in kept}
        for entry in gone:
            if entry.digest not in listed:
                kept.append(entry.nameless())
                listed.add(entry.digest)
        return replace(self, descriptors=tuple(kept))

    def without_manifest(self, digest: Digest) -> "LayoutIndex":
        return replace(self, descriptors=tuple(entry for entry in self.descriptors if entry.digest != digest))

    def without_plain(self, digests: Iterable[Digest]) -> "LayoutIndex":
        """Less clutter: these manifests are reached through another one and need no entry that only lists them."""
        reached = frozenset(digests)
        kept = tuple(entry for entry in self.descriptors if not (entry.digest in reached and entry.is_plain))
        return replace(self, descriptors=kept)

    def pushed_at(self, digest: Digest, when: datetime) -> "LayoutIndex":
        """Every entry of this manifest with another date."""
        return replace(
            self, descriptors=tuple(entry.pushed_at(when) if entry.digest == digest else entry for entry in self.descriptors)
        )


def parse_index(content: bytes) -> LayoutIndex:
    """An `index.json` out of its bytes. Raises BadLayout."""
    document = _object(content)
    entries = document.pop("manifests", None)
    if not isinstance(entries, list):
        raise BadLayout("has no list of manifests")
    return LayoutIndex(tuple(parse_descriptor(entry) for entry in entries), document)


def parse_descriptor(entry: object) -> Descriptor:
    """One descriptor out of its JSON object. Raises BadLayout."""
    if not isinstance(entry, dict):
        raise BadLayout("holds a descriptor that is no object")
    rest = dict(entry)
    digest, media_type, size = rest.pop("digest", None), rest.pop("mediaType", ""), rest.pop("size", 0)
    annotations = rest.pop("annotations", None) or {}
    if isinstance(size, bool) or not isinstance(size, int) or size < 0 or not isinstance(media_type, str):
        raise BadLayout("holds a descriptor whose size or media type is none")
    if not isinstance(annotations, dict) or not all(isinstance(value, str) for value in annotations.values()):
        raise BadLayout("holds annotations that are no texts")
    try:
        return Descriptor(Digest(str(digest)), media_type, size, annotations, rest)
    except BadReference as error:
        raise BadLayout(f"holds a descriptor with the digest {str(digest)[:80]!r}: {error}") from None


def layout_mark() -> bytes:
    """The content of the file that makes a directory a layout."""
    return json.dumps({"imageLayoutVersion": LAYOUT_VERSION}).encode() + b"\n"


def check_layout_mark(content: bytes) -> None:
    """Raises BadLayout unless the bytes of `oci-layout` declare the one version that there is."""
    version = _object(content).get("imageLayoutVersion")
    if version != LAYOUT_VERSION:
        raise BadLayout(f"declares the layout version {str(version)[:40]!r}; only {LAYOUT_VERSION} is known")


def blob_path(digest: Digest) -> str:
    """Where a blob lies, relative to the layout."""
    return f"{BLOBS}/sha256/{digest.hex}"


@lru_cache(maxsize=16_384)  # an index is walked once per deletion
def _moment(text: str | None) -> datetime | None:
    return parse_time(text)


def _object(content: bytes) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadLayout("is not JSON") from None
    if not isinstance(document, dict):
        raise BadLayout("is not a JSON object")
    return document
