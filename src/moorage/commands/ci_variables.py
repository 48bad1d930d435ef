"""What GitHub Actions and GitLab CI say about a job, as settings of ours. Pure: environment in, variables out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError
from moorage.oci.slug import slug
from moorage.settings.settings import Login


class CiSystem(StrEnum):
    """The systems whose variables are known."""

    GITHUB = "github"
    GITLAB = "gitlab"


class TaggingStrategy(StrEnum):
    """How the CI system gives a tag."""

    STAGES_SIGNATURE = "stages-signature"
    TAG_OR_BRANCH = "tag-or-branch"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable to set. An empty value is shown as a comment that says `why`; `overrides` replaces what the user has set."""

    name: str
    value: str
    why: str = ""
    secret: bool = False
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Variables that belong together, under a heading; `note` is for whoever reads the lines."""

    title: str
    variables: tuple[Variable, ...]
    note: str = ""


# CI clones are shallow, and cleanup by history needs all of it. The limits are in force only without cleanup by history.
_CLEANUP = {
    "MOORAGE_GIT_HISTORY_SYNCHRONIZATION": "1",
    "MOORAGE_GIT_TAG_STRATEGY_LIMIT": "10",
    "MOORAGE_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
    "MOORAGE_GIT_COMMIT_STRATEGY_LIMIT": "50",
    "MOORAGE_GIT_COMMIT_STRATEGY_EXPIRY_DAYS": "30",
}
_ANY_TAG = "MOORAGE_TAG_"


def ci_sections(system: CiSystem, environment: Mapping[str, str], strategy: TaggingStrategy) -> tuple[Section, ...]:
    """Everything but the Docker config. Raises ConfigurationError where the system's own variables are missing."""
    return tuple(_github(environment, strategy) if system is CiSystem.GITHUB else _gitlab(environment, strategy))


def ci_logins(system: CiSystem, environment: Mapping[str, str], registry: str | None = None) -> tuple[Login, ...]:
    """The login that the job's own token allows; with `registry`, only if it is for that host."""
    if system is CiSystem.GITHUB:
        host, user, token = github_registry(environment), environment.get("GITHUB_ACTOR"), environment.get("GITHUB_TOKEN")
        source = "$GITHUB_TOKEN"
    else:
        host, user, token = gitlab_registry(environment), "gitlab-ci-token", environment.get("CI_JOB_TOKEN")
        source = "$CI_JOB_TOKEN"
    if not (host and user and token) or registry not in {None, host}:
        return ()
    return (Login(host, user, Secret(token), source),)


def github_registry(environment: Mapping[str, str]) -> str:
    """The container registry of the GitHub that runs the job: ghcr.io, or `containers.HOST` of an enterprise server."""
    host = urlsplit(environment.get("GITHUB_SERVER_URL") or "https://github.com").hostname or "github.com"
    return "ghcr.io" if host == "github.com" else f"containers.{host}"


def gitlab_registry(environment: Mapping[str, str]) -> str:
    """The host of GitLab's registry, "" where the project has none. An image path is no name to log in to."""
    return environment.get("CI_REGISTRY") or environment.get("CI_REGISTRY_IMAGE", "").partition("/")[0]


def git_tag_or_branch(system: CiSystem, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """`("tag" | "branch", its name)` of what the job was started for, None when the system does not say.

    A pull request on GitHub is the branch `N/merge`, not the head's: a fork's branch may be called `main`.
    """
    tags, branches = ("CI_BUILD_TAG", "CI_COMMIT_TAG"), ("CI_BUILD_REF_NAME", "CI_COMMIT_REF_NAME")
    if system is CiSystem.GITLAB:
        found = [("tag", environment.get(name)) for name in tags] + [("branch", environment.get(name)) for name in branches]
        return next(((kind, name) for kind, name in found if name), None)
    reference = environment.get("GITHUB_REF", "")
    kind = environment.get("GITHUB_REF_TYPE") or ("tag" if reference.startswith("refs/tags/") else "branch")
    name = environment.get("GITHUB_REF_NAME") or "/".join(reference.split("/")[2:])
    return (kind, name) if name else None


def _github(environment: Mapping[str, str], strategy: TaggingStrategy) -> Iterator[Section]:
    repository, registry = environment.get("GITHUB_REPOSITORY", ""), github_registry(environment)
    if not repository:
        raise ConfigurationError("GITHUB_REPOSITORY is not set", remedy="Run `moorage ci-env github` in a job of GitHub Actions.")
    base = f"{registry}/{repository.lower()}"
    yield from _storages(base, "github", registry, environment, "")
    yield _tagging(CiSystem.GITHUB, environment, strategy)
    token = Variable("MOORAGE_REPO_GITHUB_TOKEN", environment.get("GITHUB_TOKEN", ""), "GITHUB_TOKEN is not set", secret=True)
    note = "the job's token deletes packages only where the package's settings give this repository the admin role"
    yield Section("GitHub packages", (token,), note)
    yield from _cleanup()


def _gitlab(environment: Mapping[str, str], strategy: TaggingStrategy) -> Iterator[Section]:
    if not environment.get("CI_PROJECT_ID") and not environment.get("CI_REGISTRY_IMAGE") and not environment.get("GITLAB_CI"):
        remedy = "Run `moorage ci-env gitlab` in a job of GitLab CI."
        raise ConfigurationError("none of GITLAB_CI, CI_PROJECT_ID and CI_REGISTRY_IMAGE is set", remedy=remedy)
    why = "CI_REGISTRY_IMAGE is not set: the project's container registry is off"
    yield from _storages(environment.get("CI_REGISTRY_IMAGE", ""), "gitlab", gitlab_registry(environment), environment, why)
    yield _tagging(CiSystem.GITLAB, environment, strategy)
    yield from _cleanup()


def _storages(base: str, vendor: str, registry: str, environment: Mapping[str, str], why: str) -> Iterator[Section]:
    for title, name, address in (
        ("Images repo", "IMAGES_REPO", base),
        ("Stages storage", "STAGES_STORAGE", base and f"{base}/stages"),
    ):
        current = environment.get(f"MOORAGE_{name}") or address
        # The user's own address may lead elsewhere; a host that only starts alike is elsewhere too.
        here = bool(registry) and (current == registry or current.startswith(f"{registry}/"))
        no_vendor = why if not current else f"{current} is not in {registry or 'a registry of this system'}"
        implementation = Variable(f"MOORAGE_{name}_IMPLEMENTATION", vendor if here else "", no_vendor)
        yield Section(title, (Variable(f"MOORAGE_{name}", address, why), implementation))


def _tagging(system: CiSystem, environment: Mapping[str, str], strategy: TaggingStrategy) -> Section:
    title = f"Tags ({strategy})"
    given = sorted(f"{name}={value}" for name, value in environment.items() if name.startswith(_ANY_TAG) and value)
    if given:
        # Several tag options together publish under every one of them: the job's own tag would come on top of the user's.
        return Section(title, (), f"skip {', '.join(given)} (current)")
    if strategy is TaggingStrategy.STAGES_SIGNATURE:
        return Section(title, (Variable("MOORAGE_TAG_BY_STAGES_SIGNATURE", "true"),))
    found = git_tag_or_branch(system, environment)
    if found is None:
        names = "GITHUB_REF_NAME" if system is CiSystem.GITHUB else "CI_COMMIT_TAG or CI_COMMIT_REF_NAME"
        raise ConfigurationError(f"tagging strategy tag-or-branch: neither tag nor branch is known, {names} is not set")
    kind, name = found
    return Section(title, (Variable(f"MOORAGE_TAG_GIT_{kind.upper()}", slug(name)),))


def _cleanup() -> Iterator[Section]:
    yield Section("Cleanup", tuple(Variable(name, value) for name, value in _CLEANUP.items()))
