"""Tags with placeholders, as CI and clones fill them."""

import subprocess
from pathlib import Path

import pytest
from tests.calling import call, refused, requested

from moorage.oci.slug import slug
from moorage.oci.tag_template import Placeholder
from moorage.settings.assemble.tags import tags_of
from moorage.settings.assemble.templates import values_of
from moorage.settings.request import Request

SHA = "1a2b3c4d" * 5
ON_GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": SHA}
BRANCH = {**ON_GITHUB, "GITHUB_REF": "refs/heads/feature/x", "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "feature/x"}
TAG = {**ON_GITHUB, "GITHUB_REF": "refs/tags/v1.2.3", "GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1.2.3"}
PULL = {**ON_GITHUB, "GITHUB_REF": "refs/pull/42/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "42/merge",
        "GITHUB_HEAD_REF": "fix"}  # fmt: skip
ON_GITLAB = {"GITLAB_CI": "true", "CI_COMMIT_SHA": SHA}
MERGE = {**ON_GITLAB, "CI_COMMIT_REF_NAME": "fix", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix"}
ALL = ["--tag-custom", "{branch-slug}", "--tag-custom", "{semver}", "--tag-custom", "{semver-minor}", "--tag-custom",
       "{semver-major}", "--tag-custom", "pr-{pr}", "--tag-custom", "sha-{sha7}", "--tag-custom", "fixed"]  # fmt: skip


def tags(request: Request) -> list[str | None]:
    found = [tag.value for tag in tags_of(request)]
    request.problems.raise_any()
    return found


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (BRANCH, [slug("feature/x"), "sha-1a2b3c4", "fixed"]),
        (TAG, ["1.2.3", "1.2", "1", "sha-1a2b3c4", "fixed"]),
        (PULL, ["fix", "pr-42", "sha-1a2b3c4", "fixed"]),
        (MERGE, ["fix", "pr-7", "sha-1a2b3c4", "fixed"]),
        ({**ON_GITLAB, "CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_NAME": "v1.2.3"}, ["1.2.3", "1.2", "1", "sha-1a2b3c4", "fixed"]),
    ],
    ids=["branch", "tag", "pull request", "merge request", "gitlab tag"],
)
def test_one_list_serves_every_event(environ: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    assert tags(requested(tmp_path, "publish", *ALL, environ=environ)) == expected


def test_a_clone_knows_them_where_no_ci_says_any(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "v1.9.0")
    git("tag", "v1.10.0")
    values = values_of(requested(tmp_path, "publish"))
    assert values[Placeholder.SHA] == git("rev-parse", "HEAD").strip()
    assert (values[Placeholder.BRANCH_SLUG], values[Placeholder.TAG_SLUG], values[Placeholder.SEMVER]) == (
        "main",
        "v1.10.0",
        "1.10.0",
    )
    assert len(values[Placeholder.DATE]) == 8
    assert values[Placeholder.TIME].startswith(values[Placeholder.DATE])


def test_two_templates_of_one_value_are_one_tag(tmp_path: Path) -> None:
    environ = {**TAG, "GITHUB_REF_NAME": "v2.0.0-rc.1"}
    argv = ["--tag-custom", "{semver}", "--tag-custom", "{semver-major}", "--tag-custom", "{semver-minor}"]
    assert tags(requested(tmp_path, "publish", *argv, environ=environ)) == ["2.0.0-rc.1"]


def test_nothing_left_says_why(tmp_path: Path) -> None:
    problems = refused("names", "--images-repo", "example.com/x", "--image", "app", "--tag-custom", "{semver}", environ=BRANCH)
    assert any("{semver} stands for nothing here" in problem for problem in problems)


def test_an_unknown_placeholder_is_told_with_the_known_ones() -> None:
    problems = refused("names", "--images-repo", "example.com/x", "--image", "app", "--tag-custom", "{short-sha}", environ=BRANCH)
    assert any("there is no placeholder {short-sha}" in problem and "{sha7}" in problem for problem in problems)


def test_names_shows_them_filled() -> None:
    argv = ["names", "--images-repo", "example.com/x", "--image", "app", "--tag-custom", "{semver-minor}", "--output", "json"]
    called = call(*argv, environ=TAG)
    assert called.document["images"][0]["reference"] == "example.com/x/app:1.2"
