"""Logins, grants and answers of GitLab, as they are read."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error

from moorage.auth.credential import Basic, Bearer, Credential, IdentityToken
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, Denied, NotFound, Throttled, Unsupported
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.gitlab import payloads
from moorage.registries.gitlab.grants import Grants, read_grants
from moorage.registries.gitlab.login import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.registries.gitlab.registry import GitLabRegistry

    Open = Callable[..., GitLabRegistry]

SHOP = Repository(Registry("registry.example.com"), "acme/shop")
DIGEST = f"sha256:{'a' * 64}"


def _login(name: str, token: str, source: str = "the Docker config") -> Basic:
    return Basic(name, Secret(token), source)


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        (None, Kind.NONE),
        (_login("alice", "glpat-sham-token-0001"), Kind.ACCESS),
        (_login("alice", "sham-token-of-before"), Kind.ACCESS),
        (_login("gitlab-ci-token", "glcbt-64-sham-token"), Kind.JOB),
        (_login("gitlab-ci-token", "sham-token-of-before"), Kind.JOB),
        (_login("gitlab-ci-token", "glpat-sham-token-0001"), Kind.ACCESS),
        (_login("gitlab-ci-token", "sham-token", "--images-repo-gitlab-token"), Kind.ACCESS),
        (_login("gitlab+deploy-token-9", "sham-token-0001"), Kind.DEPLOY),
        (_login("somebody", "gldt-sham-token-0001"), Kind.DEPLOY),
        (_login("oauth2", "sham-token-0001"), Kind.OAUTH),
        (_login("alice", "gloas-sham-token-0001"), Kind.OAUTH),
        (Bearer(Secret("sham-token-0001"), "a helper"), Kind.OTHER),
        (IdentityToken(Secret("sham-token-0001"), "a helper"), Kind.OTHER),
    ],
)
def test_kinds_of_tokens(credential: Credential | None, kind: Kind) -> None:
    assert kind_of(credential) is kind


def test_each_kind_goes_to_the_api_in_its_own_header(open_registry: Open) -> None:
    def headers(login: Credential) -> tuple[set[str], set[str]]:
        api = open_registry("registry.example.com", login=login)._api.login
        return set(api.api_headers()), set(api.graphql_headers())

    assert headers(_login("alice", "glpat-sham-token-0001")) == ({"PRIVATE-TOKEN"}, {"Authorization"})
    assert headers(_login("oauth2", "sham-token-0001")) == ({"Authorization"}, {"Authorization"})
    assert headers(_login("gitlab-ci-token", "glcbt-sham-token")) == ({"JOB-TOKEN"}, set())
    assert headers(_login("gitlab+deploy-token-9", "sham-token-0001")) == (set(), set())
    assert headers(Bearer(Secret("sham-token-0001"), "a helper")) == (set(), set())


def _token(access: object) -> Secret:
    payload = base64.urlsafe_b64encode(json.dumps({"access": access}).encode()).decode().rstrip("=")
    return Secret(f"e30.{payload}.sham-signature")


def test_a_token_says_what_it_grants_and_what_it_must_not_touch() -> None:
    meta = {
        "tag_deny_access_patterns": {"push": ["x"], "delete": ["^v[0-9]", "[broken"]},
        "tag_immutable_patterns": ["^release$"],
    }
    grants = read_grants(_token([{"name": "acme/shop", "actions": ["pull", "delete"], "meta": meta}]), SHOP)
    assert grants is not None
    assert grants.actions == {"pull", "delete"}
    assert grants.has_rules
    assert "immutability" in grants.lock(Tag("release"))
    assert "protection" in grants.lock(Tag("v1"))


def test_rules_are_searched_for_and_a_broken_one_covers_everything() -> None:
    assert Grants(protected=("rc",)).lock(Tag("v1-rc1"))
    assert not Grants(protected=("^rc",)).lock(Tag("v1-rc1"))
    assert Grants(protected=("[broken",)).lock(Tag("anything"))


@pytest.mark.parametrize("access", [[], None, [{"name": "acme/other", "actions": ["pull"]}]])
def test_a_token_that_grants_nothing_here(access: object) -> None:
    assert read_grants(_token(access), SHOP) == Grants()


@pytest.mark.parametrize("text", ["opaque", "a.b.c", "e30.e30.e30", "e30.W10.x", "e30.eyJhY2Nlc3MiOiAxfQ.x"])
def test_tokens_of_another_form_say_nothing(text: str) -> None:
    assert read_grants(Secret(text), SHOP) is None
    assert read_grants(None, SHOP) is None


@pytest.mark.parametrize(
    "document",
    [None, {}, [1], [{}], [{"name": "v1"}], [{"name": "v 1", "digest": DIGEST}], [{"name": "v1", "digest": "md5:1"}]],
)
def test_a_list_of_tags_that_can_be_none_is_a_contradiction(document: object) -> None:
    with pytest.raises(Contradiction):
        payloads.registry_tags(document, "the list")


def test_a_list_of_an_older_registry_says_less() -> None:
    (tag,) = payloads.registry_tags([{"name": "v1", "digest": DIGEST, "size_bytes": True}], "the list")
    assert (tag.media_type, tag.config, tag.size, tag.published, tag.referrers) == ("", None, None, None, ())


def test_a_moved_tag_is_as_young_as_its_move() -> None:
    dates = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-03-01T00:00:00.000Z"}
    (tag,) = payloads.registry_tags([{"name": "v1", "digest": DIGEST, **dates}], "the list")
    assert tag.published is not None
    assert tag.published.month == 3


def test_graphql_says_nothing_of_types_it_lacks() -> None:
    assert payloads.graphql_fields({"__type": None}, "the schema") == frozenset()
    with pytest.raises(Contradiction):
        payloads.graphql_fields({}, "the schema")
    assert payloads.graphql_page({"containerRepository": None}, "the page") is None


class TestTheAddressOfTheApi:
    def _url(self, open_registry: Open, server: ScriptedServer, **options: str) -> str:
        return open_registry(server.host, options={name.replace("_", "-"): value for name, value in options.items()})._api.url

    def test_is_learned_from_the_registry(self, open_registry: Open) -> None:
        with ScriptedServer(lambda request: _ping(request, f"http://{request.headers['host']}/gitlab/jwt/auth?x=1")) as server:
            assert self._url(open_registry, server) == f"{server.url}/gitlab/api/v4"
            assert (
                self._url(open_registry, server, gitlab_api_url="https://gitlab.example.com")
                == "https://gitlab.example.com/api/v4"
            )

    def test_is_asked_for_where_the_registry_does_not_say(self, open_registry: Open) -> None:
        with ScriptedServer(lambda request: _ping(request, f"http://{request.headers['host']}/token")) as server:
            with pytest.raises(ConfigurationError) as wrong:
                self._url(open_registry, server)
            assert "--gitlab-api-url" in wrong.value.remedy
        with ScriptedServer(lambda _: Reply.of({})) as server, pytest.raises(ConfigurationError):
            self._url(open_registry, server)

    def test_is_not_where_passwords_must_not_go(self, open_registry: Open) -> None:
        with (
            ScriptedServer(lambda request: _ping(request, "http://gitlab.example.com/jwt/auth")) as server,
            pytest.raises(Denied, match="plain HTTP"),
        ):
            self._url(open_registry, server)


def _ping(request: Request, realm: str) -> Reply:
    return oci_error(401, "UNAUTHORIZED", www_authenticate=f'Bearer realm="{realm}",service="container_registry"')


class TestListsThatDoNotFit:
    """The registry is open here; what is asked of the API is asked at the same place."""

    def _registry(self, open_registry: Open, server: ScriptedServer) -> tuple[GitLabRegistry, Repository]:
        options = {"gitlab-api-url": f"{server.url}/api/v4"}
        return open_registry(server.host, options=options), Repository(Registry(server.host), "acme/shop")

    def test_a_proxy_that_answers_everything_is_no_list(self, open_registry: Open) -> None:
        def answer(request: Request) -> Reply:
            if request.path == "/v2/":
                return Reply.of({})
            if request.path.startswith("/v2/"):
                return Reply.of({"tags": []}) if request.path.endswith("/tags/list") else Reply(404)
            return Reply(200, b"<html>welcome</html>", {"content-type": "text/html"})

        with ScriptedServer(answer) as server:
            registry, shop = self._registry(open_registry, server)
            with pytest.raises(Contradiction):
                registry.inventory(shop)

    def test_a_list_of_tags_without_kinds_reads_them(self, open_registry: Open) -> None:
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
        ).encode()
        digest = Digest.of(content)

        def answer(request: Request) -> Reply:
            if request.path.startswith("/gitlab/v1/repositories/"):
                return Reply.of([{"name": "v1", "digest": str(digest)}, {"name": "gone", "digest": DIGEST}])
            if request.path.endswith(digest.hex):
                return Reply(200, content, {"content-type": "application/vnd.oci.image.manifest.v1+json"})
            return Reply.of({}) if request.path == "/v2/" else oci_error(404, "MANIFEST_UNKNOWN")

        with ScriptedServer(answer) as server:
            registry, shop = self._registry(open_registry, server)
            found = registry.inventory(shop)
        assert found.tags == {Tag("v1"): digest}
        assert found.manifests[digest].content == content
        assert found.dangling.keys() == {Tag("gone")}
        assert not found.manifests[digest].dated

    @pytest.mark.parametrize(
        "said",
        [
            {"data": {"containerRepository": None}},
            {"errors": [{"message": "too complex"}]},
            {"data": {"containerRepository": {"tags": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}},
        ],
    )
    def test_a_graphql_list_that_lacks_tags_is_not_used(self, open_registry: Open, said: object) -> None:
        fields = [{"name": name} for name in ("name", "digest", "revision", "mediaType", "publishedAt", "totalSize", "referrers")]

        def answer(request: Request) -> Reply:
            if request.path == "/api/graphql":
                return Reply.of({"data": {"__type": {"fields": fields}}} if b"__type" in request.body else said)
            if request.path.endswith("/registry/repositories"):
                return Reply.of([{"id": 7, "project_id": 1, "path": "acme/shop"}])
            if request.path.endswith("/tags/list"):
                return Reply.of({"tags": ["v1"]})
            return Reply.of({}) if request.path == "/v2/" else oci_error(404, "MANIFEST_UNKNOWN")

        with ScriptedServer(answer) as server:
            registry, shop = self._registry(open_registry, server)
            assert registry.inventory(shop).dangling.keys() == {Tag("v1")}  # by /v2, where the manifest is not there
            asked = len(server.asked("POST", "/api/graphql"))
            registry.inventory(shop)
            assert len(server.asked("POST", "/api/graphql")) == asked, "it is asked for once"

    def test_a_graphql_list_that_comes_short_later_stops_everything(self, open_registry: Open) -> None:
        names: list[str] = []

        def answer(request: Request) -> Reply:
            if request.path == "/api/graphql":
                tags = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
                fields = ("name", "digest", "revision", "mediaType", "publishedAt", "totalSize", "referrers")
                schema = {"__type": {"fields": [{"name": name} for name in fields]}}
                return Reply.of({"data": schema if b"__type" in request.body else {"containerRepository": {"tags": tags}}})
            if request.path.endswith("/registry/repositories"):
                return Reply.of([{"id": 7, "project_id": 1, "path": "acme/shop"}])
            if request.path.endswith("/tags/list"):
                return Reply.of({"tags": names})
            return Reply.of({}) if request.path == "/v2/" else oci_error(404, "MANIFEST_UNKNOWN")

        with ScriptedServer(answer) as server:
            registry, shop = self._registry(open_registry, server)
            assert registry.inventory(shop).tags == {}
            names.append("v1")
            with pytest.raises(Contradiction, match="fewer tags"):
                registry.inventory(shop)

    def test_limits_are_no_reason_to_list_otherwise(self, open_registry: Open) -> None:
        def answer(request: Request) -> Reply:
            if request.path == "/jwt/auth":
                return Reply(429, b"", {"retry-after": "100000"})
            return _ping(request, f"http://{request.headers['host']}/jwt/auth")

        with ScriptedServer(answer) as server:
            registry, shop = self._registry(open_registry, server)
            with pytest.raises(Throttled):
                registry.inventory(shop)


def test_repositories_without_a_group_are_not_listed(open_registry: Open) -> None:
    with pytest.raises(Unsupported):
        open_registry("registry.example.com").repositories()


def test_a_repository_that_no_project_has_is_not_found(open_registry: Open) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/v2/":
            return _ping(request, f"http://{request.headers['host']}/jwt/auth")
        if request.path == "/api/v4/projects/acme%2Fshop/registry/repositories":
            return Reply.of(
                [{"id": 7, "project_id": 1, "path": "acme/shop/Upper"}, {"id": 8, "project_id": 1, "path": "acme/shop"}]
            )
        return Reply.of({"message": "404 Project Not Found"}, 404)

    with ScriptedServer(answer) as server:
        registry = open_registry(server.host)
        assert [found.path for found in registry.repositories("acme/shop")] == ["acme/shop"], "nobody could name the other one"
        with pytest.raises(NotFound, match="in no project"):
            registry._api.located(Repository(Registry(server.host), "acme/shop/worker"))
