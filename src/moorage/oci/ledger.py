"""A ledger: many records in one file, so that years of publishing cost a few requests to read.

    {"schema": "moorage.ledger/1", "replaces": [SHA256, ...],
     "images": {NAME: {"records": [[COMMIT, CONTENT, SECONDS], ...], "tags": {META_TAG: [STRATEGY, SECONDS], ...}}}}

as gzip. A ledger is written whole, next to the single records and older ledgers that it takes in, and never changed. Those are
deleted by a later run, which has seen the new one in the registry's own listing; so whatever happens in between, the union of
all that is there is the truth. `replaces` are the ledgers that it stands for: they count no more, even while they are there.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moorage.oci.reference import DIGEST, Digest

SCHEMA: Final = "moorage.ledger/1"
SIZE_LIMIT: Final = 256 * 1024 * 1024  # bytes, unpacked; a million records have 80 MB

Commit = str
ContentKey = str
Seconds = int
Recorded = dict[Commit, dict[ContentKey, Seconds]]
"""Per commit the contents that were published there, each with the last time that happened."""


class BadLedger(ValueError):
    """Bytes that are no ledger; the message reads after its name."""


@dataclass(slots=True)
class ImageRecords:
    """What is recorded of one image. `tags` are meta tags with the strategy that made them, and when that was last said."""

    commits: Recorded = field(default_factory=dict)
    tags: dict[str, tuple[str, Seconds]] = field(default_factory=dict)

    def add(self, commit: Commit, content: ContentKey, seconds: Seconds) -> None:
        contents = self.commits.setdefault(commit, {})
        contents[content] = max(seconds, contents.get(content, seconds))

    def say(self, meta_tag: str, strategy: str, seconds: Seconds) -> None:
        """The latest word on a tag counts."""
        if meta_tag not in self.tags or self.tags[meta_tag][1] <= seconds:
            self.tags[meta_tag] = (strategy, seconds)

    def take_in(self, other: "ImageRecords") -> None:
        for commit, contents in other.commits.items():
            for content, seconds in contents.items():
                self.add(commit, content, seconds)
        for meta_tag, (strategy, seconds) in other.tags.items():
            self.say(meta_tag, strategy, seconds)

    def last(self, content: ContentKey) -> Seconds | None:
        """When it was last published, at whatever commit; None where nothing says."""
        return max((contents[content] for contents in self.commits.values() if content in contents), default=None)

    def has(self, commit: Commit, content: ContentKey, seconds: Seconds) -> bool:
        """Whether this very publish, or a later one of the same, is recorded."""
        return self.commits.get(commit, {}).get(content, -1) >= seconds


@dataclass(frozen=True, slots=True)
class Ledger:
    """`images` by name; `replaces` are digests of older ledgers."""

    images: Mapping[str, ImageRecords]
    replaces: frozenset[Digest] = frozenset()

    def __len__(self) -> int:
        return sum(len(contents) for image in self.images.values() for contents in image.commits.values())

    def content(self) -> bytes:
        """The bytes, the same for the same records in whatever order they came."""
        images = {
            name: {
                "records": sorted([commit, key, when] for commit, keys in image.commits.items() for key, when in keys.items()),
                "tags": {tag: list(said) for tag, said in sorted(image.tags.items())},
            }
            for name, image in sorted(self.images.items())
        }
        document = {"schema": SCHEMA, "replaces": sorted(digest.text for digest in self.replaces), "images": images}
        return gzip.compress(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)


def parse_ledger(content: bytes) -> Ledger:
    """Raises BadLedger for anything else than `Ledger.content` makes: half a ledger would cost images."""
    try:
        unpacked = _unpacked(content)
        document = json.loads(unpacked)
        if document["schema"] != SCHEMA:
            raise BadLedger(f"has the schema {document['schema']!r}, which this version of Moorage does not know")
        images = {str(name): _image(entry) for name, entry in document["images"].items()}
        return Ledger(images, frozenset(Digest(text) for text in document["replaces"] if DIGEST.fullmatch(text)))
    except (zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadLedger):
            raise
        raise BadLedger(f"is no ledger ({type(error).__name__})") from None


def united(ledgers: Iterable[Ledger]) -> dict[str, ImageRecords]:
    """What several ledgers say together, as new values."""
    found: dict[str, ImageRecords] = {}
    for ledger in ledgers:
        for name, image in ledger.images.items():
            found.setdefault(name, ImageRecords()).take_in(image)
    return found


def _unpacked(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)  # gzip
    unpacked = unpacker.decompress(content, SIZE_LIMIT)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise BadLedger("is damaged or larger than any ledger")
    return unpacked


def _image(entry: Any) -> ImageRecords:
    image = ImageRecords()
    for commit, key, when in entry["records"]:
        image.add(str(commit), str(key), int(when))
    for tag, (strategy, when) in entry["tags"].items():
        image.say(str(tag), str(strategy), int(when))
    return image
