"""What the stub way (moorage.registries.distribution.stub) asks of GitHub's container registry.

/v2 of ghcr.io deletes nothing (405, seen 2026-11), so the stub goes as a version of the package. It leaves no version behind:
what is deleted is the manifest that the tag was moved to, which nobody else has.
"""

from collections.abc import Callable
from typing import BinaryIO, Final

from moorage.errors import Contradiction, Denied, NotFound
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.distribution import Descriptor, Distribution, Fetched
from moorage.registries.github.api import DELETE, WRITE, GithubApi
from moorage.registries.github.package import Package
from moorage.registries.github.payloads import Version
from moorage.transport.session import Session

_ATTEMPTS: Final = 5  # a version may be listed a moment after its push


class VersionsAsManifests:
    """Implements `distribution.stub.StubClient`: everything by /v2, but for deletions."""

    def __init__(
        self, client: Distribution, api: GithubApi, session: Session, package_of: Callable[[Repository], Package]
    ) -> None:
        self._client = client
        self._api = api
        self._session = session
        self._package_of = package_of

    def require_deletion(self, repository: Repository, *, remedy: str | None = None) -> None:  # noqa: ARG002 -- as of /v2
        """Raise Denied where the token is known to lack a scope. Whether its account has the role is only known by trying."""
        for scope in (WRITE, DELETE):
            if self._api.lacks(scope):
                raise Denied(
                    f"{repository}: removing one tag of several takes the scope {scope}, and the token lacks it",
                    remedy=self._api.advice(scope),
                )

    def delete(self, repository: Repository, reference: Tag | Digest, *, remedy: str | None = None) -> bool:  # noqa: ARG002 -- as of /v2
        """Delete the version of a digest that has at most one tag. Raises NotFound, Contradiction for one with several."""
        if not isinstance(reference, Digest):
            raise AssertionError("versions are deleted by their digest")  # noqa: TRY004 -- a mistake in our own house
        version = self._version(repository, reference)
        if len(version.tags) > 1:
            raise Contradiction(f"{repository}@{reference} has the tags {', '.join(tag.text for tag in version.tags)}: it stays")
        self._package_of(repository).delete(version)
        return True

    def manifest(self, repository: Repository, reference: Tag | Digest) -> Fetched:
        return self._client.manifest(repository, reference)

    def head(self, repository: Repository, reference: Tag | Digest) -> Descriptor:
        return self._client.head(repository, reference)

    def tags(self, repository: Repository) -> list[Tag]:
        return self._client.tags(repository)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        return self._client.has_blob(repository, digest)

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        self._client.put_blob(repository, blob, content)

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, kind: str) -> Digest:
        return self._client.put_manifest(repository, reference, content, kind)

    def _version(self, repository: Repository, digest: Digest) -> Version:
        for attempt in range(1, _ATTEMPTS + 1):
            found = self._package_of(repository).find(digest)
            if found is not None:
                return found
            if attempt < _ATTEMPTS:
                self._session.pause(attempt)
        raise NotFound(f"{repository}@{digest} is not among the versions of its package")
