"""The fixtures over the real parts. Session-wide ones are shared: use a repository name of your own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.provision.places import BASE_IMAGE, GITLAB_CI_LOCAL, NODE, OCI_SCHEMAS, on_path
from tests.realparts import absence
from tests.realparts.certificates import make_authority, make_certificate, trusted_by_daemon
from tests.realparts.containerd_engine import containerd_engine
from tests.realparts.engine import DockerEngine, find_engine
from tests.realparts.environment import cleaned
from tests.realparts.oci_schemas import OciSchemas
from tests.realparts.registry import (
    BRIDGE,
    RegistrySettings,
    RunningRegistry,
    start_crane_registry,
    start_docker_registry,
)
from tests.realparts.token_registry import HOSTS, TokenRegistry, start_token_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.realparts.token_service import User

# As root Chromium needs --no-sandbox; the rest keeps it from looking up its maker's hosts at every start.
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class RegistryFactory(Protocol):
    """Starts docker-registries of several kinds; they end with the test."""

    def __call__(
        self,
        *,
        delete: bool = True,
        readonly: bool = False,
        users: Mapping[str, str] | None = None,
        storage: Path | None = None,
        bind: str = "127.0.0.1",
    ) -> RunningRegistry: ...


@dataclass(frozen=True)
class BridgeRegistry:
    """A registry that the daemon and containers know under the same name, and by which authority they trust it."""

    host: str
    ca_file: Path
    user: User | None = None
    """Who may push; None where anybody may."""


@dataclass(frozen=True)
class GitlabCiLocal:
    """gitlab-ci-local with the Node it needs first in PATH."""

    argv: tuple[str, ...]
    env: Mapping[str, str]

    def run(self, *arguments: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run it in a project's directory; timeout in seconds."""
        return subprocess.run(
            [*self.argv, *arguments], cwd=cwd, env=dict(self.env), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=timeout, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> DockerEngine:
    """The Docker engine; a test that logs in takes `docker_engine.with_config(tmp_path)`."""
    return find_engine(tmp_path_factory.mktemp("docker-home"))


@pytest.fixture(scope="session")
def containerd_store_engine(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """An engine in which images lie in containerd's store; it reaches no registry."""
    with containerd_engine(docker_engine, tmp_path_factory.mktemp("containerd-engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def base_image(docker_engine: DockerEngine) -> str:
    """The name of a Debian image that a Dockerfile can build FROM."""
    found = docker_engine.run("image", "inspect", BASE_IMAGE, check=False).returncode == 0
    absence.need("docker", found, f"The image {BASE_IMAGE}")
    return BASE_IMAGE


@pytest.fixture(scope="session")
def moorage_image(docker_engine: DockerEngine, base_image: str) -> str:
    """Moorage's own image, built as GitHub's runner does it; the engine's cache makes the next session quick.

    Some 40 s on two cores the first time. Known by its id: another session may build another one meanwhile.
    """
    root = Path(__file__).parents[2]
    name = "moorage-test/moorage"
    argv = ("build", "--quiet", "--tag", name, "--build-arg", f"BASE={base_image}", "--file")
    image = docker_engine.run(*argv, root / "Dockerfile", root, timeout=280).stdout.strip()
    # What it was built from other sources, unless another session may still be at it.
    old = ("--filter", "label=org.opencontainers.image.title=moorage", "--filter", "until=24h")
    docker_engine.run("image", "prune", "--force", *old, check=False)
    return image


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """An open docker-registry 2.8 with deletion enabled."""
    running = start_docker_registry(RegistrySettings(), tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


@pytest.fixture
def registry_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryFactory]:
    """Variants of docker-registry: deletion disabled, read-only, basic auth, shared storage."""
    started: list[RunningRegistry] = []

    def start(
        *,
        delete: bool = True,
        readonly: bool = False,
        users: Mapping[str, str] | None = None,
        storage: Path | None = None,
        bind: str = "127.0.0.1",
    ) -> RunningRegistry:
        settings = RegistrySettings(delete=delete, readonly=readonly, users=users, bind=bind)
        started.append(start_docker_registry(settings, tmp_path_factory.mktemp("registry"), storage))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def token_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenRegistry]:
    """A docker-registry over TLS with a token service; count requests as a difference, it is shared."""
    running = start_token_registry(tmp_path_factory.mktemp("token-registry"))
    yield running
    running.stop()


@pytest.fixture
def token_registry_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TokenRegistry]]:
    """Token registries of a test's own: lifetime=SECONDS, bind=ADDRESS."""
    started: list[TokenRegistry] = []

    def start(*, lifetime: int = 300, bind: str = "127.0.0.1") -> TokenRegistry:
        folder = tmp_path_factory.mktemp("token-registry")
        started.append(start_token_registry(folder, lifetime=lifetime, bind=bind))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def open_bridge_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeRegistry]:
    """An open registry over TLS for the daemon and containers alike: the daemon takes plain HTTP on loopback alone."""
    folder = tmp_path_factory.mktemp("bridge-registry")
    authority = make_authority(folder)
    settings = RegistrySettings(tls=make_certificate(authority, folder, "server", HOSTS), bind="0.0.0.0")  # noqa: S104 - for containers
    running = start_docker_registry(settings, folder / "registry")
    host = f"{BRIDGE}:{running.port}"
    with trusted_by_daemon(host, authority.file):
        yield BridgeRegistry(host, authority.file)
    running.stop()


@pytest.fixture(scope="session")
def token_bridge_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeRegistry]:
    """The token registry for the daemon and containers alike."""
    running = start_token_registry(tmp_path_factory.mktemp("token-bridge-registry"), bind="0.0.0.0")  # noqa: S104 - for containers
    with running.trusted_by_daemon(BRIDGE):
        yield BridgeRegistry(f"{BRIDGE}:{running.port}", running.ca_file, running.writer)
    running.stop()


@pytest.fixture(scope="session")
def tag_deleting_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A second implementation (go-containerregistry's), where DELETE by tag removes that tag alone."""
    running = start_crane_registry(tmp_path_factory.mktemp("crane-registry"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def oci_schemas() -> OciSchemas:
    """The OCI image specification's JSON schemas."""
    absence.need("registry", OCI_SCHEMAS.is_dir(), "The schemas of the OCI image specification")
    return OciSchemas(OCI_SCHEMAS)


@pytest.fixture(scope="session")
def skopeo() -> Path:
    """The skopeo program, for a second opinion on what a registry holds."""
    return _program("registry", "skopeo")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Chromium's executable, for playwright's executable_path; pass CHROMIUM_FLAGS as args."""
    return _program("chromium", "chromium")


@pytest.fixture(scope="session")
def gitlab_ci_local(tmp_path_factory: pytest.TempPathFactory) -> GitlabCiLocal:
    """gitlab-ci-local, which runs the GitLab component on this machine."""
    _program("gitlab", "rsync")
    absence.need("gitlab", NODE.exists() and GITLAB_CI_LOCAL.exists(), "gitlab-ci-local")
    env = cleaned(os.environ, tmp_path_factory.mktemp("gitlab-home"))
    env["PATH"] = f"{NODE.parent}{os.pathsep}{env.get('PATH', '')}"
    return GitlabCiLocal((str(NODE), str(GITLAB_CI_LOCAL)), env)


def _program(group: str, name: str) -> Path:
    found = on_path(name)
    absence.need(group, found, name)
    assert found is not None, "need() does not return without it"
    return found
