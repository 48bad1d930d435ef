"""What GitLab and its registry answer, as values, parsed once.

Fields by GitLab's lib/api/entities/container_registry, its GraphQL types, and the registry's docs/spec/gitlab/api.md, all seen
2026-11.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from moorage.errors import Contradiction
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListedTag:
    """One tag of a listing that says more than names.

    `media_type` is the manifest's, empty where it was not said; `config` the digest of its config, None where it has none or it
    was not said; `size` in bytes; `published` when the tag last got its manifest; `referrers` have this manifest as `subject`.
    """

    name: Tag
    digest: Digest
    media_type: str
    config: Digest | None
    size: int | None
    published: datetime | None
    referrers: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a GraphQL connection. `cursor` leads to the next one, None on the last."""

    tags: tuple[ListedTag, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A registry repository as the API knows it. `status` tells of a deletion under way, `made` when it was first pushed to."""

    id: int
    project: int
    path: str
    status: str
    made: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnToken:
    """What an access token may be told about itself."""

    name: str
    scopes: tuple[str, ...]
    expires: str


def registry_tags(document: object, place: str) -> list[ListedTag]:
    """One page of the registry's own list of tags. Raises Contradiction for what can be none; `place` names it."""
    return [_parsed(_registry_tag, entry, place) for entry in _list(document, place)]


def graphql_page(document: object, place: str) -> Page | None:
    """One page of `containerRepository.tags`; None where the repository is not there, or must not be seen."""

    def parse(data: Mapping[str, Any]) -> Page | None:
        if data["containerRepository"] is None:
            return None
        connection = data["containerRepository"]["tags"]
        more = connection["pageInfo"]
        cursor = str(more["endCursor"]) if more["hasNextPage"] else None
        return Page(tuple(_graphql_tag(node) for node in connection["nodes"]), cursor)

    return _parsed(parse, document, place)


def graphql_fields(document: object, place: str) -> frozenset[str]:
    """The fields of the type that was asked about; none for a type that this GitLab does not have."""

    def parse(data: Mapping[str, Any]) -> frozenset[str]:
        kind = data["__type"]
        return frozenset(str(field["name"]) for field in kind["fields"]) if kind else frozenset()

    return _parsed(parse, document, place)


def repositories(document: object, place: str) -> list[Found]:
    """One page of registry repositories."""
    return [repository(entry, place) for entry in _list(document, place)]


def repository(document: object, place: str) -> Found:
    """One registry repository."""

    def parse(fields: Mapping[str, Any]) -> Found:
        return Found(
            id=int(fields["id"]),
            project=int(fields["project_id"]),
            path=str(fields["path"]),
            status=str(fields.get("status") or ""),
            made=parse_time(fields.get("created_at")),
        )

    return _parsed(parse, document, place)


def own_token(document: object, place: str) -> OwnToken:
    """The answer of `personal_access_tokens/self`."""

    def parse(fields: Mapping[str, Any]) -> OwnToken:
        return OwnToken(str(fields["name"]), tuple(map(str, fields["scopes"])), str(fields.get("expires_at") or ""))

    return _parsed(parse, document, place)


def _registry_tag(fields: Mapping[str, Any]) -> ListedTag:
    dates = [parse_time(fields.get(name)) for name in ("published_at", "updated_at", "created_at")]
    return ListedTag(
        name=Tag(fields["name"]),
        digest=Digest(fields["digest"]),
        media_type=str(fields.get("media_type") or ""),
        config=Digest(fields["config_digest"]) if fields.get("config_digest") else None,
        size=_size(fields.get("size_bytes")),
        published=max((date for date in dates if date), default=None),
        referrers=_referrers(fields),
    )


def _graphql_tag(fields: Mapping[str, Any]) -> ListedTag:
    """`createdAt` is no substitute for `publishedAt`: the tag may have moved since."""
    revision = fields.get("revision")
    return ListedTag(
        name=Tag(fields["name"]),
        digest=Digest(fields["digest"]),
        media_type=str(fields["mediaType"] or ""),
        config=Digest(f"sha256:{revision}") if revision else None,
        size=_size(fields.get("totalSize")),
        published=parse_time(fields["publishedAt"]),
        referrers=_referrers(fields),
    )


def _referrers(fields: Mapping[str, Any]) -> tuple[Digest, ...]:
    return tuple(Digest(entry["digest"]) for entry in fields.get("referrers") or ())


def _size(found: object) -> int | None:
    """GraphQL writes large integers as texts."""
    text = str(found)
    return int(text) if text.isascii() and text.isdigit() else None


def _list(document: object, place: str) -> list[object]:
    if not isinstance(document, list):
        raise Contradiction(f"{place} answered with no list")
    return document


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with what cannot be: {type(error).__name__}: {error}") from None
