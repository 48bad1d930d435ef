"""GitHub's old Docker registry: docker.pkg.github.com, and `docker.HOST` of a GHES."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from gql import Client, GraphQLRequest
from gql.transport.requests import RequestsHTTPTransport
from graphql import build_schema
from tests.contract.abilities import Abilities, Dates
from tests.contract.cleaning import MONTH, clean, complaints, outcomes, policy
from tests.contract.costs import measure
from tests.contract.github_scenes import docker, opened, scene_at
from tests.contract.least import Least, pages
from tests.contract.scene import Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import image, layer
from tests.scripted_server import Reply
from tests.simulators.accounts import Account
from tests.simulators.conformance import SPECS
from tests.simulators.faults import ALWAYS
from tests.simulators.github import ADMIN, DELETE, FINE, READER, VERSION, WRITER
from tests.simulators.github_graphql import OldDockerSimulator
from tests.simulators.network import Network, network
from tests.simulators.simulator import route

from moorage.errors import (
    ConfigurationError,
    Contradiction,
    Denied,
    Failure,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unsupported,
)  # fmt: skip
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome
from moorage.registries.github import legacy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.simulator import Call

HOSTS = ("docker.pkg.github.com", "api.github.com")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, registry: RunningRegistry) -> Iterator[Network]:
    """One network for all tests: Moorage knows this registry by its host name alone."""
    nobody = OldDockerSimulator(registry.host)
    with network(dict.fromkeys(HOSTS, nobody), tmp_path_factory.mktemp("github")) as found:
        yield found


class Setting:
    @pytest.fixture
    def simulator(self, registry: RunningRegistry) -> OldDockerSimulator:
        return OldDockerSimulator(registry.host)

    @pytest.fixture
    def scene(self, simulator: OldDockerSimulator, hosts: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
        hosts.listener.hosts.update(dict.fromkeys(HOSTS, simulator))
        for name, value in hosts.env.items():
            monkeypatch.setenv(name, value)
        scene = scene_at(simulator, "docker.pkg.github.com", f"acme/shop/{uuid.uuid4().hex}")
        yield scene
        scene.close()
        simulator.finish()


class TestDockerPackages(Setting, VendorContract):
    """Under its real name, with TLS."""

    abilities = Abilities(dates=Dates.VENDOR, locks=True, takes_children=True, tokens=False)
    least = Least(
        inventory=lambda tags: pages(tags, 100) + tags,
        changing=lambda going: going,
        reading=lambda _, going: going + 1,
        why="a version is a tag, and GraphQL says no digests",
    )

    def test_a_manifest_without_tags_can_go(self, scene: Scene) -> None:
        """It cannot here: a version is a tag."""
        scene.push(image(layer("stays")), "v1")
        stray = scene.push(image(layer("untagged")))
        with pytest.raises(NotFound):
            scene.open().delete_manifest(scene.repository, stray)
        assert scene.tags().keys() == {"v1"}


class TestVersions(Setting):
    def test_the_technical_version_is_none(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        assert opened(scene).inventory(scene.repository).tags.keys() == {Tag("v1")}

    def test_costs(self, scene: Scene) -> None:
        """A query per hundred tags and a GET per tag; a deletion is one mutation, and a HEAD that its tag has not moved."""
        costs = measure(scene, tags=12, deletions=5)
        assert costs.inventory["GET", "/graphql"] == 1
        assert costs.inventory["GET", "/v2/manifests"] == 12
        assert costs.deletion == {("DELETE", "/graphql"): 5, ("HEAD", "/v2/manifests"): 5}

    def test_a_tag_that_moved_is_no_part_of_the_manifest_any_more(self, scene: Scene) -> None:
        before, after = image(layer("before")), image(layer("after"))
        scene.push(before, "old", "moved")
        registry = opened(scene)
        registry.inventory(scene.repository)
        scene.push(after, "moved")
        registry.delete_manifest(scene.repository, before.digest)
        assert scene.tags() == {"moved": after.digest}

    def test_packages_in_public_repositories_of_old_servers_stay(self, scene: Scene, tmp_path: Path) -> None:
        """baloise/open-source#167: UNPROCESSABLE, for each version anew."""
        scene.push(image(), "old", age=MONTH)
        scene.simulator.faults.deletion_disabled = True
        with pytest.raises(ItemRefused, match="not eligible for deletion") as refused:
            opened(scene).delete_tag(scene.repository, Tag("old"))
        assert "public packages" in refused.value.remedy
        run = clean(scene, policy("old"), tmp_path)
        assert outcomes(run) == {"old": Outcome.FAILED}
        assert complaints(run)

    def test_a_missing_scope_is_named(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Denied, match="required scopes") as refused:
            opened(scene, docker(READER)).delete_tag(scene.repository, Tag("v1"))
        assert DELETE in refused.value.remedy

    def test_a_fine_grained_token_is_the_wrong_kind(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody.append(FINE)
        with pytest.raises(Denied, match="personal access token") as refused:
            opened(scene, docker(FINE)).inventory(scene.repository)
        assert "Fine-grained tokens do not work" in refused.value.remedy

    def test_not_found_for_a_missing_role_is_not_taken_for_gone(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        member = Account("acme-member", "sham-token-of-a-member", WRITER.rights - {ADMIN})
        scene.simulator.accounts.everybody.append(member)
        with pytest.raises(Denied, match="still there"):
            opened(scene, docker(member)).delete_tag(scene.repository, Tag("v1"))

    def test_what_somebody_else_deleted_is_gone(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1", "v2")
        scene.push(image(layer("other")), "v3")
        registry = opened(scene)
        registry.inventory(scene.repository)
        shelf = scene.simulator.shelves[scene.path]
        del shelf.tags["v1"]
        with pytest.raises(NotFound):
            registry.delete_tag(scene.repository, Tag("v1"))
        registry.delete_manifest(scene.repository, digest)
        assert scene.tags().keys() == {"v3"}

    def test_a_repository_that_is_not_shown_any_more_is_no_proof(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = opened(scene)
        registry.inventory(scene.repository)
        del scene.simulator.shelves[scene.path]
        with pytest.raises(Denied, match="nor is its repository shown"):
            registry.delete_tag(scene.repository, Tag("v1"))

    def test_a_deletion_whose_answer_was_lost_is_done(self, registry: RunningRegistry, hosts: Network) -> None:
        class Hiccup(OldDockerSimulator):
            hiccups = 1

            @route("GET", "/graphql")
            @route("DELETE", "/graphql")
            def graphql(self, call: Call) -> Reply:
                reply = super().graphql(call)
                self.hiccups -= call.request.method == "DELETE"
                return Reply(502) if call.request.method == "DELETE" and self.hiccups == 0 else reply

        simulator = Hiccup(registry.host)
        hosts.listener.hosts.update(dict.fromkeys(HOSTS, simulator))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in hosts.env.items():
                patch.setenv(name, value)
            scene = scene_at(simulator, "docker.pkg.github.com", f"acme/shop/{uuid.uuid4().hex}")
            scene.push(image(layer("stays")), "keep")
            scene.push(image(layer("goes")), "old")
            opened(scene).delete_tag(scene.repository, Tag("old"))
            assert scene.tags().keys() == {"keep"}
            scene.close()

    def test_a_limit_that_comes_with_200_is_waited_for(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        simulator = scene.simulator
        assert isinstance(simulator, OldDockerSimulator)
        simulator.limited = 2
        assert opened(scene).inventory(scene.repository).tags.keys() == {Tag("v1")}
        assert sum(scene.clock.slept) >= 60
        simulator.limited = ALWAYS
        with pytest.raises(Throttled, match="rate limit"):
            opened(scene).inventory(scene.repository)

    @pytest.mark.parametrize(
        ("document", "kind"),
        [
            ({}, Contradiction),
            ([], Contradiction),
            ({"data": {"repository": {"packages": {}}}}, Contradiction),
            ({"errors": "nonsense"}, RegistryError),
            ({"errors": [{"message": "Something went wrong", "type": "SERVICE_UNAVAILABLE"}]}, RegistryError),
        ],
    )
    def test_answers_that_cannot_be(self, scene: Scene, document: object, kind: type[Failure]) -> None:
        scene.push(image(), "v1")
        scene.simulator.faults.burst(200, times=1, route="/graphql", document=document)
        with pytest.raises(kind):
            opened(scene).inventory(scene.repository)

    def test_a_mutation_that_does_not_say_so_has_not_deleted(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        document = {"data": {"deletePackageVersion": {"success": None}}}
        scene.simulator.faults.burst(200, times=1, method="DELETE", route="/graphql", document=document)
        with pytest.raises(RegistryError, match="without saying that it is done"):
            opened(scene).delete_tag(scene.repository, Tag("v1"))

    def test_three_levels_and_no_others(self, scene: Scene) -> None:
        for path in ("acme/shop", "acme/shop/team/app"):
            with pytest.raises(ConfigurationError, match="three levels"):
                opened(scene).inventory(repository_at("docker.pkg.github.com", path))

    def test_a_repository_of_nobody(self, scene: Scene) -> None:
        with pytest.raises(NotFound, match="Could not resolve to a Repository"):
            opened(scene).inventory(repository_at("docker.pkg.github.com", "acme/nothing-here/app"))
        with pytest.raises(NotFound, match="RepositoryOwner"):
            opened(scene).repositories("nobody-at-all")

    def test_nothing_is_restored_here(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = opened(scene)
        assert registry.inventory(scene.repository).manifests[digest].vendor_id == ""
        with pytest.raises(Unsupported):
            registry.restore(scene.repository, digest, "PV_1", [])

    def test_the_doctor_knows_that_tags_go_alone(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        found = {ability.name: ability for ability in opened(scene).examine(scene.repository)}
        assert "version of its own" in found["delete tags"].detail
        nothing = repository_at("docker.pkg.github.com", f"acme/shop/{uuid.uuid4().hex}")
        empty = {ability.name: ability for ability in opened(scene).examine(nothing)}
        assert empty["list"].possible is None

    def test_without_gql_it_says_what_to_install(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("moorage.registries.github.graphql", "moorage.registries.github.legacy"):
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "gql", None)
        with pytest.raises(ConfigurationError, match="not installed") as missing:
            opened(scene).inventory(scene.repository)
        assert "moorage[github]" in missing.value.remedy


class TestMoved(Setting):
    """Images that were moved to the container registry: GraphQL is silent about them, REST knows them."""

    @pytest.mark.parametrize("forgets", [False, True], ids=["an empty list", "an unknown type"])
    @pytest.mark.parametrize("kind", ["docker", "container"])
    def test_they_are_cleaned_by_rest(self, scene: Scene, tmp_path: Path, kind: str, forgets: bool) -> None:
        simulator = scene.simulator
        assert isinstance(simulator, OldDockerSimulator)
        scene.push(image(layer("old")), "old", "old-too", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        simulator.kind, simulator.forgets_type = kind, forgets
        registry = opened(scene)
        assert registry.repositories("acme/shop") == [scene.repository]
        assert registry.repositories("acme/other") == []
        assert registry.cannot_untag(scene.repository) == ""
        run = clean(scene, policy("old*"), tmp_path, registry)
        assert set(outcomes(run).values()) == {Outcome.DELETED}
        assert scene.tags().keys() == {"keep"}
        assert sum(count for (_, where), count in simulator.changes().items() if where.endswith(VERSION)) in {1, 2}

    def test_what_is_moved_while_we_work_is_not_taken_for_gone(self, scene: Scene) -> None:
        simulator = scene.simulator
        assert isinstance(simulator, OldDockerSimulator)
        scene.push(image(), "v1")
        registry = opened(scene)
        assert registry.inventory(scene.repository).tags
        simulator.kind = "container"
        with pytest.raises(Denied, match="is there, but GitHub's API does not show it"):
            registry.inventory(scene.repository)
        found = {ability.name: ability for ability in registry.examine(scene.repository)}
        assert found["list"].possible is None
        assert found["pull"].possible is True

    def test_another_projects_package_of_the_same_name_is_left_alone(self, scene: Scene) -> None:
        simulator = scene.simulator
        assert isinstance(simulator, OldDockerSimulator)
        scene.push(image(), "v1")
        simulator.kind = "docker"
        simulator.shelf("acme/bank/vault")
        namesake = repository_at("docker.pkg.github.com", scene.path.replace("/shop/", "/bank/"))
        with pytest.raises(NotFound, match="neither in GitHub's old Docker registry nor"):
            opened(scene).inventory(namesake)
        with pytest.raises(NotFound):
            opened(scene).delete_manifest(namesake, Digest.of(b"anything"))
        assert scene.tags().keys() == {"v1"}

    def test_a_version_with_several_tags_keeps_them_together(self, scene: Scene) -> None:
        """Should a version of type `docker` ever have more than one, as its description allows."""
        simulator = scene.simulator
        assert isinstance(simulator, OldDockerSimulator)
        scene.push(image(), "v1", "v2")
        simulator.kind, simulator.joins_tags = "docker", True
        registry = opened(scene)
        with pytest.raises(Unsupported, match="shares version"):
            registry.delete_tag(scene.repository, Tag("v1"))
        with pytest.raises(NotFound):
            registry.delete_tag(scene.repository, Tag("v3"))


class TestSchema:
    def test_gql_validates_what_is_asked_and_tells_the_same_story(
        self, registry: RunningRegistry, hosts: Network, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """gql's own transport and schema validation, against the simulator."""
        simulator = OldDockerSimulator(registry.host)
        hosts.listener.hosts.update(dict.fromkeys(HOSTS, simulator))
        for name, value in hosts.env.items():
            monkeypatch.setenv(name, value)
        scene = scene_at(simulator, "docker.pkg.github.com", f"acme/shop/{uuid.uuid4().hex}")
        scene.push(image(), "v1", "v2")
        headers = {"Authorization": f"bearer {WRITER.password}"}
        transport = RequestsHTTPTransport("https://api.github.com/graphql", headers=headers, verify=str(hosts.ca_file))
        schema = build_schema((SPECS / "github.graphql").read_text("utf-8"))
        where = {"owner": "acme", "project": "shop", "package": scene.path.rpartition("/")[2], "after": None}
        with Client(transport=transport, schema=schema) as session:
            listed = session.execute(GraphQLRequest(legacy.VERSIONS, variable_values=where))
            nodes = listed["repository"]["packages"]["nodes"][0]["versions"]["nodes"]
            assert [node["version"] for node in nodes] == ["v2", "v1", "docker-base-layer"]
            session.execute(GraphQLRequest(legacy.DELETE_VERSION, variable_values={"version": nodes[0]["id"]}))
            session.execute(GraphQLRequest(legacy.PACKAGES, variable_values={"owner": "acme", "after": None}))
            look = {"owner": "acme", "project": "shop", "version": nodes[1]["id"]}
            assert session.execute(GraphQLRequest(legacy.LOOK, variable_values=look))["node"] == {"id": nodes[1]["id"]}
        assert scene.tags().keys() == {"v1"}
        scene.close()
        simulator.finish()
