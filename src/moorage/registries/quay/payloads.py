"""Quay's JSON as values, parsed once. Fields are those of quay/quay, endpoints/api/tag.py and repository.py (seen 2026-11)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from moorage.errors import Contradiction
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TagRecord:
    """One live tag. `started` is when it was pushed or moved to where it points; `size` are the bytes of all layers.

    `is_index` is False where Quay says that it is none.
    """

    name: Tag
    digest: Digest
    started: datetime | None
    size: int | None
    immutable: bool
    is_index: bool


@dataclass(frozen=True, slots=True)
class TagPage:
    """One page of tags, the newest first."""

    tags: tuple[TagRecord, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """`NAMESPACE/NAME` of each repository; `following` names the next page, empty on the last."""

    paths: tuple[str, ...]
    following: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What Quay says the asker may do in a repository. A mirror or a repository that is read-only takes no writes of anybody."""

    can_write: bool
    can_admin: bool
    state: str


def tag_page(document: object, place: str) -> TagPage:
    """Raises Contradiction for what can be no page of tags; `place` names it in the message."""
    fields = _object(document, place)
    tags = tuple(_parsed(_tag, entry, place) for entry in _list(fields.get("tags"), place))
    has_more = fields.get("has_additional") is True
    if has_more and not tags:
        raise Contradiction(f"{place} answered with an empty page and promised more")
    return TagPage(tags, has_more)


def repository_page(document: object, place: str) -> RepositoryPage:
    """Raises Contradiction for what can be no page of repositories."""
    fields = _object(document, place)
    entries = _list(fields.get("repositories"), place)
    paths = tuple(_parsed(lambda entry: f"{entry['namespace']}/{entry['name']}", entry, place) for entry in entries)
    return RepositoryPage(paths, str(fields.get("next_page") or ""))


def rights(document: object, place: str) -> Rights:
    """Raises Contradiction for what can be no repository."""
    fields = _object(document, place)
    return Rights(fields.get("can_write") is True, fields.get("can_admin") is True, str(fields.get("state") or "NORMAL"))


def _tag(fields: Mapping[str, Any]) -> TagRecord:
    return TagRecord(
        Tag(fields["name"]),
        Digest(fields["manifest_digest"]),
        _moment(fields.get("start_ts")),
        _number(fields.get("size")),
        immutable=fields.get("immutable") is True,
        is_index=fields.get("is_manifest_list") is not False,
    )


def _object(document: object, place: str) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise Contradiction(f"{place} answered with no object")
    return document


def _list(found: object, place: str) -> list[object]:
    if not isinstance(found, list):
        raise Contradiction(f"{place} answered without a list")
    return found


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _number(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _moment(seconds: object) -> datetime | None:
    """Quay leaves a date out, or writes 0, where it has none."""
    number = _number(seconds)
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (OverflowError, OSError, ValueError):
        return None
