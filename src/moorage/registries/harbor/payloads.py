"""Harbor's JSON as values, parsed once. The fields stand in its API description (goharbor/harbor, api/v2.0, seen 2026-11)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from moorage.errors import Contradiction
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Child:
    """What an index refers to. `is_image` where the descriptor names a platform, which only images have."""

    digest: Digest
    is_image: bool


@dataclass(frozen=True, slots=True)
class Accessory:
    """A signature, SBOM or other artifact that belongs to another one. Listings hide it. `size` is in bytes."""

    digest: Digest
    kind: str
    size: int | None
    created: datetime | None


@dataclass(frozen=True, slots=True)
class TagRecord:
    """`immutable`: an immutability rule of the project covers it."""

    name: Tag
    pushed: datetime | None
    immutable: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """One manifest of a listing. `labels` are those of the image config, None where Harbor does not say. `size` is in bytes."""

    digest: Digest
    media_type: str
    size: int | None
    pushed: datetime | None
    tags: tuple[TagRecord, ...] = ()
    children: tuple[Child, ...] = ()
    accessories: tuple[Accessory, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What Harbor says of itself; to strangers it says little (`read_only` None)."""

    version: str
    read_only: bool | None


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that the asker may do in a project, such as `artifact` and `delete`."""

    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.resource}:{self.action}"


def artifacts(document: object, place: str) -> list[Artifact]:
    """The artifacts of one page. Raises Contradiction for what can be no page of them; `place` names it in the message."""
    return [_parsed(_artifact, entry, place) for entry in _list(document, place)]


def repository_names(document: object, place: str) -> list[str]:
    """`PROJECT/NAME` of each repository of one page."""
    return [_parsed(lambda fields: str(fields["name"]), entry, place) for entry in _list(document, place)]


def repository_date(document: object, place: str) -> datetime | None:
    """When a repository was made or changed last."""
    dates = _parsed(lambda fields: [_moment(fields.get(name)) for name in ("creation_time", "update_time")], document, place)
    return max((date for date in dates if date), default=None)


def permissions(document: object, place: str) -> frozenset[Permission]:
    """What the asker may do."""
    return frozenset(
        _parsed(lambda fields: Permission(str(fields["resource"]), str(fields["action"])), entry, place)
        for entry in _list(document, place)
    )


def system_info(document: object) -> SystemInfo:
    """Nothing in it is obligatory."""
    fields = document if isinstance(document, dict) else {}
    read_only = fields.get("read_only")
    return SystemInfo(str(fields.get("harbor_version") or ""), read_only if isinstance(read_only, bool) else None)


def project_id(document: object, place: str) -> int:
    """The number of the project that an artifact or repository lies in."""
    return _parsed(lambda fields: int(fields["project_id"]), document, place)


def _list(document: object, place: str) -> list[object]:
    if document is None:
        return []  # Go writes an empty slice that nobody made as null
    if not isinstance(document, list):
        raise Contradiction(f"{place} answered with no list")
    return document


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _artifact(fields: Mapping[str, Any]) -> Artifact:
    return Artifact(
        digest=Digest(fields["digest"]),
        media_type=str(fields.get("manifest_media_type") or ""),
        size=_size(fields.get("size")),
        pushed=_moment(fields.get("push_time")),
        tags=tuple(_tag(entry) for entry in fields.get("tags") or ()),
        children=tuple(_child(entry) for entry in fields.get("references") or ()),
        accessories=tuple(_accessory(entry) for entry in fields.get("accessories") or ()),
        annotations=_texts(fields.get("annotations")),
        labels=_labels(fields.get("extra_attrs")),
    )


def _tag(fields: Mapping[str, Any]) -> TagRecord:
    return TagRecord(Tag(fields["name"]), _moment(fields.get("push_time")), immutable=fields.get("immutable") is True)


def _child(fields: Mapping[str, Any]) -> Child:
    platform = fields.get("platform") or {}
    return Child(Digest(fields["child_digest"]), is_image=bool(platform.get("os")))


def _accessory(fields: Mapping[str, Any]) -> Accessory:
    kind = str(fields.get("type") or "")
    return Accessory(Digest(fields["digest"]), kind, _size(fields.get("size")), _moment(fields.get("creation_time")))


def _labels(attributes: object) -> Mapping[str, str] | None:
    """Harbor keeps an image's config in `extra_attrs.config`; an index and other artifacts have none."""
    config = attributes.get("config") if isinstance(attributes, dict) else None
    return _texts(config.get("Labels")) if isinstance(config, dict) else None


def _texts(found: object) -> Mapping[str, str]:
    return {key: text for key, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _size(found: object) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _moment(found: object) -> datetime | None:
    """Go's zero time (year 1) stands where Harbor has no date."""
    moment = parse_time(found)
    return moment if moment is not None and moment.year > 1 else None
