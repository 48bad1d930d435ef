"""The action, run the way GitHub's runner runs a docker action (tests/realparts/github_runner.py)."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from tests.archives import docker_archive
from tests.images import image, layer
from tests.provision.places import on_path
from tests.realparts import absence
from tests.realparts.github_runner import RUNNER_USER, GithubRunner, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.realparts.engine import DockerEngine
    from tests.realparts.fixtures import BridgeRegistry

pytestmark = pytest.mark.xdist_group("moorage-image")

ACTION = Path(__file__).parents[2] / "action.yml"
TAGS = ("v1.2.0", "latest", "main")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture
def runner(docker_engine: DockerEngine, moorage_image: str, tmp_path: Path) -> GithubRunner:
    """A job that has checked out two directories with Dockerfiles; nothing in it is root's."""
    runner = GithubRunner(docker_engine, moorage_image, ACTION, tmp_path / "runner")
    subprocess.run(["git", "init", "-q", "-b", "main", str(runner.workspace)], check=True, timeout=30)
    for name in ("web", "api"):
        folder = runner.workspace / name
        folder.mkdir()
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY name Dockerfile /\nCOPY name /again\n")
        (folder / "name").write_text(f"{name} of {tmp_path.name}\n")
    runner.give_to_runner()
    return runner


@pytest.fixture(params=["open", "token"])
def registry(request: pytest.FixtureRequest) -> BridgeRegistry:
    found: BridgeRegistry = request.getfixturevalue(f"{request.param}_bridge_registry")
    return found


def reaching(registry: BridgeRegistry, runner: GithubRunner) -> dict[str, str]:
    """The inputs by which a step reaches a registry."""
    (runner.workspace / "ca.pem").write_bytes(registry.ca_file.read_bytes())
    login = {"username": registry.user.name, "password": registry.user.password} if registry.user else {}
    return {"ca_file": "ca.pem", **login}


def pulled(engine: DockerEngine, registry: BridgeRegistry, config: Path, references: list[str]) -> dict[str, str]:
    """The digest under which docker got each reference."""
    puller = engine.with_config(config)
    if registry.user:
        argv = ("login", "--username", registry.user.name, "--password-stdin", registry.host)
        puller.run(*argv, stdin=registry.user.password)
    found = {}
    for reference in references:
        said = puller.run("pull", reference).stdout
        (digest,) = set(DIGEST.findall(said))
        found[reference] = digest
    puller.run("image", "rm", *references)
    return found


def left_behind(runner: GithubRunner) -> list[str]:
    """Files in what outlives a step, except the runner's own."""
    own = {runner.temp / "_runner_file_commands", runner.temp / "_github_workflow"}
    return [str(path) for path in runner.temp.rglob("*") if path.is_file() and not own.intersection(path.parents)]


def names(repo: str, mode: str) -> list[str]:
    between = {"multirepo": "/{}:", "monorepo": ":{}-"}[mode]
    return [f"{repo}{between.format(name)}{tag}" for name in ("web", "api") for tag in TAGS]


@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
def test_two_directories_are_published_under_three_tags_and_pulled_back(
    runner: GithubRunner, registry: BridgeRegistry, mode: str, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    repo = f"{registry.host}/{mode}/{tmp_path.name.replace('_', '-').lower().strip('-')}"
    step = runner.step(
        images_repo=repo, images_repo_mode=mode, images_repo_implementation="default",
        image="web=web\napi=api", tag_custom="v1.2.0, latest", tag_git_branch="main", report="report.json",
        **reaching(registry, runner),
    )  # fmt: skip
    assert step.code == 0, step.shown
    expected = names(repo, mode)
    digests = json.loads(step.outputs["digests"])
    assert step.outputs["references"].splitlines() == expected
    assert list(digests) == expected
    assert digests == pulled(docker_engine, registry, tmp_path / "docker", expected)
    assert len(set(digests.values())) == 2
    check_what_the_job_is_told(step, expected, digests)
    assert [entry["digest"] for entry in json.loads((runner.workspace / "report.json").read_text())["images"]]
    assert left_behind(runner) == []
    assert runner.variables == {}
    if registry.user:
        assert registry.user.password in step.commands("add-mask")
        assert registry.user.password not in step.shown + step.summary + json.dumps(step.outputs)


def check_what_the_job_is_told(step: Step, references: list[str], digests: dict[str, str]) -> None:
    assert step.outputs["digest"] == digests[references[0]]
    assert step.outputs["tags"].splitlines()[: len(TAGS)] == [
        reference.rpartition(":")[2] for reference in references[: len(TAGS)]
    ]
    assert [entry["status"] for entry in json.loads(step.outputs["images"])] == ["published"] * len(references)
    assert step.outputs["failed-count"] == "0"
    assert all(reference in step.summary and digests[reference] in step.summary for reference in references)
    assert len(step.commands("group")) == len(step.commands("endgroup")) == 4, "building and publishing, for two images"
    assert step.commands("error") == step.commands("warning") == []


def test_an_error_is_annotated_and_fails_the_step(runner: GithubRunner, open_bridge_registry: BridgeRegistry) -> None:
    step = runner.step(images_repo=f"{open_bridge_registry.host}/shop", image="web=nowhere", ca_file="nowhere.pem")
    assert step.code == 2
    (told,) = step.commands("error")
    assert "nowhere.pem" in told
    assert step.outputs == {}


def test_a_cleanup_is_shown_first_and_then_carried_out(runner: GithubRunner, registry: BridgeRegistry) -> None:
    reach = {"images_repo": f"{registry.host}/cleaned", "images_repo_implementation": "default", **reaching(registry, runner)}
    (runner.workspace / "old.tar").write_bytes(docker_archive({"old:1": image(layer("old"))}))
    published = runner.step(**reach, image="web=docker-archive:old.tar", tag_custom="v1,v2,keep", no_labels="true")
    assert published.code == 0, published.shown
    rules = {"repository": "web", "delete_tags": "v*", "max_delete_percent": "-1"}
    plan = runner.step(command="cleanup", **reach, **rules, dry_run="true", plan_out="plan.json", report="plan.html")
    assert plan.code == 0, plan.shown
    assert plan.outputs["deleted-count"] == "0"
    # Steps on the host use these paths: the artifact upload, for one.
    assert plan.outputs["plan"] == str(runner.workspace / "plan.json")
    assert json.loads(Path(plan.outputs["plan"]).read_bytes())["totals"]["planned_tags"] == 2
    assert "<html" in Path(plan.outputs["report"]).read_text(encoding="utf-8")
    assert "v1" in plan.summary
    done = runner.step(command="cleanup", **reach, plan="plan.json", journal="journal.jsonl")
    assert done.code == 0, done.shown
    assert done.outputs["deleted-count"] == "2"
    assert len(json.loads(done.outputs["deleted"])) == 2
    again = runner.step(command="cleanup", **reach, **rules, journal="journal.jsonl")
    assert again.outputs["deleted-count"] == "0"
    assert again.outputs["kept-count"] == "1"
    assert left_behind(runner) == []


def test_a_login_lasts_for_the_job_and_the_post_step_removes_it(
    runner: GithubRunner, token_bridge_registry: BridgeRegistry, docker_engine: DockerEngine
) -> None:
    registry = token_bridge_registry
    assert registry.user
    asked = {"registry": registry.host, "username": registry.user.name, "password": registry.user.password}
    login = runner.step(command="login", **asked)
    assert login.code == 0, login.shown
    directory = Path(login.outputs["docker-config"])
    assert directory.is_relative_to(runner.temp), "the host's path, not the container's"
    assert login.variables["DOCKER_CONFIG"] == str(directory)
    assert directory.stat().st_uid == directory.joinpath("config.json").stat().st_uid == RUNNER_USER
    assert directory.stat().st_mode & 0o077 == directory.joinpath("config.json").stat().st_mode & 0o077 == 0

    # A later container step, for which the runner turns the path into the container's: it needs no password.
    reach = {key: value for key, value in reaching(registry, runner).items() if key == "ca_file"}
    repo = f"{registry.host}/logged-in"
    step = runner.step(images_repo=repo, images_repo_implementation="default", image="web=web", tag_custom="v1", **reach)
    assert step.code == 0, step.shown
    # A later step on the host uses the very directory.
    host_step = docker_engine.with_config(directory)
    assert step.outputs["digest"] in host_step.run("pull", f"{repo}/web:v1").stdout

    post = runner.post(login, command="login", **asked)
    assert post.code == 0, post.shown
    assert not directory.exists()
    assert left_behind(runner) == []
    assert runner.post(login, command="login", **asked).code == 0, "a post step may run twice"


@pytest.fixture
def service(docker_engine: DockerEngine, base_image: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A registry as a job's service container: the job's network, and the name by which the host and the daemon know it.

    In the network its name is registry:5000.
    """
    program = on_path("docker-registry")
    absence.need("registry", program, "docker-registry")
    config = tmp_path / "registry.yml"
    config.write_text("version: 0.1\nstorage: {inmemory: {}}\nhttp: {addr: ':5000'}\n")
    network = docker_engine.run("network", "create", f"github_network_{uuid.uuid4().hex}").stdout.strip()
    mounts = ("--volume", f"{program}:/registry:ro", "--volume", f"{config}:/registry.yml:ro")
    argv = ("--network", network, "--network-alias", "registry", "--publish", "127.0.0.1::5000", *mounts)
    container = docker_engine.run("run", "--detach", *argv, base_image, "/registry", "serve", "/registry.yml").stdout.strip()
    yield network, docker_engine.run("port", container, "5000").stdout.split()[0].replace("127.0.0.1", "localhost")
    docker_engine.run("rm", "--force", "--volumes", container)
    docker_engine.run("network", "rm", network)


def test_a_service_container_is_published_to_by_its_name_in_the_network(
    runner: GithubRunner, service: tuple[str, str], docker_engine: DockerEngine
) -> None:
    network, outside = service
    (runner.workspace / "web.tar").write_bytes(docker_archive({"web:1": image(layer("web"))}))
    reach = {"images_repo": "registry:5000/shop", "insecure_registry": "registry:5000", "tag_custom": "v1"}
    step = runner.step(network=network, **reach, image="web=docker-archive:web.tar", engine="registry")
    assert step.code == 0, step.shown
    assert step.outputs["references"] == "registry:5000/shop/web:v1"
    assert step.outputs["digest"] in docker_engine.run("pull", f"{outside}/shop/web:v1").stdout


def test_docker_does_not_push_to_a_name_that_cannot_be_read_back_from(runner: GithubRunner, service: tuple[str, str]) -> None:
    network, outside = service
    step = runner.step(network=network, images_repo=f"{outside}/shop", image="web=web", tag_custom="v1")
    assert step.code == 3, step.shown
    (told,) = step.commands("error")
    assert "nothing was pushed" in told
    assert json.loads(step.outputs["images"])[0]["status"] == "failed"
    assert requests.get(f"http://{outside}/v2/_catalog", timeout=10).json() == {"repositories": []}


def test_the_post_step_of_other_commands_does_nothing(runner: GithubRunner, tmp_path: Path) -> None:
    step = runner.step(command="names", images_repo="registry.example.com/shop", image="web", tag_custom="v1")
    assert step.code == 0, step.shown
    assert "registry.example.com/shop/web:v1" in step.stdout
    post = runner.post(step, command="names", images_repo="registry.example.com/shop", image="web", tag_custom="v1")
    assert (post.code, post.log) == (0, "")
