"""The GitLab component, included with inputs and run by gitlab-ci-local: in the built image, and on a runner's own shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.realparts.engine import DockerEngine
    from tests.realparts.fixtures import BridgeRegistry, GitlabCiLocal

pytestmark = pytest.mark.xdist_group("moorage-image")

ROOT = Path(__file__).parents[2]
TAGS = ("v1.2.0", "latest", "main")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PASSWORD = "$DEPLOY_PASSWORD"


@dataclass(frozen=True)
class Project:
    """A project that includes the component, and the runner that its jobs get."""

    folder: Path
    runner: GitlabCiLocal
    options: tuple[str, ...]
    image: str = ""
    """Of jobs; empty where they run on the machine itself."""

    def write(self, *jobs: dict[str, str], extra: str = "") -> None:
        """A pipeline with the component once per job, in this order."""
        (self.folder / "templates").mkdir(exist_ok=True)
        shutil.copy(ROOT / "templates" / "moorage.yml", self.folder / "templates")
        stages = [inputs["stage"] for inputs in jobs]
        image = {"job-image": self.image} if self.image else {}
        includes = [{"local": "templates/moorage.yml", "inputs": {**image, **inputs}} for inputs in jobs]
        pipeline = yaml.safe_dump({"stages": [*stages, "last"], "include": includes})
        (self.folder / ".gitlab-ci.yml").write_text(pipeline + extra)
        identity = ("-c", "user.name=Ana", "-c", "user.email=ana@shop.invalid")
        git = (["init", "-q", "-b", "main"], ["remote", "add", "origin", "git@gitlab.invalid:acme/shop.git"])
        for argv in (*git, ["add", "."], [*identity, "commit", "-qm", "first"]):
            subprocess.run(["git", *argv], cwd=self.folder, check=True, timeout=30)

    def run(self, *arguments: str) -> str:
        """The whole pipeline's log. gitlab-ci-local says GITLAB_CI=false, so that jobs can tell it from the real one."""
        done = self.runner.run(
            "--variable", "GITLAB_CI=true", "--ignore-predefined-vars", "GITLAB_CI", *self.options, *arguments, cwd=self.folder
        )
        log = done.stdout + done.stderr
        assert done.returncode == 0, log
        return log

    def artifact(self, job: str, name: str) -> str:
        return (self.folder / ".gitlab-ci-local" / "artifacts" / job / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def gitlab_helper(docker_engine: DockerEngine, base_image: str) -> str:
    """The image in which gitlab-ci-local copies artifacts: its own cannot be pulled here."""
    dockerfile = f"FROM {base_image}\nRUN apt-get update -q && apt-get install -q -y --no-install-recommends rsync\n"
    docker_engine.run("build", "--quiet", "--tag", "moorage-test/gitlab-helper", "-", stdin=dockerfile, timeout=200)
    return "moorage-test/gitlab-helper"


@pytest.fixture(params=["docker", "shell"])
def project(
    request: pytest.FixtureRequest, gitlab_ci_local: GitlabCiLocal, docker_engine: DockerEngine, tmp_path: Path
) -> Project:
    folder = tmp_path / "shop"
    for name in ("web", "api"):
        (folder / name).mkdir(parents=True)
        (folder / name / "Dockerfile").write_text("FROM scratch\nCOPY name /\n")
        (folder / name / "name").write_text(f"{name} of {tmp_path.name}\n")
    if request.param == "docker":
        image: str = request.getfixturevalue("moorage_image")
        # gitlab-ci-local takes what is before a colon for a registry's name, and goes to pull it.
        docker_engine.run("tag", image, "moorage-test/gitlab-job")
        helper: str = request.getfixturevalue("gitlab_helper")
        socket = "/var/run/docker.sock:/var/run/docker.sock"
        options = ("--pull-policy", "if-not-present", "--helper-image", helper, "--volume", socket)
        return Project(folder, gitlab_ci_local, options, "moorage-test/gitlab-job:latest")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(docker_engine.client.parent), gitlab_ci_local.env["PATH"]])
    own_shell = replace(gitlab_ci_local, env={**gitlab_ci_local.env, "PATH": path})
    return Project(folder, own_shell, ("--force-shell-executor", "--shell-isolation"))


@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
def test_two_directories_are_published_under_three_tags_and_pulled_back(
    project: Project, mode: str, token_bridge_registry: BridgeRegistry, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    registry = token_bridge_registry
    assert registry.user
    shutil.copy(registry.ca_file, project.folder / "ca.pem")
    repo = f"{registry.host}/{mode}/{tmp_path.name.replace('_', '-').lower().strip('-')}"
    publish = {
        "stage": "deploy", "images-repo": repo, "images-repo-mode": mode, "images-repo-implementation": "default",
        "image": "web=web, api=api", "tag-custom": "v1.2.0, latest", "tag-git-branch": "main",
        "username": registry.user.name, "password": PASSWORD, "ca-file": "ca.pem",
    }  # fmt: skip
    project.write(publish, extra=LAST_JOB)
    log = project.run("--variable", f"DEPLOY_PASSWORD={registry.user.password}")
    handed = dict(line.split("=", 1) for line in re.findall(r"(MOORAGE_OUT_[A-Z]+=.*)", log))
    digests = json.loads(handed["MOORAGE_OUT_DIGESTS"])
    between = {"multirepo": "/{}:", "monorepo": ":{}-"}[mode]
    expected = [f"{repo}{between.format(name)}{tag}" for name in ("web", "api") for tag in TAGS]
    assert list(digests) == expected
    assert handed["MOORAGE_OUT_DIGEST"] == digests[expected[0]]
    assert handed["MOORAGE_OUT_REFERENCES"].split(",") == expected
    puller = docker_engine.with_config(tmp_path / "docker")
    login = ("login", "--username", registry.user.name, "--password-stdin", registry.host)
    puller.run(*login, stdin=registry.user.password)
    assert digests == {reference: only(DIGEST.findall(puller.run("pull", reference).stdout)) for reference in expected}
    puller.run("image", "rm", *expected)
    page = project.artifact("moorage", "moorage-report.html")
    assert all(reference in page for reference in expected)
    # gitlab-ci-local shows sections in words of its own.
    opened, closed = (re.findall(rf"moorage_\d_(\w+)_{told}", log) for told in ("_started", " took"))
    assert sorted(opened) == ["preparing_image_api", "preparing_image_web", "publishing_image_api", "publishing_image_web"]
    assert len(closed) == 4
    assert registry.user.password not in log + page + project.artifact("moorage", ".gitlab-ci-reports/dotenv/moorage.env")


LAST_JOB = """
last:
  stage: last
  variables: {GIT_STRATEGY: none}
  script: ["env | grep MOORAGE_OUT"]
"""


def only(digests: list[str]) -> str:
    (digest,) = set(digests)
    return digest


def test_a_cleanup_is_shown_first_and_then_carried_out(
    project: Project, open_bridge_registry: BridgeRegistry, tmp_path: Path
) -> None:
    shutil.copy(open_bridge_registry.ca_file, project.folder / "ca.pem")
    repo = f"{open_bridge_registry.host}/{tmp_path.name.replace('_', '-').lower().strip('-')}"
    reach = {"images-repo": repo, "images-repo-implementation": "default", "ca-file": "ca.pem"}
    young = {"keep-images-built-within-last-n-hours": "0", "max-delete-percent": "-1"}
    rules = {"command": "cleanup", "repository": "web", "delete-tags": "v*", **young}
    project.write(
        {"job-name": "publish", "stage": "first", **reach, "image": "web=web", "tag-custom": "v1,keep"},
        {"job-name": "plan", "stage": "second", **reach, **rules, "dry-run": "true", "dotenv": "plan.env"},
        {"job-name": "clean", "stage": "third", **reach, **rules, "dotenv": "clean.env", "journal": "journal.jsonl"},
    )
    log = project.run()
    planned = project.artifact("plan", ".gitlab-ci-reports/dotenv/plan.env").splitlines()
    cleaned = project.artifact("clean", ".gitlab-ci-reports/dotenv/clean.env").splitlines()
    assert "MOORAGE_OUT_DELETED_COUNT=0" in planned, log
    assert "MOORAGE_OUT_DELETED_COUNT=1" in cleaned, log
    assert "MOORAGE_OUT_KEPT_COUNT=1" in cleaned, log
    assert "1 of 2 tags" in log
    assert "<html" in project.artifact("clean", "moorage-report.html")
