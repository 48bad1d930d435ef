"""One package of GitHub by REST: its versions, and what becomes of one that is deleted."""

from collections.abc import Iterator
from typing import Final, Protocol
from urllib.parse import quote

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError
from moorage.oci.reference import Digest, Repository
from moorage.registries.github import payloads
from moorage.registries.github.api import DELETE, READ, GithubApi
from moorage.registries.github.payloads import Version
from moorage.transport import outcome
from moorage.transport.session import SUCCESS, Answer

CONTAINER: Final = "container"
DOCKER: Final = "docker"
# Every 400 that GitHub answers to the deletion of a version is about this version, and no code tells which of the three it is:
# last version, last tagged version, downloads (kairos-io/kairos#4723, posit-dev/positron#15764, seen 2026-11).
KEPT: Final = (
    "GitHub keeps a package's last tagged version: --delete-empty-repositories deletes the package itself, where everything in "
    "it goes. Public versions with more than 5000 downloads only go by GitHub's support. Everything else was handled."
)
_POPULAR: Final = (
    "Public packages with a version of more than 5000 downloads only go by GitHub's support. Everything else was handled."
)


class Package(Protocol):
    """Where the images of one repository are kept. Thread-safe.

    `is_by_tag`: a version may be one tag, rather than a manifest. `keeps_last`: its last tagged version goes only with it.
    """

    is_by_tag: bool
    keeps_last: bool

    def versions(self) -> list[Version]:
        """Every version, all pages read. Raises NotFound for a package that is not there, or not for this token."""

    def peek(self) -> None:
        """Ask for one version, for the errors that listing them would raise."""

    def find(self, digest: Digest) -> Version | None:
        """The version of a digest, by as few pages as it takes; None where there is none."""

    def is_listed(self, version: Version) -> bool:
        """Whether GitHub still has this version."""

    def delete(self, version: Version) -> None:
        """Delete a version with all its tags.

        Raises ItemRefused for this one alone, Denied, and NotFound where it was gone before.
        """

    def restore(self, version_id: str) -> None:
        """Bring a deleted version back, and the package before it where that is gone. Raises NotFound when it is too late."""

    def record(self) -> payloads.PackageRecord:
        """What GitHub says of the package itself. Raises NotFound."""

    def delete_whole(self) -> None:
        """Delete the package with EVERY version. Raises what `delete` raises, Unsupported where there is no such call."""

    def cannot_delete(self) -> str:
        """Why packages cannot be deleted here, or empty."""


class RestPackage:
    """`packages` is the way to the account's packages, `kind` GitHub's word for the registry: `container` or `docker`."""

    def __init__(self, api: GithubApi, repository: Repository, packages: str, kind: str, name: str) -> None:
        self._api = api
        self._repository = repository
        self.is_by_tag = kind == DOCKER
        self.keeps_last = True
        self._path = f"{packages}/{kind}/{quote(name, safe='')}"

    def versions(self) -> list[Version]:
        found = self._api.listed(f"{self._path}/versions", {}, self._read)
        return list({version.id: version for version in found}.values())  # pages may overlap while somebody pushes

    def peek(self) -> None:
        self._read(self._api.call("GET", f"{self._path}/versions", needs=READ, params={"per_page": "1"}))

    def find(self, digest: Digest) -> Version | None:
        return next((version for version in self._pages() if version.digest == digest), None)

    def record(self) -> payloads.PackageRecord:
        return payloads.package(self._api.call("GET", self._path, needs=READ).json(), f"{self._repository}: GitHub's package")

    def is_listed(self, version: Version) -> bool:
        return self._has(f"{self._path}/versions/{version.id}")

    def delete(self, version: Version) -> None:
        path = f"{self._path}/versions/{version.id}"
        answer = self._deleted(path, KEPT)
        if answer.status == 404:
            self._doubt(path, answer)

    def delete_whole(self) -> None:
        answer = self._deleted(self._path, _POPULAR)
        if answer.status == 404:
            self._doubt_whole(answer)

    def cannot_delete(self) -> str:
        return ""

    def restore(self, version_id: str) -> None:
        path = f"{self._path}/versions/{version_id}"
        refused = self._restored(path)
        if refused is not None and not self._has(self._path):
            refused = self._restored(self._path)  # with the versions that it had at the end
            if refused is None and not self._has(path):
                refused = self._restored(path)
        if refused is not None:
            raise NotFound(
                f"{self._repository}: version {version_id} cannot be restored: {refused.message}",
                remedy="GitHub keeps deleted versions for 30 days. "
                f"Within them, this is how it answers a missing right: {self._api.advice(DELETE)}",
            )

    def _restored(self, path: str) -> RegistryError | None:
        """What GitHub answers instead of restoring it; None where it did."""
        answer = self._api.call("POST", f"{path}/restore", needs=DELETE, ok={*SUCCESS, 404}, idempotent=True)
        return outcome.refusal("POST", answer) if answer.status == 404 else None

    def _deleted(self, path: str, remedy: str) -> Answer:
        """The answer to a deletion, 404 being one that means several things. Raises ItemRefused."""
        answer = self._api.call("DELETE", path, needs=DELETE, ok={*SUCCESS, 400, 404})
        if answer.status == 400:
            raise ItemRefused(outcome.refusal("DELETE", answer).message, remedy=remedy)
        return answer

    def _doubt_whole(self, answer: Answer) -> None:
        """As `_doubt`, for a package: of one that is not shown any more, nobody can tell whether it is gone."""
        said = outcome.refusal("DELETE", answer).message
        if self._has(self._path):
            raise Denied(
                f"{said}, and it is still there: the right to delete is missing", remedy=self._api.advice(DELETE, answer)
            )
        if not answer.uncertain:
            raise NotFound(said)

    def _doubt(self, path: str, answer: Answer) -> None:
        """A 404 also says that a right is missing: believed is only what a look at the version and its package confirms.

        Returns where an earlier attempt at the same request deleted it.
        """
        said = outcome.refusal("DELETE", answer).message
        if self._has(path):
            raise Denied(
                f"{said}, and it is still there: the right to delete is missing", remedy=self._api.advice(DELETE, answer)
            )
        listed = self._api.call("GET", f"{self._path}/versions", needs=READ, params={"per_page": "1"}, ok={*SUCCESS, 404})
        if listed.status == 404:
            raise Denied(
                f"{said}, nor does GitHub show its package any more: it was deleted, or a right was taken away",
                remedy=self._api.advice(DELETE, answer),
            )
        if not answer.uncertain:
            raise NotFound(said)

    def _has(self, path: str) -> bool:
        return self._api.call("GET", path, needs=READ, ok={*SUCCESS, 404}).status != 404

    def _pages(self) -> Iterator[Version]:
        return self._api.walked(f"{self._path}/versions", self._read)

    def _read(self, answer: Answer) -> list[Version]:
        return payloads.versions(answer.json(), f"{self._repository}: GitHub's list of versions")
