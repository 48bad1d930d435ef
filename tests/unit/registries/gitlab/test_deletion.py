"""What GitLab's registry, and what stands before it, may answer to a deletion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error

from moorage.errors import Denied, ItemRefused, NotFound, RegistryError, Unauthorized, Unsupported
from moorage.oci.reference import Digest, Registry, Repository, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from moorage.registries.gitlab.registry import GitLabRegistry

    Open = Callable[..., GitLabRegistry]

DIGEST = Digest.of(b"the manifest")
V1, V2 = Tag("v1"), Tag("v2")


@dataclass
class Script:
    """A registry behind token authentication. `answers` are those to DELETE, by the end of the path; `heads` digests of tags."""

    answers: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    heads: dict[str, Digest | None] = field(default_factory=lambda: {"v1": DIGEST, "v2": DIGEST})
    listed: list[str] = field(default_factory=lambda: ["v1", "v2"])
    deletions: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/jwt/auth":
            return Reply.of({"token": f"opaque-{dict(request.query)['scope'].rpartition(':')[2]}"})
        if not request.headers.get("authorization"):
            return _challenge(request)
        if request.method == "DELETE":
            return self._delete(request)
        if request.path.endswith("/tags/list"):
            return Reply.of({"name": "acme/shop", "tags": self.listed})
        name = request.path.rpartition("/")[2]
        digest = self.heads.get(name)
        if digest is None:
            return oci_error(404, "MANIFEST_UNKNOWN")
        return Reply(
            200, b"", {"docker-content-digest": str(digest), "content-type": "application/vnd.oci.image.manifest.v1+json"}
        )

    def _delete(self, request: Request) -> Reply:
        rest = request.path.partition("/acme/shop/")[2]
        rest = "random" if rest.startswith("manifests/sha256:") and not rest.endswith(DIGEST.hex) else rest
        self.deletions.append(rest)
        answer = self.answers.get(rest, oci_error(404, "MANIFEST_UNKNOWN"))
        answer = answer.pop(0) if isinstance(answer, list) else answer
        return _challenge(request, "repository:acme/shop:delete") if answer is LACKING else answer


def _challenge(request: Request, scope: str = "") -> Reply:
    header = f'Bearer realm="http://{request.headers["host"]}/jwt/auth",service="container_registry"'
    more = f',scope="{scope}",error="insufficient_scope"' if scope else ""
    return oci_error(401, "UNAUTHORIZED", www_authenticate=header + more)


LACKING = Reply(401)  # a token that lacks the right: the registry says which


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server(script: Script) -> Iterator[ScriptedServer]:
    with ScriptedServer(script) as running:
        yield running


def _shop(server: ScriptedServer) -> Repository:
    return Repository(Registry(server.host), "acme/shop")


BY_DIGEST = f"manifests/{DIGEST}"


def _knowing(registry: GitLabRegistry, server: ScriptedServer, *tags: Tag) -> GitLabRegistry:
    """As after an inventory that saw these tags on the manifest."""
    registry._tags[_shop(server)] = {DIGEST: tags}
    return registry


class TestOneTag:
    def test_by_the_new_route(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {"manifests/v1": Reply(202), "manifests/v2": Reply(202)}
        registry = open_registry(server.host)
        registry.delete_tag(_shop(server), V1)
        registry.delete_tag(_shop(server), V2)
        assert script.deletions == ["manifests/v1", "manifests/v2"]

    @pytest.mark.parametrize("status", [400, 404, 405, 415, 501])
    def test_by_the_old_route_whatever_the_new_one_answers(
        self, script: Script, server: ScriptedServer, open_registry: Open, status: int
    ) -> None:
        script.answers = {"manifests/v1": Reply(status), "tags/reference/v1": Reply(202), "tags/reference/v2": Reply(202)}
        registry = open_registry(server.host)
        registry.delete_tag(_shop(server), V1)
        registry.delete_tag(_shop(server), V2)
        assert script.deletions == ["manifests/v1", "tags/reference/v1", "tags/reference/v2"]

    @pytest.mark.parametrize("routes", [("manifests/v1",), ("manifests/v1", "tags/reference/v1")])
    def test_never_by_the_digest_that_siblings_share(
        self, script: Script, server: ScriptedServer, open_registry: Open, routes: tuple[str, ...]
    ) -> None:
        script.answers = {"manifests/v1": Reply(405), "random": Reply(405)}
        with pytest.raises(Unsupported) as refused:
            open_registry(server.host).delete_tag(_shop(server), V1)
        assert "storage_delete_enabled" in refused.value.remedy
        assert BY_DIGEST not in script.deletions
        assert not server.asked("PUT")

    def test_a_tag_that_is_gone_is_not_a_route_that_is_missing(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.heads = {"v2": DIGEST}
        script.answers = {"manifests/v2": Reply(202)}
        registry = open_registry(server.host)
        with pytest.raises(NotFound):
            registry.delete_tag(_shop(server), V1)
        registry.delete_tag(_shop(server), V2)
        assert script.deletions == ["manifests/v1", "manifests/v2"]

    def test_gone_by_an_attempt_whose_answer_was_lost(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {"manifests/v1": [Reply(500), oci_error(404, "MANIFEST_UNKNOWN")]}
        open_registry(server.host).delete_tag(_shop(server), V1)
        assert script.deletions == ["manifests/v1"] * 2

    def test_a_registry_that_forgets_its_route_is_not_believed(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.answers = {"manifests/v1": Reply(202), "manifests/v2": Reply(405)}
        registry = open_registry(server.host)
        registry.delete_tag(_shop(server), V1)
        with pytest.raises(Unsupported, match="no longer removes single tags"):
            registry.delete_tag(_shop(server), V2)

    @pytest.mark.parametrize("code", ["PROTECTED_TAG", "IMMUTABLE_TAG"])
    def test_a_rule_is_about_this_tag(self, script: Script, server: ScriptedServer, open_registry: Open, code: str) -> None:
        script.answers = {"manifests/v1": oci_error(401, code), "manifests/v2": Reply(202)}
        registry = open_registry(server.host)
        with pytest.raises(ItemRefused) as refused:
            registry.delete_tag(_shop(server), V1)
        assert "rule" in refused.value.remedy
        registry.delete_tag(_shop(server), V2)

    def test_the_way_around_is_not_offered_where_it_is_forbidden(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.answers = {"manifests/v1": Reply(405)}
        registry = open_registry(server.host, allow_stub=False)
        with pytest.raises(Unsupported) as refused:
            registry.delete_tag(_shop(server), V1)
        assert "--no-stub" in refused.value.remedy


class TestWhoMay:
    def test_a_right_that_is_missing_is_asked_for_in_the_old_way_once(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.answers = {"manifests/v1": [LACKING, LACKING], BY_DIGEST: [LACKING]}
        registry = open_registry(server.host)
        with pytest.raises(Denied) as refused:
            registry.delete_tag(_shop(server), V1)
        assert "it is the access token" in refused.value.message
        assert "scope api" in refused.value.remedy
        with pytest.raises(Denied):
            registry.delete_manifest(_shop(server), DIGEST)
        assert script.deletions == ["manifests/v1", "manifests/v1", BY_DIGEST]
        scopes = {value for request in server.asked("GET", "/jwt/auth") for name, value in request.query if name == "scope"}
        assert scopes == {"repository:acme/shop:pull,delete", "repository:acme/shop:pull,delete,*"}

    def test_what_worked_once_is_asked_for_from_then_on(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.answers = {"manifests/v1": [LACKING, Reply(202)], "manifests/v2": [Reply(202)]}
        registry = open_registry(server.host)
        registry.delete_tag(_shop(server), V1)
        registry.delete_tag(_shop(server), V2)
        assert script.deletions == ["manifests/v1", "manifests/v1", "manifests/v2"]

    def test_403_to_anything_is_about_the_repository(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {"manifests/v1": Reply(403), BY_DIGEST: Reply(403), "random": Reply(403)}
        registry = open_registry(server.host)
        with pytest.raises(Denied) as tag:
            registry.delete_tag(_shop(server), V1)
        with pytest.raises(Denied) as manifest:
            registry.delete_manifest(_shop(server), DIGEST)
        assert not isinstance(tag.value, ItemRefused)
        assert not isinstance(manifest.value, ItemRefused)
        assert script.deletions.count("random") == 1

    def test_403_to_one_thing_is_about_that_one(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {"manifests/v1": Reply(403), "manifests/v2": Reply(202), BY_DIGEST: Reply(403)}
        registry = open_registry(server.host)
        with pytest.raises(ItemRefused):
            registry.delete_tag(_shop(server), V1)
        with pytest.raises(ItemRefused):
            registry.delete_manifest(_shop(server), DIGEST)
        registry.delete_tag(_shop(server), V2)
        assert script.deletions.count("random") == 1

    def test_a_login_that_is_refused_is_said_to_be(self, server: ScriptedServer, open_registry: Open) -> None:
        server.answer = lambda request: _challenge(request) if request.path != "/jwt/auth" else oci_error(401, "UNAUTHORIZED")
        with pytest.raises(Unauthorized, match="refuses the credentials from the test"):
            open_registry(server.host).delete_tag(_shop(server), V1)


class TestManifests:
    def test_a_manifest_goes_in_one_request(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {BY_DIGEST: Reply(202)}
        _knowing(open_registry(server.host), server, V1, V2).delete_manifest(_shop(server), DIGEST)
        assert script.deletions == [BY_DIGEST]

    @pytest.mark.parametrize(("status", "error"), [(404, NotFound), (405, Unsupported), (400, Unsupported), (409, ItemRefused)])
    def test_a_refusal_is_what_it_is(
        self, script: Script, server: ScriptedServer, open_registry: Open, status: int, error: type[RegistryError]
    ) -> None:
        script.answers = {BY_DIGEST: oci_error(status, "SAID")}
        with pytest.raises(error):
            open_registry(server.host).delete_manifest(_shop(server), DIGEST)

    def test_rules_leave_only_its_tags_to_be_removed(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {BY_DIGEST: oci_error(401, "PROTECTED_MANIFEST"), "manifests/v1": Reply(202), "manifests/v2": Reply(202)}
        registry = _knowing(open_registry(server.host), server, V1, V2)
        registry.delete_manifest(_shop(server), DIGEST)
        assert script.deletions == [BY_DIGEST, "manifests/v1", "manifests/v2"]

    def test_tags_that_moved_meanwhile_stay(self, script: Script, server: ScriptedServer, open_registry: Open) -> None:
        script.answers = {BY_DIGEST: oci_error(401, "PROTECTED_MANIFEST"), "manifests/v2": Reply(202)}
        script.heads = {"v1": Digest.of(b"pushed meanwhile"), "v2": DIGEST}
        _knowing(open_registry(server.host), server, V1, V2).delete_manifest(_shop(server), DIGEST)
        assert script.deletions == [BY_DIGEST, "manifests/v2"]

    def test_a_manifest_that_lost_its_tags_meanwhile_is_not_there(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        script.answers = {BY_DIGEST: oci_error(401, "PROTECTED_MANIFEST")}
        script.heads = {"v1": Digest.of(b"pushed meanwhile")}
        with pytest.raises(NotFound, match="none of its tags"):
            _knowing(open_registry(server.host), server, V1, V2).delete_manifest(_shop(server), DIGEST)

    def test_tags_are_not_left_over_a_manifest_that_is_gone(
        self, script: Script, server: ScriptedServer, open_registry: Open
    ) -> None:
        """v1 was left, v2 has a new image by now, v3 went with the manifest."""
        script.answers = {BY_DIGEST: [Reply(500), oci_error(404, "MANIFEST_UNKNOWN")], "manifests/v1": Reply(202)}
        script.heads = {"v2": Digest.of(b"pushed meanwhile")}
        _knowing(open_registry(server.host), server, V1, V2, Tag("v3")).delete_manifest(_shop(server), DIGEST)
        assert script.deletions == [BY_DIGEST, BY_DIGEST, "manifests/v1", "manifests/v3"]
