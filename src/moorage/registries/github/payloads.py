"""GitHub's JSON as values, parsed once. The fields stand in its API description (github/rest-api-description, seen 2026-11)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from moorage.errors import Contradiction
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

T = TypeVar("T")

# GitHub Packages began in 2019: what claims to be older has no date.
_FIRST_YEAR: Final = 2019
BASE_LAYER: Final = "docker-base-layer"  # a technical version of every package of the old Docker registry, no image


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a package.

    In the container registry it is a manifest with all its tags; in the old Docker registry (`digest` None) it is one tag.
    `id` is GitHub's number or node id. `changed` is when it was pushed or tagged last.
    """

    id: str
    tags: tuple[Tag, ...]
    digest: Digest | None = None
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """One package of an account. `repository` is the name of the repository it belongs to, empty for none."""

    name: str
    repository: str = ""
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a GraphQL listing; `after` is the cursor of the next, None on the last page."""

    versions: tuple[Version, ...] = ()
    packages: tuple[PackageRecord, ...] = ()
    after: str | None = None


def versions(document: object, place: str) -> list[Version]:
    """One page of versions by REST. Raises Contradiction for what can be none; `place` names it in the message."""
    return [_parsed(_version, entry, place) for entry in _list(document, place) if not _is_technical(entry)]


def packages(document: object, place: str) -> list[PackageRecord]:
    """One page of an account's packages."""
    return [_parsed(_package, entry, place) for entry in _list(document, place)]


def package(document: object, place: str) -> PackageRecord:
    return _parsed(_package, document, place)


def login(document: object, place: str) -> str:
    """The name of an account, in lower case as registries have it."""
    return _parsed(lambda fields: str(fields["login"]).lower(), document, place)


def is_organization(document: object, place: str) -> bool:
    return _parsed(lambda fields: str(fields["type"]) == "Organization", document, place)


def version_page(data: Mapping[str, Any], name: str, place: str) -> Page | None:
    """One page of versions by GraphQL; None where the repository has no Docker package of this name."""

    def parse(fields: Mapping[str, Any]) -> Page | None:
        found = [node for node in fields["repository"]["packages"]["nodes"] if node["name"].lower() == name]
        if not found:
            return None
        listed = found[0]["versions"]
        nodes = tuple(_node(node) for node in listed["nodes"] if node["version"] != BASE_LAYER)
        return Page(versions=nodes, after=_after(listed["pageInfo"]))

    return _parsed(parse, data, place)


def package_page(data: Mapping[str, Any], place: str) -> Page:
    """One page of an account's Docker packages by GraphQL."""

    def parse(fields: Mapping[str, Any]) -> Page:
        listed = fields["repositoryOwner"]["packages"]
        return Page(packages=tuple(_package(node) for node in listed["nodes"]), after=_after(listed["pageInfo"]))

    return _parsed(parse, data, place)


def _list(document: object, place: str) -> list[object]:
    if not isinstance(document, list):
        raise Contradiction(f"{place} answered with no list")
    return document


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}: {error}") from None


def _is_technical(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("name") == BASE_LAYER


def _version(fields: Mapping[str, Any]) -> Version:
    """`name` is the digest, but for packages of type `docker`, whose versions are tags."""
    metadata = fields.get("metadata") or {}
    container, docker = metadata.get("container") or {}, metadata.get("docker") or {}
    tags = container.get("tags") or docker.get("tags") or docker.get("tag") or ()  # its schema says both, seen 2026-11
    name = fields["name"]
    if not isinstance(name, str):
        raise TypeError("a name is no text")
    digest = Digest(name) if name.startswith("sha256:") else None
    return Version(
        id=str(int(fields["id"])),
        tags=tuple(Tag(text) for text in tags or (() if digest else (name,))),
        digest=digest,
        changed=_newest(_moment(fields.get("created_at")), _moment(fields.get("updated_at"))),
    )


def _package(fields: Mapping[str, Any]) -> PackageRecord:
    changed = _newest(_moment(fields.get("created_at")), _moment(fields.get("updated_at")))
    return PackageRecord(str(fields["name"]), str((fields.get("repository") or {}).get("name") or ""), changed)


def _node(fields: Mapping[str, Any]) -> Version:
    files = [file for file in (fields.get("files") or {}).get("nodes") or () if file]
    return Version(
        id=str(fields["id"]),
        tags=(Tag(fields["version"]),),
        changed=_newest(*(_moment(file.get("updatedAt")) for file in files)),
    )


def _after(info: Mapping[str, Any]) -> str | None:
    return str(info["endCursor"]) if info["hasNextPage"] else None


def _newest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _moment(found: object) -> datetime | None:
    moment = parse_time(found)
    return moment if moment is not None and moment.year >= _FIRST_YEAR else None
