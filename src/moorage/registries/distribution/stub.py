"""Removing one tag where a registry can only delete whole manifests: move the tag to a manifest of its own, and delete that one.

The tag points at a stub for a moment, which a pull may see. Whatever goes wrong on the way, the tag is put back (a run that is
killed leaves it to the next, which knows a stub: moorage.oci.stub); the digest that it shares with others is never deleted.
What stays behind is an unreferenced blob of two bytes, which garbage collection takes.
"""

import io
import threading
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from moorage.errors import Contradiction, Failure, NotFound, RegistryError, Unreachable, Unsupported
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.oci.stub import CONFIG, EMPTY, stub_manifest
from moorage.registries.distribution.payloads import Descriptor, Fetched
from moorage.transport.session import Session

_ATTEMPTS: Final = 5


class StubClient(Protocol):
    """What the way takes; `Distribution` is one. A vendor that deletes manifests by an API of its own brings another."""

    def require_deletion(self, repository: Repository, *, remedy: str | None = None) -> None: ...
    def delete(self, repository: Repository, reference: Tag | Digest, *, remedy: str | None = None) -> bool: ...
    def manifest(self, repository: Repository, reference: Tag | Digest) -> Fetched: ...
    def head(self, repository: Repository, reference: Tag | Digest) -> Descriptor: ...
    def tags(self, repository: Repository) -> list[Tag]: ...
    def has_blob(self, repository: Repository, digest: Digest) -> bool: ...
    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None: ...
    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, kind: str) -> Digest: ...


class StubWay:
    """Thread-safe. `remedy` is the advice where deletion is switched off."""

    def __init__(self, client: StubClient, session: Session, remedy: str) -> None:
        self._client = client
        self._session = session
        self._remedy = remedy
        self._lock = threading.Lock()
        self._ready: set[Repository] = set()

    def remove(self, repository: Repository, tag: Tag) -> None:
        """Remove the tag alone.

        Raises NotFound where it is not there; Unsupported, with nothing changed, where manifests cannot be deleted; otherwise
        the error that came in between, after the tag was put back.
        """
        self._prepare(repository)
        original = self._client.manifest(repository, tag)
        content, kind = stub_manifest(original.digest, original.media_type)
        with self._session.finishing():
            try:
                self._exchange(repository, tag, content, kind)
            except RegistryError as error:
                said = self._recover(repository, tag, original, Digest.of(content), error)
                if said:
                    raise type(error)(f"{error.message}; {said}", remedy=error.remedy) from None
            except BaseException as error:
                self._recover(repository, tag, original, Digest.of(content), error)
                raise

    def _prepare(self, repository: Repository) -> None:
        """Once per repository: deletion is possible, and the stub's config is there. Changes nothing that anybody sees."""
        with self._lock:
            if repository in self._ready:
                return
            self._client.require_deletion(repository, remedy=self._remedy)
            if not self._client.has_blob(repository, CONFIG.digest):
                self._client.put_blob(repository, CONFIG, lambda: io.BytesIO(EMPTY))
            self._ready.add(repository)

    def _exchange(self, repository: Repository, tag: Tag, content: bytes, kind: str) -> None:
        stub, attempt = Digest.of(content), 0
        while True:
            attempt += 1
            self._client.put_manifest(repository, tag, content, kind)
            if self._target(repository, tag) != stub:
                raise Contradiction(
                    f"{repository}:{tag} did not move to the stub that should take it away, or was pushed meanwhile"
                )
            if self._client.delete(repository, stub, remedy=self._remedy):
                break
            if attempt == _ATTEMPTS:
                raise Unreachable(f"{repository}:{tag} may still be listed: deleting the manifest under it failed half-way")
            self._session.pause(attempt)  # the tag may be left without a manifest, so it is given one again
        left = self._target(repository, tag)
        if left == stub:
            raise Unsupported(f"{repository}:{tag} is still there after the manifest under it was deleted", remedy=self._remedy)
        if left is not None:
            raise Contradiction(f"{repository}:{tag} was pushed anew while it was removed")

    def _target(self, repository: Repository, tag: Tag) -> Digest | None:
        try:
            return self._client.head(repository, tag).digest
        except NotFound:
            return None

    def _recover(self, repository: Repository, tag: Tag, original: Fetched, stub: Digest, error: BaseException) -> str:
        """After trouble: what was done about it, as half a sentence; empty when the tag is gone after all.

        Raises RegistryError when the tag may be left on the stub.
        """
        try:
            now = self._target(repository, tag)
            if now is None and tag not in self._client.tags(repository):
                return ""
            if now is not None and now != stub:
                self._discard(repository, stub)
                return f"the tag was left at {now}"
            self._client.put_manifest(repository, tag, original.content, original.media_type)
            if self._target(repository, tag) != original.digest:
                raise Contradiction(f"{repository}:{tag} does not move back")
        except Failure as second:
            raise RegistryError(
                f"{repository}:{tag} may be left pointing at the stub {stub}: {second.message}, after {error}",
                remedy=f"Point the tag at its image again: crane tag {repository}@{original.digest} {tag}",
            ) from None
        self._discard(repository, stub)
        return f"the tag was put back to {original.digest}"

    def _discard(self, repository: Repository, stub: Digest) -> None:
        """Try to leave no stub behind; nothing points at it any more."""
        try:
            self._client.delete(repository, stub)
        except Failure:
            return
