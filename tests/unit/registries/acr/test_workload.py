"""A workload identity is for one registry, and speaks to the service that this one names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.auth.credential import IdentityToken
from moorage.oci.reference import Registry
from moorage.registries.acr.workload import WorkloadIdentity
from moorage.transport.session import Session

if TYPE_CHECKING:
    from pathlib import Path

CHALLENGE = 'Bearer realm="https://acme.azurecr.io/oauth2/token",service="acme.azurecr.io"'


@pytest.mark.parametrize("challenge", [CHALLENGE, ""])
def test_the_service_is_the_one_of_the_challenge(tmp_path: Path, challenge: str) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/v2/":
            return Reply(401, headers={"WWW-Authenticate": challenge}) if challenge else Reply(200)
        return Reply.of({"access_token": "sham-entra-token", "refresh_token": "sham-refresh-token"})

    file = tmp_path / "token"
    file.write_text("sham-assertion")
    with ScriptedServer(answer) as server, Session() as session:
        registry = Registry(server.host)
        identity = WorkloadIdentity(
            session, registry, file=file, client_id="app", tenant_id="tenant", authority=server.url, audience="https://audience"
        )
        assert identity.credential(Registry("other.azurecr.io")) is None
        assert not server.requests
        found = identity.credential(registry)
        assert identity.credential(registry) is found
        (exchange,) = server.asked("POST", "/oauth2/exchange")
    assert isinstance(found, IdentityToken)
    assert found.token.reveal() == "sham-refresh-token"
    form = parse_qs(exchange.body.decode())
    assert form["service"] == ["acme.azurecr.io" if challenge else server.host]
    assert form["access_token"] == ["sham-entra-token"]
