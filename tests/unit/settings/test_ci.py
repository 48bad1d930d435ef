import pytest

from moorage.auth.secret import Secret
from moorage.oci.slug import slug
from moorage.oci.tagging import TagRequest, TagStrategy
from moorage.settings.ci import CiJob, CiSystem

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "Acme/Shop",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": "c0ffee",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_REGISTRY": "registry.gitlab.com",
    "CI_REGISTRY_IMAGE": "registry.gitlab.com/acme/shop",
    "CI_PROJECT_NAME": "shop",
    "CI_PROJECT_URL": "https://gitlab.com/acme/shop",
    "CI_COMMIT_SHA": "c0ffee",
}


def options(environ: dict[str, str]) -> dict[str, str]:
    return {name: given.texts[0] for name, given in CiJob.of(environ).options().items()}


def test_github() -> None:
    job = CiJob.of(GITHUB)
    assert options(GITHUB) == {"images-repo": "ghcr.io/acme/shop", "project": "Shop"}
    assert (job.system, job.revision, job.source_url) == (CiSystem.GITHUB, "c0ffee", "https://github.com/Acme/Shop")


def test_an_enterprise_server_has_its_own_registry() -> None:
    environ = {**GITHUB, "GITHUB_SERVER_URL": "https://git.acme.example"}
    assert options(environ)["images-repo"] == "containers.git.acme.example/acme/shop"
    login = CiJob.of(environ).login(Secret("tokentoken"))
    assert login is not None
    assert login.registry == "containers.git.acme.example"


def test_gitlab() -> None:
    environ = {**GITLAB, "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "5", "CI_JOB_TOKEN": "jobtoken"}
    job = CiJob.of(environ)
    assert options(environ) == {"images-repo": "registry.gitlab.com/acme/shop", "project": "shop", "shard": "2/5"}
    assert (job.revision, job.source_url) == ("c0ffee", "https://gitlab.com/acme/shop")
    login = job.login(None)
    assert login is not None
    assert (login.registry, login.username, login.password) == ("registry.gitlab.com", "gitlab-ci-token", Secret("jobtoken"))


def test_an_image_path_says_the_registry_where_nothing_else_does() -> None:
    login = CiJob.of({**GITLAB, "CI_REGISTRY": "", "CI_JOB_TOKEN": "jobtoken"}).login(None)
    assert login is not None
    assert login.registry == "registry.gitlab.com"


def test_a_job_without_parallel_has_no_shard() -> None:
    assert "shard" not in options({**GITLAB, "CI_NODE_TOTAL": "1"})


def test_whoever_numbers_nodes_as_gitlab_does_gets_a_shard() -> None:
    assert options({"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "5", "JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "6"}) == {
        "shard": "2/5"
    }


def test_a_pod_of_an_indexed_job_has_a_shard_where_it_is_told_of_how_many() -> None:
    assert options({"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "6"})["shard"] == "1/6"
    assert "shard" not in options({"JOB_COMPLETION_INDEX": "0"})


def test_outside_of_ci_nobody_says_anything() -> None:
    job = CiJob.of({**GITHUB, "GITHUB_ACTIONS": "", **GITLAB, "GITLAB_CI": ""})
    assert (job.options(), job.tag(), job.login(Secret("tokentoken")), job.images_repo) == ({}, None, None, None)


@pytest.mark.parametrize(
    ("environ", "tag"),
    [
        ({"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main"}, TagRequest(TagStrategy.GIT_BRANCH, "main")),
        ({"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1.0"}, TagRequest(TagStrategy.GIT_TAG, "v1.0")),
        ({"GITHUB_REF": "refs/heads/a/b"}, TagRequest(TagStrategy.GIT_BRANCH, slug("a/b"))),
        ({"GITHUB_REF": "refs/tags/v1/x"}, TagRequest(TagStrategy.GIT_TAG, slug("v1/x"))),
        ({"GITHUB_REF_NAME": "7/merge", "GITHUB_HEAD_REF": "main"}, TagRequest(TagStrategy.GIT_BRANCH, slug("7/merge"))),
        ({}, None),
    ],
)
def test_tags_of_github(environ: dict[str, str], tag: TagRequest | None) -> None:
    assert CiJob.of({"GITHUB_ACTIONS": "true", **environ}).tag() == tag


@pytest.mark.parametrize(
    ("environ", "tag"),
    [
        ({"CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"}, TagRequest(TagStrategy.GIT_TAG, "v1")),
        ({"CI_BUILD_TAG": "v0", "CI_COMMIT_TAG": "v1"}, TagRequest(TagStrategy.GIT_TAG, "v0")),
        ({"CI_COMMIT_TAG": "", "CI_COMMIT_REF_NAME": "main"}, TagRequest(TagStrategy.GIT_BRANCH, "main")),
        ({"CI_COMMIT_REF_NAME": "main"}, TagRequest(TagStrategy.GIT_BRANCH, "main")),
        ({"CI_BUILD_REF_NAME": "old", "CI_COMMIT_REF_NAME": "main"}, TagRequest(TagStrategy.GIT_BRANCH, "old")),
        ({}, None),
    ],
)
def test_tags_of_gitlab(environ: dict[str, str], tag: TagRequest | None) -> None:
    assert CiJob.of({"GITLAB_CI": "true", **environ}).tag() == tag
