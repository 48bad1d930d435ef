"""ACR's JSON as values, parsed once. The fields stand in its API description (2021-07-01, azure-rest-api-specs, seen 2026-11)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from moorage.errors import Contradiction
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")
_NOBODYS: frozenset[str] = frozenset({"", "unknown"})


@dataclass(frozen=True, slots=True)
class Attributes:
    """What may be done with a repository, manifest or tag. Without writing there is no deleting either (Azure/acr-cli#134)."""

    deletable: bool = True
    writable: bool = True

    @property
    def lock(self) -> str:
        """Which attribute keeps it, or empty."""
        return "" if self.deletable and self.writable else "deleteEnabled" if not self.deletable else "writeEnabled"


@dataclass(frozen=True, slots=True)
class TagRecord:
    name: Tag
    digest: Digest
    updated: datetime | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """`runs`: it names an operating system. `size` is in bytes, without the parts of an index. `updated` or made."""

    digest: Digest
    media_type: str
    config_media_type: str
    runs: bool
    size: int | None
    updated: datetime | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """`updated` is when it was made or changed last."""

    manifests: int | None
    tags: int | None
    updated: datetime | None
    attributes: Attributes


def tags(document: object, place: str) -> list[TagRecord]:
    """The tags of one page. Raises Contradiction for what can be no page of them; `place` names it in the message."""
    return [_parsed(_tag, entry, place) for entry in _entries(document, "tags", place)]


def tag(document: object, place: str) -> TagRecord:
    """A single tag's attributes."""
    return _parsed(lambda fields: _tag(fields["tag"]), document, place)


def manifests(document: object, place: str) -> list[ManifestRecord]:
    """The manifests of one page. Their `tags` are passed over: of many tags on one digest some are missing (azure-cli#7438)."""
    return [_parsed(_manifest, entry, place) for entry in _entries(document, "manifests", place)]


def manifest(document: object, place: str) -> ManifestRecord:
    """A single manifest's attributes."""
    return _parsed(lambda fields: _manifest(fields["manifest"]), document, place)


def repository(document: object, place: str) -> RepositoryRecord:
    """A single repository's attributes."""
    return _parsed(_repository, document, place)


def repository_names(document: object, place: str) -> list[str]:
    return [name for name in _entries(document, "repositories", place) if isinstance(name, str)]


def _entries(document: object, key: str, place: str) -> Sequence[object]:
    fields = document if isinstance(document, dict) else {}
    found = fields.get(key, ...)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Contradiction(f"{place} answered without a list of {key}")
    return found


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _tag(fields: Mapping[str, Any]) -> TagRecord:
    return TagRecord(Tag(fields["name"]), Digest(fields["digest"]), _moment(fields), _attributes(fields))


def _manifest(fields: Mapping[str, Any]) -> ManifestRecord:
    return ManifestRecord(
        digest=Digest(fields["digest"]),
        media_type=str(fields.get("mediaType") or ""),
        config_media_type=str(fields.get("configMediaType") or ""),
        runs=str(fields.get("os") or "") not in _NOBODYS,
        size=_number(fields.get("imageSize")),
        updated=_moment(fields),
        attributes=_attributes(fields),
    )


def _repository(fields: Mapping[str, Any]) -> RepositoryRecord:
    counts = (_number(fields.get("manifestCount")), _number(fields.get("tagCount")))
    return RepositoryRecord(*counts, _moment(fields), _attributes(fields))


def _attributes(fields: Mapping[str, Any]) -> Attributes:
    found = fields.get("changeableAttributes") or {}
    return Attributes(found.get("deleteEnabled") is not False, found.get("writeEnabled") is not False)


def _moment(fields: Mapping[str, Any]) -> datetime | None:
    """Go's zero time (year 1) stands where there is no date."""
    for name in ("lastUpdateTime", "createdTime"):
        moment = parse_time(fields.get(name))
        if moment is not None and moment.year > 1:
            return moment
    return None


def _number(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
