"""Making images ready to be sent, each by the way that its source and the registry allow."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, TypeVar

from moorage.commands.connect import connect
from moorage.commands.publish.content import Content
from moorage.commands.publish.delivery import Ready
from moorage.commands.publish.engine_way import EngineImage, Local, build_local, find_local
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.labels import labels_for
from moorage.commands.publish.plan import ENGINE_SCHEME, OTHER_REGISTRY, Job, Way
from moorage.commands.publish.straight_way import ParcelImage, SavedImage, content_of_parcel
from moorage.commands.publish.wanted import Wanted
from moorage.commands.publish.workshop import Workshop
from moorage.commands.world import World
from moorage.errors import ConfigurationError, Unsupported
from moorage.oci.naming import shown
from moorage.oci.reference import Digest, parse_reference
from moorage.registries.addressing import resolve
from moorage.registries.interface import Reader, Writer
from moorage.registries.sources.opening import open_registry_source, open_source
from moorage.registries.sources.parcel import Parcel
from moorage.settings.settings import BuildContext, PublishSettings, Storage

T = TypeVar("T")

_READING: Final = "default"  # every registry hands out images by the plain OCI API, whatever else it speaks


@dataclass(slots=True)
class Preparation:
    """What the images of one run are made of. Sources stay open as long as `stack`; `make` may be called from several threads."""

    settings: PublishSettings
    world: World
    writer: Writer | None
    workshop: Workshop | None
    stack: ExitStack
    _locals: dict[str, Local] = field(default_factory=dict)
    _parcels: dict[str, Parcel] = field(default_factory=dict)

    def find(self, jobs: Sequence[Job]) -> None:
        """Look for all that is on this machine already. Raises one ConfigurationError with everything missing or broken."""
        errors = []
        for job in jobs:
            try:
                self._find(job)
            except ConfigurationError as error:
                named = (f"{shown(job.image)}: {problem}" for problem in error.problems)
                errors.append(ConfigurationError(*named, remedy=error.remedy))
        problem = ConfigurationError.gathered(errors)
        if problem is not None:
            raise problem

    def make(self, job: Job, log: ImageLog) -> Ready:
        """Build what has to be built, fetch what lies elsewhere, and say what is to stand in the registry.

        Raises DockerError, RegistryError, and ConfigurationError for what only shows now.
        """
        parallel = self.settings.access.parallel
        if job.way is Way.STRAIGHT:
            parcel = self._parcels[job.image] if job.image in self._parcels else self._fetched(job.text)
            return ParcelImage(_given(self.writer), parcel, self._wanted_parcel(job, parcel), parallel)
        workshop = _given(self.workshop)
        docker = workshop.docker(log)
        if isinstance(job.source, BuildContext):
            local = build_local(docker, workshop.names, job.source)
        else:
            local = self._locals[job.image]
        wanted = self._wanted(job, local.content)
        if job.way is Way.PUSHED:
            return EngineImage(docker, workshop.names, local, wanted)
        return SavedImage(docker, _given(self.writer), local, wanted, parallel)

    def _find(self, job: Job) -> None:
        if isinstance(job.source, BuildContext) or job.text.startswith(OTHER_REGISTRY):
            return
        if job.way is Way.STRAIGHT:
            self._parcels[job.image] = self.stack.enter_context(open_source(job.text))
        else:
            docker = _given(self.workshop).docker(self.world.progress.note)
            self._locals[job.image] = find_local(docker, job.text.removeprefix(ENGINE_SCHEME))

    def _fetched(self, text: str) -> Parcel:
        """From another registry, reached with the same logins."""
        reference = parse_reference(text.removeprefix(OTHER_REGISTRY))
        storage = Storage(resolve(str(reference.repository), _READING), option_prefix=self.settings.storage.option_prefix)
        reader = self.stack.enter_context(connect(storage, self.settings.access, self.world))
        if not isinstance(reader, Reader):
            raise Unsupported(f"{reference} cannot be read")
        return self.stack.enter_context(open_registry_source(reader, reference))

    def _wanted_parcel(self, job: Job, parcel: Parcel) -> Wanted:
        """Artifacts have no config to write labels into: they go as they are."""
        if not parcel.images():
            return Wanted(content_of_parcel(parcel), source=parcel.root.digest)
        return self._wanted(job, content_of_parcel(parcel), parcel.root.digest)

    def _wanted(self, job: Job, content: Content, source: Digest | None = None) -> Wanted:
        labels = labels_for(self.settings, job.names, content)
        return Wanted(content, labels, dict(self.settings.labels), source)


def _given(thing: T | None) -> T:
    """What the story made sure of before the first image was touched."""
    if thing is None:
        raise AssertionError("an image was let through to a way that is not open")
    return thing
