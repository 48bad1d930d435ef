"""GitLab: gitlab.com, a registry of which only /v2 is let through, and an old self-managed one."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import gitlab
import pytest
from tests.archives import write_layout
from tests.contract.abilities import Abilities, Dates, Emptying
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.command import moorage
from tests.contract.costs import measure
from tests.contract.least import Least, looks, pages
from tests.contract.listing import ListingPromises
from tests.contract.network import NetworkPromises
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.suite import VendorContract
from tests.images import image, index, layer
from tests.simulators.gitlab import OWN_LIST, GitLabSimulator
from tests.simulators.gitlab_site import REPOSITORIES
from tests.simulators.gitlab_tokens import DEPLOY, JOB, READER, WRITER
from tests.simulators.serving import serving

from moorage.auth.credential import Basic, Bearer
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Denied, ItemRefused, NotFound, Unauthorized, Unreachable, Unsupported
from moorage.oci.reference import Tag
from moorage.policy.plan import Outcome
from moorage.registries.distribution import Distribution
from moorage.registries.gitlab import VENDOR
from moorage.registries.gitlab.registry import GitLabRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.simulators.accounts import Account
    from tests.simulators.fixtures import NetworkFactory


def _login(account: Account) -> Login:
    return Login(Basic(account.name, Secret(account.password), "the Docker config"))


def _scene(simulator: GitLabSimulator, host: str, writer: Login | None = None) -> Scene:
    stranger = Login(Basic("alice", Secret("glpat-sham-and-wrong-0001"), "the Docker config"))
    path = f"acme/shop/{uuid.uuid4().hex}"
    return Scene(VENDOR, repository_at(host, path), simulator, writer or _login(WRITER), _login(READER), stranger)


def _served(simulator: GitLabSimulator, writer: Login | None = None) -> Iterator[Scene]:
    with serving(simulator) as (_, host):
        scene = _scene(simulator, host, writer)
        yield scene
        scene.close()


class TestGitLabCom(VendorContract):
    """With the metadata database: the registry's own list, dates and rules for tags."""

    abilities = Abilities(dates=Dates.VENDOR, locks=True, finds_tags=True, deletes_repositories=Emptying.EMPTY)

    least = Least(
        inventory=lambda tags: pages(tags, 1000),
        changing=lambda going: going,
        reading=lambda tags, going: going + looks(tags, going, 1000) + pages(tags, 1000),
        why="its bulk deletion runs later, by names, and tells nobody what went (see its README)",
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        yield from _served(GitLabSimulator(registry.host))

    def hide_dates(self, scene: Scene) -> None:
        """Only a registry without the database has none."""
        _simulator(scene).database = False


class TestGitLabBehindAProxy(ListingPromises, NetworkPromises):
    """Of the registry only /v2 is let through, so that GraphQL has to say what the registry's own list would."""

    abilities = Abilities(dates=Dates.VENDOR, locks=True, deletes_repositories=Emptying.EMPTY)

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = GitLabSimulator(registry.host)
        simulator.own_api = False
        yield from _served(simulator)

    def hide_dates(self, scene: Scene) -> None:
        _simulator(scene).database = False


class TestOldGitLab(VendorContract):
    """Before 12.x: no database, tags by `tags/reference`, deletions with the scope `*` alone."""

    abilities = Abilities(locks=True, deletes_repositories=Emptying.EMPTY)

    least = Least(
        inventory=lambda tags: pages(tags, 100) + tags,
        changing=lambda going: going,
        reading=lambda tags, going: going + pages(tags, 1000),
        why="without the metadata database /v2 lists names alone, 100 unless asked, and says digests tag by tag",
        once=17,  # it is asked for three kinds of lists, and for tokens of two kinds by each of four threads
    )

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = GitLabSimulator(registry.host)
        simulator.database = False
        simulator.tag_route = "tags/reference"
        simulator.desk.knows_delete = False
        yield from _served(simulator)


def _simulator(scene: Scene) -> GitLabSimulator:
    assert isinstance(scene.simulator, GitLabSimulator)
    return scene.simulator


def _at(simulator: GitLabSimulator, host: str) -> Scene:
    """A scene at a real name, where docker may send its password to the GitLab that the registry names."""
    scene = _scene(simulator, host)
    keychain = LoginKeychain({scene.repository.registry: Basic(WRITER.name, Secret(WRITER.password), "the test")})
    scene._docker = Distribution(scene.repository.registry, scene._session(), keychain, realms=frozenset({"*"}))
    return scene


def _registry(scene: Scene, login: Login | None = None) -> GitLabRegistry:
    registry = scene.open(login)
    assert isinstance(registry, GitLabRegistry)
    return registry


def _by_token(account: Account, docker: Account = WRITER) -> Login:
    """Pushes with docker's login, everything else with the token of the options."""
    return Login(Basic(docker.name, Secret(docker.password), "the Docker config"), {"gitlab-token": Secret(account.password)})


class TestGitLabsWays:
    """What only GitLab does."""

    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = GitLabSimulator(registry.host)
        simulator.accounts.everybody += [JOB, DEPLOY]
        yield from _served(simulator)

    # Listing

    def test_a_thousand_tags_cost_one_request_and_no_manifest(self, scene: Scene) -> None:
        costs = measure(scene, tags=30, deletions=9)
        assert {route: count for (_, route), count in costs.inventory.items()} == {"/v2/": 1, "/jwt/auth": 2, OWN_LIST: 1}
        assert costs.deletion == {("DELETE", "/v2/manifests"): 9}

    def test_of_an_index_only_the_index_is_read(self, scene: Scene) -> None:
        scene.push(index(image(layer("a")), image(layer("b"), platform="linux/arm64")), "v1", "v2")
        scene.simulator.counts.clear()
        inventory = scene.open().inventory(scene.repository)
        assert len(inventory.manifests) == 3
        assert scene.simulator.counts["GET", "/v2/manifests"] == 1

    def test_graphql_lists_twenty_at_a_time_and_leaves_no_tag_out(self, scene: Scene) -> None:
        """A larger page would be cut by GitLab, with the cursor behind what was cut away."""
        _simulator(scene).own_api = False
        for number in range(45):
            scene.push(image(layer("same")), f"v{number:02}")
        inventory = scene.open().inventory(scene.repository)
        assert {tag.text for tag in inventory.tags} == set(scene.tags())
        assert scene.simulator.counts["POST", "/api/graphql"] == 1 + 3  # what the schema has, and three pages
        assert scene.simulator.counts["GET", "/v2/manifests"] == 0

    def test_a_token_that_must_not_read_the_api_still_lists(self, scene: Scene) -> None:
        _simulator(scene).own_api = False
        digest = scene.push(image(layer("one")), "v1")
        for login in (_login(JOB), _login(DEPLOY)):
            inventory = scene.open(login).inventory(scene.repository)
            assert inventory.tags == {Tag("v1"): digest}
            assert scene.simulator.counts["GET", "/v2/manifests"] > 0

    def test_records_are_named_and_not_read(self, scene: Scene) -> None:
        scene.push(image(layer("record")), "moorage-image.frontend")
        scene.push(image(layer("one")), "v1")
        inventory = scene.open().inventory(scene.repository)
        assert inventory.records == {Tag("moorage-image.frontend")}
        assert inventory.tags.keys() == {Tag("v1")}
        assert scene.simulator.counts["GET", "/v2/manifests"] == 0

    def test_labels_of_an_index_come_from_its_children(self, scene: Scene) -> None:
        both = index(
            image(layer("a"), labels={"org.example": "yes"}),
            image(layer("b"), labels={"org.example": "yes"}, platform="linux/arm64"),
        )
        digest = scene.push(both, "v1", age=MONTH)
        registry = _registry(scene)
        (described,) = registry.describe(registry.inventory(scene.repository), [digest])
        assert described.labels == {"org.example": "yes"}
        assert scene.now() - (described.date or scene.now()) > MONTH / 2

    # Deletion

    @pytest.mark.parametrize("route", ["manifests", "tags/reference", ""])
    def test_a_tag_goes_by_what_the_registry_knows_and_its_siblings_stay(self, scene: Scene, route: str) -> None:
        _simulator(scene).tag_route = route
        digest = scene.push(image(layer("shared")), "v1", "v2", "v3")
        registry = _registry(scene)
        registry.delete_tag(scene.repository, Tag("v1"))
        asked = scene.changes()
        registry.delete_tag(scene.repository, Tag("v2"))
        with pytest.raises(NotFound):
            registry.delete_tag(scene.repository, Tag("never-pushed"))
        assert scene.tags() == {"v3": digest}
        assert asked != scene.changes()
        if route == "tags/reference":
            assert scene.simulator.counts["DELETE", "/v2/manifests"] == 1, "the host is asked once what it can do"

    def test_the_way_around_can_be_forbidden(self, scene: Scene) -> None:
        _simulator(scene).tag_route = ""
        digest = scene.push(image(layer("shared")), "v1", "v2")
        registry = scene.open(allow_stub=False)
        assert isinstance(registry, GitLabRegistry)
        assert registry.cannot_untag(scene.repository) == ""  # nobody knows yet
        with pytest.raises(Unsupported, match="removes no single tags"):
            registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {"v1": digest, "v2": digest}

    def test_nobody_asks_for_the_right_to_push_in_order_to_delete(self, scene: Scene) -> None:
        """GitLab would make a repository of any path, and refuse the token where pushes are protected."""
        scene.push(image(layer("one")), "v1", "v2")
        desk = _simulator(scene).desk
        desk.push_protected.add(scene.path)
        registry = _registry(scene)
        registry.delete_tag(scene.repository, Tag("v1"))
        with pytest.raises(NotFound):
            registry.inventory(repository_at(scene.repository.registry.name, f"{scene.path}-else"))
        assert f"{scene.path}-else" not in desk.made
        with pytest.raises(Denied, match="protected repository path"):
            registry.put_manifest(scene.repository, Tag("v9"), b"{}", "application/vnd.oci.image.manifest.v1+json")

    def test_protected_tags_are_known_before_anything_is_planned(self, scene: Scene) -> None:
        digest = scene.push(index(image(layer("child"))), "v1", "v2")
        scene.simulator.lock(scene.path, "v1")
        inventory = scene.open().inventory(scene.repository)
        assert inventory.locked_tags.keys() == {Tag("v1")}
        assert not inventory.manifests[digest].locked
        assert all(stored.locked for stored in inventory.manifests.values() if stored.digest != digest), (
            "GitLab collects them itself"
        )

    def test_in_a_project_with_rules_images_go_by_their_tags(self, scene: Scene, tmp_path: Path) -> None:
        scene.push(index(image(layer("child"))), "old-1", "old-again", age=MONTH)
        scene.push(image(layer("both")), "old-2", "old-locked", age=MONTH)
        scene.push(image(layer("kept")), "keep")
        scene.simulator.lock(scene.path, "old-locked")
        run = clean(scene, policy("old*"), tmp_path)
        assert outcomes(run) == dict.fromkeys(["old-1", "old-again", "old-2"], Outcome.DELETED)
        assert scene.tags().keys() == {"old-locked", "keep"}
        assert scene.simulator.counts["DELETE", "/v2/manifests"] == 4, "one refusal tells it for all"

    def test_a_rule_that_covers_one_of_two_tags_says_what_went_before(self, scene: Scene) -> None:
        digest = scene.push(image(layer("both")), "a", "b", "c")
        registry = _registry(scene)
        registry.inventory(scene.repository)
        scene.simulator.lock(scene.path, "b")
        with pytest.raises(ItemRefused, match="removed before it: a"):
            registry.delete_manifest(scene.repository, digest)
        assert scene.tags() == {"b": digest, "c": digest}

    def test_an_untagged_manifest_in_a_project_with_rules_is_gitlabs_own_business(self, scene: Scene) -> None:
        scene.push(image(layer("one")), "v1")
        stray = scene.push(image(layer("untagged")))
        scene.simulator.lock(scene.path, "v1")
        with pytest.raises(ItemRefused) as refused:
            _registry(scene).delete_manifest(scene.repository, stray)
        assert "garbage collection" in refused.value.remedy

    def test_a_part_of_an_index_cannot_go_before_it(self, scene: Scene) -> None:
        child = image(layer("child"))
        scene.push(index(child), "v1")
        with pytest.raises(ItemRefused, match="409"):
            _registry(scene).delete_manifest(scene.repository, child.digest)
        assert scene.has(child.digest)

    def test_tags_left_by_a_deletion_that_stopped_half_way_are_removed(self, scene: Scene) -> None:
        digest = scene.push(image(layer("half")), "v1", "v2")
        stays = scene.push(image(layer("stays")), "stays")
        registry = _registry(scene)
        registry.inventory(scene.repository)
        _simulator(scene).half_way = True
        registry.delete_manifest(scene.repository, digest)
        assert registry.tag_names(scene.repository) == {Tag("stays")}
        assert scene.tags() == {"stays": stays}

    # Logins

    def test_the_token_of_the_options_comes_before_docker(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = _registry(scene, _by_token(WRITER, READER))
        registry.delete_tag(scene.repository, Tag("v1"))
        assert scene.tags() == {}

    def test_a_job_token_deletes_and_lists_in_its_project(self, scene: Scene) -> None:
        scene.push(image(), "v1", "v2")
        for login in (_login(JOB), _by_token(JOB, READER)):
            registry = _registry(scene, login)
            assert registry.repositories("acme/shop") == [scene.repository]
            registry.delete_tag(scene.repository, sorted(registry.tag_names(scene.repository))[0])
        assert scene.tags() == {}

    def test_a_job_token_without_a_prefix_is_known_by_the_job(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.simulators.gitlab_tokens.JOB", JOB)
        monkeypatch.setenv("CI_JOB_TOKEN", WRITER.password)
        assert (
            _registry(scene, Login(None, {"gitlab-token": Secret(WRITER.password)}))
            .examine(scene.repository)[0]
            .detail.startswith("job token from --images-repo-gitlab-token")
        )

    def test_a_deploy_token_is_told_that_it_never_deletes(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = _registry(scene, _login(DEPLOY))
        assert registry.tag_names(scene.repository) == {Tag("v1")}
        with pytest.raises(Denied) as refused:
            registry.delete_tag(scene.repository, Tag("v1"))
        assert "Deploy tokens" in refused.value.remedy
        assert "--images-repo-gitlab-token" in refused.value.remedy

    def test_a_deploy_token_without_its_name_is_a_mistake_of_the_options(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="deploy token"):
            scene.open(Login(None, {"gitlab-token": Secret(DEPLOY.password)}))
        scene.open(_by_token(DEPLOY, DEPLOY))  # with the name that docker has, it serves

    def test_a_ready_token_cannot_ask_the_api(self, scene: Scene) -> None:
        registry = _registry(scene, Login(Bearer(Secret("sham-ready-token"), "docker-credential-oidc")))
        with pytest.raises(Unauthorized, match="docker-credential-oidc"):
            registry.repositories("acme/shop")

    def test_nobody_is_asked_to_give_a_token(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises((Unauthorized, Denied)) as refused:
            _registry(scene, Login()).delete_tag(scene.repository, Tag("v1"))
        assert "Log in" in refused.value.remedy

    def test_the_tokens_of_a_job_stay_with_the_gitlab_of_the_registry(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """$CI_API_V4_URL is where the job runs; this registry belongs to another GitLab, which it names."""
        scene.push(image(), "v1")
        elsewhere = "http://127.0.0.1:1/api/v4"
        monkeypatch.setenv("CI_API_V4_URL", elsewhere)
        scene.options = {"gitlab-api-url": elsewhere}
        assert _registry(scene).repositories("acme/shop") == [scene.repository]
        monkeypatch.delenv("CI_API_V4_URL")
        with pytest.raises(Unreachable):  # who names the address by the option means it
            _registry(scene).repositories("acme/shop")

    # Repositories

    def test_repositories_of_projects_groups_and_parts_of_projects(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        below = repository_at(scene.repository.registry.name, f"{scene.path}/worker")
        other = Scene(VENDOR, below, scene.simulator, scene.writer, scene.reader, scene.stranger)
        other.push(image(), "v1")
        registry = _registry(scene)
        _simulator(scene).faults.page_size = 1
        for prefix in ("acme", "acme/shop", scene.path):
            assert registry.repositories(prefix) == [scene.repository, below]
        with pytest.raises(Unsupported, match="group or project"):
            registry.repositories()
        for prefix in ("nobody", "nobody/nowhere"):
            with pytest.raises(NotFound):
                registry.repositories(prefix)
        other.close()

    def test_an_empty_repository_is_deleted_and_waited_for(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = _registry(scene)
        with pytest.raises(ItemRefused, match="not empty"):
            registry.delete_repository(scene.repository)
        registry.delete_tag(scene.repository, Tag("v1"))
        _simulator(scene).protected.add(scene.path)
        with pytest.raises(ItemRefused, match="protected container repository"):
            registry.delete_repository(scene.repository)
        _simulator(scene).protected.clear()
        registry.delete_repository(scene.repository)
        assert scene.path not in scene.simulator.shelves
        with pytest.raises(NotFound):
            registry.delete_repository(scene.repository)

    def test_a_repository_that_is_never_deleted_is_said_to_be_there(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        registry = _registry(scene)
        registry.delete_tag(scene.repository, Tag("v1"))
        scene.simulator.faults.forgetful = True
        with pytest.raises(Unreachable, match="delete_scheduled"):
            registry.delete_repository(scene.repository)

    # Doctor

    def test_the_doctor_says_what_the_token_is_and_what_it_may(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        found = {one.name: one for one in _registry(scene).examine(scene.repository)}
        assert found["login"].detail == "access token from the Docker config"
        assert "with api, expires 2027-01-31" in found["api"].detail
        assert [found[name].possible for name in ("list", "pull", "push", "delete")] == [True] * 4
        found = {one.name: one for one in _registry(scene, scene.reader).examine(scene.repository)}
        assert [found[name].possible for name in ("list", "pull", "push", "delete")] == [True, True, False, False]
        assert "scope api" in found["delete"].detail
        assert "write_registry" in found["push"].detail

    def test_the_doctor_makes_no_repository_by_asking(self, scene: Scene) -> None:
        nowhere = repository_at(scene.repository.registry.name, "acme/shop/not-yet")
        found = {one.name: one for one in _registry(scene).examine(nowhere)}
        assert found["list"].possible is None
        assert found["push"].possible is None
        assert "acme/shop/not-yet" not in _simulator(scene).desk.made

    def test_the_doctor_goes_on_where_nothing_is_known(self, scene: Scene) -> None:
        """A wrong password; a registry whose tokens say nothing; one of another product."""
        scene.push(image(), "v1")
        found = {one.name: one for one in _registry(scene, scene.stranger).examine(scene.repository)}
        assert [found[name].possible for name in ("list", "pull", "delete")] == [False] * 3
        assert "refuses the credentials" in found["list"].detail
        token_for = _simulator(scene).desk._token_for
        _simulator(scene).desk._token_for = lambda granted: token_for(granted).replace(".", "-")  # type: ignore[method-assign]
        found = {one.name: one for one in _registry(scene).examine(scene.repository)}
        assert found["list"].possible is True
        assert [found[name].possible for name in ("pull", "push", "delete")] == [None] * 3

    def test_the_doctor_names_rules_for_tags(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.lock(scene.path, "v1")
        found = {one.name: one for one in _registry(scene, _login(JOB)).examine(scene.repository)}
        assert found["delete"].possible is True
        assert "rules for tags" in found["delete"].detail
        assert found["api"].possible is None

    # Another client

    def test_python_gitlab_tells_the_same_story(self, scene: Scene) -> None:
        digest = scene.push(image(layer("both")), "v1", "v2")
        scene.push(image(layer("other")), "v3")
        client = gitlab.Gitlab(f"http://{scene.repository.registry}", private_token=WRITER.password)
        project = client.projects.get("acme/shop")
        (found,) = project.repositories.list(get_all=True)
        assert found.path == scene.path
        assert [tag.name for tag in found.tags.list(get_all=True)] == ["v1", "v2", "v3"]
        details = found.tags.get("v1")
        assert details.digest == str(digest)
        assert details.created_at
        found.tags.delete("v1")
        scene.simulator.lock(scene.path, "v2")
        with pytest.raises(gitlab.GitlabDeleteError, match="403"):
            found.tags.delete("v2")
        assert scene.tags().keys() == {"v2", "v3"}
        found.delete()
        assert scene.simulator.counts["DELETE", REPOSITORIES + "/{id}"] == 1
        with pytest.raises(gitlab.GitlabAuthenticationError):
            gitlab.Gitlab(f"http://{scene.repository.registry}", private_token="wrong").projects.get("acme/shop")

    def test_python_gitlabs_graphql_reads_the_same_tags(self, scene: Scene) -> None:
        digest = scene.push(image(layer("one")), "v1")
        number = scene.simulator.shelves[scene.path].id
        with gitlab.GraphQL(f"http://{scene.repository.registry}", token=WRITER.password) as client:
            query = 'query { containerRepository(id: "gid://gitlab/ContainerRepository/%d") { tags { nodes { name digest } } } }'
            found = client.execute(query % number)
        assert found["containerRepository"]["tags"]["nodes"] == [{"name": "v1", "digest": str(digest)}]


class TestGitLabByItsName:
    """The commands as a user runs them, with TLS and under the names of gitlab.com and of a self-managed GitLab."""

    @pytest.mark.parametrize("of_job", [False, True])
    def test_a_cleanup_at_registry_gitlab_com(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path, *, of_job: bool
    ) -> None:
        simulator = GitLabSimulator(registry.host, site="https://gitlab.com")
        simulator.accounts.everybody.append(JOB)
        network = vendor_network({"registry.gitlab.com": simulator, "gitlab.com": simulator})
        scene = _at(simulator, "registry.gitlab.com")
        for number in range(3):
            scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        account = JOB if of_job else WRITER
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", "registry.gitlab.com/acme/shop", "--all-repositories", "--delete-tags",
            "old-*", "--older-than", "1w", "--git-history-based-cleanup=false", "--output", "json",
            MOORAGE_IMAGES_REPO_GITLAB_TOKEN=account.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["totals"]["deleted_tags"] == 3
        assert scene.tags().keys() == {"keep"}
        assert account.password not in done.stdout + done.stderr
        scene.close()

    def test_publish_cleanup_and_restore_with_the_token_of_a_job(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = GitLabSimulator(registry.host, site="https://gitlab.com")
        simulator.accounts.everybody.append(JOB)
        network = vendor_network({"registry.gitlab.com": simulator, "gitlab.com": simulator})
        scene = _at(simulator, "registry.gitlab.com")
        both = index(image(layer("new")), image(layer("arm"), platform="linux/arm64"))
        write_layout(tmp_path / "layout", {"dev": both})
        repo, name = f"registry.gitlab.com/{scene.path}".rsplit("/", 1)
        token = {"MOORAGE_IMAGES_REPO_GITLAB_TOKEN": JOB.password}
        published = moorage(
            network, tmp_path, "publish", "--images-repo", repo, "--image", f"{name}=oci:layout:dev", "--tag-custom", "v1",
            **token,
        )  # fmt: skip
        assert published.returncode == 0, published.stderr
        assert simulator.truth(scene.path).keys() >= {"v1"}
        old = {f"old-{number}": scene.push(image(layer(f"{number}")), f"old-{number}", age=MONTH) for number in range(2)}
        arguments = ("--images-repo", repo, "--repository", name, "--delete-tags", "old-*", "--older-than", "1w")
        cleaned = moorage(
            network, tmp_path, "cleanup", *arguments, "--git-history-based-cleanup=false", "--journal", "journal.jsonl", **token
        )
        assert cleaned.returncode == 0, cleaned.stderr
        assert not scene.tags().keys() & old.keys()
        restored = moorage(network, tmp_path, "restore", "journal.jsonl", "--images-repo", repo, **token)
        assert restored.returncode == 0, restored.stderr
        assert {tag: digest for tag, digest in scene.tags().items() if tag in old} == old
        scene.close()

    def test_a_self_managed_gitlab_is_found_through_its_registry(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        """The registry has a host of its own; the job says which, and the registry says where its GitLab is."""
        simulator = GitLabSimulator(registry.host, site="https://gitlab.example.com")
        network = vendor_network({"registry.example.com": simulator, "gitlab.example.com": simulator})
        scene = _at(simulator, "registry.example.com")
        scene.push(image(layer("old")), "old-1", age=MONTH)
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", f"registry.example.com/{scene.path}", "--delete-tags", "old-*",
            "--git-history-based-cleanup=false", "--output", "json", "--keep-images-built-within-last-n-hours", "0",
            CI_REGISTRY="registry.example.com", MOORAGE_IMAGES_REPO_GITLAB_TOKEN=WRITER.password,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert scene.tags() == {}
        scene.close()

    def test_a_registry_of_gitlab_com_that_names_another_host_gets_no_password(
        self, registry: RunningRegistry, vendor_network: NetworkFactory, tmp_path: Path
    ) -> None:
        simulator = GitLabSimulator(registry.host, site="https://evil.example.com")
        network = vendor_network({"registry.gitlab.com": simulator})
        done = moorage(
            network, tmp_path, "cleanup", "--images-repo", "registry.gitlab.com/acme/shop", "--delete-tags", "old-*",
            "--git-history-based-cleanup=false", "--output", "json", MOORAGE_IMAGES_REPO_GITLAB_TOKEN=WRITER.password,
        )  # fmt: skip
        assert done.returncode in {3, 5}
        assert "--allow-realm evil.example.com" in done.stdout + done.stderr
