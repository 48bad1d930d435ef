"""From the text of an image source to a parcel.

`docker-archive:FILE[:REFERENCE]`, `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`, and, with a reader for its registry, `docker://REFERENCE`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from moorage.errors import ConfigurationError, NotFound
from moorage.oci.layout import LAYOUT_FILE, Descriptor
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Reference, Tag
from moorage.registries.interface import Reader
from moorage.registries.sources.checks import verify
from moorage.registries.sources.docker_archive import docker_archive_parcel
from moorage.registries.sources.files import Directory, open_archive
from moorage.registries.sources.gather import gather
from moorage.registries.sources.layouts import layout_parcel
from moorage.registries.sources.parcel import BlobSource, Parcel

DOCKER_ARCHIVE: Final = "docker-archive:"
OCI: Final = "oci:"
OCI_ARCHIVE: Final = "oci-archive:"
FILE_SCHEMES: Final = (DOCKER_ARCHIVE, OCI, OCI_ARCHIVE)


@contextmanager
def open_source(text: str, *, verified: bool = True) -> Iterator[Parcel]:
    """An image from files. Every byte of it was read and compared with its digest before the parcel is there.

    Without `verified` that is left to `moorage.registries.sources.checks.verify`, where it can be: reading everything takes its
    time, and what turns out to be published already is not read at all.

    What has to be decompressed or compressed lies in a temporary directory until the block ends. Raises ConfigurationError naming
    the source for whatever is wrong with it.
    """
    scheme = next((scheme for scheme in FILE_SCHEMES if text.startswith(scheme)), None)
    if scheme is None:
        raise ConfigurationError(f"{text!r} is no image source from files; those begin with {', '.join(FILE_SCHEMES)}")
    with TemporaryDirectory(prefix="moorage-source-") as spool:
        with _failures_named(text):
            parcel = _opened(scheme, text, Path(spool))
            if verified and scheme != DOCKER_ARCHIVE:  # of which every layer is read to make something of it
                verify(parcel)
        yield parcel


def _opened(scheme: str, text: str, spool: Path) -> Parcel:
    if text == scheme:
        raise ConfigurationError(f"the image source {text} names no file")
    path, selector = split_path(text.removeprefix(scheme))
    if not path.exists():
        raise ConfigurationError(f"{text}: there is no {path}")
    origin = f"{scheme}{path}"
    if scheme == OCI:
        if not path.is_dir():
            raise ConfigurationError(f"{origin} is no directory", remedy="Write oci-archive: for a layout in a tar file.")
        _refuse_parent(path, origin)
        return layout_parcel(Directory(path), origin, selector)
    if not path.is_file():
        raise ConfigurationError(
            f"{origin} is no file", remedy="Write oci: for a layout in a directory." if path.is_dir() else None
        )
    archive = open_archive(path, origin, spool)
    if scheme == OCI_ARCHIVE:
        return layout_parcel(archive, origin, selector)
    return docker_archive_parcel(archive, origin, selector, spool)


def split_path(text: str) -> tuple[Path, str]:
    """A path and what is said after it. Colons may be part of the path: the longest one that is there wins."""
    end = len(text)
    while end > 0:
        if Path(text[:end]).exists():
            return Path(text[:end]), text[end + 1 :]
        end = text.rfind(":", 0, end)
    path, _, selector = text.partition(":")
    return Path(path), selector


def _refuse_parent(path: Path, origin: str) -> None:
    """A directory of layouts is an images repo, not a source: say which layouts could be meant."""
    if (path / LAYOUT_FILE).exists():
        return
    below = sorted(place.parent.name for place in path.glob(f"*/{LAYOUT_FILE}"))
    if below:
        raise ConfigurationError(
            f"{origin} is no OCI image layout, but holds some: {', '.join(below[:10])}",
            remedy=f"Write {origin}/{below[0]} for one.",
        )


@contextmanager
def _failures_named(text: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{text}: {error.strerror or error}") from None


def registry_parcel(reader: Reader, reference: Reference) -> Parcel:
    """An image from another registry. Its layers are read when they are put, and verify themselves then.

    Raises NotFound, and ConfigurationError for what is there and no image; whatever the reader raises passes through.
    """
    repository = reference.repository
    content, media_type = reader.manifest(repository, reference.digest or reference.tag or Tag("latest"))
    root = Descriptor(Digest.of(content), media_type, len(content))

    def manifest(digest: Digest) -> bytes | None:
        if digest == root.digest:
            return content
        try:
            return reader.manifest(repository, digest)[0]
        except NotFound:
            return None

    def blob(blob: Blob) -> BlobSource:
        return BlobSource(blob.size, partial(reader.blob, repository, blob), repository)

    return gather(f"docker://{reference}", root, manifest, blob)
