"""Making images ready to be sent, each by the way that its sources and the registry allow."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TypeVar

from moorage.commands.publish.as_published import AsPublished
from moorage.commands.publish.builds import Builds
from moorage.commands.publish.content import Content, content_of_index
from moorage.commands.publish.delivery import Ready
from moorage.commands.publish.engine_way import EngineImage, Local, find_local, left_out
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.labels import labels_for
from moorage.commands.publish.pieces import (
    Piece,
    joined,
    piece_of_archive,
    piece_of_file,
    piece_of_local,
    piece_of_parcel,
    refuse_clashes,
)
from moorage.commands.publish.plan import ENGINE_SCHEME, Job, Source, Way, is_attested, needs_docker
from moorage.commands.publish.promotion import OtherRegistries
from moorage.commands.publish.signatures import Signatures
from moorage.commands.publish.stages import EngineStages, RepositoryStages
from moorage.commands.publish.standing import Standing
from moorage.commands.publish.straight_way import ParcelImage
from moorage.commands.publish.wanted import Wanted
from moorage.commands.publish.workshop import Workshop
from moorage.commands.world import World
from moorage.docker.local_image import LocalImage
from moorage.errors import ConfigurationError, RegistryError
from moorage.oci.naming import shown
from moorage.oci.reference import Digest
from moorage.registries.interface import Writer
from moorage.registries.sources.attached import Attachment
from moorage.registries.sources.checks import verify
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
    jobs: Mapping[str, Job]
    stages: RepositoryStages | None = None
    _locals: dict[str, Local] = field(default_factory=dict)
    _pieces: dict[str, Piece] = field(default_factory=dict)
    _signatures: Signatures = field(init=False)
    _builds: Builds | None = field(init=False)

    def __post_init__(self) -> None:
        self._signatures = Signatures(self.jobs, self._contents, self._in_engine, self.others, pull=self.settings.pull)
        engine_stages = EngineStages(self.settings.project.name) if self.settings.local_stages else None
        workshop = self.workshop
        self._builds = (
            Builds(self.jobs, self._signatures, workshop, engine_stages, self.stages, self.stack, no_cache=self.settings.no_cache)
            if workshop
            else None
        )

    def find(self) -> Sequence[Job]:
        """Look for all that is on this machine already; returns the jobs, with all their names.

        Raises one ConfigurationError with everything missing or broken.
        """
        errors = []
        self._ask_engine()
        for job in self.jobs.values():
            try:
                self._find(job)
            except ConfigurationError as error:
                named = (f"{shown(job.image)}: {problem}" for problem in error.problems)
                errors.append(ConfigurationError(*named, remedy=error.remedy))
        problem = ConfigurationError.gathered(errors)
        if problem is not None:
            raise problem
        self._signatures.refuse_circles()
        if all(request.value is not None for request in self.settings.tags):
            return list(self.jobs.values())
        return [self._signatures.named(job, self.settings.storage.repo) for job in self.jobs.values()]

    def make(self, job: Job, log: ImageLog, found: Mapping[str, Standing | None]) -> Ready:
        """Build what has to be built, fetch what lies elsewhere, and say what is to stand in the registry.

        `found` is what stands under the image's tags: what has the right signature is not built again.
        Raises DockerError, RegistryError, and ConfigurationError for what only shows now.
        """
        signature = self._signature(job)
        if signature and self.settings.add_labels and not self._is_built_anew(job):
            for standing in found.values():
                if standing is None:
                    continue
                wanted = self._labelled(job, standing.content, signature)
                if wanted.is_signed(standing) and wanted.is_held_by(standing):
                    log(f"{shown(job.image)} has the signature of what is published: {signature}")
                    return AsPublished(wanted, lambda: self._made(job, log, signature))
        return self._made(job, log, signature)

    def _made(self, job: Job, log: ImageLog, signature: str) -> Ready:
        if job.way is Way.PUSHED:
            workshop = given(self.workshop)
            local = self._local(job.image, job.sources[0], log)
            wanted = self._labelled(job, local.content, signature)
            if wanted.labels and local.image.is_index:
                self.world.progress.warn(f"{shown(job.image)}: {left_out(_text(job.sources[0]))}")
            return EngineImage(workshop.docker(log), workshop.names, local, wanted)
        pieces: list[Piece] = []
        attached: list[Attachment] = []
        for source in job.sources:
            piece, belongings = self._piece(job, source, log)
            pieces.append(piece)
            attached += belongings
        refuse_clashes(pieces)
        wanted = self._wanted(job, pieces, signature)
        if wanted.labels and any(_is_elsewhere(source) for source in job.sources):
            log(f"{shown(job.image)} gets labels, so its digest changes and signatures of the source do not come along: "
                "--no-labels promotes it byte for byte, with its referrers")  # fmt: skip
        parallel = self.settings.access.parallel
        return ParcelImage(given(self.writer), pieces, wanted, parallel, self.world.progress.warn, tuple(attached))

    def _ask_engine(self) -> None:
        """Look for all images of the engine at once. Where one is missing, each is asked for by itself afterwards."""
        if self.workshop is None:
            return
        docker = self.workshop.docker(self.world.progress.note)
        sources = (source for job in self.jobs.values() for source in job.sources if needs_docker(source))
        texts = list(dict.fromkeys(source.text for source in sources if not isinstance(source, BuildContext)))
        if not texts:
            docker.require_engine()
            return
        documents = docker.inspections([text.removeprefix(ENGINE_SCHEME) for text in texts])
        if len(documents) == len(texts):
            self._locals.update(zip(texts, map(Local.read, documents), strict=True))

    def _find(self, job: Job) -> None:
        for source in job.sources:
            if isinstance(source, BuildContext) or _is_elsewhere(source):
                continue
            if source.text in self._locals:
                continue
            if needs_docker(source):
                docker = given(self.workshop).docker(self.world.progress.note)
                self._locals[source.text] = find_local(docker, source.text.removeprefix(ENGINE_SCHEME))
            elif source.text not in self._pieces:
                self._pieces[source.text] = piece_of_file(self.stack.enter_context(open_source(source.text, verified=False)))
        refuse_clashes([self._pieces[text] for text in map(_text, job.sources) if text in self._pieces])

    def verify(self, found: Mapping[str, Mapping[str, Standing | None]]) -> None:
        """Read the files of all images that are to be sent, once `found` says by image what stands under their tags.

        Raises one ConfigurationError with every source that lies about its bytes.
        """
        errors = []
        for image, standings in found.items():
            pieces = [self._pieces[text] for text in map(_text, self.jobs[image].sources) if text in self._pieces]
            if len(pieces) == len(self.jobs[image].sources) and self._is_up(self.jobs[image], pieces, standings):
                continue
            for piece in pieces:
                try:
                    _read(piece)
                except ConfigurationError as error:
                    named = (f"{shown(image)}: {problem}" for problem in error.problems)
                    errors.append(ConfigurationError(*named, remedy=error.remedy))
        problem = ConfigurationError.gathered(errors)
        if problem is not None:
            raise problem

    def _is_up(self, job: Job, pieces: Sequence[Piece], standings: Mapping[str, Standing | None]) -> bool:
        wanted = self._wanted(job, pieces, self._signature(job))
        return all(standing is not None and wanted.is_held_by(standing) for standing in standings.values())

    def _signature(self, job: Job) -> str:
        """Empty where it takes requests to know it, and nobody needs it."""
        by_signature = any(request.value is None for request in self.settings.tags)
        built = any(isinstance(source, BuildContext) for source in job.sources)
        return self._signatures.of(job.image) if built or by_signature else ""

    def _piece(self, job: Job, source: Source, log: ImageLog) -> tuple[Piece, Sequence[Attachment]]:
        if isinstance(source, BuildContext) and self.stages is not None:
            return self._staged(self.stages, job, source, log), ()
        if isinstance(source, BuildContext) or needs_docker(source):
            return self._engine_piece(job.image, source, log), ()
        if not _is_elsewhere(source):
            return self._pieces[source.text], ()
        with_all = not self.settings.add_labels and not self.settings.labels
        parcel, attached = self.others.fetch(source.text, with_attached=with_all)
        return piece_of_parcel(parcel), attached

    def _staged(self, stages: RepositoryStages, job: Job, source: BuildContext, log: ImageLog) -> Piece:
        """Found in the stages storage, or built and kept there. Without the storage a publish still works."""
        signature = self._signatures.of_source(job.image, source)
        try:
            found = None if self.settings.no_cache else stages.find(signature)
            if found is not None:
                log(f"{shown(job.image)} is in the stages storage already, as {signature}")
                return found
            piece = self._engine_piece(job.image, source, log)
            below = self._signatures.stages_below(job.image, source)
            return piece if self.settings.dry_run else stages.keep(signature, piece, below)
        except RegistryError as error:
            self.world.progress.warn(f"{shown(job.image)} is published without the stages storage: {error.message}")
            return self._engine_piece(job.image, source, log)

    def _engine_piece(self, image: str, source: Source, log: ImageLog) -> Piece:
        if isinstance(source, BuildContext) and source.attestations:
            return piece_of_archive(given(self._builds).archive(image, source, log), _text(source))
        return piece_of_local(given(self.workshop).docker(log), self._local(image, source, log), _text(source))

    def _local(self, image: str, source: Source, log: ImageLog) -> Local:
        return given(self._builds).local(image, source, log) if isinstance(source, BuildContext) else self._locals[source.text]

    def _in_engine(self, reference: str) -> LocalImage | None:
        return given(self.workshop).docker(self.world.progress.note).image(reference)

    def _contents(self, source: Source) -> Sequence[Content]:
        """What an image is that is not built."""
        text = _text(source)
        if text in self._locals:
            return [self._locals[text].content]
        if text not in self._pieces:
            return piece_of_parcel(self.others.fetch(text, with_attached=False)[0]).contents
        return self._pieces[text].contents

    def _wanted(self, job: Job, pieces: Sequence[Piece], signature: str) -> Wanted:
        content = content_of_index(content for piece in pieces for content in piece.contents)
        if not any(piece.platforms for piece in pieces):  # an artifact has no config to write labels into
            return Wanted(content, source=pieces[0].root)
        return replace(self._labelled(job, content, signature), source=_root(pieces))

    def _labelled(self, job: Job, content: Content, signature: str) -> Wanted:
        stages = self._signatures.stages(job.image) if signature else ()
        labels = labels_for(self.settings, job.names, content, signature, stages)
        return Wanted(
            content,
            labels,
            dict(self.settings.labels),
            signature=signature,
            by_content=not any(map(is_attested, job.sources)),
            by_signature=not self._is_built_anew(job),
        )

    def _is_built_anew(self, job: Job) -> bool:
        """Whether it is built although its signature may say that it was."""
        return self.settings.no_cache and any(isinstance(source, BuildContext) for source in job.sources)


def _read(piece: Piece) -> None:
    if piece.unread is not None:
        try:
            verify(piece.unread)
        except OSError as error:
            raise ConfigurationError(f"{piece.origin}: {error.strerror or error}") from None


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


def given(thing: T | None) -> T:
    """What the story made sure of before the first image was touched."""
    if thing is None:
        raise AssertionError("an image was let through to a way that is not open")
    return thing
