"""Through the docker engine: build or find the image there, write the labels on it, push it under borrowed names."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from moorage.commands.publish.content import Content, content_of_inspection
from moorage.commands.publish.local_names import LocalNames
from moorage.commands.publish.wanted import Wanted
from moorage.docker.build import Build, build, build_archive, relabelled
from moorage.docker.dockerfile import with_bases
from moorage.docker.engine import Docker
from moorage.docker.ignore_file import IGNORE_FILE
from moorage.docker.local_image import LocalImage
from moorage.errors import ConfigurationError, DockerError
from moorage.oci.reference import Digest, Repository, Tag
from moorage.settings.settings import BuildContext

_PUSHES: Final = 5  # of one image under one name, while another run on the same engine keeps taking that name away


@dataclass(frozen=True, slots=True)
class Local:
    """An image of the engine and what it is. It is spoken of by its id: names may move while we work."""

    image: LocalImage
    content: Content

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Local":
        """From `docker image inspect`."""
        return cls(LocalImage.read(document), content_of_inspection(document))


def find_local(docker: Docker, reference: str) -> Local:
    """An image of the engine by reference or id. Raises ConfigurationError where the engine has none of that name."""
    document = docker.inspection(reference)
    if document is None:
        raise ConfigurationError(
            f"there is no local image {reference!r}",
            remedy="Build or pull it first (`docker image ls` lists what is there), or name a directory that has a Dockerfile.",
        )
    return Local.read(document)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build a directory.

    In place of images that the Dockerfile names, `local` are names in the engine to build from, and `pinned` the same by digest.
    """

    context: BuildContext
    local: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False

    def to_engine(self, docker: Docker, names: LocalNames) -> Local:
        """The image in the engine, with a name of ours until the end of the run. Raises ConfigurationError, DockerError."""
        with self._request(docker) as request:
            return find_local(docker, str(build(docker, request, names.new()).id))

    def to_archive(self, docker: Docker, file: Path) -> None:
        """The image and its attestations, as an OCI layout in a tar. Raises ConfigurationError, DockerError."""
        with self._request(docker) as request:
            build_archive(docker, request, file)

    @contextmanager
    def _request(self, docker: Docker) -> Iterator[Build]:
        context = self.context
        with _dockerfile(docker, context, {**self.pinned, **self.local}) as dockerfile:
            yield Build(
                context=context.directory,
                dockerfile=dockerfile,
                target=context.target,
                build_args=dict(context.build_args),
                platforms=context.platforms,
                secrets=context.secrets,
                ssh=context.ssh,
                cache_from=context.cache_from,
                cache_to=context.cache_to,
                labels=dict(context.labels),
                attestations=context.attestations,
                no_cache=self.no_cache,
                from_engine=bool(self.local),
            )


@contextmanager
def _dockerfile(docker: Docker, context: BuildContext, bases: Mapping[str, str]) -> Iterator[Path]:
    """The Dockerfile, or a copy with other bases: every builder understands that, a named context only BuildKit since 0.10."""
    own = context.directory / (context.dockerfile or "Dockerfile")
    if not bases:
        yield own
        return
    text = own.read_text(encoding="utf-8-sig", errors="surrogateescape")
    with TemporaryDirectory(prefix="build-", dir=docker.config.directory) as folder:
        copy = Path(folder) / own.name
        copy.write_text(with_bases(text, dict(context.build_args), bases), encoding="utf-8", errors="surrogateescape")
        ignored = own.with_name(f"{own.name}{IGNORE_FILE}")
        if ignored.is_file():
            shutil.copy(ignored, folder)
        yield copy


def left_out(origin: str) -> str:
    """What to say where labels are written on an image that is an index in the engine's store."""
    return (
        f"docker writes labels into one image and leaves out what else {origin} holds, such as attestations; "
        "--engine registry or --no-labels publishes all of it"
    )


@dataclass(slots=True)
class EngineImage:
    """A local image that docker pushes. The labels are written once, when the first push needs them."""

    docker: Docker
    names: LocalNames
    local: Local
    wanted: Wanted
    _labelled: str = ""
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Push under the final name; in the engine that name is only borrowed. Raises DockerError, ConfigurationError."""
        reference = f"{repository}:{tag}"
        with self._turn:
            self._labelled = self._labelled or self._with_labels()
        with self.names.borrowed(reference, beside=self._labelled):
            for _ in range(_PUSHES):
                digest = self._pushed(reference)
                if digest is not None:
                    return digest
        raise DockerError(
            f"{reference} was given to another local image while it was being pushed, {_PUSHES} times",
            remedy="Another job on this engine publishes under the same name: let one of them, and run again.",
        )

    def _pushed(self, reference: str) -> Digest | None:
        """None where the name was taken from us meanwhile, so that nobody knows what was pushed, if anything."""
        self.docker.tag(self._labelled, reference)
        try:
            digest = self.docker.push(reference)
        except DockerError:
            if self.names.holds(reference, self._labelled):
                raise
            return None
        return digest if self.names.holds(reference, self._labelled) else None

    def accompany(self, repository: Repository) -> None:
        """Nothing belongs to an image of the engine that is not in it."""

    def _with_labels(self) -> str:
        """The id of the image to push."""
        self.names.secure(self.local.image)
        image, labels = str(self.local.image.id), self.wanted.labels
        return str(relabelled(self.docker, image, labels, self.names.new(labelled=True)).id) if labels else image
