"""What the CI system says about a job, read from its variables alone: the last word before a default.

GitHub: docs.github.com "Variables reference"; GitLab: docs.gitlab.com "Predefined CI/CD variables" (both seen 2026-11).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moorage.auth.secret import Secret
from moorage.oci.slug import slug
from moorage.oci.tagging import TagRequest, TagStrategy
from moorage.registries.vendor import Surroundings
from moorage.settings.options import general, safety, where
from moorage.settings.settings import Login
from moorage.settings.sources import Given

_GITHUB = "github.com"


class CiSystem(StrEnum):
    """Whose job this is."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "CiSystem":
        if environ.get("GITHUB_ACTIONS") == "true":
            return cls.GITHUB
        return cls.GITLAB if environ.get("GITLAB_CI") == "true" else cls.NONE


@dataclass(frozen=True, slots=True)
class CiJob:
    """The facts of one job; empty texts where nothing is said."""

    system: CiSystem
    environ: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "CiJob":
        return cls(CiSystem.of(environ), environ)

    def _get(self, *names: str) -> str:
        return next((value for name in names if (value := self.environ.get(name, "").strip())), "")

    @property
    def images_repo(self) -> Given | None:
        """GitLab's registry of the project; GitHub's container registry below the repository's name, in lower case."""
        match self.system:
            case CiSystem.GITLAB if text := self._get("CI_REGISTRY_IMAGE"):
                return Given((text,), "$CI_REGISTRY_IMAGE")
            case CiSystem.GITHUB if text := self._get("GITHUB_REPOSITORY"):
                return Given((f"{self.github_registry}/{text.lower()}",), "$GITHUB_REPOSITORY")
        return None

    @property
    def github_registry(self) -> str:
        """GitHub's container registry, that of an enterprise server included."""
        host = Surroundings.of(self.environ).github_server_host or _GITHUB
        return "ghcr.io" if host == _GITHUB else f"containers.{host}"

    @property
    def gitlab_registry(self) -> str:
        """The host of GitLab's registry, "" where the project has none. An image path is no name to log in to."""
        return self._get("CI_REGISTRY") or self._get("CI_REGISTRY_IMAGE").partition("/")[0]

    def login(self, github_token: Secret | None) -> Login | None:
        """What the job may use its own registry with: GitLab's job token, GitHub's token."""
        if self.system is CiSystem.GITHUB and github_token:
            return Login(self.github_registry, self._get("GITHUB_ACTOR") or "token", github_token, "$GITHUB_TOKEN")
        if self.system is CiSystem.GITLAB and (host := self.gitlab_registry) and (token := self._get("CI_JOB_TOKEN")):
            return Login(host, "gitlab-ci-token", Secret(token), "$CI_JOB_TOKEN")
        return None

    @property
    def revision(self) -> str:
        return self._get("GITHUB_SHA") if self.system is CiSystem.GITHUB else self._get("CI_COMMIT_SHA")

    @property
    def git_tag(self) -> str:
        """The git tag that the job is for."""
        if self.system is CiSystem.GITHUB:
            return self._get("GITHUB_REF_NAME") if self._get("GITHUB_REF_TYPE") == "tag" else ""
        return self._get("CI_COMMIT_TAG", "CI_BUILD_TAG")

    @property
    def branch(self) -> str:
        """The branch that the job is for; of a pull or merge request, the one that is to be merged."""
        if self.git_tag:
            return ""
        if self.system is CiSystem.GITHUB:
            return self._get("GITHUB_HEAD_REF") or ("" if self.change else self._get("GITHUB_REF_NAME"))
        return self._get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME", "CI_BUILD_REF_NAME")

    @property
    def change(self) -> str:
        """The number of the pull or merge request."""
        if self.system is CiSystem.GITHUB:
            found = re.fullmatch(r"refs/pull/([0-9]+)/.*", self._get("GITHUB_REF"), re.ASCII)
            return found[1] if found else ""
        return self._get("CI_MERGE_REQUEST_IID")

    @property
    def source_url(self) -> str:
        """The address of the project for people."""
        if self.system is CiSystem.GITLAB:
            return self._get("CI_PROJECT_URL")
        repository = self._get("GITHUB_REPOSITORY")
        server = self._get("GITHUB_SERVER_URL") or f"https://{_GITHUB}"
        return f"{server}/{repository}" if self.system is CiSystem.GITHUB and repository else ""

    def tag(self) -> TagRequest | None:
        """The tag of the job's git tag, else of its branch, made safe; None where the CI system names neither.

        For a pull request GitHub's reference name is `NUMBER/merge`, which no branch can be mistaken for.
        """
        if self.system is CiSystem.GITHUB:
            reference = self._get("GITHUB_REF")
            name = self._get("GITHUB_REF_NAME") or "/".join(reference.split("/")[2:])
            kind = self._get("GITHUB_REF_TYPE") or ("tag" if reference.startswith("refs/tags/") else "branch")
            strategy = TagStrategy.GIT_TAG if kind == "tag" else TagStrategy.GIT_BRANCH
        else:
            git_tag = self._get("CI_BUILD_TAG", "CI_COMMIT_TAG")
            name = git_tag or self._get("CI_BUILD_REF_NAME", "CI_COMMIT_REF_NAME")
            strategy = TagStrategy.GIT_TAG if git_tag else TagStrategy.GIT_BRANCH
        return TagRequest(strategy, slug(name)) if name and self.system else None

    def options(self) -> Mapping[str, Given]:
        """What the job says in the place of options, by their names."""
        found: dict[str, Given] = {}
        if repo := self.images_repo:
            found[where.IMAGES_REPO.name] = repo
        if self.system is CiSystem.GITLAB:
            if name := self._get("CI_PROJECT_NAME"):
                found[general.PROJECT.name] = Given((name,), "$CI_PROJECT_NAME")
        elif self.system is CiSystem.GITHUB and (repository := self._get("GITHUB_REPOSITORY")):
            found[general.PROJECT.name] = Given((repository.rpartition("/")[2],), "$GITHUB_REPOSITORY")
        if (index := self._get("CI_NODE_INDEX")) and (total := self._get("CI_NODE_TOTAL")):  # GitLab's, and set by hand elsewhere
            found[safety.SHARD.name] = Given((f"{index}/{total}",), "$CI_NODE_INDEX and $CI_NODE_TOTAL")
        elif (index := self._get("JOB_COMPLETION_INDEX")).isdecimal() and (total := self._get("JOB_COMPLETIONS")):
            # A Kubernetes Indexed Job counts from 0, and tells its pods nothing of how many there are: the user does.
            found[safety.SHARD.name] = Given((f"{int(index) + 1}/{total}",), "$JOB_COMPLETION_INDEX and $JOB_COMPLETIONS")
        return found
