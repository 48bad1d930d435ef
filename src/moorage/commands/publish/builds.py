"""Building directories, each once, after the images of the project that they are built from."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from moorage.commands.publish.build_failure import placed
from moorage.commands.publish.engine_way import Local, build_local, find_local
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.plan import ENGINE_SCHEME, Job, needs_docker
from moorage.commands.publish.signature import dockerfile_of
from moorage.commands.publish.signatures import Signatures, bases_of
from moorage.commands.publish.stages import EngineStages, RepositoryStages
from moorage.commands.publish.workshop import Workshop
from moorage.errors import ConfigurationError, DockerError, Failure, RegistryError
from moorage.oci.naming import shown
from moorage.settings.settings import BuildContext

Key = tuple[str, BuildContext]


@dataclass(slots=True)
class Builds:
    """May be used from several threads: who needs a build that is under way waits for it. A failed one is not tried again."""

    jobs: Mapping[str, Job]
    signatures: Signatures
    workshop: Workshop
    engine_stages: EngineStages | None
    repository_stages: RepositoryStages | None
    _done: dict[Key, Local | Failure] = field(default_factory=dict)
    _locks: dict[Key, threading.Lock] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def local(self, image: str, source: BuildContext, log: ImageLog) -> Local:
        """The image in the engine: built now, before, or found in the engine's stages. Raises DockerError, ConfigurationError."""
        key = (image, source)
        with self._turn:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._done:
                try:
                    self._done[key] = self._made(image, source, log)
                except Failure as error:
                    self._done[key] = error
        found = self._done[key]
        if isinstance(found, Failure):
            raise found
        return found

    def _made(self, image: str, source: BuildContext, log: ImageLog) -> Local:
        docker = self.workshop.docker(log)
        signature = self.signatures.of_source(image, source)
        if self.engine_stages is not None:
            found = self.engine_stages.find(docker, signature)
            if found is not None:
                log(f"{shown(image)} is in the engine already, as {signature}")
                return found
        bases = {base: self._name_of(base, log) for base in bases_of(source) if base in self.jobs and base != image}
        try:
            local = build_local(docker, self.workshop.names, source, bases)
        except DockerError as error:
            raise placed(error, dockerfile_of(source), log.last_lines) from None
        if self.engine_stages is not None:
            self.engine_stages.keep(docker, signature, local)
        return local

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
        if stages is None or (base, source) in self._done:
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
