"""What GitHub Actions and GitLab CI say about a job, as settings of ours. Pure: environment in, variables out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from moorage.errors import ConfigurationError
from moorage.oci.tagging import TagStrategy
from moorage.settings.ci import CiJob, CiSystem


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
_TAG_VARIABLES = {TagStrategy.GIT_TAG: "MOORAGE_TAG_GIT_TAG", TagStrategy.GIT_BRANCH: "MOORAGE_TAG_GIT_BRANCH"}


def ci_sections(job: CiJob, strategy: TaggingStrategy) -> tuple[Section, ...]:
    """Everything but the Docker config. Raises ConfigurationError where the system's own variables are missing."""
    return tuple(_github(job, strategy) if job.system is CiSystem.GITHUB else _gitlab(job, strategy))


def _github(job: CiJob, strategy: TaggingStrategy) -> Iterator[Section]:
    if job.images_repo is None:
        raise ConfigurationError("GITHUB_REPOSITORY is not set", remedy="Run `moorage ci-env github` in a job of GitHub Actions.")
    yield from _storages(job.images_repo.texts[0], "github", job.github_registry, job.environ, "")
    yield _tagging(job, strategy)
    token = Variable("MOORAGE_REPO_GITHUB_TOKEN", job.environ.get("GITHUB_TOKEN", ""), "GITHUB_TOKEN is not set", secret=True)
    note = "the job's token deletes packages only where the package's settings give this repository the admin role"
    yield Section("GitHub packages", (token,), note)
    yield from _cleanup()


def _gitlab(job: CiJob, strategy: TaggingStrategy) -> Iterator[Section]:
    if not any(job.environ.get(name) for name in ("CI_PROJECT_ID", "CI_REGISTRY_IMAGE", "GITLAB_CI")):
        remedy = "Run `moorage ci-env gitlab` in a job of GitLab CI."
        raise ConfigurationError("none of GITLAB_CI, CI_PROJECT_ID and CI_REGISTRY_IMAGE is set", remedy=remedy)
    why = "CI_REGISTRY_IMAGE is not set: the project's container registry is off"
    base = job.images_repo.texts[0] if job.images_repo else ""
    yield from _storages(base, "gitlab", job.gitlab_registry, job.environ, why)
    yield _tagging(job, strategy)
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


def _tagging(job: CiJob, strategy: TaggingStrategy) -> Section:
    title = f"Tags ({strategy})"
    given = sorted(f"{name}={value}" for name, value in job.environ.items() if name.startswith(_ANY_TAG) and value)
    if given:
        # Several tag options together publish under every one of them: the job's own tag would come on top of the user's.
        return Section(title, (), f"skip {', '.join(given)} (current)")
    if strategy is TaggingStrategy.STAGES_SIGNATURE:
        return Section(title, (Variable("MOORAGE_TAG_BY_STAGES_SIGNATURE", "true"),))
    tag = job.tag()
    if tag is None:
        names = "GITHUB_REF_NAME" if job.system is CiSystem.GITHUB else "CI_COMMIT_TAG or CI_COMMIT_REF_NAME"
        raise ConfigurationError(f"tagging strategy tag-or-branch: neither tag nor branch is known, {names} is not set")
    return Section(title, (Variable(_TAG_VARIABLES[tag.strategy], tag.value or ""),))


def _cleanup() -> Iterator[Section]:
    yield Section("Cleanup", tuple(Variable(name, value) for name, value in _CLEANUP.items()))
