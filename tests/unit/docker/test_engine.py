"""The docker command is a program in front of us: here a small one that answers, fails and remembers as docker does."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage.auth.secret import Secret
from moorage.docker.config_dir import DockerConfig, private_docker_config
from moorage.docker.engine import RETRY_PAUSES, CommandFailed, Docker
from moorage.errors import DockerError
from moorage.oci.reference import Digest

DIGEST = "sha256:" + "a" * 64
PUSHED = f"The push refers to repository [r.example.com/app]\n0123: Pushed\nv1: digest: {DIGEST} size: 525"

# Each answer is a directory entry "answers/N" of exit code and text; every call is noted with its arguments, config and input.
STAND_IN = """#!/bin/sh
cd {folder}
n=$(ls calls | wc -l)
printf '%s\\n' "$@" > calls/$n
printf '%s' "$DOCKER_CONFIG" > config
cat > input
answer=answers/$n
[ -f "$answer" ] || answer=answers/last
tail -n +2 "$answer"
exit "$(head -n 1 "$answer")"
"""


class StandIn:
    """A docker command whose answers a test lays out beforehand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("calls", "answers", "bin"):
            (folder / name).mkdir(parents=True)
        program = folder / "bin" / "docker"
        program.write_text(STAND_IN.format(folder=folder))
        program.chmod(0o755)

    def answers(self, *answers: tuple[int, str]) -> None:
        for number, (code, text) in enumerate(answers):
            for name in (str(number), "last"):
                (self.folder / "answers" / name).write_text(f"{code}\n{text}\n")

    @property
    def calls(self) -> list[list[str]]:
        return [
            path.read_text().splitlines() for path in sorted((self.folder / "calls").iterdir(), key=lambda path: int(path.name))
        ]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "stand-in")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[DockerConfig]:
    with private_docker_config(None, place=tmp_path) as made:
        yield made


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def docker(stand_in: StandIn, config: DockerConfig, pauses: list[float], log: list[str]) -> Docker:
    return Docker(config, environment=stand_in.environment, sleep=pauses.append, log=log.append)


def test_a_push_tells_its_digest_and_its_lines(docker: Docker, stand_in: StandIn, log: list[str]) -> None:
    stand_in.answers((0, PUSHED))
    assert docker.push("r.example.com/app:v1") == Digest(DIGEST)
    assert stand_in.calls == [["push", "r.example.com/app:v1"]]
    assert log == PUSHED.splitlines()
    assert (stand_in.folder / "config").read_text() == str(docker.config.directory)


def test_what_may_pass_is_tried_again_with_growing_pauses(docker: Docker, stand_in: StandIn, pauses: list[float]) -> None:
    stand_in.answers((1, "net/http: TLS handshake timeout"), (1, "unknown blob"), (0, PUSHED))
    assert docker.push("r.example.com/app:v1") == Digest(DIGEST)
    assert pauses == list(RETRY_PAUSES[:2])
    assert len(stand_in.calls) == 3


def test_tries_are_counted(docker: Docker, stand_in: StandIn, pauses: list[float]) -> None:
    stand_in.answers((1, "received unexpected HTTP status: 502 Bad Gateway"))
    with pytest.raises(DockerError, match=r"docker pull r\.example\.com/app failed with exit code 1: .*502 Bad Gateway"):
        docker.pull("r.example.com/app")
    assert pauses == list(RETRY_PAUSES)
    assert len(stand_in.calls) == 4


def test_what_stays_is_not_tried_again(docker: Docker, stand_in: StandIn, pauses: list[float]) -> None:
    stand_in.answers((1, "denied: requested access to the resource is denied"))
    with pytest.raises(DockerError) as caught:
        docker.push("r.example.com/app:v1")
    assert "--registry-auth" in caught.value.remedy
    assert caught.value.exit_code == 4
    assert pauses == []


def test_no_retry_outlives_the_time_budget(stand_in: StandIn, config: DockerConfig, pauses: list[float]) -> None:
    stand_in.answers((1, "i/o timeout"))
    docker = Docker(config, environment=stand_in.environment, sleep=pauses.append, time_left=lambda: RETRY_PAUSES[1])
    with pytest.raises(DockerError):
        docker.pull("r.example.com/app")
    assert pauses == [RETRY_PAUSES[0]]


def test_a_push_without_a_digest_is_not_believed(docker: Docker, stand_in: StandIn) -> None:
    stand_in.answers((0, "nothing to say"))
    with pytest.raises(DockerError, match="named no digest"):
        docker.push("r.example.com/app:v1")


def test_a_password_is_in_no_argument_no_log_and_no_error(docker: Docker, stand_in: StandIn, log: list[str]) -> None:
    stand_in.answers((1, "i/o timeout: hunter2hunter2"), (1, "unauthorized: hunter2hunter2 is wrong"))
    with pytest.raises(DockerError) as caught:
        docker.login("r.example.com", "bob", Secret("hunter2hunter2"))
    assert stand_in.calls[-1] == ["login", "--username", "bob", "--password-stdin", "r.example.com"]
    assert (stand_in.folder / "input").read_text() == "hunter2hunter2"
    for shown in (str(caught.value), caught.value.remedy, *log):
        assert "hunter2" not in shown
    assert len(stand_in.calls) == 2


def test_docker_hub_is_logged_in_to_by_the_name_that_docker_wants(docker: Docker, stand_in: StandIn) -> None:
    stand_in.answers((0, "Login Succeeded"))
    docker.login("index.docker.io", "bob", Secret("hunter2hunter2"))
    assert stand_in.calls == [["login", "--username", "bob", "--password-stdin"]]


def test_no_docker_is_said_with_a_way_on(config: DockerConfig, tmp_path: Path) -> None:
    docker = Docker(config, environment={"PATH": str(tmp_path)})
    with pytest.raises(DockerError, match="no docker command on PATH") as caught:
        docker.version()
    assert "--engine registry" in caught.value.remedy
    assert Docker.find({"PATH": str(tmp_path)}) is None


def test_no_engine_is_said_with_a_way_on(docker: Docker, stand_in: StandIn) -> None:
    client = {"Client": {"Version": "28.2.2"}, "Server": None}
    error = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    stand_in.answers((1, json.dumps(client)), (1, json.dumps(client)), (1, error))
    assert docker.version().server == ""
    with pytest.raises(DockerError, match="Cannot connect") as caught:
        docker.require_engine()
    assert "--engine registry" in caught.value.remedy


def test_an_image_that_is_not_there_is_none_but_no_engine_is_an_error(docker: Docker, stand_in: StandIn) -> None:
    version = json.dumps({"Client": {"Version": "28.2.2"}, "Server": {"Version": "20.10.24"}})
    stand_in.answers((1, "Error: No such image: app"), (0, version))
    assert docker.image("app") is None


def test_several_images_cost_one_question(docker: Docker, stand_in: StandIn) -> None:
    """Docker prints those that it has and exits with 1 for the others; that it has some shows that there is an engine."""
    stand_in.answers((1, '{"Id": "a"}\n{"Id": "b"}'))
    assert docker.inspections(["a", "none", "b"]) == [{"Id": "a"}, {"Id": "b"}]
    assert stand_in.calls == [["image", "inspect", "--format", "{{json .}}", "a", "none", "b"]]


def test_containers_that_end_meanwhile_use_nothing_but_an_engine_that_does_is_an_error(docker: Docker, stand_in: StandIn) -> None:
    version = json.dumps({"Client": {"Version": "28.2.2"}, "Server": {"Version": "20.10.24"}})
    stand_in.answers((0, "c1\nc2"), (1, f"{DIGEST}\nError: No such container: c2"), (0, version))
    assert DIGEST in docker.used_images()
    assert stand_in.calls[1] == ["container", "inspect", "--format", "{{.Image}}", "c1", "c2"]
    stand_in.answers(*[(0, "")] * len(stand_in.calls), (0, "c1"), (1, ""), (1, "Cannot connect to the Docker daemon"))
    with pytest.raises(DockerError, match="Cannot connect"):
        docker.used_images()


def test_without_containers_nothing_is_used(docker: Docker, stand_in: StandIn) -> None:
    stand_in.answers((0, ""))
    assert docker.used_images() == frozenset()


def test_what_does_not_change_is_asked_once_whatever_is_told_where(docker: Docker) -> None:
    asked: list[str] = []
    for one in (docker, docker.telling(asked.append), docker):
        assert one.once("builder", lambda: len(asked)) == 0
        asked.append("again")


def test_nothing_is_started_once_the_private_config_is_gone(docker: Docker, stand_in: StandIn) -> None:
    docker.config.directory.rename(docker.config.directory.with_name("moved"))
    with pytest.raises(DockerError, match="told to end"):
        docker.pull("app")
    assert stand_in.calls == []
    docker.config.directory.with_name("moved").rename(docker.config.directory)


def test_an_archive_is_streamed(docker: Docker, stand_in: StandIn) -> None:
    stand_in.answers((0, "archive"))
    target = io.BytesIO()
    docker.save("app:v1", target)
    assert target.getvalue() == b"archive\n"
    assert stand_in.calls == [["save", "app:v1"]]


@pytest.mark.parametrize(
    ("settings", "chosen", "context"),
    [
        ({}, {}, "default"),
        ({}, {"currentContext": "remote"}, "remote"),
        ({"DOCKER_CONTEXT": "other"}, {"currentContext": "remote"}, "other"),
        ({"DOCKER_HOST": "tcp://h", "DOCKER_CONTEXT": "other"}, {"currentContext": "remote"}, "default"),
    ],
)
def test_the_context_is_found_as_docker_finds_it(
    settings: dict[str, str], chosen: dict[str, str], context: str, config: DockerConfig
) -> None:
    (config.directory / "config.json").write_text(json.dumps(chosen))
    assert Docker(config, environment=settings).context == context


def test_a_failure_without_words_says_so(docker: Docker, stand_in: StandIn) -> None:
    (stand_in.folder / "answers" / "last").write_text("9\n")
    with pytest.raises(CommandFailed, match="docker tag a b failed with exit code 9: it wrote nothing"):
        docker.tag("a", "b")
