"""Straight to the registry: the image is read where it lies, labelled on the way, and put there by us."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moorage.commands.publish.content import Content, content_of_index, content_of_manifest, read_config
from moorage.commands.publish.engine_way import Local
from moorage.commands.publish.wanted import Wanted
from moorage.docker.engine import Docker
from moorage.docker.termination import at_end
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Writer
from moorage.registries.sources.opening import open_source
from moorage.registries.sources.parcel import Parcel, relabel
from moorage.registries.upload import put_parcel


def content_of_parcel(parcel: Parcel) -> Content:
    """What the images in a parcel are; of something that is no image, the manifest itself."""
    images = parcel.images()
    if not images:
        return content_of_manifest(parcel.root.digest)
    return content_of_index(read_config(parcel.config(image)) for image in images)


@dataclass(frozen=True, slots=True)
class ParcelImage:
    """An image from files or another registry."""

    writer: Writer
    parcel: Parcel
    wanted: Wanted
    parallel: int

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Put it with all that belongs to it; what is there already is not uploaded. Raises RegistryError, ConfigurationError."""
        parcel = relabel(self.parcel, self.wanted.labels) if self.wanted.labels else self.parcel
        return put_parcel(self.writer, repository, parcel, tags=[tag], parallel=self.parallel)


@dataclass(frozen=True, slots=True)
class SavedImage:
    """An image of the engine for a registry into which docker cannot push: saved to a file, and put from there."""

    docker: Docker
    writer: Writer
    local: Local
    wanted: Wanted
    parallel: int

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Save, and put. Raises DockerError, RegistryError, ConfigurationError."""
        with _temporary_directory() as folder:
            archive = folder / "image.tar"
            self.docker.save(str(self.local.image.id), archive)
            with open_source(f"docker-archive:{archive}") as parcel:
                return ParcelImage(self.writer, parcel, self.wanted, self.parallel).send(repository, tag)


@contextmanager
def _temporary_directory() -> Iterator[Path]:
    """Gone at the end of the block, and when the process is told to end before that."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-save-"))
    with at_end(lambda: shutil.rmtree(folder, ignore_errors=True)):
        yield folder
