"""The way to one cluster: a lightkube client for a context. Its errors become ours here alone."""

import logging
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx2
import msgspec
from lightkube import Client
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, User
from lightkube.config.models import Context as NamedContext
from lightkube.core.exceptions import ConfigError

from moorage.clusters.exec_plugin import ask_plugin
from moorage.clusters.kubeconfig import REMEDY, Context
from moorage.clusters.oidc import ask_provider
from moorage.errors import Refused
from moorage.transport.redact import text

for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # their debug lines hold headers

_SECONDS: Final = 30.0  # of silence
_ADVICE: Final[Mapping[int, str]] = {
    401: "Log in to the cluster again, or say --without-kube and name what runs in --keep-list FILE.",
    403: "Allow `list` of pods, replicationcontrollers, deployments, replicasets, statefulsets, daemonsets, jobs and cronjobs, "
    "or say --scan-context-namespace-only where that is allowed in one namespace alone.",
}
# ValueError: answers of other types than published. KeyError, AssertionError: what lightkube takes for granted.
_FOREIGN: Final = (httpx2.HTTPError, httpx2.InvalidURL, ConfigError, OSError, ValueError, KeyError, TypeError, AssertionError)


class _NamedServer(httpx2.HTTPTransport):
    """Expects another name in the server's certificate than the one it is reached by (`tls-server-name`)."""

    def __init__(self, name: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._server_name = name

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": self._server_name}
        return super().handle_request(request)


@contextmanager
def connected(context: Context, environ: Mapping[str, str]) -> Iterator[Client]:
    """A client for this context. Whatever goes wrong on the way or while it is used is raised as Refused, naming the context."""
    try:
        with _client(context, environ) as client:
            yield client
    except _FOREIGN as error:
        said = text(str(error) or type(error).__name__)
        status = error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else None
        answer = f"answered {status}: {said}" if status else f"could not be asked: {said}"
        raise Refused(f"the cluster of context {context.name} {answer}", remedy=_ADVICE.get(status or 0, REMEDY)) from None


def _client(context: Context, environ: Mapping[str, str]) -> Client:
    cluster = msgspec.convert(context.cluster, Cluster)
    if not context.cluster.get("server"):
        raise Refused(f"context {context.name} of the kubeconfig names no server", remedy=REMEDY)
    user = msgspec.convert(_user(context, environ), User)
    config = SingleConfig(
        context_name=context.name,
        context=NamedContext(cluster=context.place[0], user=context.place[1], namespace=context.namespace),
        cluster=cluster,
        user=user,
    )
    name, proxy = context.cluster.get("tls-server-name"), context.cluster.get("proxy-url")
    transport = _NamedServer(name, verify=verify_cluster(cluster, user, config.abs_file), proxy=proxy) if name else None
    return Client(config=config, timeout=httpx2.Timeout(_SECONDS), transport=transport, proxy=None if transport else proxy)


def _user(context: Context, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The user with what its plugin or provider says, where it has one and no token of its own: kubectl's order."""
    user = {name: value for name, value in context.user.items() if name not in {"exec", "auth-provider"}}
    if user.get("token") or user.get("tokenFile"):
        return user
    if not context.user.get("exec"):
        return {**user, "token": ask_provider(context)} if context.user.get("auth-provider") else user
    said = ask_plugin(context, environ)
    if "token" in said:
        user["token"] = said["token"]
    # A plugin prints PEM, where a kubeconfig holds it in base64.
    for name, plain in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
        if plain in said:
            user[name] = b64encode(str(said[plain]).encode()).decode()
    return user
