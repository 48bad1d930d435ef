"""The stages storage: what was built is kept under its signature, and found again by any other run.

In the docker engine (`:local`) that is an image with a name of ours; in a repository it is a tag. A stage has labels that say so
to a cleanup: its project's name, its signature, the stages that it was made from, and when it was put there, since the date of an
image is that of its layers, which an engine may have had for long. Another project's stage is neither used nor overwritten.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from moorage.commands.engine_stages import engine_repository
from moorage.commands.publish.engine_way import Local, find_local
from moorage.commands.publish.pieces import Piece, piece_of_parcel
from moorage.docker.engine import Docker
from moorage.errors import NotFound
from moorage.oci import labels
from moorage.oci.reference import Reference, Repository, Tag
from moorage.registries.interface import Reader, Writer
from moorage.registries.sources.opening import registry_parcel
from moorage.registries.sources.parcel import relabel
from moorage.registries.upload import put_parcel


@dataclass(frozen=True, slots=True)
class EngineStages:
    """Stages in the docker engine, by name."""

    project: str

    def find(self, docker: Docker, signature: str) -> Local | None:
        """The stage, if the engine has it. Raises DockerError."""
        name = self._name(signature)
        return find_local(docker, name) if docker.image(name) is not None else None

    def keep(self, docker: Docker, signature: str, local: Local) -> None:
        """Give the image a name that stays. Raises DockerError."""
        docker.tag(str(local.image.id), self._name(signature))

    def _name(self, signature: str) -> str:
        return f"{engine_repository(self.project).path}:{signature}"


class Store(Reader, Writer, Protocol):
    """A registry that stages can be kept in."""


@dataclass(frozen=True, slots=True)
class RepositoryStages:
    """Stages in a repository, by tag. May be used from several threads."""

    store: Store
    repository: Repository
    project: str
    parallel: int
    warn: Callable[[str], None]
    now: Callable[[], datetime]

    def find(self, signature: str) -> Piece | None:
        """The stage, if it is there and the project's. Raises RegistryError."""
        try:
            piece = piece_of_parcel(registry_parcel(self.store, Reference(self.repository, Tag(signature))))
        except NotFound:
            return None
        if all(self._is_ours(content.labels, signature) for content in piece.contents):
            return piece
        self.warn(f"{self.repository}:{signature} belongs to another project than {self.project!r} and is not used")
        return None

    def keep(self, signature: str, built: Piece, below: Collection[str] = ()) -> Piece:
        """Put what was built; returns it as it is kept, or as it was built where another project is in the way.

        `below` are the signatures of the stages that it was made from. Raises RegistryError, DockerError, ConfigurationError.
        """
        if self._is_taken(signature):
            return built
        words = {
            labels.PROJECT: self.project,
            labels.SIGNATURE: signature,
            labels.STAGES: " ".join(sorted(below)),
            labels.KEPT: self.now().isoformat(timespec="seconds"),
        }
        with built.open() as parcel:
            put_parcel(self.store, self.repository, relabel(parcel, words), tags=[Tag(signature)], parallel=self.parallel)
        return self.find(signature) or built

    def _is_taken(self, signature: str) -> bool:
        try:
            self.store.manifest(self.repository, Tag(signature))
        except NotFound:
            return False
        return self.find(signature) is None

    def _is_ours(self, found: Mapping[str, str], signature: str) -> bool:
        return found.get(labels.PROJECT) == self.project and found.get(labels.SIGNATURE) == signature
