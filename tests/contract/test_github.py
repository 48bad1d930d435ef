"""GitHub Packages."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.abilities import Abilities, Dates
from tests.contract.cleaning import MONTH, clean, policy
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import image, layer
from tests.simulators.github import READER, WRITER, GithubSimulator
from tests.simulators.github_graphql import OldDockerSimulator
from tests.simulators.network import Network, network
from tests.simulators.serving import serving

from moorage.auth.credential import Basic
from moorage.auth.secret import Secret
from moorage.errors import NotFound
from moorage.policy.claims import Claims
from moorage.policy.reason import Code, Reason
from moorage.registries.github import VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account


OLD_HOSTS = ("docker.pkg.github.com", "api.github.com")


def _docker(account: Account) -> Login:
    return Login(Basic("anybody", Secret(account.password), "the Docker config"))


def _scene(simulator: GithubSimulator, host: str, path: str, **options: Any) -> Scene:
    stranger = Login(Basic("anybody", Secret("sham-and-expired-token"), "the Docker config"))
    return Scene(
        VENDOR,
        repository_at(host, path),
        simulator,
        _docker(WRITER),
        _docker(READER),
        stranger,
        {name.replace("_", "-"): value for name, value in options.items()},
    )


class TestContainers(VendorContract):
    """The container registry, of an organization, with a classic token."""

    abilities = Abilities(dates=Dates.VENDOR, lists_untagged=True, locks=True, switches_deletion_off=False)

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        with serving(GithubSimulator(registry.host)) as (simulator, host):
            scene = _scene(simulator, host, f"acme/team/{uuid.uuid4().hex}", github_api_url=f"http://{host}/api/v3")
            yield scene
            scene.close()


@pytest.fixture(scope="module")
def old_hosts(tmp_path_factory: pytest.TempPathFactory, registry: RunningRegistry) -> Iterator[Network]:
    """One network for all tests of the old registry, which Moorage knows by its host name alone."""
    nobody = OldDockerSimulator(registry.host)
    with network(dict.fromkeys(OLD_HOSTS, nobody), tmp_path_factory.mktemp("github")) as found:
        yield found


class TestDockerPackages(VendorContract):
    """The old Docker registry under its real name, with GraphQL."""

    abilities = Abilities(dates=Dates.VENDOR, locks=True, takes_children=True, tokens=False)

    @pytest.fixture
    def scene(self, registry: RunningRegistry, old_hosts: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
        yield from _old_scene(registry, old_hosts, monkeypatch)

    def test_a_manifest_without_tags_can_go(self, scene: Scene) -> None:
        """It cannot here: a version is a tag."""
        scene.push(image(layer("stays")), "v1")
        stray = scene.push(image(layer("untagged")))
        with pytest.raises(NotFound):
            scene.open().delete_manifest(scene.repository, stray)
        assert scene.tags().keys() == {"v1"}

    def test_a_part_that_runs_somewhere_by_its_digest_stays(self, scene: Scene, tmp_path: Path) -> None:
        """There are no parts here, as there are no indexes: the image itself, then."""
        used = scene.push(image(layer("used")), "old-used", age=MONTH)
        scene.push(image(layer("other")), "old-other", age=MONTH)
        running = Claims(keep_digests={used: (Reason(Code.IN_USE, "runs in production"),)})
        clean(scene, policy("old*"), tmp_path, claims=running)
        assert not scene.broken(used)
        assert not {"old-other"} & scene.tags().keys()


def _old_scene(registry: RunningRegistry, old_hosts: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    simulator = OldDockerSimulator(registry.host)
    old_hosts.listener.hosts.update(dict.fromkeys(OLD_HOSTS, simulator))
    for name, value in old_hosts.env.items():
        monkeypatch.setenv(name, value)
    scene = _scene(simulator, "docker.pkg.github.com", f"acme/shop/{uuid.uuid4().hex}")
    yield scene
    scene.close()
    simulator.finish()
