"""GitHub by its real names: which API belongs to which registry, the command as users run it, and a client of others."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import github as pygithub
import pytest
from github.GithubObject import NonCompletableGithubObject
from github.PaginatedList import PaginatedList
from tests.archives import write_layout
from tests.contract.cleaning import MONTH
from tests.contract.command import moorage
from tests.contract.costs import measure
from tests.contract.github_scenes import scene_at
from tests.contract.test_github import Setting
from tests.images import image, index, layer
from tests.simulators.github import VERSION, WRITER, GithubSimulator
from tests.simulators.github_graphql import OldDockerSimulator

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.contract.scene import Scene
    from tests.realparts.registry import RunningRegistry
    from tests.simulators.fixtures import NetworkFactory
    from tests.simulators.network import Network

CLEAN = ("--delete-tags", "old-*", "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json")
TOKEN = {"MOORAGE_IMAGES_REPO_GITHUB_TOKEN": WRITER.password}


class TestTheCommand:
    def test_publish_cleanup_and_restore_at_ghcr_io(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = GithubSimulator(registry.host)
        network = vendor_network({"ghcr.io": simulator, "api.github.com": simulator})
        scene = scene_at(simulator, "ghcr.io", f"acme/{uuid.uuid4().hex}/app")
        both = index(image(layer("new")), image(layer("arm"), platform="linux/arm64"))
        write_layout(tmp_path / "layout", {"dev": both})
        repo = f"ghcr.io/{scene.path.removesuffix('/app')}"
        published = moorage(
            network, tmp_path, "publish", "--images-repo", repo, "--image", "app=oci:layout:dev", "--tag-custom", "v1", **TOKEN,
        )  # fmt: skip
        assert published.returncode == 0, published.stderr
        assert simulator.truth(scene.path).keys() >= {"v1"}
        old = {f"old-{number}": scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH) for number in range(3)}
        arguments = ("--images-repo", repo, "--repository", "app", *CLEAN, "--journal", "journal.jsonl")
        cleaned = _json(moorage(network, tmp_path, "cleanup", *arguments, **TOKEN))
        assert cleaned["totals"]["deleted_tags"] == 3
        assert not scene.tags().keys() & old.keys()
        restored = moorage(network, tmp_path, "restore", "journal.jsonl", "--images-repo", repo, **TOKEN)
        assert restored.returncode == 0, restored.stderr
        assert {name: digest for name, digest in scene.tags().items() if name in old} == old
        scene.close()

    def test_a_job_of_a_server_that_cleans_ghcr_io_sends_nothing_to_its_server(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        """Every job has GITHUB_API_URL; the network fails for hosts that it does not know."""
        simulator = GithubSimulator(registry.host)
        network = vendor_network({"ghcr.io": simulator, "api.github.com": simulator})
        of_server = {"GITHUB_SERVER_URL": "https://ghes.example.com", "GITHUB_API_URL": "https://ghes.example.com/api/v3"}
        _cleaned(simulator, network, tmp_path, "ghcr.io", "acme", **of_server)

    @pytest.mark.parametrize("job", [True, False], ids=["in a job", "elsewhere"])
    def test_the_container_registry_of_a_server(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path, job: bool
    ) -> None:
        simulator = GithubSimulator(registry.host)
        network = vendor_network({"containers.ghes.example.com": simulator, "ghes.example.com": simulator})
        server = {"GITHUB_SERVER_URL": "https://ghes.example.com", "GITHUB_API_URL": "https://ghes.example.com/api/v3"}
        variables = (
            server if job else {"MOORAGE_IMAGES_REPO_IMPLEMENTATION": "github", "GITHUB_API_URL": "https://api.github.com"}
        )
        _cleaned(simulator, network, tmp_path, "containers.ghes.example.com", "acme", **variables)

    def test_the_old_registry_of_a_server(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = OldDockerSimulator(registry.host)
        network = vendor_network({"docker.ghes.example.com": simulator, "ghes.example.com": simulator})
        server = {"GITHUB_SERVER_URL": "https://ghes.example.com", "GITHUB_API_URL": "https://ghes.example.com/api/v3"}
        _cleaned(simulator, network, tmp_path, "docker.ghes.example.com", "acme/shop", **server)
        assert simulator.counts["DELETE", "/api/graphql"] == 2

    def test_a_forced_address_without_its_api_is_a_mistake_that_names_the_option(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        network = vendor_network({"images.example.com": GithubSimulator(registry.host)})
        repo = ("--images-repo", "images.example.com/acme/app", "--images-repo-implementation", "github")
        done = moorage(network, tmp_path, "cleanup", *repo, "--repository", "app", *CLEAN, **TOKEN)
        assert done.returncode != 0
        assert "--github-api-url" in done.stdout + done.stderr


def _cleaned(simulator: GithubSimulator, network: Network, home: Path, host: str, owner: str, **variables: str) -> None:
    """Clean up a package of three tags by the command; two of them have to go, and no secret is seen."""
    scene = scene_at(simulator, host, f"{owner}/{uuid.uuid4().hex}")
    for number in range(2):
        scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
    scene.push(image(layer("stays")), "keep")
    name = scene.path.rpartition("/")[2]
    done = moorage(
        network, home, "cleanup", "--images-repo", f"{host}/{owner}", "--repository", name, *CLEAN, **TOKEN, **variables
    )
    assert _json(done)["totals"]["deleted_tags"] == 2
    assert scene.tags().keys() == {"keep"}
    assert WRITER.password not in done.stdout + done.stderr
    scene.close()


def _json(done: CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


class TestGithubsOwnLimit:
    def test_deletions_keep_to_180_a_minute(self, registry: RunningRegistry, vendor_network: NetworkFactory) -> None:
        """900 points a minute, of which a deletion costs five; the pull side is another host, and is not slowed down."""
        simulator = GithubSimulator(registry.host)
        vendor_network({"ghcr.io": simulator, "api.github.com": simulator})
        scene = scene_at(simulator, "ghcr.io", f"acme/{uuid.uuid4().hex}")
        costs = measure(scene, tags=31, deletions=30)
        assert costs.deletion == {("DELETE", f"/orgs/{{owner}}/packages{VERSION}"): 30}
        assert 8 <= costs.waited <= 30 * 5 / 15 * 2
        scene.close()


class VersionOf(NonCompletableGithubObject):
    """PyGithub has no package versions (2.10, seen 2026-11): its paging and its errors serve all the same."""

    def _initAttributes(self) -> None:  # noqa: N802 -- PyGithub's name
        self.raw: dict[str, Any] = {}

    def _useAttributes(self, attributes: dict[str, Any]) -> None:  # noqa: N802 -- PyGithub's name
        self.raw = attributes


class TestPyGithub(Setting):
    def test_it_tells_the_same_story(self, scene: Scene) -> None:
        for number in range(5):
            scene.push(image(layer(f"{number}")), f"v{number}")
        base = f"http://{scene.repository.registry}/api/v3"
        pauses: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}
        client = pygithub.Github(auth=pygithub.Auth.Token(WRITER.password), base_url=base, per_page=2, **pauses)
        assert client.get_user("acme").type == "Organization"
        assert client.get_user().login == WRITER.name
        assert "delete:packages" in (client.oauth_scopes or ())
        name = scene.path.partition("/")[2].replace("/", "%2F")
        path = f"/orgs/acme/packages/container/{name}/versions"
        listed = {
            one.raw["metadata"]["container"]["tags"][0]: one.raw for one in PaginatedList(VersionOf, client.requester, path, None)
        }
        assert {tag: raw["name"] for tag, raw in listed.items()} == {tag: str(digest) for tag, digest in scene.tags().items()}
        client.requester.requestJsonAndCheck("DELETE", f"{path}/{listed['v1']['id']}")
        assert scene.tags().keys() == {"v0", "v2", "v3", "v4"}
        with pytest.raises(pygithub.UnknownObjectException):
            client.requester.requestJsonAndCheck("DELETE", f"{path}/{listed['v1']['id']}")
        client.requester.requestJsonAndCheck("POST", f"{path}/{listed['v1']['id']}/restore")
        assert scene.tags().keys() == {"v0", "v1", "v2", "v3", "v4"}
        client.close()
