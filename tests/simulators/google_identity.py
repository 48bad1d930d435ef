"""Google's token services, as far as Application Default Credentials need them (cloud.google.com/iam, RFC 8693, seen 2026-11).

All in one: oauth2, sts and iamcredentials of googleapis.com, the issuer of a CI system's tokens, and the metadata server.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.scripted_server import Reply
from tests.simulators.gcr import PERSON
from tests.simulators.simulator import Call, Simulator, route

if TYPE_CHECKING:
    from tests.simulators.gcr import GoogleSimulator

SUBJECT, FEDERATED, REFRESH = "sham-token-of-the-ci-system", "sham-federated-token", "sham-refresh-token-of-gcloud"
AUDIENCE = "//iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/ci/providers/github"
ACCOUNT = "deployer@acme.iam.gserviceaccount.com"
IMPERSONATE = "/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
HOSTS = ("oauth2.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com", "tokens.ci.example")


class GoogleIdentity(Simulator):
    """Everybody whose proof is good becomes `PERSON`, who may do everything at `registry`. `lifetime` is that of tokens."""

    lifetime = timedelta(hours=1)
    has_account = True

    def __init__(self, registry: GoogleSimulator) -> None:
        super().__init__(registry.upstream.host, registry.clock)

    def secrets(self) -> list[str]:
        return [SUBJECT, FEDERATED, REFRESH, PERSON.password]

    @route("GET", "/oidc")
    def issue(self, call: Call) -> Reply:
        """A job's own token, as GitHub Actions hands it out."""
        good = call.request.headers.get("authorization") == "Bearer sham-request-token" and call.query.get("audience") == AUDIENCE
        return Reply.of({"value": SUBJECT}) if good else Reply.of({"message": "who are you"}, 401)

    @route("POST", "/v1/token")
    def exchange(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.request.body.decode()).items()}
        if form.get("subject_token") != SUBJECT or form.get("audience") != AUDIENCE:
            said = f"The audience of {form.get('subject_token')} is wrong"
            return Reply.of({"error": "invalid_grant", "error_description": said}, 400)
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return Reply.of({"access_token": FEDERATED, "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3600})

    @route("POST", IMPERSONATE)
    def impersonate(self, call: Call) -> Reply:
        if call.request.headers.get("authorization") != f"Bearer {FEDERATED}" or call["account"] != ACCOUNT:
            return Reply.of({"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied"}}, 403)
        expires = datetime.now(UTC) + self.lifetime
        return Reply.of({"accessToken": PERSON.password, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")})

    @route("POST", "/token")
    def refresh(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.request.body.decode()).items()}
        if form.get("refresh_token") != REFRESH:
            return Reply.of({"error": "invalid_grant", "error_description": "Bad Request"}, 400)
        return Reply.of(
            {"access_token": PERSON.password, "expires_in": int(self.lifetime.total_seconds()), "token_type": "Bearer"}
        )

    @route("GET", "/computeMetadata/v1/instance/service-accounts/{account}/")
    def machine(self, call: Call) -> Reply:
        about = {"aliases": ["default"], "email": ACCOUNT, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
        return self._metadata(call, json.dumps(about))

    @route("GET", "/computeMetadata/v1/instance/service-accounts/{account}/token")
    def machines_token(self, call: Call) -> Reply:
        return self._metadata(call, json.dumps(self._token()))

    def _token(self) -> dict[str, object]:
        return {"access_token": PERSON.password, "expires_in": int(self.lifetime.total_seconds()), "token_type": "Bearer"}

    def _metadata(self, call: Call, text: str) -> Reply:
        if call.request.headers.get("metadata-flavor") != "Google" or not self.has_account:
            return Reply(404, b"not found", {"metadata-flavor": "Google"})
        return Reply(200, text.encode(), {"metadata-flavor": "Google", "content-type": "application/json"})
