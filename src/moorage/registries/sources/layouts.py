"""Images out of an OCI image layout, in a directory (`oci:`) or in a tar archive (`oci-archive:`)."""

from functools import partial

from moorage.errors import ConfigurationError
from moorage.oci.layout import (
    CONTAINERD_NAME,
    INDEX_FILE,
    LAYOUT_FILE,
    BadLayout,
    Descriptor,
    LayoutIndex,
    blob_path,
    check_layout_mark,
    parse_index,
)
from moorage.oci.manifest import MANIFEST_LIMIT, Blob
from moorage.oci.reference import Digest
from moorage.registries.sources.files import Files, read
from moorage.registries.sources.gather import gather
from moorage.registries.sources.parcel import BlobSource, Parcel

INDEX_LIMIT = 64 * 1024 * 1024  # bytes


def layout_index(files: Files, origin: str) -> LayoutIndex:
    """The index of a layout. Raises ConfigurationError for what is none."""
    for name in (INDEX_FILE, LAYOUT_FILE):
        if files.size(name) is None:
            raise ConfigurationError(f"{origin} is no OCI image layout: it has no {name}")
    try:
        check_layout_mark(read(files, origin, LAYOUT_FILE, MANIFEST_LIMIT))
    except BadLayout as error:
        raise ConfigurationError(f"{origin}: {LAYOUT_FILE} {error}") from None
    try:
        return parse_index(read(files, origin, INDEX_FILE, INDEX_LIMIT))
    except BadLayout as error:
        raise ConfigurationError(f"{origin}: {INDEX_FILE} {error}") from None


def layout_parcel(files: Files, origin: str, selector: str) -> Parcel:
    """The image of this name; without a name, the only one there is. Raises ConfigurationError listing the names otherwise."""
    return gather_from(files, origin, _selected(layout_index(files, origin), origin, selector))


def gather_from(files: Files, origin: str, root: Descriptor) -> Parcel:
    """Everything below one manifest of a layout."""
    return gather(origin, root, partial(_manifest, files, origin), partial(_blob, files))


def _manifest(files: Files, origin: str, digest: Digest) -> bytes | None:
    name = blob_path(digest)
    return None if files.size(name) is None else read(files, origin, name, MANIFEST_LIMIT)


def _blob(files: Files, blob: Blob) -> BlobSource | None:
    name = blob_path(blob.digest)
    size = files.size(name)
    return None if size is None else BlobSource(size, partial(files.open, name))


def _selected(index: LayoutIndex, origin: str, selector: str) -> Descriptor:
    names = ", ".join(sorted({entry.name for entry in index if entry.name})) or "none"
    if selector:
        found = [entry for entry in index if selector in {entry.name, entry.annotations.get(CONTAINERD_NAME)}]
        trouble = f"has no image named {selector!r}"
    else:
        found = [entry for entry in index if entry.name] or list(index)
        trouble = "holds no image"
    if not found:
        raise ConfigurationError(f"{origin} {trouble}; the names in it: {names}")
    if len({entry.digest for entry in found}) > 1:
        raise ConfigurationError(
            f"{origin} holds {len(found)} images; the names in it: {names}", remedy="Name one of them, after a colon."
        )
    return found[0]
