"""Logging in: against the real registry with a token service over TLS, and against services that misbehave."""

from __future__ import annotations

import threading
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from tests.images import image, push
from tests.realparts.token_registry import start_token_registry
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error
from tests.unit.registries.distribution.conftest import basic, identity, named

from moorage.auth.credential import Basic, Bearer
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, Denied, NotFound, RegistryError, Unauthorized, Unreachable
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution import Distribution
from moorage.registries.distribution.tokens import basic_header
from moorage.transport.session import Clock, Session, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.realparts.fixtures import RegistryFactory
    from tests.realparts.token_registry import TokenRegistry

    from moorage.auth.credential import Credential


@pytest.fixture(scope="module")
def own_token_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenRegistry]:
    running = start_token_registry(tmp_path_factory.mktemp("token-registry"))
    yield running
    running.stop()


@pytest.fixture
def service(own_token_registry: TokenRegistry) -> TokenRegistry:
    """A token registry whose requests are this test's own."""
    own_token_registry.service.requests.clear()
    return own_token_registry


@pytest.fixture
def writer(service: TokenRegistry, open_client: Callable[..., Distribution]) -> Distribution:
    credential = Basic(service.writer.name, Secret(service.writer.password), "the test")
    return open_client(service.host, credential, wire=Wire(ca_file=service.ca_file))


def at(service: TokenRegistry, path: str = "team/app") -> Repository:
    return Repository(Registry(service.host), path)


class TestWithARealTokenService:
    def test_pushing_reading_and_deleting(self, service: TokenRegistry, writer: Distribution) -> None:
        what = image()
        push(writer, at(service), what, "v1")
        assert writer.tags(at(service)) == [Tag("v1")]
        writer.delete(at(service), what.digest)
        assert writer.tags(at(service)) == []
        asked = [request.asked for request in service.service.requests]
        assert len(asked) == len(set(asked)), "a scope was asked for twice"
        assert {request.status for request in service.service.requests} == {200}

    def test_many_threads_share_one_token(self, service: TokenRegistry, writer: Distribution) -> None:
        push(writer, at(service), image(), "v1")
        service.service.requests.clear()
        threads = [threading.Thread(target=writer.head, args=(at(service), Tag("v1"))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [request.asked for request in service.service.requests] == [(f"repository:{at(service).path}:pull",)]

    def test_a_token_that_the_registry_no_longer_takes_is_renewed(self, service: TokenRegistry, writer: Distribution) -> None:
        push(writer, at(service), image(), "v1")
        asked = len(service.service.requests)
        scopes = ("repository:team/app:pull",)
        writer.tags(at(service))
        tokens = writer.access._tokens
        assert tokens is not None
        tokens._held[frozenset(scopes)] = replace(tokens._held[frozenset(scopes)], token=Secret("sham.expired.token"))
        assert writer.tags(at(service)) == [Tag("v1")]
        assert len(service.service.requests) == asked + 2

    def test_a_refused_action_is_denied_by_name(self, service: TokenRegistry, open_client: Callable[..., Distribution]) -> None:
        credential = Basic(service.reader.name, Secret(service.reader.password), "docker-credential-x")
        reader = open_client(service.host, credential, wire=Wire(ca_file=service.ca_file))
        with pytest.raises(Denied) as caught:
            reader.delete(at(service), Digest.of(b""))
        assert "the credentials from docker-credential-x do not grant repository:team/app:pull,push,delete" in str(caught.value)
        assert len(service.service.requests) == 1, "a token that lacks a scope was fetched again"

    def test_nobody_is_told_to_log_in(self, service: TokenRegistry, open_client: Callable[..., Distribution]) -> None:
        with pytest.raises(Unauthorized, match="no credentials for localhost") as caught:
            open_client(service.host, wire=Wire(ca_file=service.ca_file)).tags(at(service))
        assert "Log in to localhost" in caught.value.remedy

    def test_a_wrong_password_is_told_with_its_source(
        self, service: TokenRegistry, open_client: Callable[..., Distribution]
    ) -> None:
        with pytest.raises(Unauthorized, match="refuses the credentials from the test") as caught:
            open_client(service.host, basic("writer", "sham-wrong"), wire=Wire(ca_file=service.ca_file)).tags(at(service))
        assert "sham" not in str(caught.value)

    def test_a_refresh_token_is_exchanged(self, service: TokenRegistry, open_client: Callable[..., Distribution]) -> None:
        token = service.service._refresh_token(service.writer)
        client = open_client(service.host, identity(token), wire=Wire(ca_file=service.ca_file))
        push(client, at(service), image(), "v1")
        assert client.tags(at(service)) == [Tag("v1")]
        assert {request.method for request in service.service.requests} == {"POST"}

    def test_a_ready_token_is_sent_as_it_is(self, service: TokenRegistry, open_client: Callable[..., Distribution]) -> None:
        access = [{"type": "repository", "name": "team/nowhere", "actions": ["pull"]}]
        ready = Bearer(Secret(service.service.sign(service.reader, access)), "the test")
        with pytest.raises(NotFound):
            open_client(service.host, ready, wire=Wire(ca_file=service.ca_file)).tags(at(service, "team/nowhere"))
        assert service.service.requests == []

    def test_an_unknown_authority_stops_everything(
        self, service: TokenRegistry, open_client: Callable[..., Distribution]
    ) -> None:
        with pytest.raises(Unreachable, match="not trusted"):
            open_client(service.host, basic()).tags(at(service))
        assert service.service.requests == []


def test_basic_authentication_against_a_real_registry(
    registry_factory: RegistryFactory, open_client: Callable[..., Distribution]
) -> None:
    running = registry_factory(users={"me": "sham-htpasswd"})
    repository = Repository(Registry(running.host), "team/app")
    client = open_client(running.host, basic("me", "sham-htpasswd"))
    push(client, repository, image(), "v1")
    assert client.tags(repository) == [Tag("v1")]
    with pytest.raises(Unauthorized, match="the credentials from the test are refused") as caught:
        open_client(running.host, basic("me", "sham-wrong")).tags(repository)
    assert "sham" not in str(caught.value)
    with pytest.raises(Unauthorized, match="no credentials"):
        open_client(running.host).tags(repository)
    with pytest.raises(Unauthorized, match="are refused"):
        open_client(running.host, identity()).tags(repository)


class Service:
    """A registry with its token service in one server; `tokens` are what the service gives, one after the other."""

    def __init__(self, *tokens: Reply, scope: str = "repository:team/app:pull") -> None:
        self.tokens = list(tokens) or [Reply.of({"token": "good"})]
        self.scope = scope
        self.realm = "/token"
        self.error = ""

    def __call__(self, request: Request) -> Reply:
        base = f"http://{request.headers['host']}"
        if request.path == "/token":
            return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if request.headers.get("authorization") == "Bearer good" and request.path != "/v2/":
            return Reply.of({"tags": ["v1"]})
        realm = base + self.realm if self.realm.startswith("/") else self.realm
        error = f',error="{self.error}"' if self.error else ""
        return Reply(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="reg",scope="{self.scope}"{error}'})


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_either_field_may_hold_the_token(open_client: Callable[..., Distribution], field: str) -> None:
    with ScriptedServer(Service(Reply.of({field: "good"}))) as server:
        assert open_client(server.host, basic()).tags(named(server)) == [Tag("v1")]
    (asked,) = server.asked("GET", "/token")
    assert dict(asked.query) == {"service": "reg", "scope": "repository:team/app:pull", "account": "me"}
    assert asked.headers["authorization"] == "Basic " + b64encode(b"me:sham-basic-password").decode()


@pytest.mark.parametrize(
    "answer", [Reply(body=b"<html>"), Reply.of({}), Reply.of([]), Reply.of({"token": 5}), Reply.of({"token": "a\nb"})]
)
def test_a_service_that_gives_no_token_is_a_contradiction(open_client: Callable[..., Distribution], answer: Reply) -> None:
    with ScriptedServer(Service(answer)) as server, pytest.raises(Contradiction):
        open_client(server.host, basic()).tags(named(server))


@pytest.mark.parametrize("status", [404, 405])
def test_a_realm_that_is_no_service_is_a_contradiction(open_client: Callable[..., Distribution], status: int) -> None:
    with ScriptedServer(Service(Reply(status))) as server, pytest.raises(Contradiction, match="gives no tokens"):
        open_client(server.host, basic()).tags(named(server))


def test_a_token_is_renewed_before_it_expires(open_client: Callable[..., Distribution]) -> None:
    service = Service(Reply.of({"token": "good", "expires_in": 100}))
    with ScriptedServer(service) as server:
        client = open_client(server.host)
        client.tags(named(server))
        tokens = client.access._tokens
        assert tokens is not None
        now = 0.0
        tokens._monotonic = lambda: now
        tokens._held.clear()
        for now, fetched in ((0.0, 2), (89.0, 2), (91.0, 3)):  # noqa: B007  the lambda above reads it
            client.tags(named(server))
            assert len(server.asked("GET", "/token")) == fetched


def test_a_stale_token_is_renewed_once_and_then_denied(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(Service(Reply.of({"token": "stale"}), Reply.of({"token": "good"}), Reply.of({"token": "bad"}))) as server:
        client = open_client(server.host, basic())
        assert client.tags(named(server)) == [Tag("v1")]
        with pytest.raises(Denied, match="do not grant repository:team/other:pull"):
            client.tags(named(server, "team/other"))
    assert len(server.asked("GET", "/token")) == 4


def test_the_registrys_own_words_for_the_scope_are_asked_for(open_client: Callable[..., Distribution]) -> None:
    service = Service(Reply.of({"token": "lacking"}), Reply.of({"token": "good"}), scope="repository:team/app:*")
    service.error = "insufficient_scope"
    with ScriptedServer(service) as server:
        assert open_client(server.host, basic()).tags(named(server)) == [Tag("v1")]
    asked = [[value for name, value in request.query if name == "scope"] for request in server.asked("GET", "/token")]
    assert asked == [["repository:team/app:pull"], ["repository:team/app:*", "repository:team/app:pull"]]


def test_what_was_asked_for_beside_is_asked_for_at_once_from_then_on(open_client: Callable[..., Distribution]) -> None:
    service = Service(Reply.of({"token": "lacking"}), Reply.of({"token": "good"}), scope="repository:team/app:*")
    service.error = "insufficient_scope"
    with ScriptedServer(service) as server:
        client = open_client(server.host, basic())
        for _ in range(3):
            client.tags(named(server))
        assert len(server.asked("GET", "/v2/team/app/tags/list")) == 4, "once with too little"
        assert len(server.asked("GET", "/token")) == 2


def test_a_service_that_does_not_know_deletion_is_asked_for_less(open_client: Callable[..., Distribution]) -> None:
    """Quay answers 400 to scopes with another word than pull, push and *."""
    refusal = oci_error(400, "INVALID_REQUEST")
    with ScriptedServer(Service(Reply.of({"token": "good"}), refusal, Reply.of({"token": "good"}))) as server:
        client = open_client(server.host, basic())
        client.tags(named(server))
        client.delete(named(server), Digest.of(b""))
    asked = [dict(request.query)["scope"] for request in server.asked("GET", "/token")]
    assert asked[-2:] == ["repository:team/app:pull,push,delete", "repository:team/app:pull,push"]


def test_a_service_that_refuses_everything_says_why(open_client: Callable[..., Distribution]) -> None:
    service = Service(oci_error(400, "INVALID_REQUEST", "no such repository"))
    with ScriptedServer(service) as server, pytest.raises(RegistryError, match="no such repository"):
        open_client(server.host, basic()).tags(named(server))
    assert len(server.asked("GET", "/token")) == 1


def test_a_new_refresh_token_replaces_the_old_one(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(Service(Reply.of({"access_token": "good", "refresh_token": "sham-second"}))) as server:
        client = open_client(server.host, identity("sham-first"))
        client.tags(named(server))
        client.tags(named(server, "team/other"))
    forms = [parse_qs(request.body.decode()) for request in server.asked("POST", "/token")]
    assert [form["refresh_token"] for form in forms] == [["sham-first"], ["sham-second"]]
    assert forms[0] == {
        "grant_type": ["refresh_token"], "service": ["reg"], "client_id": ["moorage"],
        "scope": ["repository:team/app:pull"], "refresh_token": ["sham-first"],
    }  # fmt: skip


def test_a_password_does_not_go_to_another_host(open_client: Callable[..., Distribution]) -> None:
    service = Service()
    service.realm = "https://evil.example/token"
    with ScriptedServer(service) as server:
        with pytest.raises(Denied, match=r"https://evil\.example, another host") as caught:
            open_client(server.host, basic()).tags(named(server))
        assert "--allow-realm evil.example" in caught.value.remedy
        with pytest.raises(Denied, match="another host"):
            open_client(server.host, identity()).tags(named(server))
        service.realm = "http://evil.example/token"
        with pytest.raises(Denied, match="plain HTTP"):
            open_client(server.host).tags(named(server))


@pytest.mark.parametrize(
    "allowed", [{"wire": Wire(allow_realms=frozenset({"auth.invalid"}))}, {"realms": frozenset({"auth.invalid"})}]
)
def test_user_and_vendor_may_allow_another_host(open_client: Callable[..., Distribution], allowed: dict[str, object]) -> None:
    service = Service()
    service.realm = "https://auth.invalid/token"
    with ScriptedServer(service) as server, pytest.raises(Unreachable, match=r"auth\.invalid.*cannot be resolved"):
        open_client(server.host, basic(), **allowed).tags(named(server))


def test_a_registry_open_for_pulls_may_challenge_later(open_client: Callable[..., Distribution]) -> None:
    service = Service()
    with ScriptedServer(lambda request: Reply() if request.path == "/v2/" else service(request)) as server:
        assert open_client(server.host, basic()).tags(named(server)) == [Tag("v1")]


def test_an_unknown_scheme_is_named(open_client: Callable[..., Distribution]) -> None:
    challenge = Reply(401, headers={"WWW-Authenticate": "Negotiate"})
    with ScriptedServer(lambda _: challenge) as server, pytest.raises(Unauthorized, match="asks for negotiate"):
        open_client(server.host, basic()).tags(named(server))


def test_a_401_without_a_challenge_is_told(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(lambda _: Reply(401)) as server, pytest.raises(Unauthorized, match="nothing in particular"):
        open_client(server.host, basic()).tags(named(server))


def test_a_403_names_scope_and_credential(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(Service()) as server:
        client = open_client(server.host, basic())
        client.tags(named(server))
        server.answer = lambda _: oci_error(403, "DENIED", "not yours")
        with pytest.raises(Denied, match="not yours") as caught:
            client.tags(named(server))
    assert caught.value.remedy.startswith("Grant repository:team/app:pull to the account of the credentials from the test")


def test_what_is_no_registry_is_told(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(lambda _: Reply(404)) as server, pytest.raises(NotFound, match="is no registry"):
        open_client(server.host).tags(named(server))


def test_the_registry_is_pinged_once(open_client: Callable[..., Distribution]) -> None:
    with ScriptedServer(Service()) as server:
        client = open_client(server.host)
        threads = [threading.Thread(target=client.tags, args=(named(server),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(server.asked("GET", "/v2/")) == 1
        assert len(server.asked("GET", "/token")) == 1


def test_a_broken_keychain_is_a_mistake(open_client: Callable[..., Distribution]) -> None:
    class Broken:
        def credential(self, _registry: Registry) -> None:
            raise ConfigurationError("docker-credential-x hangs")

    with ScriptedServer(Service()) as server:
        client = open_client(server.host)
        client.access._keychain = Broken()
        with pytest.raises(ConfigurationError, match="hangs"):
            client.tags(named(server))


class _Helper:
    """A keychain whose tokens run out: each `renew` gives the next of these credentials, until there are no others."""

    def __init__(self, *credentials: Credential) -> None:
        self._left = list(credentials)

    def credential(self, registry: Registry) -> Credential:
        return self._left[0]

    def renew(self, registry: Registry) -> bool:
        if len(self._left) == 1:
            return False
        self._left.pop(0)
        return True


@pytest.fixture
def quick_session() -> Iterator[Session]:
    with Session(clock=Clock(sleep=lambda _: None, jitter=lambda: 0.0)) as session:
        yield session


class TestCredentialsThatRunOut:
    """A helper of a cloud gives tokens for an hour: it is asked again when the one before is refused."""

    @staticmethod
    def _client(server: ScriptedServer, session: Session, *credentials: Credential) -> Distribution:
        return Distribution(Registry(server.host), session, _Helper(*credentials))

    def test_at_the_token_service(self, quick_session: Session) -> None:
        def answer(request: Request) -> Reply:
            if request.path == "/token":
                fresh = request.headers["authorization"] == basic_header(basic(password="sham-fresh"))
                return Reply.of({"token": "good"}) if fresh else Reply(401)
            if request.headers.get("authorization") == "Bearer good":
                return Reply.of({"tags": ["v1"]})
            return Reply(401, b"", {"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'})

        with ScriptedServer(answer) as server:
            client = self._client(server, quick_session, basic(password="sham-stale"), basic(password="sham-fresh"))
            assert client.tags(named(server)) == [Tag("v1")]
        assert len(server.asked("GET", "/token")) == 2

    @pytest.mark.parametrize("bearer", [True, False])
    def test_at_the_registry_itself(self, quick_session: Session, bearer: bool) -> None:
        stale, fresh = (
            (Bearer(Secret(f"sham-{word}"), "a helper") if bearer else basic(password=f"sham-{word}"))
            for word in ("stale", "fresh")
        )
        right = f"Bearer {fresh.token.reveal()}" if isinstance(fresh, Bearer) else basic_header(fresh)
        scheme = 'Bearer realm="http://nowhere.example/token"' if bearer else "Basic"

        def answer(request: Request) -> Reply:
            if request.headers.get("authorization") == right:
                return Reply.of({"tags": ["v1"]})
            return Reply(401, b"", {"WWW-Authenticate": scheme})

        with ScriptedServer(answer) as server:
            client = self._client(server, quick_session, stale, fresh)
            assert client.tags(named(server)) == [Tag("v1")]

    def test_what_stays_refused_is_refused(self, quick_session: Session) -> None:
        with ScriptedServer(lambda _: Reply(401, b"", {"WWW-Authenticate": "Basic"})) as server:
            client = self._client(server, quick_session, basic(password="sham-1"), basic(password="sham-2"))
            with pytest.raises(Unauthorized, match="the credentials from the test are refused"):
                client.tags(named(server))
        assert len(server.asked("GET", "/list")) == 2
