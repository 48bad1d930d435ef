"""Building directories, each once, after the images of the project that they are built from."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from moorage.auth.secret import blank
from moorage.commands.publish.build_failure import placed
from moorage.commands.publish.engine_way import Local, Recipe, find_local
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.pieces import temporary_directory
from moorage.commands.publish.plan import ENGINE_SCHEME, Job, needs_docker
from moorage.commands.publish.signature import dockerfile_of
from moorage.commands.publish.signatures import Signatures, bases_of
from moorage.commands.publish.stages import EngineStages, RepositoryStages
from moorage.commands.publish.workshop import Workshop
from moorage.errors import ConfigurationError, DockerError, Failure, RegistryError
from moorage.oci.naming import shown
from moorage.settings.settings import BuildContext

Key = tuple[str, BuildContext]
T = TypeVar("T")


@dataclass(slots=True)
class _Once(Generic[T]):
    """Results by key, each made by whoever asks first; others wait for it. What failed is not tried again."""

    _done: dict[Key, T | Failure] = field(default_factory=dict)
    _locks: dict[Key, threading.Lock] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __contains__(self, key: Key) -> bool:
        return key in self._done

    def get(self, key: Key, make: Callable[[], T]) -> T:
        """Raises the Failure that `make` raises, each time."""
        with self._turn:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._done:
                try:
                    self._done[key] = make()
                except Failure as error:
                    self._done[key] = error
        found = self._done[key]
        if isinstance(found, Failure):
            raise found
        return found


@dataclass(slots=True)
class Builds:
    """May be used from several threads. Archives stay as long as `stack`.

    With `no_cache` everything is built, whatever was built before; with `pull`, from base images as their registries have them.
    """

    jobs: Mapping[str, Job]
    signatures: Signatures
    workshop: Workshop
    engine_stages: EngineStages | None
    repository_stages: RepositoryStages | None
    stack: ExitStack
    no_cache: bool = False
    _locals: _Once[Local] = field(default_factory=_Once)
    _archives: _Once[Path] = field(default_factory=_Once)

    def local(self, image: str, source: BuildContext, log: ImageLog) -> Local:
        """The image in the engine: built now, before, or found in the engine's stages. Raises DockerError, ConfigurationError."""
        return self._locals.get((image, source), lambda: self._made(image, source, log))

    def archive(self, image: str, source: BuildContext, log: ImageLog) -> Path:
        """The image with its attestations, as an OCI layout in a tar. Raises as `local` does."""
        return self._archives.get((image, source), lambda: self._exported(image, source, log))

    def _made(self, image: str, source: BuildContext, log: ImageLog) -> Local:
        docker = self.workshop.docker(log)
        signature = self.signatures.of_source(image, source)
        if self.engine_stages is not None and not self.no_cache:
            found = self.engine_stages.find(docker, signature)
            if found is not None:
                log(f"{shown(image)} is in the engine already, as {signature}")
                return found
        recipe = self._recipe(image, source, log)
        with _placed(source, log):
            local = recipe.to_engine(docker, self.workshop.names)
        if self.engine_stages is not None:
            self.engine_stages.keep(docker, signature, local)
        return local

    def _exported(self, image: str, source: BuildContext, log: ImageLog) -> Path:
        """Nothing of this is kept in the engine's stages: few engines could hold it."""
        file = self.stack.enter_context(temporary_directory()) / "image.tar"
        recipe = self._recipe(image, source, log)
        with _placed(source, log):
            recipe.to_archive(self.workshop.docker(log), file)
        return file

    def _recipe(self, image: str, source: BuildContext, log: ImageLog) -> Recipe:
        bases = {base: self._name_of(base, log) for base in bases_of(source) if base in self.jobs and base != image}
        if told := [name for name, value in source.build_args if blank(value) != value]:
            self.workshop.world.progress.warn(
                f"{shown(image)}: build argument {', '.join(told)} holds a secret, which the image's history shows to everybody "
                "who can pull it wherever a RUN step could use it: give it under `secrets`"
            )
        return Recipe(source, bases, self.signatures.pinned(image, source), self.no_cache)

    def _name_of(self, base: str, log: ImageLog) -> str:
        """A name in the engine by which another image can be built from this one."""
        sources = self.jobs[base].sources
        source = sources[0]
        if isinstance(source, BuildContext) and len(sources) == 1:
            return (self._pulled(base, source, log) or self.local(base, source, log)).image.tags[0]
        if not isinstance(source, BuildContext) and needs_docker(source) and len(sources) == 1:
            return source.text.removeprefix(ENGINE_SCHEME)
        raise ConfigurationError(
            f"{shown(base)} is what another image is built from, and docker does not have it",
            remedy="Give it as a directory or a local image.",
        )

    def _pulled(self, base: str, source: BuildContext, log: ImageLog) -> Local | None:
        """Out of the stages storage; None where it is not there, or docker cannot reach it, so that it has to be built."""
        stages = self.repository_stages
        if stages is None or self.no_cache or (base, source) in self._locals:
            return None
        docker, name = self.workshop.docker(log), self.workshop.names.new()
        reference = f"{stages.repository}:{self.signatures.of_source(base, source)}"
        try:
            if stages.find(self.signatures.of_source(base, source)) is None:
                return None
            with self.workshop.names.borrowed(reference):
                docker.pull(reference)
                docker.tag(reference, name)
        except (DockerError, RegistryError) as error:
            log(f"{shown(base)} is built, since its stage cannot be pulled: {error.message}")
            return None
        return find_local(docker, name)


@contextmanager
def _placed(source: BuildContext, log: ImageLog) -> Iterator[None]:
    """A failed build says where in its Dockerfile it failed."""
    try:
        yield
    except DockerError as error:
        raise placed(error, dockerfile_of(source), log.last_lines) from None
