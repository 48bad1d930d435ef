"""What became of a publish, tag by tag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from moorage.errors import Failure, PartialFailure, Refused
from moorage.oci.naming import FinalName
from moorage.oci.reference import Digest


class Status(StrEnum):
    """`published` is only said of a tag that was read back from the registry with the right digest; `planned` by a dry run."""

    PLANNED = "planned"
    PUBLISHED = "published"
    UP_TO_DATE = "up-to-date"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PublishedTag:
    """One image under one tag. `digest` is what the tag points at; None where the failure left that unknown.

    `config` is the digest of the image's config, where it is known and no index.
    """

    image: str
    reference: str
    tag: str
    digest: Digest | None
    status: Status
    error: Failure | None = None
    config: Digest | None = None

    @classmethod
    def of(
        cls,
        name: FinalName,
        digest: Digest | None,
        status: Status,
        error: Failure | None = None,
        *,
        config: Digest | None = None,
    ) -> "PublishedTag":
        return cls(name.image, name.reference, name.tag, digest, status, error, config)

    @property
    def repository(self) -> str:
        """As the user wrote it, and with the image's name where that is part of it."""
        return self.reference.rpartition(":")[0]

    @property
    def final_tag(self) -> str:
        """The tag in the registry, which in monorepo mode begins with the image's name."""
        return self.reference.rpartition(":")[2]

    @property
    def pinned(self) -> str:
        """A reference that stays what it is, whatever becomes of the tag; empty where there is no digest."""
        return f"{self.repository}@{self.digest}" if self.digest is not None else ""

    def as_json(self) -> dict[str, Any]:
        """One element of the list that `--output json` prints; its keys are fixed."""
        document: dict[str, Any] = {
            "image": self.image,
            "reference": self.reference,
            "tag": self.tag,
            "digest": self.digest.text if self.digest else None,
            "status": self.status.value,
        }
        if self.error is not None:
            document["error"] = {"code": self.error.code, "message": self.error.message}
        return document


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Every image under every tag, image by image. `failure` is what the process exits with.

    `unrecorded` are images that are up while their commit could not be written down, a sentence each. `stopped` is what ended the
    run before anything was published.
    """

    images: tuple[PublishedTag, ...]
    unrecorded: tuple[str, ...] = ()
    dry_run: bool = False
    stopped: Failure | None = None

    @property
    def failure(self) -> Failure | None:
        """None when everything is up; the one reason for which nothing is; else a PartialFailure that names what is missing."""
        if self.stopped is not None:
            return self.stopped
        failed = [tag for tag in self.images if tag.error is not None]
        if self.dry_run:  # what a guard would refuse is shown, and is no failure of the dry run
            failed = [tag for tag in failed if not isinstance(tag.error, Refused)]
        if not failed:
            return self._unrecorded()
        errors = [tag.error for tag in failed if tag.error is not None]
        if len(failed) == len(self.images) and len({type(error) for error in errors}) == 1:
            return errors[0]  # mostly one and the same, as whatever stops an image stops its tags
        up = [tag.reference for tag in self.images if tag.error is None]
        return PartialFailure(
            f"{len(failed)} of {len(self.images)} tags are not up; up are: {', '.join(up) or 'none'}",
            items=[*_by_reason(failed), *self.unrecorded],
            remedy=_remedy(errors),
        )

    def _unrecorded(self) -> Failure | None:
        if not self.unrecorded:
            return None
        return PartialFailure(
            "every tag is up, but a cleanup by git history may not know which commit wants it",
            items=self.unrecorded,
            remedy="Run the same publish again: what is up is not sent twice, and is recorded then.",
        )

    def as_json(self) -> dict[str, Any]:
        """The document that `--output json` prints."""
        document: dict[str, Any] = {"images": [tag.as_json() for tag in self.images]}
        if self.stopped is not None:
            document["error"] = {"code": self.stopped.code, "message": self.stopped.message}
        return {**document, "dry_run": True} if self.dry_run else document


def _by_reason(failed: Iterable[PublishedTag]) -> Iterator[str]:
    """A sentence for each reason: mostly whatever stops an image stops all of its tags."""
    found: dict[str, list[str]] = {}
    for tag in failed:
        if tag.error is not None:
            found.setdefault(tag.error.message, []).append(tag.reference)
    return (f"{', '.join(references)}: {message}" for message, references in found.items())


def _remedy(errors: Iterable[Failure]) -> str:
    """What to do about each of several failures: running again alone helps against few."""
    own = dict.fromkeys(error.remedy for error in errors)
    return " ".join([*own, "Then run the same command again: what is up is not sent twice."])
