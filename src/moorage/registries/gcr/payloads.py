"""Google's list of tags as values: beside the names, all manifests of a repository with their tags, times, sizes and media types.

The fields are those that go-containerregistry reads (pkg/v1/google/list.go, seen 2026-11); Google describes them nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moorage.errors import Contradiction
from moorage.oci.reference import BadReference, Digest, Tag


@dataclass(frozen=True, slots=True)
class Listed:
    """One manifest of a repository. `uploaded` is when it was pushed; `size` are bytes, as Google counts them."""

    digest: Digest
    media_type: str
    tags: tuple[Tag, ...] = ()
    uploaded: datetime | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: `manifests` is None where the server does not speak Google's extension. `children` are repositories below."""

    tags: tuple[Tag, ...]
    manifests: tuple[Listed, ...] | None
    children: tuple[str, ...] = ()


def listing(document: object, place: str) -> Listing:
    """Raises Contradiction for what can be no list of tags; `place` names it in the message."""
    fields = document if isinstance(document, dict) else None
    if fields is None or not isinstance(fields.get("tags") or [], list):
        raise Contradiction(f"{place} answered without a list of tags")
    manifests = fields.get("manifest")
    try:
        return Listing(
            tuple(Tag(name) for name in fields.get("tags") or ()),
            tuple(_listed(digest, entry) for digest, entry in manifests.items()) if isinstance(manifests, dict) else None,
            tuple(str(name) for name in fields.get("child") or ()),
        )
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _listed(digest: str, fields: Mapping[str, Any]) -> Listed:
    return Listed(
        Digest(digest),
        str(fields.get("mediaType") or ""),
        tuple(Tag(name) for name in fields.get("tag") or ()),
        _moment(fields.get("timeUploadedMs")),
        _number(fields.get("imageSizeBytes")) or None,
    )


def _number(found: object) -> int | None:
    """gcr.io writes numbers as strings, pkg.dev some of them as numbers."""
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _moment(milliseconds: object) -> datetime | None:
    number = _number(milliseconds)
    try:
        return datetime.fromtimestamp(number / 1000, UTC) if number else None
    except (OverflowError, OSError, ValueError):
        return None
