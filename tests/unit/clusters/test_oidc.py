"""Users with an auth-provider: one for OpenID Connect, asked over TLS as kubectl does, and those that kubectl dropped."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from tests.realparts.certificates import Certificate, make_authority, make_certificate
from tests.scripted_server import Reply, Request, ScriptedServer
from tests.simulators import kubernetes as kube
from tests.simulators.kubernetes import TOKEN, Cluster, kubeconfig

from moorage.auth.secret import blank
from moorage.clusters.kubeconfig import Context, read_contexts
from moorage.clusters.listing import Scope, what_runs
from moorage.clusters.oidc import ask_provider
from moorage.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_800_000_000.0
REFRESH, SECRET = "sham-refresh-token", "sham-client-secret"


def token(ends: float | None = NOW + 3600, name: str = "sham") -> str:
    claims = {"sub": name, **({"exp": ends} if ends is not None else {})}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"])


def context(name: str = "oidc", **config: str) -> Context:
    return Context("prod", "default", ("c", "u"), {}, {"auth-provider": {"name": name, "config": config}})


@dataclass
class Provider:
    """An identity provider as RFC 8414 and RFC 6749 have them. `answers` are those of its token endpoint, by way of login."""

    token_answer: dict[str, Any] = field(default_factory=lambda: {"id_token": token(name="new"), "refresh_token": REFRESH})
    in_form_only: bool = False
    status: int = 200
    endpoint: str = "{url}/token"
    url: str = ""
    forms: list[dict[str, list[str]]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/realms/shop/.well-known/openid-configuration":
            return Reply.of({"issuer": self.url, "token_endpoint": self.endpoint.format(url=self.url)})
        if request.path != "/token" or request.method != "POST":
            return Reply(404)
        form = parse_qs(request.body.decode())
        self.forms.append(form)
        basic = "Basic " + base64.b64encode(f"moorage:{SECRET}".encode()).decode()
        known = form.get("client_secret") == [SECRET] or (not self.in_form_only and request.headers.get("authorization") == basic)
        if not known:
            return Reply.of({"error": "invalid_client"}, 401)
        if form["refresh_token"] != [REFRESH]:
            return Reply.of({"error": "invalid_grant"}, 400)
        return Reply.of(self.token_answer, self.status)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def provider(authority: Certificate, tmp_path: Path) -> Iterator[Provider]:
    made = Provider()
    with ScriptedServer(made, tls=make_certificate(authority, tmp_path, "idp", ("127.0.0.1",))) as server:
        made.url = server.url
        yield made


def settings(provider: Provider, authority: Certificate, **more: str) -> dict[str, str]:
    return {
        "idp-issuer-url": f"{provider.url}/realms/shop", "idp-certificate-authority": str(authority.file),
        "client-id": "moorage", "client-secret": SECRET, "refresh-token": REFRESH, "id-token": token(NOW - 60), **more,
    }  # fmt: skip


def asked(config: dict[str, str]) -> str:
    return ask_provider(context(**config), lambda: NOW)


def test_a_token_that_is_valid_is_used_and_nobody_is_asked() -> None:
    assert asked({"id-token": token()}) == token()


@pytest.mark.parametrize("in_form_only", [False, True])
def test_a_new_token_for_the_refresh_token(provider: Provider, authority: Certificate, in_form_only: bool) -> None:
    provider.in_form_only = in_form_only
    assert asked(settings(provider, authority)) == token(name="new")
    assert provider.forms[0]["grant_type"] == ["refresh_token"]
    assert ("client_secret" in provider.forms[-1]) is in_form_only
    assert blank(f"x {token(name='new')}") == "x ***", "it is known as a secret from then on"


def test_an_authority_as_data_and_no_token_yet(provider: Provider, authority: Certificate) -> None:
    config = settings(provider, authority)
    del config["idp-certificate-authority"], config["id-token"]
    data = base64.b64encode(authority.file.read_bytes()).decode()
    assert asked({**config, "idp-certificate-authority-data": data}) == token(name="new")


def test_a_new_refresh_token_is_told_of(provider: Provider, authority: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    provider.token_answer["refresh_token"] = "sham-another-one"
    with caplog.at_level(logging.WARNING):
        asked(settings(provider, authority))
    assert "gave a new refresh-token, which is not kept" in caplog.text
    assert "sham-another-one" not in caplog.text


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"id-token": token(NOW + 5)}, "its id-token expired at 2027-01-15 08:00 UTC, and there is no refresh-token"),
        ({}, "its id-token is missing, and there is no refresh-token"),
        ({"id-token": "nonsense"}, "no token with an end"),
        ({"id-token": token(None)}, "no token with an end"),
        ({"refresh-token": REFRESH, "idp-issuer-url": "http://127.0.0.1:1"}, "is no https address"),
        ({"refresh-token": REFRESH, "idp-issuer-url": "https://127.0.0.1:1"}, "could not be asked"),
        ({"refresh-token": REFRESH, "idp-certificate-authority": "/nowhere"}, "could not be asked"),
    ],
)
def test_what_comes_to_no_token_is_refused(config: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        asked(config)
    assert "Log in again with kubectl" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 500}, "answered 500"),
        ({"token_answer": {"access_token": "sham-access"}}, "gave no id_token"),
        ({"endpoint": "http://127.0.0.1/token"}, "names no token endpoint that is an https address"),
        ({"endpoint": "{url}/elsewhere"}, "answered 404"),
    ],
)
def test_a_provider_that_gives_none(provider: Provider, authority: Certificate, change: dict[str, Any], said: str) -> None:
    for name, value in change.items():
        setattr(provider, name, value)
    with pytest.raises(Refused, match=said):
        asked(settings(provider, authority))


def test_a_refresh_token_that_has_ended(provider: Provider, authority: Certificate) -> None:
    with pytest.raises(Refused, match="answered 400 invalid_grant") as caught:
        asked(settings(provider, authority, **{"refresh-token": "sham-old-one"}))
    assert "sham-old-one" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "advice"),
    [("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin convert-kubeconfig"), ("openstack", "its vendor")],
)
def test_what_kubectl_dropped_is_refused_with_the_way_out(name: str, advice: str) -> None:
    with pytest.raises(Refused, match=f"'{name}' left kubectl with 1.26") as caught:
        ask_provider(context(name))
    assert advice in caught.value.remedy
    assert "users[].user.exec" in caught.value.remedy


def test_the_cluster_is_asked_with_it(tmp_path: Path) -> None:
    with Cluster([kube.pod("a", "p", "one:1")], token=token(4e9)).served() as server:
        user = {"auth-provider": {"name": "oidc", "config": {"id-token": token(4e9), "client-secret": SECRET}}}
        contexts = read_contexts([kubeconfig(tmp_path / "config", server.url, user=user)])
        assert {use.image for use in what_runs(contexts.values(), Scope({}))} == {"one:1"}
        assert blank(SECRET) == "***"
        own = {"token": TOKEN, "auth-provider": {"name": "gcp"}}
        contexts = read_contexts([kubeconfig(tmp_path / "config", server.url, user=own)])
        with pytest.raises(Refused, match="401"):
            what_runs(contexts.values(), Scope({}))
