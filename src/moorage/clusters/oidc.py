"""Users of a kubeconfig with an `auth-provider`: OpenID Connect, the only one that kubectl still knows.

`gcp` and `azure` left client-go with 1.26 (cloud.google.com, "Deprecated authentication plugin for Kubernetes clients";
azure.github.io/kubelogin, "Exec Plugin"), seen 2026-11. What `oidc` does is that of client-go's plugin/pkg/client/auth/oidc: the
id-token while it is valid, else a new one for the refresh-token. A new refresh-token is not written back: this only reads.
"""

import base64
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from moorage.auth.secret import announce
from moorage.clusters.kubeconfig import Context
from moorage.errors import Refused
from moorage.transport.redact import text

_SECONDS: Final = 30.0
_LEEWAY: Final = 10.0  # seconds before its end from which a token counts as expired, as in client-go
_LOG_IN: Final = (
    "Log in again with kubectl, use a credential plugin (users[].user.exec), or say --without-kube and use --keep-list."
)
_PLUGINS: Final[Mapping[str, str]] = {
    "gcp": "`gcloud container clusters get-credentials` writes one with gke-gcloud-auth-plugin",
    "azure": "`kubelogin convert-kubeconfig` makes one of it",
}
_log = logging.getLogger(__name__)


def ask_provider(context: Context, now: Callable[[], float] = time.time) -> str:
    """The token that the context's auth-provider comes to. Raises Refused where it comes to none, or is one of the past."""
    provider = context.user["auth-provider"]
    name = provider.get("name") if isinstance(provider, dict) else provider
    if name != "oidc":
        advice = _PLUGINS.get(str(name), "its vendor has one")
        raise Refused(
            f"context {context.name} of the kubeconfig cannot be used: its auth-provider {name!r} left kubectl with 1.26",
            remedy=f"Use a credential plugin (users[].user.exec): {advice}. Or say --without-kube and use --keep-list FILE.",
        )
    settings = {key: str(value) for key, value in (provider.get("config") or {}).items()}
    ends = _end(context, settings["id-token"]) if settings.get("id-token") else None
    if ends is not None and ends - _LEEWAY > now():
        return settings["id-token"]
    if not settings.get("refresh-token"):
        passed = f"expired at {datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC" if ends is not None else "is missing"
        raise _refused(context, f"its id-token {passed}, and there is no refresh-token")
    return _refreshed(context, settings)


def _end(context: Context, token: str) -> float:
    """The second at which a token ends. Only that is read of it: whether it is genuine, the cluster will see."""
    try:
        payload = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (ValueError, LookupError, TypeError):
        raise _refused(context, "its id-token is no token with an end") from None


def _refreshed(context: Context, settings: Mapping[str, str]) -> str:
    try:
        with httpx2.Client(verify=_trust(settings), timeout=_SECONDS, follow_redirects=False) as client:
            endpoint = _endpoint(context, client, settings.get("idp-issuer-url", ""))
            answer = _answer(context, _grant(client, endpoint, settings))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise _refused(context, f"its identity provider could not be asked: {text(str(error) or type(error).__name__)}") from None
    for name in ("id_token", "refresh_token", "access_token"):
        if isinstance(answer.get(name), str):
            announce(answer[name])
    if not isinstance(answer.get("id_token"), str):
        raise _refused(context, "its identity provider gave no id_token for the refresh-token")
    if answer.get("refresh_token") not in {None, settings["refresh-token"]}:
        _log.warning(
            "the identity provider of context %s gave a new refresh-token, which is not kept: the next login may need kubectl",
            context.name,
        )
    token: str = answer["id_token"]
    return token


def _trust(settings: Mapping[str, str]) -> ssl.SSLContext:
    data, file = settings.get("idp-certificate-authority-data"), settings.get("idp-certificate-authority")
    if not data and not file:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=file or None, cadata=base64.b64decode(data).decode() if data else None)


def _endpoint(context: Context, client: httpx2.Client, issuer: str) -> str:
    """Where tokens are given. Secrets go nowhere but over https."""
    if not issuer.startswith("https://"):
        raise _refused(context, f"its idp-issuer-url {text(issuer)!r} is no https address")
    found = _answer(context, client.get(issuer.rstrip("/") + "/.well-known/openid-configuration")).get("token_endpoint")
    if not isinstance(found, str) or not found.startswith("https://"):
        raise _refused(context, "its identity provider names no token endpoint that is an https address")
    return found


def _grant(client: httpx2.Client, endpoint: str, settings: Mapping[str, str]) -> httpx2.Response:
    """Ask for a new token: with the client's secret in a header as RFC 6749 prefers it, else in the form."""
    form = {"grant_type": "refresh_token", "refresh_token": settings["refresh-token"]}
    name, secret = settings.get("client-id", ""), settings.get("client-secret", "")
    if secret:
        answer = client.post(endpoint, data=form, auth=(name, secret))
        if answer.status_code not in {400, 401}:
            return answer
        form["client_secret"] = secret
    return client.post(endpoint, data={**form, "client_id": name})


def _answer(context: Context, response: httpx2.Response) -> Mapping[str, Any]:
    document = response.json() if "json" in response.headers.get("content-type", "") else None
    if response.status_code != 200 or not isinstance(document, dict):
        said = document.get("error", "") if isinstance(document, dict) else ""
        raise _refused(context, f"its identity provider answered {response.status_code} {text(str(said))}".rstrip())
    return document


def _refused(context: Context, why: str) -> Refused:
    return Refused(f"context {context.name} of the kubeconfig cannot be used: {why}", remedy=_LOG_IN)
