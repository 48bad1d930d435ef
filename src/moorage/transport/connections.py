"""The pooled connections beneath a session: requests, without everything in it that could carry a secret to another host."""

import os
import ssl
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import DEFAULT_CA_BUNDLE_PATH as MOZILLAS_AUTHORITIES

from moorage.errors import ConfigurationError
from moorage.transport.wire import Wire

_BLOCK: Final = 256 * 1024  # bytes sent at once; urllib3's 16 KiB cost a quarter of the speed of large uploads


class Unsigned(AuthBase):
    """Adds nothing. Given with each request, because requests otherwise looks for passwords in the URL and in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def open_connections(wire: Wire) -> requests.Session:
    """A session that keeps no cookies and verifies TLS against the system's and the given authorities.

    Raises ConfigurationError for a `ca_file` or a variable that leads to no certificates.
    """
    session = requests.Session()
    session.cookies.set_policy(
        DefaultCookiePolicy(allowed_domains=[])
    )  # Harbor would want CSRF tokens back, and threads share this
    adapter = _Adapter(trust(wire.ca_file), pool_size=2 * wire.parallel + 2)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.clear()
    session.headers["User-Agent"] = wire.user_agent
    return session


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The authorities of this run: SSL_CERT_FILE or the system's, Mozilla's, REQUESTS_CA_BUNDLE's and the option's."""
    context = ssl.create_default_context()
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


class _Adapter(HTTPAdapter):
    """One TLS context for all pools: loading the authorities anew for each connection costs 20 ms."""

    def __init__(self, context: ssl.SSLContext, pool_size: int) -> None:
        self._context = context
        super().__init__(pool_connections=32, pool_maxsize=pool_size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, blocksize=_BLOCK, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, blocksize=_BLOCK, **proxy_kwargs)

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:  # noqa: ARG002  requests' signature
        """Leave verification to the context, which demands a certificate and the right host name."""
        conn.cert_reqs = "CERT_REQUIRED"
