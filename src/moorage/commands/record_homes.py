"""Where the records of a project live: in its stages storage if it has one, else with its images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from moorage.commands.connect import connect
from moorage.commands.record_home import Home
from moorage.commands.world import World
from moorage.oci.naming import NAMELESS
from moorage.registries.images_repo import ImagesRepo
from moorage.registries.interface import Registry
from moorage.registries.vendor import Form
from moorage.settings.settings import Access, Storage


@dataclass(frozen=True, slots=True)
class Homes:
    """`common` holds everything where there is a stages storage."""

    registry: Registry
    repo: ImagesRepo
    common: Home | None = None

    def of(self, image: str) -> Home:
        """Where the records of one image are: in its own repository, unless there is a stages storage."""
        return self.common or Home(self.registry, self.repo.repository(image))

    @property
    def of_names(self) -> Home | None:
        """The one place where the names of images are recorded.

        None where the images repo is a whole registry: then each name is recorded in the image's own repository, `of(image)`.
        """
        if self.common is None and self.repo.form is Form.REPOSITORY:
            return Home(self.registry, self.repo.repository(NAMELESS))
        return self.common

    def of_name(self, image: str) -> Home:
        """Where the name of one image is recorded."""
        return self.of_names or self.of(image)


@contextmanager
def record_homes(registry: Registry, storage: Storage, stages: Storage | None, access: Access, world: World) -> Iterator[Homes]:
    """`registry` is the one of `storage`, open already; the stages storage's is opened here, and closed at the end."""
    if stages is None:
        yield Homes(registry, storage.repo)
        return
    with connect(stages, access, world) as other:
        yield Homes(registry, storage.repo, Home(other, stages.repo.repository(NAMELESS)))
