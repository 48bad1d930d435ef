"""Artifactory's JSON as values, parsed once: by jfrog.com/help ("Artifactory Query Language", "Get Repositories", 2026-11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from moorage.errors import Contradiction
from moorage.oci import media_type
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

IMAGE_FILE: Final = "manifest.json"
INDEX_FILE: Final = "list.manifest.json"
_DIGEST: Final = "docker.manifest.digest"
_TYPE: Final = "docker.manifest.type"


@dataclass(frozen=True, slots=True)
class Folder:
    """A manifest under one of its names: a tag, or its digest for what was pushed so. `digest` is None where nothing says it.

    `date` is when the manifest under this name was last replaced. `media_type` is empty where Artifactory does not say.
    """

    name: Tag | Digest
    digest: Digest | None
    media_type: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One repository of Artifactory; `type` is LOCAL, REMOTE, VIRTUAL or FEDERATED."""

    key: str
    type: str
    package_type: str


def folders(document: object, place: str, image: str) -> list[Folder]:
    """What a query for manifests found of this image; those of images whose names begin alike are left out.

    Raises Contradiction for what can be no answer; `place` names the query in the message.
    """
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list):
        raise Contradiction(f"{place} answered without results")
    try:
        rows = [(str(entry["path"]).rpartition("/"), entry) for entry in results]
        return [_folder(name, entry) for (parent, _, name), entry in rows if parent == image]
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with an item that cannot be: {type(error).__name__}: {error}") from None


def names(document: object, key: str, place: str) -> list[str]:
    """The names in a listing of Artifactory's Docker API. Raises Contradiction where there is none."""
    fields = document if isinstance(document, dict) else {}
    found = fields.get(key, ...)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Contradiction(f"{place} answered without a list of {key}")
    return [name for name in found if isinstance(name, str)]


def tags(listed: list[str], place: str) -> list[Tag]:
    """The tags in a listing. Raises Contradiction for what can be none: its digest could not be asked for."""
    try:
        return [Tag(name) for name in listed if ":" not in name]
    except BadReference:
        raise Contradiction(f"{place} lists a tag that can be none") from None


def kinds(document: object, place: str) -> dict[str, Kind]:
    """The repositories that may be seen, by their keys. Raises Contradiction for no list."""
    if not isinstance(document, list):
        raise Contradiction(f"{place} answered with no list")
    found = [entry for entry in document if isinstance(entry, dict) and isinstance(entry.get("key"), str)]
    return {
        entry["key"]: Kind(entry["key"], str(entry.get("type") or "").upper(), str(entry.get("packageType") or "").lower())
        for entry in found
    }


def version(document: object) -> str:
    """Artifactory's own, empty where it does not say."""
    found = document.get("version") if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


def _folder(name: str, fields: Mapping[str, Any]) -> Folder:
    properties = {entry["key"]: entry.get("value") for entry in fields.get("properties") or ()}
    called = Digest(name) if ":" in name else Tag(name)
    said = properties.get(_DIGEST) or (f"sha256:{fields['sha256']}" if fields.get("sha256") else None)
    kind = str(properties.get(_TYPE) or "")
    if fields["name"] == INDEX_FILE and kind not in media_type.INDEXES:
        kind = media_type.DOCKER_LIST  # whatever it is: its bytes will say
    return Folder(
        name=called,
        digest=called if isinstance(called, Digest) else Digest(str(said)) if said else None,
        media_type=kind,
        date=parse_time(fields.get("modified")) or parse_time(fields.get("created")),
    )
