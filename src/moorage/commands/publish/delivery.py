"""Bringing one image under all its tags, and believing only what the registry says afterwards.

The image goes up once; every further tag is one small request with the same manifest. A tag that holds the content already is
left alone, and then the other tags get that very manifest too: nothing is uploaded twice, and all tags share one digest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from moorage.commands.publish.result import PublishedTag, Status
from moorage.commands.publish.standing import Document, Shelf, Standing
from moorage.commands.publish.wanted import Wanted
from moorage.commands.world import Progress
from moorage.errors import Contradiction, DockerError, Failure, ItemRefused, NotFound, Unsupported
from moorage.oci.naming import FinalName
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Registry, Writer

T = TypeVar("T")

READ_BACK_PAUSES: Final = (0.3, 1.0, 3.0)  # seconds; some registries show a new tag a moment late


class Ready(Protocol):
    """An image that can be sent: built, opened, labelled as far as that needs no registry."""

    @property
    def wanted(self) -> Wanted: ...

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Bring it into the repository with all that it consists of, under this tag; returns the digest of what was sent."""

    def accompany(self, repository: Repository) -> None:
        """Bring along what belongs to it, such as signatures, where the image itself is there already."""


@dataclass(frozen=True, slots=True)
class Place:
    """One image's repository, and the ways to it."""

    registry: Registry
    writer: Writer | None  # None where only docker can bring images
    shelf: Shelf
    repository: Repository
    parallel: int
    progress: Progress
    sleep: Callable[[float], None] = time.sleep
    immutable: bool = False  # whether a tag that stands for other content stays, even if it appeared a moment ago


@dataclass(slots=True)
class Delivery:
    """One image on its way to its tags. `before` is what stood under them when we looked; tags that failed then are not in it."""

    place: Place
    ready: Ready
    names: Sequence[FinalName]
    before: Mapping[str, Standing | None]
    done: dict[str, PublishedTag] = field(default_factory=dict)

    def carry_out(self) -> Sequence[PublishedTag]:
        """One result per name. Failures of the registry and of docker become results; whatever else goes wrong is raised."""
        model = self._up_to_date()
        # New tags first: no registry calls them immutable, so a refusal speaks of the repository.
        waiting = sorted((name for name in self.names if name.tag not in self.done), key=self._exists)
        while waiting and model is None:
            name = waiting.pop(0)
            try:
                model = self._send(name)
            except Failure as error:
                self._record(name, None, error)
                if not self._may_be_this_tag_alone(name, error):
                    for other in waiting:
                        self._record(other, None, error)
                    break
        if model is not None and waiting:
            self._point_all_at(waiting, model)
        return [self.done[name.tag] for name in self.names]

    def _up_to_date(self) -> Document | None:
        """Record the tags that hold the content already; returns what the first of them holds."""
        held = [
            (name, standing)
            for name in self.names
            if (standing := self.before[name.tag]) is not None and self.ready.wanted.is_held_by(standing)
        ]
        if held:
            try:
                self.ready.accompany(self.place.repository)
            except Failure as error:
                for name in self.names:
                    self._record(name, None, error)
                return None
        for name, standing in held:
            self.done[name.tag] = PublishedTag.of(name, standing.digest, Status.UP_TO_DATE, config=standing.document.config)
            self.place.progress.advance(f"{name.reference} is up to date")
        return held[0][1].document if held else None

    def _send(self, name: FinalName) -> Document:
        """Send the image under this name; returns what is found there afterwards."""
        self._refuse_move(name)
        sent = self.ready.send(self.place.repository, Tag(name.tag))
        found = self._read_back(name, sent, self.place.shelf.document, lambda document: document.digest)
        self._record(name, sent, config=found.config)
        return found

    def _point_all_at(self, names: Sequence[FinalName], model: Document) -> None:
        """Point every tag first, and look afterwards.

        With each tag distribution 2.8 rewrites the file that says which manifests there are, in place: who reads the manifest at
        that moment gets a 500, "invalid checksum digest format" (seen 2026-11 with eight tags at once).
        """
        with ThreadPoolExecutor(min(self.place.parallel, len(names)), thread_name_prefix="tag") as pool:
            pointed = list(pool.map(lambda name: self._told(name, lambda: self._point(name, model)), names))
            looked_at = (name for name, is_put in zip(names, pointed, strict=True) if is_put)
            list(pool.map(lambda name: self._told(name, lambda: self._confirm(name, model)), looked_at))

    def _told(self, name: FinalName, work: Callable[[], bool]) -> bool:
        try:
            return work()
        except Failure as error:
            self._record(name, None, error)
            return False

    def _point(self, name: FinalName, model: Document) -> bool:
        """Whether the tag points at the manifest now and is to be looked at; else the image was sent under it, look and all."""
        if not self._put(name, model):
            self._send(name)
            return False
        return True

    def _put(self, name: FinalName, model: Document) -> bool:
        """Make the tag point at a manifest that the repository has; False where the registry does not do that by itself."""
        writer, repository = self.place.writer, self.place.repository
        if writer is None:
            return False
        self._refuse_move(name)
        try:
            writer.put_manifest(repository, Tag(name.tag), model.text, model.media_type)
        except (Unsupported, NotFound):  # NotFound: a cleanup took parts of it in between, so it has to be sent again
            return False
        return True

    def _confirm(self, name: FinalName, model: Document) -> bool:
        registry, repository = self.place.registry, self.place.repository
        self._read_back(name, model.digest, lambda tag: registry.resolve(repository, tag), lambda digest: digest)
        self._record(name, model.digest, config=model.config)
        return True

    def _refuse_move(self, name: FinalName) -> None:
        """Raises ItemRefused where tags are immutable and somebody else was faster than we."""
        if not self.place.immutable:
            return
        standing = self.place.shelf.under(Tag(name.tag))
        if standing is not None and not self.ready.wanted.is_held_by(standing):
            raise ItemRefused(
                f"{name.reference} was published with other content while we were at it, and --immutable-tags leaves it there",
                remedy="Give this content a tag of its own, or leave --immutable-tags out.",
            )

    def _exists(self, name: FinalName) -> bool:
        return self.before[name.tag] is not None

    def _may_be_this_tag_alone(self, name: FinalName, error: Failure) -> bool:
        """Whether the next tag may fare better: docker says in prose only whether a tag is immutable or the repository closed."""
        return isinstance(error, ItemRefused) or (isinstance(error, DockerError) and self._exists(name))

    def _read_back(self, name: FinalName, sent: Digest, look: Callable[[Tag], T], digest_of: Callable[[T], Digest]) -> T:
        """What stands under the tag, once it is what was sent. Raises Contradiction when it stays something else, or nothing."""
        seen = ""
        for pause in (*READ_BACK_PAUSES, None):
            try:
                found = look(Tag(name.tag))
                if digest_of(found) == sent:
                    return found
                seen = f"it points at {digest_of(found)}"
            except NotFound:
                seen = "it is not there"
            if pause is not None:
                self.place.sleep(pause)
        raise Contradiction(f"{name.reference} was sent with {sent}, but read back {seen}", remedy=_NOT_READ_BACK)

    def _record(
        self, name: FinalName, digest: Digest | None, error: Failure | None = None, *, config: Digest | None = None
    ) -> None:
        status = Status.PUBLISHED if error is None else Status.FAILED
        self.done[name.tag] = PublishedTag.of(name, digest, status, error, config=config)
        if error is None:
            self.place.progress.advance(f"{name.reference} is published as {digest}")
        else:
            self.place.progress.advance()
            self.place.progress.warn(f"{name.reference} is not published: {error.message}")


_NOT_READ_BACK: Final = "Somebody else may publish the same tag, or a proxy hands out old answers. Look at it and run again."
