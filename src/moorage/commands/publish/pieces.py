"""What one source of an image is, before it is sent: mostly all of the image, else one platform or several of it."""

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from moorage.commands.publish.content import Content, content_of_manifest, read_config
from moorage.commands.publish.engine_way import Local
from moorage.docker.engine import Docker
from moorage.docker.termination import at_end
from moorage.oci.reference import Digest
from moorage.registries.sources.joining import join, platform_text, platforms_of, refuse_equal_platforms
from moorage.registries.sources.opening import open_source
from moorage.registries.sources.parcel import BlobSource, Parcel


@dataclass(frozen=True, slots=True)
class Piece:
    """`contents` are those of its images; of an artifact, the manifest itself, and then there are no `platforms`.

    `root` is the digest of its manifest, where it has one already. `open` gives it as a parcel for the length of a block.
    """

    origin: str
    contents: tuple[Content, ...]
    platforms: tuple[str, ...]
    open: Callable[[], AbstractContextManager[Parcel]]
    root: Digest | None = None
    unread: Parcel | None = None  # whose bytes nobody has compared with their digests yet


def piece_of_parcel(parcel: Parcel) -> Piece:
    """Raises ConfigurationError for an image whose config is none."""
    parcel = _with_configs_read(parcel)
    images = parcel.images()
    contents = [read_config(parcel.config(image)) for image in images] or [content_of_manifest(parcel.root.digest)]
    return Piece(parcel.origin, tuple(contents), platforms_of(parcel), lambda: nullcontext(parcel), parcel.root.digest)


def piece_of_file(parcel: Parcel) -> Piece:
    """Of a parcel that was opened and not read; `verify` has to be asked before it is sent."""
    return replace(piece_of_parcel(parcel), unread=parcel)


def _with_configs_read(parcel: Parcel) -> Parcel:
    """The same parcel, its configs in memory: they are looked into more than once, and may lie in another registry."""
    read: dict[Digest, BlobSource] = {}
    for image in parcel.images():
        if (config := image.manifest.config) is not None:
            content = parcel.config(image)
            read[config.digest] = BlobSource(len(content), partial(io.BytesIO, content), parcel.blobs[config.digest].home)
    return replace(parcel, blobs={**parcel.blobs, **read})


def piece_of_local(docker: Docker, local: Local, origin: str) -> Piece:
    """An image of the engine: saved to a file when it is opened, which is gone at the end of the block."""
    image = local.image
    platform = platform_text({"os": image.os, "architecture": image.architecture, "variant": image.variant})
    return Piece(origin, (local.content,), (platform,), lambda: _saved(docker, str(image.id)))


def piece_of_archive(archive: Path, origin: str) -> Piece:
    """An image as a builder exported it, in an OCI layout in a tar that stays where it is. Raises ConfigurationError."""

    def opened() -> AbstractContextManager[Parcel]:
        return open_source(f"oci-archive:{archive}", verified=False)

    with opened() as parcel:
        return replace(piece_of_parcel(parcel), origin=origin, open=opened)


def refuse_clashes(pieces: Sequence[Piece]) -> None:
    """Raises ConfigurationError where several pieces cannot become one index."""
    if len(pieces) > 1:
        refuse_equal_platforms((piece.origin, piece.platforms) for piece in pieces)


def joined(parcels: Sequence[Parcel]) -> Parcel:
    """The image that they are together; a single one is left as it is."""
    return parcels[0] if len(parcels) == 1 else join(parcels)


@contextmanager
def _saved(docker: Docker, image: str) -> Iterator[Parcel]:
    """Raises DockerError, ConfigurationError."""
    with temporary_directory() as folder:
        archive = folder / "image.tar"
        docker.save(image, archive)
        with open_source(f"docker-archive:{archive}") as parcel:
            yield parcel


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """For images on their way. Gone at the end of the block, and when the process is told to end before that."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-save-"))
    with at_end(lambda: shutil.rmtree(folder, ignore_errors=True)):
        yield folder
