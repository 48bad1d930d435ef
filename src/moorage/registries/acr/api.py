"""ACR's own API: paths, the scopes of each call, pages, and what a refusal asks for."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

from moorage.errors import Denied
from moorage.oci.reference import Digest, Repository, Tag
from moorage.registries.acr import payloads
from moorage.registries.acr.payloads import ManifestRecord, RepositoryRecord, TagRecord
from moorage.registries.distribution import CATALOG, Action, Distribution
from moorage.transport import pages
from moorage.transport.session import SUCCESS, Answer

T = TypeVar("T")

PAGE: Final = 1000  # the most that ACR gives at once (Azure/acr#749, 2024-04); it gives 100 when nobody asks for a size
METADATA: Final = "metadata_read"
# What each action is called by ACR's token service, as an action of a scope map, and by Azure's roles (learn.microsoft.com,
# seen 2026-11).
_RIGHTS: Final = {
    "pull": ("content/read", "AcrPull"),
    "pull,push": ("content/write", "AcrPush"),
    "delete": ("content/delete", "AcrDelete"),
    METADATA: ("metadata/read", "AcrPull"),
}


def acr_scopes(repository: Repository, action: Action) -> Sequence[str]:
    """Exactly what an action needs: a token that asks for more than its owner may is refused altogether by some registries."""
    actions = {Action.PULL: "pull", Action.PUSH: "pull,push", Action.DELETE: "delete"}[action]
    return (scope(repository, actions),)


def scope(repository: Repository, actions: str) -> str:
    return f"repository:{repository.path}:{actions}"


class AcrApi:
    """Thread-safe."""

    def __init__(self, client: Distribution) -> None:
        self._client = client

    def tags(self, repository: Repository, *, digest: Digest | None = None) -> list[TagRecord]:
        """Every tag, or those that point at a digest right now. Raises NotFound for an unknown repository."""
        place = f"{repository}: ACR's list of tags"
        query = {"digest": str(digest)} if digest else {}
        found = self._listed(repository, "_tags", query, lambda answer: payloads.tags(answer.json(), place))
        return list({record.name: record for record in found}.values())

    def manifests(self, repository: Repository) -> list[ManifestRecord]:
        """Every manifest, those without tags included. Raises NotFound for an unknown repository."""
        place = f"{repository}: ACR's list of manifests"
        found = self._listed(repository, "_manifests", {}, lambda answer: payloads.manifests(answer.json(), place))
        return list({record.digest: record for record in found}.values())

    def tag(self, repository: Repository, tag: Tag) -> TagRecord:
        answer = self.call("GET", f"{repository.path}/_tags/{tag}", scope(repository, METADATA))
        return payloads.tag(answer.json(), f"{repository}:{tag}")

    def manifest(self, repository: Repository, digest: Digest) -> ManifestRecord:
        answer = self.call("GET", f"{repository.path}/_manifests/{digest}", scope(repository, METADATA))
        return payloads.manifest(answer.json(), f"{repository}@{digest}")

    def repository(self, repository: Repository) -> RepositoryRecord:
        answer = self.call("GET", repository.path, scope(repository, METADATA))
        return payloads.repository(answer.json(), str(repository))

    def repository_names(self) -> Iterator[str]:
        """All that the registry lists. With ABAC that takes a role of its own, whatever roles the repositories have."""
        place = f"{self._client.access.registry}: ACR's list of repositories"

        def step(url: str) -> tuple[Sequence[str], str | None]:
            answer = self._called("GET", url, CATALOG)
            return payloads.repository_names(answer.json(), place), pages.next_link(answer)

        yield from pages.walk(self._url("_catalog", {"n": str(PAGE)}), step)

    def untag(self, repository: Repository, tag: Tag, *, ok: Collection[int]) -> Answer:
        """The manifest stays, without a tag if that was its last."""
        return self.call("DELETE", f"{repository.path}/_tags/{tag}", scope(repository, "delete"), ok=ok)

    def delete_manifest(self, repository: Repository, digest: Digest, *, ok: Collection[int]) -> Answer:
        """With every tag that points at it; the parts of an index stay."""
        url = f"{self._client.access.base}/v2/{repository.path}/manifests/{digest}"
        return self._called("DELETE", url, scope(repository, "delete"), ok=ok)

    def delete_repository(self, repository: Repository) -> None:
        """With all that it holds."""
        self.call("DELETE", repository.path, scope(repository, "delete"))

    def call(self, method: str, path: str, needed: str, *, ok: Collection[int] = SUCCESS) -> Answer:
        """One call below /acr/v1. Raises Denied with the scope and the role that are needed, and what the session raises."""
        return self._called(method, self._url(path, {}), needed, ok=ok)

    def _called(self, method: str, url: str, needed: str, *, ok: Collection[int] = SUCCESS) -> Answer:
        try:
            return self._client.call(method, url, (needed,), ok=ok)
        except Denied as error:
            if type(error) is not Denied:
                raise
            raise Denied(error.message, remedy=remedy_for(needed)) from None

    def _listed(self, repository: Repository, path: str, query: Mapping[str, str], read: Callable[[Answer], list[T]]) -> list[T]:
        def step(url: str) -> tuple[Sequence[T], str | None]:
            answer = self._called("GET", url, scope(repository, METADATA))
            return read(answer), pages.next_link(answer)

        first = self._url(f"{repository.path}/{path}", {"n": str(PAGE), **query})
        return list(pages.walk(first, step))

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self._client.access.base}/acr/v1/{path}" + (f"?{urlencode(query)}" if query else "")


def remedy_for(needed: str) -> str:
    """What to grant for a scope, whichever kind of login it is."""
    if needed == CATALOG:
        return "Grant the role AcrPull, in a registry with ABAC the role Container Registry Repository Catalog Lister."
    action, role = _RIGHTS[needed.rpartition(":")[2]]
    return (
        f"Grant {needed}: the role {role} for a service principal or identity (in a registry with ABAC, Container Registry "
        f"Repository Contributor for this repository), the action {action} in the scope map of an ACR token."
    )
