"""Microsoft Entra, as far as workload identities need it: client credentials with an assertion (its pages, seen 2026-11)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.scripted_server import Reply
from tests.simulators.acr import WRITER
from tests.simulators.simulator import Call, Simulator, route

if TYPE_CHECKING:
    from tests.simulators.acr import AcrSimulator


class EntraSimulator(Simulator):
    """Microsoft Entra: an assertion that an application trusts becomes a token for `audience`, which `registry` knows."""

    def __init__(self, registry: AcrSimulator, *, client_id: str, assertion: str, audience: str) -> None:
        super().__init__(registry.upstream.host, registry.clock)
        self.registry = registry
        self.expected = {
            "grant_type": "client_credentials", "client_id": client_id, "client_assertion": assertion,
            "scope": f"{audience}/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }  # fmt: skip

    @route("POST", "/{tenant}/oauth2/v2.0/token")
    def token(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.request.body.decode()).items()}
        if form != self.expected:
            return Reply.of({"error": "invalid_client", "error_description": "AADSTS700213: No matching federated identity"}, 401)
        token = secrets.token_urlsafe(24)
        self.registry.entra_tokens[token] = WRITER
        return Reply.of({"token_type": "Bearer", "expires_in": 3599, "access_token": token})
