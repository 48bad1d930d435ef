"""Straight to the registry: the image is read where it lies, joined and labelled on the way, and put there by us."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from moorage.commands.publish.pieces import Piece, joined
from moorage.commands.publish.wanted import Wanted
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.interface import Writer
from moorage.registries.sources.attached import Attachment, put_attached
from moorage.registries.sources.parcel import Parcel, relabel
from moorage.registries.upload import put_contents, put_root


@dataclass(slots=True)
class ParcelImage:
    """An image from files, another registry or the engine. `attached` is what belongs to it and has to come along."""

    writer: Writer
    pieces: Sequence[Piece]
    wanted: Wanted
    parallel: int
    warn: Callable[[str], None]
    attached: tuple[Attachment, ...] = ()
    _complete: Repository | None = None  # where everything is up but tags

    def send(self, repository: Repository, tag: Tag) -> Digest:
        """Put it with all that belongs to it; what is there already is not uploaded. Raises RegistryError, ConfigurationError."""
        with ExitStack() as stack:
            parcel = self._labelled(joined([stack.enter_context(piece.open()) for piece in self.pieces]))
            if self._complete != repository:
                put_contents(self.writer, repository, parcel, parallel=self.parallel)
                if self.attached:
                    put_root(self.writer, repository, parcel, parcel.root.digest, parallel=self.parallel)
                    self.accompany(repository)
                self._complete = repository
            return put_root(self.writer, repository, parcel, tag, parallel=self.parallel)

    def accompany(self, repository: Repository) -> None:
        """Bring along what belongs to the image, which is there. Raises RegistryError."""
        for sentence in put_attached(self.writer, repository, self.attached, parallel=self.parallel):
            self.warn(sentence)

    def _labelled(self, parcel: Parcel) -> Parcel:
        return relabel(parcel, self.wanted.labels) if self.wanted.labels else parcel
