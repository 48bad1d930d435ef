"""Reading what the distribution API answers: listings, descriptors, the headers that matter."""

from dataclasses import dataclass

from moorage.errors import Contradiction
from moorage.oci.reference import BadReference, Digest, Repository, Tag
from moorage.transport import redact
from moorage.transport.session import Answer


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a registry says of a manifest without handing it out. `size` is in bytes, None where it was not said."""

    digest: Digest
    media_type: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest as stored, verified against its digest. `media_type` is the answer's Content-Type."""

    digest: Digest
    content: bytes
    media_type: str


def entries(answer: Answer, key: str) -> list[object]:
    """A list in a JSON object; distribution 2.8 writes null for an emptied repository's tags (seen 2026-11).

    Raises Contradiction where there is none.
    """
    document = answer.json()
    entries = document.get(key, ...) if isinstance(document, dict) else ...
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise Contradiction(f"{redact.url(answer.url)} answered without a list of {key}")
    return entries


def tag(name: object, repository: Repository) -> Tag:
    """Raises Contradiction for what can be no tag: its digest could not be asked for, and so not be protected."""
    try:
        return Tag(name if isinstance(name, str) else "")
    except BadReference:
        raise Contradiction(f"{repository} lists a tag that can be none: {redact.text(repr(name), 80)}") from None


def descriptor(entry: object, repository: Repository) -> Descriptor:
    fields = entry if isinstance(entry, dict) else {}
    size = fields.get("size")
    try:
        return Descriptor(
            Digest(str(fields.get("digest"))), str(fields.get("mediaType") or ""), size if isinstance(size, int) else None
        )
    except BadReference:
        raise Contradiction(f"{repository} lists a referrer without a digest") from None


def said_digest(answer: Answer) -> Digest | None:
    try:
        return Digest(answer.headers.get("docker-content-digest", "").strip())
    except BadReference:
        return None


def content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip()
