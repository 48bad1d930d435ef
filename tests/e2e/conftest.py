"""Fixtures of the stories that are told from end to end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.build_counter import BuildCounter
from tests.e2e.recorded_project import Project
from tests.publishing import Target
from tests.scripted_server import Reply, Request, ScriptedServer, forward

from moorage.auth.secret import Secret
from moorage.settings.settings import Access, Login
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry
    from tests.realparts.token_registry import TokenRegistry


@pytest.fixture
def local_image(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[str]:
    """A local image of the user's; gone after the test."""
    reference = f"moorage-e2e/{tmp_path.name.replace('_', '-').lower()}:dev"
    docker_engine.import_tiny(reference)
    yield reference
    docker_engine.run("rmi", reference, check=False)


@pytest.fixture
def counter(docker_engine: DockerEngine, tmp_path: Path) -> BuildCounter:
    """Docker, counting what it is told to build."""
    return BuildCounter.of(docker_engine, tmp_path / "bin")


@pytest.fixture
def watched(registry: RunningRegistry) -> Iterator[ScriptedServer]:
    """The open registry, with every request on record and room for a test's own answers."""
    with ScriptedServer(lambda request: forward(request, registry.host)) as server:
        yield server


@pytest.fixture(params=["open", "token"])
def target(request: pytest.FixtureRequest, docker_engine: DockerEngine, skopeo: Path, tmp_path: Path) -> Target:
    """An open registry, and one that wants tokens, over TLS."""
    if request.param == "open":
        registry: RunningRegistry = request.getfixturevalue("registry")
        return Target(registry.host, Access(), docker_engine, skopeo, ["--tls-verify=false"])
    tokens: TokenRegistry = request.getfixturevalue("token_registry")
    user = tokens.writer
    access = Access(logins=(Login(tokens.host, user.name, Secret(user.password), "--password"),), ca_file=tokens.ca_file)
    engine = docker_engine.with_config(tmp_path / "puller")
    engine.run("login", "--username", user.name, "--password-stdin", tokens.host, stdin=user.password)
    flags = [f"--cert-dir={tokens.ca_file.parent}", f"--creds={user.name}:{user.password}"]
    return Target(tokens.host, access, engine, skopeo, flags)


@pytest.fixture
def project(registry: RunningRegistry, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A clone with an origin, and a repository of its own in a real registry."""

    def answer(asked: Request) -> Reply:
        return forward(asked, registry.host)

    name = "records/" + re.sub("[^a-z0-9]+", "-", request.node.name).strip("-")
    with ScriptedServer(answer) as server, Session() as session:
        yield Project(tmp_path, server, session, name)
