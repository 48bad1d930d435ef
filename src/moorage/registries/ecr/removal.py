"""Deleting from ECR: whole manifests by the hundred, and single tags without losing the manifest that the last of them holds.

BatchDeleteImage takes the image along with its last tag, and refuses that where an index refers to the image (API reference;
containers-roadmap#1567, seen 2026-11). A last tag whose manifest has to stay therefore goes by way of a stub.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution.stub import StubWay
from moorage.registries.ecr.api import BATCH, EcrApi
from moorage.registries.ecr.content import EcrContent
from moorage.registries.ecr.payloads import PART_OF_INDEX, Refusal
from moorage.registries.ecr.refusal import refused

_LAST_TAG: Final = (
    "Let the image go as well, or leave it this tag: ECR deletes an image with its last tag. The tag alone can go where tags are "
    "mutable, with the right to push (ecr:PutImage and those of uploads), and without --no-stub."
)
_RESTORE: Final = "Another run may have removed its other tags at the same moment. Put it back: moorage restore JOURNAL."


class Removal:
    """Thread-safe."""

    def __init__(self, api: EcrApi, content: EcrContent, stub: StubWay | None) -> None:
        self._api = api
        self._content = content
        self._stub = stub
        self._lock = threading.Lock()
        self._turns: dict[tuple[Repository, Digest], threading.Lock] = {}
        self._untagged: dict[tuple[Repository, Digest], set[Tag]] = {}

    def manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, RegistryError | None]:
        """Delete manifests with every tag; None for done.

        In one batch ECR promises no order: what an index of the same batch refers to is asked for again, as long as that helps.
        """
        said: dict[Digest, RegistryError | None] = {}
        waiting = list(dict.fromkeys(digests))
        while waiting:
            answers = self._each_once(repository, waiting)
            said |= {digest: _meaning(repository, digest, answer) for digest, answer in answers.items()}
            left = [digest for digest, answer in answers.items() if isinstance(answer, Refusal) and answer.code == PART_OF_INDEX]
            if len(left) == len(waiting):
                break
            waiting = left
        return said

    def tag(self, repository: Repository, tag: Tag) -> None:
        """Remove this tag alone. Raises NotFound; ItemRefused, with nothing changed, for a last tag that cannot go alone."""
        image = self._api.image(repository, tag)
        with self._turn(repository, image.digest):
            removed = self._untagged.setdefault((repository, image.digest), set())  # what another thread took since we looked
            if set(image.tags) - removed - {tag}:
                self._untag(repository, tag, image.digest)
            else:
                self._by_stub(repository, tag)
            removed.add(tag)

    def _untag(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        refusal = self._api.delete(repository, [tag])[tag]
        if refusal is not None:
            raise refused(repository, tag, refusal)
        try:
            self._content.head(repository, digest)
        except NotFound:
            raise RegistryError(
                f"{repository}@{digest} went with its tag {tag}, though it was to stay", remedy=_RESTORE
            ) from None

    def _by_stub(self, repository: Repository, tag: Tag) -> None:
        if self._stub is None:
            raise ItemRefused(f"{repository}:{tag} is the last tag of an image that has to stay", remedy=_LAST_TAG)
        self._content.require_deletion(repository)  # so that what is refused below is the push
        try:
            self._stub.remove(repository, tag)
        except ItemRefused as error:
            raise ItemRefused(error.message, remedy=_LAST_TAG) from None
        except Denied as error:
            raise ItemRefused(
                f"{repository}:{tag} is the last tag of an image that has to stay: {error.message}", remedy=_LAST_TAG
            ) from None

    def _each_once(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, Refusal | RegistryError | None]:
        """One pass over all. After a refusal that is about the repository, nothing more is asked of it."""
        found: dict[Digest, Refusal | RegistryError | None] = {}
        for start in range(0, len(digests), BATCH):
            batch = digests[start : start + BATCH]
            try:
                found |= self._api.delete(repository, batch)
            except RegistryError as error:
                return found | dict.fromkeys(digests[start:], error)
        return found

    @contextmanager
    def _turn(self, repository: Repository, digest: Digest) -> Iterator[None]:
        """One tag of an image at a time: two threads would each see the other's tag as the one that stays."""
        with self._lock:
            turn = self._turns.setdefault((repository, digest), threading.Lock())
        with turn:
            yield


def _meaning(repository: Repository, digest: Digest, answer: Refusal | RegistryError | None) -> RegistryError | None:
    return refused(repository, digest, answer) if isinstance(answer, Refusal) else answer
