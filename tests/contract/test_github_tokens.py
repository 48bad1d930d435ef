"""Who may do what at GitHub: classic tokens, those of jobs, fine-grained ones; organizations and users; limits."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from tests.contract.cleaning import MONTH, clean, outcomes, policy
from tests.contract.github_scenes import by_option, docker, github, opened, scene_at
from tests.contract.scene import Login, Scene, repository_at
from tests.contract.test_github import ORG, Setting, _served
from tests.images import image, layer, push
from tests.simulators.accounts import Account
from tests.simulators.github import (
    CLASSIC,
    DELETE,
    FINE,
    JOB,
    JOB_TOKEN,
    OCTOCAT,
    READ,
    READER,
    VERSION,
    VERSIONS,
    WRITER,
    GithubSimulator,
)  # fmt: skip
from tests.simulators.serving import serving

from moorage.auth.credential import Bearer
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Denied, NotFound, RegistryError, Throttled, Unauthorized
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Tag
from moorage.policy.plan import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

OWN, OTHERS = "/user/packages", "/users/{owner}/packages"


class TestOwners:
    @pytest.fixture
    def scene(self, registry: RunningRegistry) -> Iterator[Scene]:
        simulator = GithubSimulator(registry.host)
        simulator.accounts.everybody += [OCTOCAT, JOB_TOKEN]
        yield from _served(simulator, f"octocat/{uuid.uuid4().hex}")

    @pytest.mark.parametrize(("account", "way"), [(OCTOCAT, OWN), (JOB_TOKEN, OTHERS)], ids=["their own", "a job's"])
    def test_packages_of_a_user(self, scene: Scene, tmp_path: Path, account: Account, way: str) -> None:
        scene.push(image(layer("old")), "old", age=MONTH)
        scene.push(image(layer("stays")), "keep")
        registry = opened(scene, docker(account))
        run = clean(scene, policy("old"), tmp_path, registry)
        assert outcomes(run) == {"old": Outcome.DELETED}
        assert scene.simulator.counts["GET", way + VERSIONS] == 1
        assert scene.simulator.counts["DELETE", way + VERSION] == 1
        if account is OCTOCAT:
            assert registry.repositories("octocat") == [scene.repository]

    def test_a_private_package_of_somebody_else_is_there_and_not_shown(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Denied, match="does not show it to this token") as refused:
            opened(scene).inventory(scene.repository)
        assert "role Read" in refused.value.remedy

    def test_an_account_that_is_not_there(self, scene: Scene) -> None:
        nowhere = repository_at(scene.repository.registry.name, "nobody-at-all/app")
        with pytest.raises(NotFound, match="no account nobody-at-all"):
            opened(scene).inventory(nowhere)

    def test_a_package_that_is_not_there(self, scene: Scene) -> None:
        with pytest.raises(NotFound) as missing:
            opened(scene, docker(OCTOCAT)).inventory(scene.repository)
        assert "missing right" in missing.value.remedy


class TestTokens(Setting):
    def test_a_token_without_the_scope_says_which(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        registry = opened(scene, docker(READER))
        registry.inventory(scene.repository)
        with pytest.raises(Denied) as refused:
            registry.delete_manifest(scene.repository, digest)
        assert refused.value.remedy == f"Give the personal access token the scope {DELETE}; it has {READ}."

    def test_a_token_without_any_scope(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody.append(Account("bare", "sham-token-without-scopes", frozenset({CLASSIC})))
        with pytest.raises(Denied, match=READ) as refused:
            opened(scene, by_option(scene.simulator.accounts.everybody[-1])).inventory(scene.repository)
        assert "it has none" in refused.value.remedy

    def test_a_fine_grained_token_is_the_wrong_kind(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody.append(FINE)
        with pytest.raises(Denied, match="not accessible by personal access token") as refused:
            opened(scene, docker(FINE)).inventory(scene.repository)
        assert "Fine-grained tokens do not work" in refused.value.remedy
        assert READ in refused.value.remedy

    def test_a_job_that_may_only_read(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        job = Account("github-actions", "sham-token-of-a-reading-job", frozenset({JOB, READ, "pull"}))
        scene.simulator.accounts.everybody.append(job)
        registry = opened(scene, by_option(job))
        registry.inventory(scene.repository)
        with pytest.raises(Denied, match="by integration") as refused:
            registry.delete_manifest(scene.repository, digest)
        assert "`permissions: packages: write`" in refused.value.remedy
        assert "Manage Actions access" in refused.value.remedy

    def test_a_job_cannot_list_the_packages_of_its_organization(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody.append(JOB_TOKEN)
        with pytest.raises(Denied, match="GITHUB_TOKEN of a job") as refused:
            opened(scene, docker(JOB_TOKEN)).repositories("acme")
        assert "--repository" in refused.value.remedy

    def test_packages_that_nobody_could_push_are_not_listed(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        strange = scene.simulator.shelf("acme/Upper")
        strange.manifests.update(scene.simulator.shelves[scene.path].manifests)
        assert opened(scene).repositories("acme") == [scene.repository]

    def test_packages_are_listed_by_account(self, scene: Scene) -> None:
        with pytest.raises(ConfigurationError, match="by account"):
            opened(scene).repositories()
        with pytest.raises(ConfigurationError, match="below an account"):
            opened(scene).inventory(repository_at(scene.repository.registry.name, "acme"))

    def test_single_sign_on_is_told_with_its_address(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        url = "https://github.com/orgs/acme/sso?authorization_request=AAAA"
        registry = opened(scene)
        headers = {"X-GitHub-SSO": f"required; url={url}"}
        scene.simulator.faults.burst(
            403, times=1, route=VERSIONS, headers=headers, document={"message": "Resource protected by SAML"}
        )
        with pytest.raises(Denied) as refused:
            registry.inventory(scene.repository)
        assert "single sign-on: https://github.com/orgs/acme/sso" in refused.value.remedy

    def test_without_a_login(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized, match="no token for") as refused:
            opened(scene, Login()).inventory(scene.repository)
        assert "--images-repo-github-token" in refused.value.remedy

    def test_a_token_that_has_expired(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        with pytest.raises(Unauthorized, match="from the Docker config is refused") as refused:
            opened(scene, scene.stranger).inventory(scene.repository)
        assert "GITHUB_TOKEN ends with its job" in refused.value.remedy

    def test_the_option_is_for_the_api_and_dockers_login_for_pushes(self, scene: Scene) -> None:
        """What a job's own token may not push, the login of a step before may, and the other way round."""
        scene.push(image(), "v1")
        both = Login(docker(READER).docker, by_option(WRITER).options)
        registry = opened(scene, both)
        assert registry.inventory(scene.repository).tags.keys() == {Tag("v1")}
        with pytest.raises(Denied) as refused:
            push(registry, scene.repository, image(layer("new")), "v2")
        assert "write:packages" in refused.value.remedy
        push(opened(scene, by_option(WRITER)), scene.repository, image(layer("new")), "v2")
        assert scene.tags().keys() == {"v1", "v2"}

    def test_a_bearer_token_of_dockers_is_a_token(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.push(image(layer("other")), "v2")
        login = Login(Bearer(Secret(WRITER.password), "docker-credential-gh"))
        opened(scene, login)._places.package(scene.repository).versions()
        assert digest in scene.tags().values()

    def test_to_publish_no_api_is_needed(self, registry: RunningRegistry) -> None:
        simulator = GithubSimulator(registry.host)
        with serving(simulator) as (_, host):
            scene = scene_at(simulator, host, f"acme/{uuid.uuid4().hex}")
            writer = opened(scene)
            first, second = image(layer("shared")), image(layer("shared"), layer("more"))
            assert writer.tag_names(scene.repository) == frozenset()
            push(writer, scene.repository, first, "v1")
            push(writer, repository_at(host, f"acme/{uuid.uuid4().hex}"), second, "v1")
            assert writer.resolve(scene.repository, Tag("v1")) == first.digest
            shared = next(iter(first.blobs))
            assert writer.has_blob(scene.repository, shared)
            assert not writer.has_blob(scene.repository, Digest.of(b"never pushed"))
            with writer.blob(scene.repository, Blob(shared, len(first.blobs[shared]))) as stream:
                assert stream.read() == first.blobs[shared]
            assert writer.manifest(scene.repository, Tag("v1")) == (first.content, first.media_type)
            with pytest.raises(ConfigurationError, match="not known") as missing:
                writer.inventory(scene.repository)
            assert "--github-api-url" in missing.value.remedy
            scene.close()


class TestDoctor(Setting):
    def test_a_classic_token(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        found = {ability.name: ability for ability in opened(scene, docker(READER)).examine(scene.repository)}
        assert "/api/v3" in found["server"].detail
        assert found["token"].detail == f"from the Docker config, classic, with {READ}"
        assert found["list"].possible is True
        assert found["pull"].possible is True
        assert [found[name].possible for name in ("push", "delete", "delete tags")] == [False, False, False]
        assert DELETE in found["delete"].detail

    def test_tokens_of_other_kinds(self, scene: Scene) -> None:
        scene.push(image(), "v1")
        scene.simulator.accounts.everybody += [JOB_TOKEN, FINE]
        job = {ability.name: ability for ability in opened(scene, by_option(JOB_TOKEN)).examine(scene.repository)}
        assert job["token"].possible is None
        assert "--images-repo-github-token" in job["token"].detail
        assert job["delete"].possible is None
        assert "Manage Actions access" in job["delete"].detail
        fine = {ability.name: ability for ability in opened(scene, by_option(FINE)).examine(scene.repository)}
        assert fine["list"].possible is False
        assert "Fine-grained" in fine["list"].detail
        assert fine["pull"].possible is False

    def test_nobody_and_nothing(self, scene: Scene) -> None:
        strange = {ability.name: ability for ability in opened(scene, scene.stranger).examine(scene.repository)}
        assert strange["token"].possible is False
        assert strange.keys() == {"server", "token"}
        anonymous = {ability.name: ability for ability in opened(scene, Login()).examine(scene.repository)}
        assert anonymous["token"].possible is False
        assert anonymous["list"].possible is False
        assert anonymous["delete"].possible is False
        empty = {ability.name: ability for ability in opened(scene, allow_stub=False).examine(scene.repository)}
        assert empty["list"].possible is None
        assert empty["pull"].possible is None
        assert "--no-stub" in empty["delete tags"].detail


class TestLimits(Setting):
    @pytest.mark.parametrize(
        ("headers", "document"),
        [
            ({"x-ratelimit-remaining": "0"}, {"message": "API rate limit exceeded"}),
            ({"retry-after": "33"}, {"message": "You have exceeded a secondary rate limit."}),
            ({}, {"message": "secondary", "documentation_url": "https://docs.github.com/rest/rate-limits-for-the-rest-api"}),
        ],
        ids=["primary", "secondary", "secondary without a header"],
    )
    def test_a_403_that_is_a_limit_is_waited_for(self, scene: Scene, headers: dict[str, str], document: dict[str, str]) -> None:
        scene.push(image(), "v1")
        if "x-ratelimit-remaining" in headers:
            headers = {**headers, "x-ratelimit-reset": str(int(scene.now().timestamp()) + 33)}
        scene.simulator.faults.burst(403, times=2, route=VERSIONS, headers=headers, document=document)
        assert opened(scene).inventory(scene.repository).tags.keys() == {Tag("v1")}
        assert sum(scene.clock.slept) >= (30 if headers else 0.1)

    def test_a_403_limit_without_end_is_no_missing_right(self, scene: Scene) -> None:
        digest = scene.push(image(), "v1")
        scene.simulator.faults.burst(403, times=100, method="DELETE", headers={"retry-after": "60"}, document={"message": "slow"})
        with pytest.raises(Throttled):
            opened(scene).delete_manifest(scene.repository, digest)
        assert scene.tags() == {"v1": digest}

    def test_no_error_stands_where_a_right_is_missing(self, scene: Scene) -> None:
        """A wrong login is one error, not a repository that is not there."""
        for login in (scene.stranger, Login()):
            with pytest.raises(RegistryError) as refused:
                opened(scene, login).delete_manifest(scene.repository, Digest.of(b"never"))
            assert not isinstance(refused.value, NotFound)
        assert github(scene).counts["DELETE", ORG + VERSION] == 0
