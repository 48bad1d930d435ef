"""Records: what a project wrote down in its registry about what it published, as the names of tags that stand for no image.

    moorage-record.COMMIT.CONTENT.SECONDS.MARK.IMAGE   this content of this image was published at this commit, at this time
    moorage-ledger.SHA256                              many such records in one file, which this is the digest of
    moorage-image.IMAGE                                the project has, or had, an image of this name

Reading them costs the listing of tags and no more, because everything that a decision rests on stands in the name: COMMIT has 40
or 64 hexadecimal digits, CONTENT is the start of the content's digest, SECONDS are those since 1970, in hexadecimal. MARK tells
apart what was published in the same second under different tags. So a publish adds a tag that nobody else writes, and moves
none, and publishers need no lock. Records that werf 1.1 wrote are known too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from moorage.oci import werf_tag
from moorage.oci.inventory import Inventory
from moorage.oci.naming import NAMELESS
from moorage.oci.reference import TAG_LIMIT, Digest, Tag

RECORD_PREFIX: Final = "moorage-record."
LEDGER_PREFIX: Final = "moorage-ledger."
IMAGE_PREFIX: Final = "moorage-image."
CONTENT_DIGITS: Final = 16  # 64 bits: enough to tell all contents of an image apart, short enough to leave room for the name
_TIME_DIGITS: Final = 8  # until the year 2106
_MARK_DIGITS: Final = 6
_RECORD = re.compile(
    rf"moorage-record\.(?P<commit>[0-9a-f]{{40}}|[0-9a-f]{{64}})\.(?P<content>[0-9a-f]{{{CONTENT_DIGITS}}})"
    rf"\.(?P<seconds>[0-9a-f]{{{_TIME_DIGITS}}})\.(?P<mark>[0-9a-f]{{{_MARK_DIGITS}}})\.(?P<image>[A-Za-z0-9_.-]+)",
    re.ASCII,
)
_LEDGER = re.compile(r"moorage-ledger\.(?P<hex>[0-9a-f]{64})", re.ASCII)
_IMAGE = re.compile(r"moorage-image\.(?P<image>[A-Za-z0-9_.-]+)", re.ASCII)
_HEXADECIMAL = re.compile(rf"(?:sha256:)?([0-9a-f]{{{CONTENT_DIGITS}}})[0-9a-f]*", re.ASCII)
_WERF_CLIENT = re.compile(r"client-id-.+-[0-9]+", re.ASCII)
_WERF_COMMIT = re.compile(r"image-metadata-by-commit-.+-(?:[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII)
_NAMELESS: Final = "-"  # no tag and no path component starts with a dash, so no image is called so
_HASH_DIGITS: Final = 12
_SHORTENED: Final = re.compile(rf"-.*-[0-9a-f]{{{_HASH_DIGITS}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RecordTag:
    """A single record. `image` is as it stands in the tag, see `image_field`; `content` as `content_key` makes it."""

    commit: str
    content: str
    seconds: int
    mark: str
    image: str

    @classmethod
    def of(cls, image: str, commit: str, content: str, seconds: int, words: str = "") -> "RecordTag":
        """`words` are what else the record says. Raises ValueError for what is no full commit hash."""
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit, re.ASCII):
            raise ValueError(f"{commit!r} is no full commit hash")
        mark = sha256(words.encode()).hexdigest()[:_MARK_DIGITS]
        return cls(commit, content_key(content), seconds, mark, image_field(image, _room(commit)))

    @classmethod
    def parse(cls, tag: Tag) -> "RecordTag | None":
        found = _RECORD.fullmatch(tag.text)
        if not found:
            return None
        return cls(found["commit"], found["content"], int(found["seconds"], 16), found["mark"], found["image"])

    @property
    def tag(self) -> Tag:
        return Tag(f"{RECORD_PREFIX}{self.commit}.{self.content}.{self.seconds:0{_TIME_DIGITS}x}.{self.mark}.{self.image}")

    def image_among(self, names: Iterable[str]) -> str | None:
        """The image's name: what the tag says, or the one of `names` that it is short for; None where it is short for none."""
        plain = image_of_field(self.image)
        if plain is not None:
            return plain
        return next((name for name in names if image_field(name, _room(self.commit)) == self.image), None)


@dataclass(frozen=True, slots=True)
class LedgerTag:
    """A ledger, named after the digest of its bytes."""

    digest: Digest

    @classmethod
    def parse(cls, tag: Tag) -> "LedgerTag | None":
        found = _LEDGER.fullmatch(tag.text)
        return cls(Digest(f"sha256:{found['hex']}")) if found else None

    @property
    def tag(self) -> Tag:
        return Tag(f"{LEDGER_PREFIX}{self.digest.hex}")


def image_tag(image: str) -> Tag:
    """The tag that records the name of an image."""
    return Tag(IMAGE_PREFIX + image_field(image, TAG_LIMIT - len(IMAGE_PREFIX)))


def recorded_image_field(tag: Tag) -> str | None:
    """The field of a tag that records an image's name, for `image_of_field`; None for a tag of another kind."""
    found = _IMAGE.fullmatch(tag.text)
    return found["image"] if found else None


def is_record(tag: Tag) -> bool:
    """Whether a tag is a record of any kind, ours or werf's, and so no image."""
    text = tag.text
    return bool(
        (text.startswith("moorage-") and (_RECORD.fullmatch(text) or _LEDGER.fullmatch(text) or _IMAGE.fullmatch(text)))
        or text.startswith(werf_tag.MANAGED_PREFIX)
        or (text.startswith(werf_tag.COMMIT_PREFIX) and _WERF_COMMIT.fullmatch(text))
        or (text.startswith("client-id-") and _WERF_CLIENT.fullmatch(text))
    )


def without_records(inventory: Inventory) -> Inventory:
    """The same without records: they are in `records`, and what only they point at is not among the manifests."""
    found = {tag for tag in (*inventory.tags, *inventory.unresolved, *inventory.dangling) if is_record(tag)}
    if not found:
        return inventory
    tags = {tag: digest for tag, digest in inventory.tags.items() if tag not in found}
    behind = {inventory.tags[tag] for tag in found if tag in inventory.tags} - set(tags.values())
    needed = {child for digest, stored in inventory.manifests.items() if digest not in behind for child in stored.children}
    gone = behind - needed
    return replace(
        inventory,
        tags=tags,
        manifests={digest: stored for digest, stored in inventory.manifests.items() if digest not in gone},
        unreadable={digest: why for digest, why in inventory.unreadable.items() if digest not in gone},
        unresolved={tag: why for tag, why in inventory.unresolved.items() if tag not in found},
        dangling={tag: why for tag, why in inventory.dangling.items() if tag not in found},
        locked_tags={tag: why for tag, why in inventory.locked_tags.items() if tag not in found},
        tag_dates={tag: date for tag, date in inventory.tag_dates.items() if tag not in found},
        records=inventory.records | found,
    )


def content_key(content: str) -> str:
    """The start of a content's identity, as records have it: of a digest or signature its first digits, else of a hash of it."""
    found = _HEXADECIMAL.fullmatch(content)
    return found[1] if found else sha256(content.encode()).hexdigest()[:CONTENT_DIGITS]


def image_field(image: str, room: int) -> str:
    """An image's name in the letters of a tag. `_` stands for itself doubled, `/` is `_-`; a name beyond `room` is shortened.

    A shortened one starts with a dash, as no name does, and ends in a hash of the whole.
    """
    if image == NAMELESS:
        return _NAMELESS
    field = image.replace("_", "__").replace("/", "_-")
    if len(field) <= room:
        return field
    digits = sha256(image.encode()).hexdigest()[:_HASH_DIGITS]
    return f"-{field[: max(room - len(digits) - 2, 0)]}-{digits}"


def image_of_field(field: str) -> str | None:
    """The image's name; None where the field is short for a longer one."""
    if field == _NAMELESS:
        return NAMELESS
    if _SHORTENED.fullmatch(field):
        return None
    return re.sub("_([_-])", lambda found: "/" if found[1] == "-" else "_", field)


def _room(commit: str) -> int:
    """Characters that a record of this commit has for the image's name: 39, or 15 where git uses SHA-256."""
    return TAG_LIMIT - len(RECORD_PREFIX) - len(commit) - CONTENT_DIGITS - _TIME_DIGITS - _MARK_DIGITS - 4
