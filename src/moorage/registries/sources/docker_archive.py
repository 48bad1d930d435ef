"""Images out of what `docker save` writes (`docker-archive:`).

Up to docker 24 the archive holds configs and uncompressed layers with a `manifest.json` over them; since 25 it is also an OCI
image layout. What such a layout has ready for a registry, whole and compressed, is taken as it is, so that indexes, attestations
and digests stay. Everything else is made from `manifest.json`: layers are compressed with the same settings and without a date,
so that the same archive gives the same digest every time (and on every machine with the same zlib). The archive says nothing
about media types; OCI's are used, since skopeo 1.9 finds no Docker manifest in a layout (seen 2026-11).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from moorage.errors import ConfigurationError
from moorage.oci.layout import INDEX_FILE, LAYOUT_FILE
from moorage.oci.manifest import MANIFEST_LIMIT, BadManifest
from moorage.oci.media_type import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from moorage.oci.reference import BadReference, Digest, parse_reference
from moorage.oci.rewrite import is_uncompressed_layer, layer_media_types
from moorage.registries.sources.checks import digest_of, parallel, uncompressed, verify
from moorage.registries.sources.compression import gzipped
from moorage.registries.sources.files import Archive, damage_named, read
from moorage.registries.sources.gather import Incomplete
from moorage.registries.sources.layouts import gather_from, layout_index
from moorage.registries.sources.parcel import BlobSource, Document, Parcel, diff_ids
from moorage.registries.verified import chunks

LIST_FILE: Final = "manifest.json"
_NAMED_BY_DIGEST: Final = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.json)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of `manifest.json`: names of members of the archive."""

    config: str
    layers: tuple[str, ...]
    names: tuple[str, ...]


def docker_archive_parcel(archive: Archive, origin: str, selector: str, spool: Path) -> Parcel:
    """The image that `selector` means (a reference, or `@` and its place in the archive, from 0), or the only one.

    Compressed layers are written into `spool`, which has to outlive the parcel. Raises ConfigurationError.
    """
    entry = _selected(_entries(archive, origin), origin, selector)
    config = read(archive, origin, entry.config, MANIFEST_LIMIT)
    digest = Digest.of(config)
    named = _NAMED_BY_DIGEST.fullmatch(entry.config)
    if named and named[1] != digest.hex:
        raise ConfigurationError(f"{origin}: {entry.config} has the digest {digest}, its name claims another")
    ready = _ready(archive, origin, digest)
    return verify(ready) if ready else _made(archive, origin, entry, config, spool)


def _entries(archive: Archive, origin: str) -> list[Entry]:
    if archive.size(LIST_FILE) is None:
        layout = archive.size(INDEX_FILE) is not None
        raise ConfigurationError(
            f"{origin} is a tar archive, but not of docker save: it has no {LIST_FILE}",
            remedy="It is an OCI layout: write oci-archive: instead." if layout else "Name an archive that `docker save` wrote.",
        )
    try:
        found = json.loads(read(archive, origin, LIST_FILE, MANIFEST_LIMIT))
        return [_entry(document) for document in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            f"{origin}: its {LIST_FILE} is not one of docker save ({type(error).__name__}: {error})"
        ) from None


def _entry(document: Mapping[str, object]) -> Entry:
    config, layers, names = document["Config"], document["Layers"] or [], document.get("RepoTags") or []
    if not isinstance(config, str) or not isinstance(layers, list) or not isinstance(names, list):
        raise TypeError("Config, Layers or RepoTags is of another type")
    if not all(isinstance(text, str) for text in (*layers, *names)):
        raise TypeError("Layers or RepoTags holds what is no text")
    return Entry(config, tuple(layers), tuple(names))


def _selected(entries: list[Entry], origin: str, selector: str) -> Entry:
    names = ", ".join(name for entry in entries for name in entry.names) or "none"
    found = entries if not selector else [entry for number, entry in enumerate(entries) if _means(selector, number, entry)]
    if not found:
        raise ConfigurationError(f"{origin} holds no image {selector}".rstrip() + f"; the names in it: {names}")
    if len(found) > 1:
        raise ConfigurationError(
            f"{origin} holds {len(found)} images; the names in it: {names}",
            remedy=f"Name one of them after a colon, or its place: @0 to @{len(found) - 1}.",
        )
    return found[0]


def _means(selector: str, number: int, entry: Entry) -> bool:
    if selector.startswith("@"):
        return selector == f"@{number}"
    return _normal(selector) in {_normal(name) for name in entry.names}


def _normal(name: str) -> str:
    """The full name: docker writes `app:1` where others write `docker.io/library/app:1`."""
    try:
        return str(parse_reference(name))
    except BadReference:
        return name


def _ready(archive: Archive, origin: str, config: Digest) -> Parcel | None:
    """What the layout in the archive has of this image, if all of it could go to a registry as it is."""
    if archive.size(INDEX_FILE) is None or archive.size(LAYOUT_FILE) is None:
        return None
    for descriptor in layout_index(archive, origin):
        try:
            parcel = gather_from(archive, origin, descriptor)
        except Incomplete:  # an index whose other platforms were never pulled
            continue
        compressed = not any(
            is_uncompressed_layer(kind) for image in parcel.images() for kind in layer_media_types(image.content)
        )
        if config in parcel.blobs and compressed:
            return parcel
    return None


def _made(archive: Archive, origin: str, entry: Entry, config: bytes, spool: Path) -> Parcel:
    try:
        claimed = diff_ids(config)
    except BadManifest:
        raise ConfigurationError(f"{origin}: {entry.config} is no image config") from None
    if claimed is None or len(claimed) != len(entry.layers):
        speaks = "none" if claimed is None else str(len(claimed))
        raise ConfigurationError(f"{origin}: {LIST_FILE} lists {len(entry.layers)} layers, {entry.config} speaks of {speaks}")
    wanted = list(dict.fromkeys(zip(entry.layers, claimed, strict=True)))
    layers = dict(zip(wanted, parallel(lambda item: _layer(archive, origin, *item, spool), wanted), strict=True))
    in_order = [layers[item] for item in zip(entry.layers, claimed, strict=True)]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(OCI_CONFIG, Digest.of(config), len(config)),
        "layers": [_descriptor(OCI_LAYER_GZIP, digest, source.size) for digest, source in in_order],
    }
    root = Document(json.dumps(document, separators=(",", ":")).encode(), OCI_MANIFEST)
    return Parcel(origin, root, {}, {Digest.of(config): BlobSource.of(config), **dict(in_order)})


def _descriptor(media_type: str, digest: Digest, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest.text, "size": size}


def _layer(archive: Archive, origin: str, name: str, diff_id: str, spool: Path) -> tuple[Digest, BlobSource]:
    """One layer, compressed: as the archive has it, or from a file in the spool."""
    size = archive.size(name)
    if size is None:
        raise ConfigurationError(f"{origin} lacks the layer {name}; it may be cut off")
    with archive.open(name) as stream:
        plain = uncompressed(stream)
        if plain is None:
            raise ConfigurationError(
                f"{origin}: the layer {name} is compressed with zstd", remedy="Save it as an oci-archive instead."
            )
        if plain is stream:
            digest, source, found = _compress(plain, spool / f"{sha256(name.encode()).hexdigest()}.tar.gz")
        else:
            with damage_named(f"{origin}: the layer {name}"):
                found = digest_of(plain)
            with archive.open(name) as again:
                digest, source = digest_of(again), BlobSource(size, lambda: archive.open(name))
    if found.text != diff_id:
        raise ConfigurationError(f"{origin}: the layer {name} holds {found}, the config of its image claims {diff_id}")
    return digest, source


def _compress(plain: BinaryIO, target: Path) -> tuple[Digest, BlobSource, Digest]:
    """The compressed layer with its digest and source, and the digest of what was compressed."""
    before, after = sha256(), sha256()

    def hashed() -> Iterator[bytes]:
        for piece in chunks(plain):
            before.update(piece)
            yield piece

    with target.open("xb") as file:
        for piece in gzipped(hashed()):
            after.update(piece)
            file.write(piece)
    source = BlobSource(target.stat().st_size, lambda: target.open("rb"))
    return Digest(f"sha256:{after.hexdigest()}"), source, Digest(f"sha256:{before.hexdigest()}")
