"""Keeping records few: those of contents that are gone go, and old single ones are taken into a ledger.

Nothing is ever read, changed and written back. A ledger is written beside what it takes in; that goes in a later run, which has
seen the ledger in the registry's own listing. So a run that is killed, or two at the same time, lose no record, and a
publisher that adds one meanwhile is not in the way: what goes is only what was there when this run looked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moorage.commands.record_deletion import Eraser
from moorage.commands.records import KIND, HomeRecords, in_threads, put_marker, strategies_in, words_of
from moorage.errors import RegistryError
from moorage.oci.ledger import ImageRecords, Ledger
from moorage.oci.marker import marker
from moorage.oci.records import LedgerTag, RecordTag, content_key
from moorage.oci.reference import Digest, Tag

TAKEN_IN_FROM = 50  # single records: below that a ledger saves too little


@dataclass(frozen=True, slots=True)
class Alive:
    """What is still published, as far as that is known for sure. Images that are not in it are left alone.

    `contents` are keys of contents (moorage.oci.records.content_key) by image, `tags` meta tags by image.
    """

    contents: Mapping[str, frozenset[str]]
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def lacks(self, image: str | None, content: str) -> bool:
        return image is not None and content not in self.contents.get(image, {content})


@dataclass(frozen=True, slots=True)
class Tidying:
    """One home being tidied. Records younger than `young` are never touched: their publisher may still be at it."""

    records: HomeRecords
    eraser: Eraser
    alive: Alive
    names: Collection[str]  # of images that are known
    now: datetime
    young: timedelta

    def tidy(self) -> tuple[str, ...]:
        """Do it; returns what went wrong, one sentence each. A record too many costs nothing but room."""
        notes = [*self._write_ledger()]
        if not notes:
            notes += self.eraser.erase([*self._single_tags(), *self.records.replaced])
        return (*notes, *self.eraser.erase([*self._werf_tags()]))

    def _settled(self, seconds: int) -> bool:
        return seconds <= (self.now - self.young).timestamp()

    def _single_tags(self) -> Iterator[Tag]:
        """Single records that say nothing any more: their content is gone, or a ledger that was here before this run has them."""
        ledger = self.records.ledger
        for tag, record in self.records.singles.items():
            image = record.image_among(self.names)
            if not self._settled(record.seconds) or image is None:
                continue
            kept = ledger.get(image)
            if self.alive.lacks(image, record.content) or (kept and kept.has(record.commit, record.content, record.seconds)):
                yield tag

    def _write_ledger(self) -> Iterator[str]:
        """A new ledger, where there is enough to take in, or something to leave out, or several of them to unite."""
        before = self.records.ledger
        active = [tag for tag in self.records.ledgers if tag not in self.records.replaced]
        images, left_out = self._living(before)
        taken_in = list(self._to_take_in(before))
        if not left_out and len(active) < 2 and len(taken_in) < TAKEN_IN_FROM:
            return
        try:
            self._take_in(images, taken_in)
            left = {name: image for name, image in images.items() if image.commits or image.tags}
            if left:
                content = Ledger(left, frozenset(_digests(active))).content()
                put_marker(self.records.home, LedgerTag(Digest.of(content)).tag, marker({KIND: "ledger"}, content))
            else:
                yield from self.eraser.erase(active)
        except RegistryError as error:
            yield f"{self.records.home.repository}: its records could not be put in order: {error.message}"

    def _living(self, before: Mapping[str, ImageRecords]) -> tuple[dict[str, ImageRecords], int]:
        """The ledger without what is gone, and how much that is."""
        found, left_out = {}, 0
        for name, image in before.items():
            kept = found[name] = ImageRecords()
            for commit, contents in image.commits.items():
                for content, seconds in contents.items():
                    if self.alive.lacks(name, content) and self._settled(seconds):
                        left_out += 1
                    else:
                        kept.add(commit, content, seconds)
            for tag, (strategy, seconds) in image.tags.items():
                if name not in self.alive.tags or tag in self.alive.tags[name] or not self._settled(seconds):
                    kept.say(tag, strategy, seconds)
        return found, left_out

    def _to_take_in(self, before: Mapping[str, ImageRecords]) -> Iterator[tuple[Tag, RecordTag, str]]:
        for tag, record in self.records.singles.items():
            image = record.image_among(self.names)
            if image is None or not self._settled(record.seconds) or self.alive.lacks(image, record.content):
                continue
            known = before.get(image)
            if known is None or not known.has(record.commit, record.content, record.seconds):
                yield tag, record, image

    def _take_in(self, images: dict[str, ImageRecords], singles: list[tuple[Tag, RecordTag, str]]) -> None:
        words = in_threads(lambda single: words_of(self.records.home, single[0]), singles, self.eraser.parallel)
        for (_, record, name), said in zip(singles, words, strict=True):
            image = images.setdefault(name, ImageRecords())
            image.add(record.commit, record.content, record.seconds)
            for tag, strategy in strategies_in(said).items():
                image.say(tag, strategy, record.seconds)

    def _werf_tags(self) -> Iterator[Tag]:
        """Werf's records of contents that are gone. Two that werf wrote in the same second share a digest: both have to be."""
        staying: set[Digest] = set()
        going: dict[Tag, Digest] = {}
        for record in self.records.werf:
            image = next((name for name in self.names if record.is_of(name)), None)
            gone = self.alive.lacks(image, content_key(record.signature))
            if gone and record.created is not None and self._settled(int(record.created.timestamp())):
                going[record.tag] = record.digest
            else:
                staying.add(record.digest)
        return (tag for tag, digest in going.items() if digest not in staying)


def _digests(ledgers: Iterable[Tag]) -> Iterator[Digest]:
    for tag in ledgers:
        named = LedgerTag.parse(tag)
        if named is not None:
            yield named.digest
