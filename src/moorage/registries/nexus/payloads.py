"""Nexus's JSON as values, parsed once: by its OpenAPI description of 3.94 and real answers in nexus-public#253 (seen 2026-11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from moorage.errors import Contradiction
from moorage.oci.manifest import parse_time
from moorage.oci.reference import BadReference, Digest, Tag

_MANIFESTS: Final = "/manifests/"


@dataclass(frozen=True, slots=True)
class Component:
    """A manifest under one of its names: a tag, or its digest. `repository` is the hosted one, also in a group's listing.

    `date` is when this name was last pushed.
    """

    id: str
    repository: str
    image: str
    reference: Tag | Digest
    digest: Digest
    media_type: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing; `token` leads to the next, None after the last."""

    components: tuple[Component, ...]
    token: str | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What Nexus says of one of its repositories: `type` is hosted, proxy or group."""

    format: str
    type: str


def page(document: object, place: str) -> Page:
    """A page of components; what is no manifest (Docker's v1 images, say) is left out.

    Raises Contradiction for what can be no page; `place` names the listing in the message.
    """
    fields = document if isinstance(document, dict) else {}
    items, token = fields.get("items"), fields.get("continuationToken")
    if not isinstance(items, list) or not (token is None or isinstance(token, str)):
        raise Contradiction(f"{place} answered with no page of components")
    try:
        found = [_component(entry) for entry in items]
    except (BadReference, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Contradiction(f"{place} answered with a component that cannot be: {type(error).__name__}: {error}") from None
    return Page(tuple(component for component in found if component), token or None)


def kind(document: object, place: str) -> Kind:
    """What a repository of Nexus is. Raises Contradiction for an answer that does not say it."""
    fields = document if isinstance(document, dict) else {}
    if not isinstance(fields.get("format"), str) or not isinstance(fields.get("type"), str):
        raise Contradiction(f"{place} answered without format and type")
    return Kind(fields["format"], fields["type"])


def members(document: object) -> tuple[str, ...]:
    """The repositories that a group is made of, as far as it says."""
    group = document.get("group") if isinstance(document, dict) else None
    names = group.get("memberNames") if isinstance(group, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def write_policy(document: object) -> str:
    """ALLOW, ALLOW_ONCE or DENY; empty where Nexus does not say."""
    storage = document.get("storage") if isinstance(document, dict) else None
    found = storage.get("writePolicy") if isinstance(storage, dict) else None
    return found if isinstance(found, str) else ""


def _component(fields: Mapping[str, Any]) -> Component | None:
    version = str(fields["version"])
    asset = next((asset for asset in fields["assets"] if str(asset["path"]).endswith(f"{_MANIFESTS}{version}")), None)
    if asset is None:
        return None
    reference = Digest(version) if ":" in version else Tag(version)
    # A digest is believed before the checksum: those of signed schema 1 leave the signature out.
    digest = reference if isinstance(reference, Digest) else Digest(f"sha256:{asset['checksum']['sha256']}")
    return Component(
        id=str(fields["id"]),
        repository=str(fields["repository"]),
        image=str(fields["name"]),
        reference=reference,
        digest=digest,
        media_type=str(asset.get("contentType") or ""),
        date=parse_time(asset.get("lastModified")) or parse_time(asset.get("blobCreated")),
    )
