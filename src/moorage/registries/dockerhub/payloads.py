"""Docker Hub's JSON as values, parsed once.

The fields stand in its API description (docs.docker.com/reference/api/hub, seen 2026-11), but for `digest`, `media_type` and what
`images` holds, which its answers have and the description lacks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from moorage.auth.secret import Secret
from moorage.errors import Contradiction
from moorage.oci import media_type
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")
_NOBODYS: frozenset[str] = frozenset({"", "unknown"})  # the system of what runs nowhere, such as attestations


@dataclass(frozen=True, slots=True)
class Image:
    """One image behind a tag. `size` is in bytes, compressed."""

    digest: Digest | None
    runs: bool  # it names an operating system
    size: int | None
    pushed: datetime | None


@dataclass(frozen=True, slots=True)
class TagRecord:
    """One tag. `media_type` is the manifest's, or an image config's; both are seen. `size` is in bytes, compressed."""

    name: Tag
    digest: Digest | None
    media_type: str
    size: int | None
    pushed: datetime | None
    images: tuple[Image, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether the listing leaves no doubt that this is a single image, so that its manifest need not be read."""
        if self.media_type in media_type.INDEXES or len(self.images) != 1:
            return False
        (only,) = self.images
        return only.runs and only.digest in {None, self.digest}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing of `count` things. `following` is the address of the next, None on the last."""

    items: tuple[T, ...]
    count: int
    following: str | None


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """`immutable` are RE2 rules for tags that can be neither moved nor deleted. `size` is in bytes, None where nobody says.

    `changed` is when it was made or pushed to last.
    """

    immutable: tuple[str, ...]
    size: int | None
    changed: datetime | None


def tags(document: object, place: str) -> Page[TagRecord]:
    """One page of tags. Raises Contradiction for what can be no page of them; `place` names it in the message."""
    return _page(document, _tag, place)


def repository_names(document: object, place: str) -> Page[str]:
    """One page of a namespace's repositories, by their last segment."""
    return _page(document, lambda fields: str(fields["name"]), place)


def repository(document: object, place: str) -> RepositoryInfo:
    return _parsed(_repository, document, place)


def access_token(document: object, place: str) -> Secret:
    token = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise Contradiction(f"{place} answered without a token")
    return Secret(token)


def _page(document: object, parse: Callable[[Any], T], place: str) -> Page[T]:
    fields = document if isinstance(document, dict) else {}
    results = fields.get("results")
    if not isinstance(results, list):
        raise Contradiction(f"{place} answered without results")
    following = fields.get("next")
    if following is not None and not isinstance(following, str):
        raise Contradiction(f"{place} names a next page that is no address")
    items = tuple(_parsed(parse, entry, place) for entry in results)
    return Page(items, _size(fields.get("count")) or len(items), following or None)


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _tag(fields: Mapping[str, Any]) -> TagRecord:
    return TagRecord(
        name=Tag(fields["name"]),
        digest=_digest(fields.get("digest")),
        media_type=str(fields.get("media_type") or ""),
        size=_size(fields.get("full_size")),
        pushed=parse_time(fields.get("tag_last_pushed")) or parse_time(fields.get("last_updated")),
        images=tuple(_image(entry) for entry in fields.get("images") or ()),
    )


def _image(fields: Mapping[str, Any]) -> Image:
    return Image(
        digest=_digest(fields.get("digest")),
        runs=str(fields.get("os") or "") not in _NOBODYS,
        size=_size(fields.get("size")),
        pushed=parse_time(fields.get("last_pushed")),
    )


def _repository(fields: Mapping[str, Any]) -> RepositoryInfo:
    settings = fields.get("immutable_tags_settings") or {}
    rules = settings.get("rules") or () if settings.get("enabled") is True else ()
    dates = [parse_time(fields.get(name)) for name in ("last_updated", "date_registered")]
    changed = max((date for date in dates if date), default=None)
    return RepositoryInfo(tuple(str(rule) for rule in rules), _size(fields.get("storage_size")), changed)


def _digest(found: object) -> Digest | None:
    return Digest(found) if isinstance(found, str) and found else None


def _size(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
