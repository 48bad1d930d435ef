"""Which package of GitHub a repository is: by the levels of its address, and where GitHub keeps it by now."""

import threading
from collections.abc import Sequence

from moorage.errors import ConfigurationError, Denied, NotFound, RegistryError
from moorage.oci.reference import BadReference, Registry, Repository
from moorage.registries.github import payloads
from moorage.registries.github.api import READ, GithubApi
from moorage.registries.github.package import CONTAINER, DOCKER, Package, RestPackage
from moorage.transport.session import SUCCESS, Session


class Places:
    """Thread-safe.

    Hosts that start with `docker.` hold OWNER/PROJECT/PACKAGE: in the old Docker registry by GraphQL, or, once moved, as a
    package of type `docker` or `container` by REST. All others hold OWNER/PACKAGE, of type `container`.
    """

    def __init__(self, registry: Registry, api: GithubApi, session: Session) -> None:
        self._registry = registry
        self._api = api
        self._session = session
        self._is_old = registry.name.lower().startswith("docker.")
        self._lock = threading.RLock()
        self._packages: dict[Repository, Package] = {}

    def package(self, repository: Repository) -> Package:
        """Raises NotFound for an account, or for a package of the old registry, that is not there."""
        with self._lock:
            if repository not in self._packages:
                self._packages[repository] = self._old(repository) if self._is_old else self._new(repository)
            return self._packages[repository]

    def repositories(self, prefix: str) -> Sequence[Repository]:
        """Those of one account at or below a path. Raises ConfigurationError for a path that names no account."""
        owner = prefix.partition("/")[0]
        if not owner:
            raise ConfigurationError(
                f"GitHub lists packages by account, and {self._registry} alone names none",
                remedy=f"Write the images repo as {self._registry}/OWNER, or deeper.",
            )
        paths = self._old_paths(owner) if self._is_old else [f"{owner}/{one.name}" for one in self._of(owner, CONTAINER)]
        below = [path for path in paths if path == prefix or path.startswith(f"{prefix}/")]
        return sorted({found for path in below if (found := self._named(path)) is not None})

    def _new(self, repository: Repository) -> RestPackage:
        owner, _, name = repository.path.partition("/")
        if not name:
            raise ConfigurationError(
                f"{repository} is no repository of GitHub's, where each lies below an account",
                remedy=f"Write {self._registry}/OWNER/NAME.",
            )
        return RestPackage(self._api, repository, self._api.packages_of(owner), CONTAINER, name)

    def _old(self, repository: Repository) -> Package:
        from moorage.registries.github.legacy import LegacyPackage, LegacyPackages  # noqa: PLC0415 -- brings gql

        owner, project, name = self._levels(repository)
        packages = LegacyPackages(self._api, self._session, owner, project)
        legacy = LegacyPackage(packages, repository, name)
        try:
            if legacy.exists():
                return legacy
        except NotFound as error:
            gone = error
        else:
            gone = NotFound(
                f"{repository} is neither in GitHub's old Docker registry nor among the packages of {owner} that were moved",
                remedy=f"Check the names. It is also how GitHub answers a missing right: {self._api.advice(READ)}",
            )
        ways = ((DOCKER, name), (CONTAINER, f"{project}/{name}"))
        moved = [RestPackage(self._api, repository, self._api.packages_of(owner), kind, there) for kind, there in ways]
        return next((package for package in moved if self._belongs(package, project)), None) or self._raise(gone)

    def _belongs(self, package: RestPackage, project: str) -> bool:
        """Whether a moved package is there, and not another project's of the same name."""
        try:
            record = package.record()
        except NotFound:
            return False
        return record.repository.lower() == project or (not record.repository and record.name.startswith(f"{project}/"))

    def _raise(self, error: RegistryError) -> Package:
        raise error

    def _levels(self, repository: Repository) -> tuple[str, str, str]:
        match repository.path.split("/"):
            case [owner, project, name]:
                return owner, project, name
        raise ConfigurationError(
            f"{repository} is no repository of GitHub's old Docker registry, which has three levels",
            remedy=f"Write {self._registry}/OWNER/PROJECT/PACKAGE.",
        )

    def _old_paths(self, owner: str) -> list[str]:
        from moorage.registries.github.legacy import packages_of  # noqa: PLC0415 -- brings gql

        here = packages_of(self._api, self._session, owner) or self._of(owner, DOCKER)
        moved = [one.name for one in self._of(owner, CONTAINER) if one.name.count("/") == 1] if not here else []
        return [f"{owner}/{name}".lower() for name in (*(f"{one.repository}/{one.name}" for one in here), *moved)]

    def _of(self, owner: str, kind: str) -> list[payloads.PackageRecord]:
        """The packages of an account. A job's GITHUB_TOKEN may not list them: 400 "Invalid argument." (cli/cli#9606)."""
        place = f"{self._registry}/{owner}: GitHub's list of packages"
        path = self._api.packages_of(owner)
        first = self._api.call("GET", path, needs=READ, params={"package_type": kind, "per_page": "1"}, ok={*SUCCESS, 400})
        if first.status == 400:
            raise Denied(
                f"GitHub does not list the packages of {owner} to this token: GITHUB_TOKEN of a job cannot list them",
                remedy="Name the repositories with --repository, or give a personal access token (classic) with read:packages.",
            )
        return self._api.listed(path, {"package_type": kind}, lambda answer: payloads.packages(answer.json(), place))

    def _named(self, path: str) -> Repository | None:
        try:
            return Repository(self._registry, path)
        except BadReference:
            return None  # no client could have pushed there
