"""Reading a manifest: what it is, and everything it leads to.

A manifest that is well-formed but of no known kind is still scanned for digests: whatever it mentions is treated as its child,
because a cleaner that does not understand a manifest must not delete what it may need.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moorage.oci import media_type
from moorage.oci.reference import DIGEST, BadReference, Digest

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes; the size that the OCI specification obliges registries to accept
INDEX_DEPTH_LIMIT = 16


class BadManifest(ValueError):
    """Bytes that are no manifest; the message reads after the digest."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A layer or a config: a digest and its size in bytes."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest, parsed. `children` are the manifests of an index; `blobs` its own config and layers."""

    digest: Digest
    media_type: str
    size: int
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    artifact_type: str = ""
    config: Blob | None = None
    config_media_type: str = ""
    layers: tuple[Blob, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_index(self) -> bool:
        return self.media_type in media_type.INDEXES

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return self.layers if self.config is None else (self.config, *self.layers)


def parse_manifest(content: bytes, declared_media_type: str = "") -> Manifest:
    """A manifest out of its bytes. `declared_media_type`, of the Content-Type or descriptor, is for documents that name none.

    Raises BadManifest for bytes that are no JSON object, or whose parts have the wrong shape.
    """
    if len(content) > MANIFEST_LIMIT:
        raise BadManifest(f"is larger than {MANIFEST_LIMIT} bytes")
    document = _object(content)
    kind = _media_type(document, declared_media_type)
    try:
        known = kind in media_type.INDEXES | media_type.IMAGES or kind == media_type.OCI_ARTIFACT
        children = _children(document) if known else tuple(dict.fromkeys(_mentioned(document)))
        config = document.get("config") if kind in media_type.IMAGES else None
        return Manifest(
            digest=Digest.of(content),
            media_type=kind,
            size=len(content),
            children=children,
            subject=_digest(document["subject"]) if isinstance(document.get("subject"), dict) else None,
            artifact_type=str(document.get("artifactType") or ""),
            config=_blob(config) if config is not None else None,
            config_media_type=str(config.get("mediaType") or "") if isinstance(config, dict) else "",
            layers=tuple(_blob(entry) for entry in _entries(document, "layers" if kind in media_type.IMAGES else "blobs")),
            annotations=_annotations(document),
        )
    except (BadReference, KeyError, TypeError) as error:
        raise BadManifest(f"is no valid manifest ({error})") from None


def referrers_tag(digest: Digest) -> str:
    """Where registries without the referrers API keep a manifest's referrers (distribution-spec 1.1, "Referrers Tag Schema")."""
    return f"sha256-{digest.hex}"


def followed_digest(tag: str) -> Digest | None:
    """The manifest that a tag follows by its form: `sha256-<hex>`, also with a suffix such as cosign's `.sig`, `.att`."""
    prefix, _, rest = tag.partition("-")
    hexadecimal, dot, suffix = rest.partition(".")
    if prefix != "sha256" or len(hexadecimal) != 64 or (dot and not suffix):
        return None
    try:
        return Digest(f"sha256:{hexadecimal}")
    except BadReference:
        return None


def created_of(config: Mapping[str, object]) -> datetime | None:
    """The `created` of an image config, as an aware datetime, or None where it is absent or unreadable."""
    return parse_time(config.get("created"))


def parse_time(value: object) -> datetime | None:
    """RFC 3339 with up to nanoseconds and a zone, as registries and configs write it, in UTC; None for anything else."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    head, dot, tail = value.strip().replace("z", "Z").partition(".")
    if dot:  # Python reads microseconds; Go writes nanoseconds
        digits = len(tail) - len(tail.lstrip("0123456789"))
        head, tail = f"{head}.{tail[: min(digits, 6)].ljust(6, '0')}", tail[digits:]
    try:
        moment = datetime.fromisoformat((head + tail).replace("Z", "+00:00"))
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):  # the latter for the first and last hours of time, in UTC
        return None


def _object(content: bytes) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadManifest("is not JSON") from None
    if not isinstance(document, dict):
        raise BadManifest("is not a JSON object")
    return document


def _media_type(document: Mapping[str, object], declared: str) -> str:
    """The document's own word first: proxies are known to rewrite Content-Type."""
    own = document.get("mediaType")
    if isinstance(own, str) and own:
        return own
    declared = declared.partition(";")[0].strip()
    if declared in media_type.INDEXES | media_type.IMAGES | {media_type.OCI_ARTIFACT}:
        return declared
    if document.get("schemaVersion") == 2 and isinstance(document.get("manifests"), list):
        return media_type.OCI_INDEX
    if document.get("schemaVersion") == 2 and isinstance(document.get("config"), dict):
        return media_type.OCI_MANIFEST
    return declared


def _entries(document: Mapping[str, object], key: str) -> list[object]:
    entries = document.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise TypeError(f"{key} is not a list")
    return entries


def _children(document: Mapping[str, object]) -> tuple[Digest, ...]:
    """The `manifests`, whatever the document calls itself: image and index at once (CVE-2021-41190) needs them too."""
    return tuple(dict.fromkeys(_digest(entry) for entry in _entries(document, "manifests")))


def _digest(entry: object) -> Digest:
    if not isinstance(entry, dict):
        raise TypeError("a descriptor is not an object")
    return Digest(str(entry["digest"]))


def _blob(entry: object) -> Blob:
    size = entry.get("size") if isinstance(entry, dict) else None
    if isinstance(size, bool) or (size is not None and not isinstance(size, int)):
        raise TypeError("a size is not a number")
    return Blob(_digest(entry), max(size or 0, 0))


def _annotations(document: Mapping[str, object]) -> Mapping[str, str]:
    found = document.get("annotations")
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}


def _mentioned(document: object) -> Iterator[Digest]:
    """Every digest anywhere in a document, keys included. Not recursive: documents of no known kind nest as deep as they like."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield from (Digest(text) for text in DIGEST.findall(value))
        elif isinstance(value, dict):
            waiting.extend((*value.keys(), *value.values()))
        elif isinstance(value, list):
            waiting.extend(value)
