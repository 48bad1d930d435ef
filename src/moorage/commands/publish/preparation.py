"""Making images ready to be sent, each by the way that its sources and the registry allow."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from moorage.commands.publish.content import content_of_index
from moorage.commands.publish.delivery import Ready
from moorage.commands.publish.engine_way import EngineImage, Local, build_local, find_local
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.labels import labels_for
from moorage.commands.publish.pieces import Piece, joined, piece_of_local, piece_of_parcel, refuse_clashes
from moorage.commands.publish.plan import ENGINE_SCHEME, Job, Source, Way, needs_docker
from moorage.commands.publish.promotion import OtherRegistries
from moorage.commands.publish.straight_way import ParcelImage
from moorage.commands.publish.wanted import Wanted
from moorage.commands.publish.workshop import Workshop
from moorage.commands.world import World
from moorage.docker.engine import Docker
from moorage.errors import ConfigurationError
from moorage.oci.naming import shown
from moorage.oci.reference import Digest
from moorage.registries.interface import Writer
from moorage.registries.sources.attached import Attachment
from moorage.registries.sources.opening import open_source
from moorage.settings.image_source import OTHER_REGISTRY
from moorage.settings.settings import BuildContext, PublishSettings

T = TypeVar("T")


@dataclass(slots=True)
class Preparation:
    """What the images of one run are made of. Sources stay open as long as `stack`; `make` may be called from several threads."""

    settings: PublishSettings
    world: World
    writer: Writer | None
    workshop: Workshop | None
    stack: ExitStack
    others: OtherRegistries
    _locals: dict[str, Local] = field(default_factory=dict)
    _pieces: dict[str, Piece] = field(default_factory=dict)

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
        if job.way is Way.PUSHED:
            workshop = _given(self.workshop)
            docker = workshop.docker(log)
            local = self._local(docker, job.sources[0])
            labels = labels_for(self.settings, job.names, local.content)
            return EngineImage(docker, workshop.names, local, Wanted(local.content, labels, dict(self.settings.labels)))
        pieces: list[Piece] = []
        attached: list[Attachment] = []
        for source in job.sources:
            piece, belongings = self._piece(source, log)
            pieces.append(piece)
            attached += belongings
        refuse_clashes(pieces)
        wanted = self._wanted(job, pieces)
        if wanted.labels and any(_is_elsewhere(source) for source in job.sources):
            log(f"{shown(job.image)} gets labels, so its digest changes and signatures of the source do not come along: "
                "--no-labels promotes it byte for byte, with its referrers")  # fmt: skip
        parallel = self.settings.access.parallel
        return ParcelImage(_given(self.writer), pieces, wanted, parallel, self.world.progress.warn, tuple(attached))

    def _find(self, job: Job) -> None:
        for source in job.sources:
            if isinstance(source, BuildContext) or _is_elsewhere(source):
                continue
            if needs_docker(source):
                docker = _given(self.workshop).docker(self.world.progress.note)
                self._locals[source.text] = find_local(docker, source.text.removeprefix(ENGINE_SCHEME))
            elif source.text not in self._pieces:
                self._pieces[source.text] = piece_of_parcel(self.stack.enter_context(open_source(source.text)))
        refuse_clashes([self._pieces[text] for text in map(_text, job.sources) if text in self._pieces])

    def _piece(self, source: Source, log: ImageLog) -> tuple[Piece, Sequence[Attachment]]:
        if isinstance(source, BuildContext) or needs_docker(source):
            docker = _given(self.workshop).docker(log)
            return piece_of_local(docker, self._local(docker, source), _text(source)), ()
        if not _is_elsewhere(source):
            return self._pieces[source.text], ()
        with_all = not self.settings.add_labels and not self.settings.labels
        parcel, attached = self.others.fetch(source.text, with_attached=with_all)
        return piece_of_parcel(parcel), attached

    def _local(self, docker: Docker, source: Source) -> Local:
        if isinstance(source, BuildContext):
            return build_local(docker, _given(self.workshop).names, source)
        return self._locals[source.text]

    def _wanted(self, job: Job, pieces: Sequence[Piece]) -> Wanted:
        content = content_of_index(content for piece in pieces for content in piece.contents)
        if not any(piece.platforms for piece in pieces):  # an artifact has no config to write labels into
            return Wanted(content, source=pieces[0].root)
        return Wanted(content, labels_for(self.settings, job.names, content), dict(self.settings.labels), _root(pieces))


def _root(pieces: Sequence[Piece]) -> Digest | None:
    """The digest of what the pieces are together; None where some of them is yet to be made a manifest of."""
    if any(piece.root is None for piece in pieces):
        return None
    with ExitStack() as stack:
        return joined([stack.enter_context(piece.open()) for piece in pieces]).root.digest


def _is_elsewhere(source: Source) -> bool:
    return not isinstance(source, BuildContext) and source.text.startswith(OTHER_REGISTRY)


def _text(source: Source) -> str:
    """As its user wrote it; of one that is built, its directory."""
    return str(source.directory) if isinstance(source, BuildContext) else source.text


def _given(thing: T | None) -> T:
    """What the story made sure of before the first image was touched."""
    if thing is None:
        raise AssertionError("an image was let through to a way that is not open")
    return thing
