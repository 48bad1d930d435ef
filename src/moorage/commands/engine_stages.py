"""The docker engine as a stages storage (`:local`): as much of a registry as a cleanup asks for.

A stage is a name of an image, `moorage-stages/PROJECT:SIGNATURE`, in plans and journals `docker-daemon/moorage-stages/…`. The
image has no labels that say so: several signatures may have come to the same image, so the name has to say it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from moorage.commands.record_home import Home
from moorage.commands.world import World
from moorage.docker.config_dir import private_docker_config
from moorage.docker.engine import Docker
from moorage.docker.local_image import LocalImage
from moorage.errors import DockerError, ItemRefused, NotFound, Unreachable
from moorage.oci import labels
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_time
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.oci.slug import limited
from moorage.settings.settings import Access, CleanupSettings, Project

ENGINE: Final = Registry("docker-daemon")  # no address means this: docker reads a host without a dot or port as a path
_PREFIX: Final = "moorage-stages"
_SIGNATURE: Final = re.compile("[0-9a-f]{56}", re.ASCII)
_LONG_AGO: Final = datetime(2013, 1, 1, tzinfo=UTC)  # engines write the year 1 for never, and builds that are repeatable 1970


def engine_repository(project: str) -> Repository:
    """Where the engine has a project's stages; its path is what their names begin with."""
    return Repository(ENGINE, f"{_PREFIX}/{limited(project)}")


def stages_repository(settings: CleanupSettings) -> Repository | None:
    """Where the stages are that a cleanup judges; None where there is no stages storage."""
    if settings.stages is not None:
        return settings.stages.repo.repository(NAMELESS)
    return engine_repository(settings.project.name) if settings.local_stages else None


@contextmanager
def engine_home(project: Project, access: Access, world: World) -> Iterator[Home | None]:
    """The project's stages in the engine; None, with a warning, where no engine answers. For the main thread."""
    repository = engine_repository(project.name)
    with private_docker_config(access.docker_config) as config:
        docker = Docker(config, environment=world.environ, time_left=world.deadline(access.time_budget))
        home: Home | None = Home(EngineStorage(docker, project.name), repository)
        try:
            docker.require_engine()
        except DockerError as error:
            world.progress.warn(f"no stage goes: nobody looked at those of {repository}, since {error.message}")
            home = None
        yield home


@dataclass(frozen=True, slots=True)
class EngineStorage:
    """The port for the stages of one project: tags are names of ours, digests are IDs of images. Thread-safe.

    Names go one by one and without force: an image that has other names stays under those, and one that a container uses stays.
    """

    docker: Docker
    project: str

    def inventory(self, repository: Repository) -> Inventory:
        with _engine():
            ids = self.docker.image_ids(repository.path)
            documents = self.docker.inspections(ids) if ids else ()
            used = self.docker.used_images() if ids else frozenset()
        tags: dict[Tag, Digest] = {}
        manifests: dict[Digest, Stored] = {}
        for document in documents:
            image = LocalImage.read(document)
            own = _tags(image, repository)
            tags |= dict.fromkeys(own, image.id)
            date, locked = _date(document), "a container uses it" if image.id.text in used else ""
            words = _words(self.project, image, own, date)
            manifests[image.id] = Stored(image.id, date=date, dated=True, labels=words, locked=locked)
        if not tags:
            raise NotFound(f"{repository} has no stage")
        return Inventory(repository, tags, {digest: manifests[digest] for digest in tags.values()})

    def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest:
        name = f"{repository.path}:{reference}" if isinstance(reference, Tag) else reference.text
        with _engine():
            image = self.docker.image(name)
        if image is None or not _tags(image, repository):
            raise NotFound(f"{repository} has no {reference}")
        return image.id

    def tag_names(self, repository: Repository) -> frozenset[Tag]:
        with _engine():
            return frozenset(Tag(name) for name in self.docker.image_tags(repository.path))

    def delete_manifest(self, repository: Repository, digest: Digest) -> None:
        with _engine():
            image = self.docker.image(digest.text)
        own = _tags(image, repository) if image is not None else ()
        if not own:
            raise NotFound(f"{repository} has no {digest}")
        for tag in own:
            self.delete_tag(repository, tag)

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        self.resolve(repository, tag)
        name = f"{repository.path}:{tag}"
        try:
            self.docker.remove(name)
        except DockerError as error:
            self.resolve(repository, tag)  # an engine that is gone, or a name that somebody else took away meanwhile
            raise ItemRefused(error.message, remedy=f"See what uses it: docker ps --all --filter ancestor={name}") from None

    def cannot_untag(self, repository: Repository) -> str:  # noqa: ARG002 -- the port's signature
        return ""


@contextmanager
def _engine() -> Iterator[None]:
    """What docker says, as what a registry says: whoever cleans up goes on with the rest."""
    try:
        yield
    except DockerError as error:
        raise Unreachable(error.message, remedy=error.remedy) from None


def _tags(image: LocalImage, repository: Repository) -> tuple[Tag, ...]:
    """The names of an image that are in a repository."""
    names = (name.rpartition(":") for name in image.tags)
    return tuple(sorted(Tag(tag) for path, _, tag in names if path == repository.path))


def _words(project: str, image: LocalImage, tags: tuple[Tag, ...], date: datetime | None) -> Mapping[str, str]:
    """What the labels of a stage would say. Those of the image itself may be inherited from what was published before it.

    What is tagged with anything but a signature is nobody's.
    """
    signatures = [tag.text for tag in tags if _SIGNATURE.fullmatch(tag.text)]
    if not signatures:
        return {}
    kept = {labels.KEPT: date.isoformat()} if date is not None else {}
    below = image.labels.get(labels.STAGES, "")
    return {labels.PROJECT: project, labels.SIGNATURE: " ".join(signatures), labels.STAGES: below, **kept}


def _date(document: Mapping[str, Any]) -> datetime | None:
    """When an image was made or got a name last; None where the engine knows of neither."""
    said = (document.get("Created"), (document.get("Metadata") or {}).get("LastTagTime"))
    return max((moment for moment in map(parse_time, said) if moment is not None and moment > _LONG_AGO), default=None)
