"""One image's way through a publish, step by step; a step that fails ends the way of this image or tag and of no other."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from moorage.commands.publish.build_failure import BuildFailed, shown_path
from moorage.commands.publish.delivery import Delivery, Place, Ready
from moorage.commands.publish.image_log import ImageLog
from moorage.commands.publish.plan import Job, Way
from moorage.commands.publish.result import PublishedTag, Status
from moorage.commands.publish.standing import Standing
from moorage.errors import Failure, ItemRefused, Refused, Unreachable
from moorage.oci.labels import recorded_image
from moorage.oci.naming import FinalName, Mode, shown
from moorage.oci.reference import Tag


@dataclass(slots=True)
class Course:
    """`found` is what stood under each tag; a tag is either there or among the results once it was looked at."""

    job: Job
    place: Place
    mode: Mode
    log: ImageLog
    make: Callable[
        [Job, ImageLog, Mapping[str, Standing | None]], Ready
    ]  # builds, opens, saves: whatever makes the image ready to be sent
    ready: Ready | None = None
    found: dict[str, Standing | None] = field(default_factory=dict)
    results: dict[str, PublishedTag] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return shown(self.job.image)

    @property
    def going(self) -> Sequence[FinalName]:
        """The names that nothing has ended the way of."""
        return [name for name in self.job.names if name.tag not in self.results]

    def look(self) -> None:
        """See what stands under the tags, before anything is built: the registry may not let us in, or a tag be another's."""
        with ThreadPoolExecutor(min(self.place.parallel, len(self.job.names)), thread_name_prefix="look") as pool:
            for name, error in zip(self.job.names, pool.map(self._look, self.job.names), strict=True):
                if error is not None:
                    self._end([name], error)

    def prepare(self) -> None:
        """Make the image ready, unless there is nobody left to send it to."""
        if not self.going:
            return
        try:
            with self.log.group(f"Preparing {self.title}"):
                self.ready = self.make(self.job, self.log, self.found)
        except Failure as error:
            self.fail(error)

    def moved(self) -> Sequence[FinalName]:
        """The names that stand for other content than what is ready to be sent: publishing moves them."""
        ready = self.ready
        if ready is None:
            return ()
        return [name for name in self.going if (held := self.found[name.tag]) is not None and not ready.wanted.is_held_by(held)]

    def foresee(self, *, immutable: bool) -> None:
        """Say of every name what publishing would do, without doing it."""
        moved = self.moved() if immutable else ()
        for name in self.going:
            standing = self.found[name.tag]
            digest = standing.digest if standing is not None else None
            if name in moved:
                self.results[name.tag] = PublishedTag.of(name, digest, Status.FAILED, refused_move([name]))
            elif self.ready is not None and standing is not None and self.ready.wanted.is_held_by(standing):
                self.results[name.tag] = PublishedTag.of(name, digest, Status.UP_TO_DATE, config=standing.document.config)
            else:
                self.results[name.tag] = PublishedTag.of(name, None, Status.PLANNED)
            self.place.progress.advance()

    def deliver(self) -> None:
        """Bring it under its tags, and read back."""
        if self.ready is None or not self.going:
            return
        with self.log.group(f"Publishing {self.title}"):
            delivered = Delivery(self.place, self.ready, self.going, self.found).carry_out()
        self.results.update({result.tag: result for result in delivered})

    def _look(self, name: FinalName) -> Failure | None:
        try:
            standing = self.place.shelf.under(Tag(name.tag))
            self._refuse_another_image(name, standing)
        except Unreachable as error:
            return _out_of_sight(error) if self.job.way is Way.PUSHED else error
        except Failure as error:
            return error
        self.found[name.tag] = standing
        return None

    def _refuse_another_image(self, name: FinalName, standing: Standing | None) -> None:
        """In monorepo mode `app-worker-v1` may be `app` or `app-worker`: what the image that is there recorded decides."""
        owner = recorded_image(standing.content.labels) if standing is not None else None
        if self.mode is Mode.MONOREPO and owner is not None and owner != name.image:
            raise ItemRefused(
                f"{name.reference} belongs to {shown(owner)}: {shown(name.image)} does not overwrite it",
                remedy="Rename one of the two images, give another tag, or delete that tag first.",
            )

    def fail(self, error: Failure) -> None:
        """End the way of all names that are still going."""
        if isinstance(error, BuildFailed) and error.line is not None:
            self.place.progress.fault(error.message, shown_path(error.dockerfile), error.line)
        self._end(self.going, error)

    def _end(self, names: Sequence[FinalName], error: Failure) -> None:
        for name in names:
            self.results[name.tag] = PublishedTag.of(name, None, Status.FAILED, error)
            self.place.progress.advance()
        which = ", ".join(name.reference for name in names)
        self.place.progress.warn(f"{which} {'is' if len(names) == 1 else 'are'} not published: {error.message}")


def refused_move(names: Sequence[FinalName]) -> Refused:
    """What --immutable-tags says to tags that would be moved."""
    which = ", ".join(name.reference for name in names)
    count = "1 tag stands" if len(names) == 1 else f"{len(names)} tags stand"
    return Refused(
        f"--immutable-tags: {count} for other content and would be moved, so nothing was published: {which}",
        remedy="Give this content a tag of its own, or leave --immutable-tags out to move these.",
    )


def _out_of_sight(error: Unreachable) -> Unreachable:
    """In a container the engine pushes from the host, and may know the registry by a name that means nothing in here."""
    return Unreachable(
        f"{error.message}; docker may reach it, but what is pushed could not be read back from here, so nothing was pushed",
        remedy="Give an address under which both the docker engine and this process reach the registry, "
        "or run this container in the host's network (--network host).",
    )
