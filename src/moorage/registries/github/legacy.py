"""One package of GitHub's old Docker registry by GraphQL: a version is a tag, and deleting it leaves the other tags alone."""

from typing import Final

from moorage.errors import Denied, NotFound, RegistryError, Unsupported
from moorage.oci.reference import Digest, Repository
from moorage.registries.github import payloads
from moorage.registries.github.api import DELETE, READ, GithubApi
from moorage.registries.github.graphql import GraphApi, QueryRefused
from moorage.registries.github.payloads import PackageRecord, Page, Version
from moorage.transport import pages
from moorage.transport.session import Session

VERSIONS: Final = """
query Versions($owner: String!, $project: String!, $package: String!, $after: String) {
  repository(owner: $owner, name: $project) {
    packages(first: 1, names: [$package], packageType: DOCKER) {
      nodes {
        name
        versions(first: 100, after: $after) {
          pageInfo { hasNextPage endCursor }
          nodes { id version files(last: 1) { nodes { updatedAt } } }
        }
      }
    }
  }
}
"""
PACKAGES: Final = """
query Packages($owner: String!, $after: String) {
  repositoryOwner(login: $owner) {
    ... on PackageOwner {
      packages(first: 100, after: $after, packageType: DOCKER) {
        pageInfo { hasNextPage endCursor }
        nodes { name repository { name } }
      }
    }
  }
}
"""
DELETE_VERSION: Final = """
mutation Delete($version: ID!) {
  deletePackageVersion(input: {packageVersionId: $version}) { success }
}
"""
LOOK: Final = """
query Look($owner: String!, $project: String!, $version: ID!) {
  repository(owner: $owner, name: $project) { id }
  node(id: $version) { id }
}
"""


def packages_of(api: GithubApi, session: Session, owner: str) -> list[PackageRecord]:
    """The Docker packages of an account; none where this GitHub has moved them to its container registry. Raises NotFound."""
    place = f"{owner}: GitHub's list of Docker packages"
    graph = GraphApi(api, session)

    def step(after: str) -> tuple[tuple[PackageRecord, ...], str | None]:
        page = payloads.package_page(graph.run(PACKAGES, {"owner": owner, "after": after or None}, needs=READ), place)
        return page.packages, page.after

    try:
        return list(pages.walk("", step))
    except QueryRefused as refused:
        if refused.is_of_schema:
            return []
        raise refused.failure(place, api.advice(READ, refused.answer)) from None


class LegacyPackages:
    """The Docker packages of one GitHub repository."""

    def __init__(self, api: GithubApi, session: Session, owner: str, project: str) -> None:
        self._api = api
        self._graph = GraphApi(api, session)
        self._where = {"owner": owner, "project": project}
        self._place = f"{owner}/{project}: GitHub's list of Docker packages"

    def page(self, package: str, after: str | None) -> Page | None:
        """One page of the versions of a package; None where it is not here any more, or never was."""
        try:
            data = self._graph.run(VERSIONS, {**self._where, "package": package, "after": after}, needs=READ)
        except QueryRefused as refused:
            if refused.is_of_schema:
                return None
            raise refused.failure(self._place, self._api.advice(READ, refused.answer)) from None
        return payloads.version_page(data, package, self._place)

    def delete(self, repository: Repository, version: Version) -> None:
        what = f"deleting {repository}:{version.tags[0]}"
        try:
            data = self._graph.run(DELETE_VERSION, {"version": version.id}, needs=DELETE)
        except QueryRefused as refused:
            advice = self._api.advice(DELETE, refused.answer)
            failure = refused.failure(what, advice)
            if isinstance(failure, NotFound):
                self._doubt(version, failure, advice)
                if refused.answer.uncertain:
                    return  # the attempt whose answer was lost has done it
            raise failure from None
        if (data.get("deletePackageVersion") or {}).get("success") is not True:
            raise RegistryError(f"{what}: GitHub answered without saying that it is done")

    def _doubt(self, version: Version, said: NotFound, advice: str) -> None:
        """NOT_FOUND also says that a right is missing: believed is only what a look at version and repository confirms."""
        try:
            data = self._graph.run(LOOK, {**self._where, "version": version.id}, needs=READ)
        except QueryRefused as refused:
            if refused.kinds != {"NOT_FOUND"} or {complaint.field for complaint in refused.complaints} != {"node"}:
                raise Denied(f"{said.message}; nor is its repository shown any more", remedy=advice) from None
            return
        if data.get("node"):
            raise Denied(f"{said.message}, and it is still there: the right to delete is missing", remedy=advice)


class LegacyPackage:
    """Implements `package.Package`."""

    is_by_tag = True
    keeps_last = False

    def __init__(self, packages: LegacyPackages, repository: Repository, name: str) -> None:
        self._packages = packages
        self._repository = repository
        self._name = name
        self._first: Page | None = None

    def exists(self) -> bool:
        """Whether it is here, not moved to the container registry. The page that says so is not read again by `versions`."""
        self._first = self._packages.page(self._name, None)
        return self._first is not None

    def versions(self) -> list[Version]:
        first, self._first = self._first, None

        def step(after: str) -> tuple[tuple[Version, ...], str | None]:
            page = first if first is not None and not after else self._packages.page(self._name, after or None)
            if page is None:
                raise NotFound(f"{self._repository} is no Docker package of GitHub's")
            return page.versions, page.after

        found = list(pages.walk("", step))
        return list({version.id: version for version in found}.values())

    def peek(self) -> None:
        if not self.exists():
            raise NotFound(f"{self._repository} is no Docker package of GitHub's")

    def find(self, digest: Digest) -> Version | None:
        raise AssertionError(f"versions have no digests here, and nobody looks for {digest}")

    def is_listed(self, version: Version) -> bool:
        return version.id in {one.id for one in self.versions()}

    def delete(self, version: Version) -> None:
        self._packages.delete(self._repository, version)

    def restore(self, version_id: str) -> None:
        raise Unsupported(f"{self._repository}: GitHub's old Docker registry restores nothing (version {version_id})")

    def record(self) -> PackageRecord:
        self.peek()
        return PackageRecord(self._name)

    def delete_whole(self) -> None:
        raise Unsupported(f"{self._repository}: {self.cannot_delete()}; nothing was changed")

    def cannot_delete(self) -> str:
        return "GitHub's old Docker registry has no call that deletes a package"
