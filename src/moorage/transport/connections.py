"""The pooled connections beneath a session: requests, without everything in it that could carry a secret to another host."""

import os
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import DEFAULT_CA_BUNDLE_PATH as MOZILLAS_AUTHORITIES

from moorage.errors import ConfigurationError
from moorage.transport.stream import Outgoing
from moorage.transport.wire import Wire

# urllib3 (2.8, seen 2026-11) leaves Nagle's algorithm on behind proxies: a request with a body then waits 40 ms for an ACK.
_AT_ONCE: Final = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
_BLOCK: Final = 256 * 1024  # bytes sent at once; urllib3's 16 KiB cost a quarter of the speed of large uploads


class Connections:
    """Thread-safe. Raises ConfigurationError for a `ca_file` without certificates, and later for such a REQUESTS_CA_BUNDLE."""

    def __init__(self, wire: Wire) -> None:
        self._session = requests.Session()
        self._adapter = _Adapter(wire.ca_file, pool_size=2 * wire.parallel + 2)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, self._adapter)
        self._session.headers.clear()
        self._session.headers["User-Agent"] = wire.user_agent

    def close(self) -> None:
        self._session.close()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Outgoing | bytes | None, timeout: tuple[float, float]
    ) -> requests.Response:
        """The answer with its body unread; redirects are not followed, cookies not kept.

        Goes past `requests.Session.send`, which reads the bodies of redirects without a limit, keeps cookies (Harbor then wants
        CSRF tokens), and looks for passwords in ~/.netrc. Proxies are those of the environment.
        """
        request = requests.Request(
            method, url, headers=dict(headers), data=cast("BinaryIO | bytes | None", body), auth=_Unsigned()
        )
        prepared = self._session.prepare_request(request)
        proxies = self._session.merge_environment_settings(prepared.url or url, {}, True, True, None)["proxies"]
        adapter = self._session.get_adapter(prepared.url or url)
        return adapter.send(prepared, stream=True, timeout=timeout, verify=True, proxies=proxies)


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The authorities of this run: SSL_CERT_FILE or the system's, Mozilla's, REQUESTS_CA_BUNDLE's and the option's.

    What one of them signed is trusted, whatever the form of its certificates: judged so on every Python, as docker and curl do.
    """
    context = ssl.create_default_context()
    # Python 3.13 reversed both, and so refuses private authorities without key identifiers ("What's New In Python 3.13", ssl).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_verify_locations(MOZILLAS_AUTHORITIES)
    sources = {"REQUESTS_CA_BUNDLE": os.environ.get("REQUESTS_CA_BUNDLE", ""), "--ca-file": str(ca_file or "")}
    for source, path in sources.items():
        try:
            if path and Path(path).is_dir():
                context.load_verify_locations(capath=path)
            elif path:
                context.load_verify_locations(cafile=path)
        except OSError as error:  # ssl.SSLError is one
            why = (
                "holds no certificates in PEM"
                if isinstance(error, ssl.SSLError)
                else (error.strerror or "cannot be read").lower()
            )
            raise ConfigurationError(f"{source} {path}: {why}", remedy="Give a file with certificates in PEM.") from None
    return context


class _Unsigned(AuthBase):
    """Adds nothing. Given with each request, because requests otherwise takes passwords out of the URL and ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Adapter(HTTPAdapter):
    """One TLS context for all connections, made when it is first needed: loading the authorities takes 20 to 50 ms."""

    def __init__(self, ca_file: Path | None, pool_size: int) -> None:
        self._ca_file = ca_file
        self._context = trust(ca_file) if ca_file else None  # a mistake in the option is told at once
        self._lock = threading.Lock()
        super().__init__(pool_connections=32, pool_maxsize=pool_size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, blocksize=_BLOCK, **pool_kwargs)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._tls()} if host["scheme"] == "https" else pool

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(
            proxy, ssl_context=self._tls(), blocksize=_BLOCK, socket_options=_AT_ONCE, **proxy_kwargs
        )  # fmt: skip

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:  # noqa: ARG002 -- requests' signature
        """Leave verification to the context, which demands a certificate and the right host name."""
        conn.cert_reqs = "CERT_REQUIRED"

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = trust(self._ca_file)
            return self._context
