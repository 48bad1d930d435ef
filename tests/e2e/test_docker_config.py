"""The isolated configuration with the real docker command, a real engine and real registries."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.realparts.engine import DockerEngine
from tests.realparts.fixtures import RegistryFactory
from tests.realparts.registry import RunningRegistry

from moorage.auth.secret import Secret
from moorage.docker.build import Build, Builder, available_builder, build, relabelled
from moorage.docker.config_dir import DockerConfig, private_docker_config
from moorage.docker.engine import Docker
from moorage.docker.local_image import LocalImage
from moorage.errors import ConfigurationError, DockerError

LOGIN = """
import sys
from pathlib import Path
from moorage.auth.secret import Secret
from moorage.docker.config_dir import DockerConfig
from moorage.docker.engine import Docker
directory, host, user = sys.argv[1:]
Docker(DockerConfig(Path(directory))).login(host, user, Secret("password-of-" + user))
"""
AWKWARD = 'say "hi" to $HOME, C:\\temp, `date` and\na second line = 100%'


@pytest.fixture
def user_config(tmp_path: Path) -> Path:
    directory = tmp_path / "user"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"auths": {"users.example.com": {"auth": "dXNlcjpvd24tc2VjcmV0"}}}))
    return directory


@pytest.fixture
def config(user_config: Path, tmp_path: Path) -> Iterator[DockerConfig]:
    with private_docker_config(user_config, place=tmp_path) as made:
        yield made


def client_first(docker_engine: DockerEngine, client: Path | None = None) -> dict[str, str]:
    """The environment in which that client is the one on PATH."""
    return {**docker_engine.env, "PATH": f"{(client or docker_engine.client).parent}:{os.environ['PATH']}"}


@pytest.fixture
def docker(docker_engine: DockerEngine, config: DockerConfig) -> Docker:
    return Docker(config, environment=client_first(docker_engine))


@pytest.fixture
def names(docker_engine: DockerEngine, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """References for local images, removed after the test."""
    key = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    made = [f"moorage-test/{key}:{number}" for number in range(8)]
    yield made
    docker_engine.run("rmi", "--force", *made, check=False)


def logged_in(config: DockerConfig) -> dict[str, str]:
    return {host: base64.b64decode(entry["auth"]).decode() for host, entry in config.content()["auths"].items()}


def test_sixteen_docker_logins_in_parallel_processes_are_all_kept(
    docker_engine: DockerEngine, registry_factory: RegistryFactory, user_config: Path, config: DockerConfig
) -> None:
    before = (user_config / "config.json").read_bytes()
    # All of 127.0.0.0/8 leads to it, so that one registry has sixteen names.
    port = registry_factory(bind="0.0.0.0").host.rpartition(":")[2]  # noqa: S104  a test registry
    hosts = [f"127.0.0.{number}:{port}" for number in range(1, 17)]
    environment = {**client_first(docker_engine), "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOGIN, str(config.directory), host, f"user-{number}"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number, host in enumerate(hosts)
    ]  # fmt: skip
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    expected = {host: f"user-{number}:password-of-user-{number}" for number, host in enumerate(hosts)}
    assert logged_in(config) == {"users.example.com": "user:own-secret", **expected}
    assert (user_config / "config.json").read_bytes() == before
    assert list(user_config.iterdir()) == [user_config / "config.json"]


def credential_store(folder: Path, name: str) -> Path:
    """A credential store of the machine that notes whatever it is asked, and would keep every login."""
    folder.mkdir()
    program = folder / f"docker-credential-{name}"
    program.write_text(f'#!/bin/sh\necho "$1" >> {folder}/asked\ncat >> {folder}/stored\necho "credentials not found"; exit 1\n')
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        {"credsStore": "trap"},
        {"credHelpers": {"{host}": "trap"}},
        {"credsStore": "trap", "credHelpers": {"{host}": "trap", "other.example.com": "trap"}},
        {},
    ],
    ids=["store", "helper", "both", "a store that docker finds by itself"],
)
def test_a_login_never_goes_to_a_credential_store_of_the_machine(
    settings: dict[str, object], docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path
) -> None:
    store = credential_store(tmp_path / "bin", "trap")
    # Where nothing is configured, docker on Linux looks for these two.
    (store / "docker-credential-secretservice").symlink_to(store / "docker-credential-trap")
    user = tmp_path / "user"
    user.mkdir()
    (user / "config.json").write_text(json.dumps(settings).replace("{host}", registry.host))
    environment = client_first(docker_engine)
    environment["PATH"] = f"{store}:{environment['PATH']}"
    with private_docker_config(user, place=tmp_path) as config:
        Docker(config, environment=environment).login(registry.host, "bob", Secret("hunter2hunter2"))
        assert logged_in(config) == {registry.host: "bob:hunter2hunter2"}
        assert config.content().get("credsStore") == settings.get("credsStore")
    assert not (store / "asked").exists(), (store / "asked").read_text()


def test_docker_alone_would_have_given_it_away(docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path) -> None:
    """What the test above rests on: the trap works."""
    store = credential_store(tmp_path / "bin", "trap")
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "config.json").write_text('{"credsStore": "trap"}')
    environment = {**client_first(docker_engine), "DOCKER_CONFIG": str(tmp_path / "user")}
    environment["PATH"] = f"{store}:{environment['PATH']}"
    argv = ["docker", "login", "--username", "bob", "--password-stdin", registry.host]
    subprocess.run(argv, input=b"hunter2hunter2", env=environment, capture_output=True, check=False, timeout=60)
    assert "hunter2hunter2" in (store / "stored").read_text()


def test_a_login_opens_a_closed_registry_to_push_and_pull(
    docker: Docker, docker_engine: DockerEngine, registry_factory: RegistryFactory, names: list[str]
) -> None:
    host = registry_factory(users={"bob": "hunter2hunter2"}).host
    docker_engine.import_tiny(names[0])
    reference = f"{host}/closed/app:v1"
    docker.tag(names[0], reference)
    try:
        with pytest.raises(DockerError, match="no basic auth credentials"):
            docker.push(reference)
        with pytest.raises(DockerError, match="401 Unauthorized"):
            docker.login(host, "bob", Secret("wrong-password"))
        docker.login(host, "bob", Secret("hunter2hunter2"))
        digest = docker.push(reference)
        docker.untag(reference)
        docker.pull(f"{host}/closed/app@{digest}")
        pulled = docker.image(f"{host}/closed/app@{digest}")
        assert pulled is not None
        assert f"{host}/closed/app@{digest}" in pulled.repo_digests
    finally:
        docker_engine.run("rmi", "--force", reference, check=False)


def test_the_engine_and_its_images_are_known(
    docker: Docker, docker_engine: DockerEngine, names: list[str], tmp_path: Path
) -> None:
    docker_engine.import_tiny(names[0])
    assert docker.require_engine().server == docker_engine.version
    image = docker.image(names[0])
    assert image is not None
    assert names[0] in image.tags
    assert docker.image(str(image.id)) == image
    assert docker.image("moorage-test/no-such-image") is None
    docker.save(names[0], tmp_path / "archive.tar")
    with (tmp_path / "streamed.tar").open("wb") as stream:
        docker.save(names[0], stream)
    assert (tmp_path / "archive.tar").stat().st_size == (tmp_path / "streamed.tar").stat().st_size > 1000
    docker.untag(names[0])
    docker.untag(names[0])
    assert docker.image(names[0]) is None


def test_no_engine_is_said_with_a_way_on(docker_engine: DockerEngine, config: DockerConfig) -> None:
    docker = Docker(config, environment={**client_first(docker_engine), "DOCKER_HOST": "unix:///nowhere.sock"})
    assert docker.version().client
    for attempt in (docker.require_engine, lambda: docker.image("app"), lambda: docker.push("app")):
        with pytest.raises(DockerError, match=r"nowhere\.sock") as caught:
            attempt()
        assert "--engine registry" in caught.value.remedy


BUILDERS = pytest.mark.parametrize("builder", list(Builder), ids=[builder.name.lower() for builder in Builder])


@pytest.fixture
def builder_docker(
    builder: Builder, docker_engine: DockerEngine, config: DockerConfig, monkeypatch: pytest.MonkeyPatch
) -> Docker:
    """A docker command with this builder: Debian's 20.10 client has all three, and is told which to take."""
    old = next(client for client in docker_engine.clients if client == Path("/usr/bin/docker"))
    docker = Docker(config, environment=client_first(docker_engine, old))
    assert available_builder(docker) is Builder.BUILDX
    monkeypatch.setattr("moorage.docker.build.available_builder", lambda _docker: builder)
    return docker


def made_context(folder: Path) -> Path:
    folder.mkdir()
    (folder / "file").write_text("content")
    (folder / "Dockerfile").write_text('FROM scratch\nARG WHO\nCOPY file /file\nENV WHO=$WHO\nCMD ["/file"]\nLABEL kept="yes"\n')
    return folder


@BUILDERS
def test_labels_are_added_without_touching_layers(
    builder: Builder, builder_docker: Docker, names: list[str], tmp_path: Path
) -> None:
    request = Build(context=made_context(tmp_path / "context"), build_args={"WHO": "me"}, labels={"built": "here"})
    source = build(builder_docker, request, names[0])
    assert source.labels == {"kept": "yes", "built": "here"}
    result = relabelled(builder_docker, names[0], {"awkward": AWKWARD, "kept": "no"}, names[1])
    assert result.labels == {"kept": "no", "built": "here", "awkward": AWKWARD}
    assert result.layers == source.layers
    assert len(result.layers) == 1
    assert config_of(builder_docker, names[1]) == {**config_of(builder_docker, names[0]), "Labels": result.labels}
    again = relabelled(builder_docker, names[0], {"awkward": AWKWARD, "kept": "no"}, names[2])
    assert again.id == result.id
    if builder is not Builder.CLASSIC:
        assert result.created == source.created, "so the same content gets the same digest on any machine"


def config_of(docker: Docker, reference: str) -> dict[str, object]:
    """What the image is run with; the classic builder also notes itself under "Image"."""
    config = json.loads(docker.run(["image", "inspect", "--format", "{{json .Config}}", reference]))
    return {name: value for name, value in config.items() if value and name not in {"Image", "Hostname"}}


def test_labels_that_are_there_already_change_nothing(docker: Docker, names: list[str], tmp_path: Path) -> None:
    source = build(docker, Build(context=made_context(tmp_path / "context")), names[0])
    assert relabelled(docker, names[0], {"kept": "yes"}, names[1]).id == source.id
    assert docker.image(names[1]) == docker.image(names[0])


def test_the_pushed_digest_is_the_same_for_the_same_labels(
    docker: Docker, registry: RunningRegistry, names: list[str], tmp_path: Path
) -> None:
    build(docker, Build(context=made_context(tmp_path / "context")), names[0])
    references = [f"{registry.host}/moorage-test/labels:{tag}" for tag in ("a", "b", "c")]
    try:
        for reference, revision in zip(references, ("1", "1", "2"), strict=True):
            relabelled(docker, names[0], {"org.opencontainers.image.revision": revision}, reference)
        first, second, other = (docker.push(reference) for reference in references)
        assert first == second != other
    finally:
        for reference in references:
            docker.untag(reference)


def test_an_image_without_a_name_survives(docker: Docker, docker_engine: DockerEngine, names: list[str]) -> None:
    identity = docker_engine.import_tiny(names[0], payload=names[0])
    docker_engine.import_tiny(names[0], payload="another")
    assert named(docker, identity) == ()
    try:
        result = relabelled(docker, identity, {"a": "b"}, names[1])
        assert result.labels == {"a": "b"}
        assert named(docker, identity) == (f"moorage-source:{identity.removeprefix('sha256:')}",)
    finally:
        docker_engine.run("rmi", "--force", identity)


def named(docker: Docker, reference: str) -> tuple[str, ...]:
    image = docker.image(reference)
    assert isinstance(image, LocalImage)
    return image.tags


def test_what_would_run_steps_is_not_relabelled(docker: Docker, names: list[str], tmp_path: Path) -> None:
    context = made_context(tmp_path / "context")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY file /file\nONBUILD COPY file /other\n")
    build(docker, Build(context=context), names[0])
    with pytest.raises(DockerError, match="ONBUILD"):
        relabelled(docker, names[0], {"a": "b"}, names[1])
    assert docker.image(names[1]) is None


def test_secrets_reach_neither_labels_nor_arguments(docker: Docker, names: list[str], tmp_path: Path) -> None:
    Secret("glpat-hunter2hunter2")
    context = made_context(tmp_path / "context")
    labels = {"source": "https://bob:glpat-hunter2hunter2@gitlab.com/a"}
    with pytest.raises(ConfigurationError, match="label source holds a secret"):
        build(docker, Build(context=context, labels=labels), names[0])
    with pytest.raises(ConfigurationError, match="label source holds a secret"):
        relabelled(docker, names[0], labels, names[1])
    build(docker, Build(context=context, build_args={"WHO": "glpat-hunter2hunter2"}), names[0])
    environment = config_of(docker, names[0])["Env"]
    assert isinstance(environment, list)
    assert "WHO=glpat-hunter2hunter2" in environment


def test_what_cannot_be_built_is_said_before_anything_is_tried(docker: Docker, names: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"context .*/gone is no directory"):
        build(docker, Build(context=tmp_path / "gone"), names[0])
    with pytest.raises(ConfigurationError, match=r"no Dockerfile at .*/Dockerfile\.prod"):
        build(docker, Build(context=made_context(tmp_path / "context"), dockerfile=Path("Dockerfile.prod")), names[0])
    with pytest.raises(ConfigurationError, match="no local image moorage-test/none"):
        relabelled(docker, "moorage-test/none", {"a": "b"}, names[0])


def test_a_failing_build_shows_its_last_lines(docker: Docker, names: list[str], tmp_path: Path) -> None:
    context = made_context(tmp_path / "context")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY missing /file\n")
    with pytest.raises(DockerError, match="missing"):
        build(docker, Build(context=context), names[0])
