"""ECR's answers as values, parsed once. The fields are those of botocore's models `ecr` and `ecr-public`, seen 2026-11."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from moorage.auth.secret import Secret
from moorage.errors import Contradiction
from moorage.oci.reference import BadReference, Digest, Tag
from moorage.transport import redact

T = TypeVar("T")

ACTIVE: Final = "ACTIVE"
NOT_THERE: Final = "ImageNotFound"
PART_OF_INDEX: Final = "ImageReferencedByManifestList"


@dataclass(frozen=True, slots=True)
class Image:
    """One manifest of a listing. `size` is in bytes. `status` is ACTIVE, ARCHIVED or ACTIVATING; what is not ACTIVE has no bytes.

    `subject` is only said by private registries. `config_media_type` tells images from artifacts.
    """

    digest: Digest
    tags: tuple[Tag, ...] = ()
    media_type: str = ""
    config_media_type: str = ""
    size: int | None = None
    pushed: datetime | None = None
    subject: Digest | None = None
    status: str = ACTIVE


@dataclass(frozen=True, slots=True)
class Content:
    """A manifest's bytes as BatchGetImage gives them, not compared with the digest yet."""

    digest: Digest
    media_type: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of `failures`: why one image of a batch was left out."""

    code: str
    reason: str

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


SILENCE: Final = Refusal("no word", "the answer does not say what became of it")


@dataclass(frozen=True, slots=True)
class Token:
    """A login for docker, good until `expires`."""

    username: str
    password: Secret
    expires: datetime


def images(answer: Mapping[str, Any], place: str) -> list[Image]:
    """The images of one page. Raises Contradiction for an entry that cannot be; `place` names the listing in the message."""
    return [_parsed(_image, entry, place) for entry in answer.get("imageDetails") or ()]


def image(answer: Mapping[str, Any], place: str) -> Image:
    """The one image that was asked for."""
    return _parsed(lambda document: _image(document["imageDetails"][0]), answer, place)


def tag_digests(answer: Mapping[str, Any], place: str) -> list[tuple[Tag, Digest]]:
    """The tags of one page of ListImages, each with what it points at."""
    return [_parsed(lambda one: (Tag(one["imageTag"]), Digest(one["imageDigest"])), entry, place) for entry in answer["imageIds"]]


def public_tags(answer: Mapping[str, Any], place: str) -> list[tuple[Tag, Digest]]:
    """The same of one page of ECR Public's DescribeImageTags."""
    entries = answer.get("imageTagDetails") or ()
    return [
        _parsed(lambda one: (Tag(one["imageTag"]), Digest(one["imageDetail"]["imageDigest"])), entry, place) for entry in entries
    ]


def contents(answer: Mapping[str, Any], place: str) -> list[Content]:
    """What BatchGetImage could read."""
    return [_parsed(_content, entry, place) for entry in answer.get("images") or ()]


def refusals(answer: Mapping[str, Any]) -> Iterable[tuple[str, Refusal]]:
    """Every entry of `failures`, with the digest or tag that was asked for."""
    for entry in answer.get("failures") or ():
        wanted = entry.get("imageId") or {}
        refusal = Refusal(
            redact.text(str(entry.get("failureCode") or "no code"), 64), redact.text(str(entry.get("failureReason") or ""))
        )
        yield from ((str(wanted[name]), refusal) for name in ("imageDigest", "imageTag") if wanted.get(name))


def done(answer: Mapping[str, Any]) -> frozenset[str]:
    """The digests and tags that BatchDeleteImage says it deleted."""
    return frozenset(
        str(entry[name]) for entry in answer.get("imageIds") or () for name in ("imageDigest", "imageTag") if entry.get(name)
    )


def token(answer: Mapping[str, Any], place: str) -> Token:
    """The login in an answer of GetAuthorizationToken; private registries put it into a list, the public one does not."""
    return _parsed(_token, answer.get("authorizationData"), place)


def aliases(answer: Mapping[str, Any], place: str) -> list[tuple[str, str]]:
    """Each alias of each registry of one page of ECR Public's DescribeRegistries, with the registry's id."""
    return [
        _parsed(partial(_alias, entry), one, place)
        for entry in answer.get("registries") or ()
        for one in entry.get("aliases") or ()
    ]


def _alias(registry: Mapping[str, Any], alias: Mapping[str, Any]) -> tuple[str, str]:
    return str(alias["name"]), str(registry["registryId"])


def repository_names(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and URI of each repository of one page."""
    return [
        (str(entry.get("repositoryName") or ""), str(entry.get("repositoryUri") or ""))
        for entry in answer.get("repositories") or ()
    ]


def made(answer: Mapping[str, Any]) -> datetime | None:
    """When the one repository that was asked for was made."""
    dates = [entry.get("createdAt") for entry in answer.get("repositories") or ()]
    return next((date.astimezone(UTC) for date in dates if isinstance(date, datetime)), None)


def _image(entry: Mapping[str, Any]) -> Image:
    subject, pushed, size = entry.get("subjectManifestDigest"), entry.get("imagePushedAt"), entry.get("imageSizeInBytes")
    return Image(
        digest=Digest(entry["imageDigest"]),
        tags=tuple(Tag(name) for name in entry.get("imageTags") or ()),
        media_type=str(entry.get("imageManifestMediaType") or ""),
        config_media_type=str(entry.get("artifactMediaType") or ""),
        size=size if isinstance(size, int) and size >= 0 else None,
        pushed=pushed.astimezone(UTC) if isinstance(pushed, datetime) else None,
        subject=Digest(subject) if subject else None,
        status=str(entry.get("imageStatus") or ACTIVE),
    )


def _content(entry: Mapping[str, Any]) -> Content:
    return Content(
        Digest(entry["imageId"]["imageDigest"]),
        str(entry.get("imageManifestMediaType") or ""),
        str(entry["imageManifest"]).encode(),
    )


def _token(data: Any) -> Token:
    entry = data[0] if isinstance(data, list) else data
    coded = Secret(entry["authorizationToken"])
    username, colon, password = base64.b64decode(coded.reveal(), validate=True).decode().partition(":")
    if not colon or not password:
        raise ValueError("no password")
    return Token(username, Secret(password), entry["expiresAt"].astimezone(UTC))


def _parsed(parse: Callable[[Any], T], entry: object, place: str) -> T:
    try:
        return parse(entry)
    except (BadReference, KeyError, IndexError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Contradiction(f"{place} answered with an entry that cannot be: {type(error).__name__}") from None
