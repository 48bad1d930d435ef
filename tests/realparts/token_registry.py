"""A registry over TLS whose clients must fetch a token first, with everything a test wants to know of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.realparts.certificates import make_authority, make_certificate, trusted_by_daemon
from tests.realparts.registry import BRIDGE, RegistrySettings, RunningRegistry, TokenAuth, start_docker_registry
from tests.realparts.token_service import ISSUER, READER, SERVICE, WRITER, TokenServer, TokenService, User

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = ("localhost", "127.0.0.1", BRIDGE, "registry.moorage.test")


@dataclass(frozen=True)
class TokenRegistry:
    """A running pair of registry and token service."""

    registry: RunningRegistry
    server: TokenServer
    ca_file: Path
    """The authority to verify with; its folder holds no other certificate (skopeo --cert-dir)."""
    writer: User = WRITER
    reader: User = READER

    @property
    def port(self) -> int:
        """The registry's port; the token service has another one."""
        return self.registry.port

    @property
    def host(self) -> str:
        """As it stands in an image's name."""
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        """The registry's address over TLS."""
        return f"https://{self.host}"

    @property
    def service(self) -> TokenService:
        """The token service: its users, lifetime and the requests it has answered."""
        return self.server.service

    @contextmanager
    def trusted_by_daemon(self, host: str) -> Iterator[Path]:
        """Give dockerd the authority for HOST:PORT (needs root), and take it away again.

        On 127.0.0.0/8, localhost included, the daemon skips verification and needs nothing.
        """
        with trusted_by_daemon(f"{host}:{self.port}", self.ca_file) as file:
            yield file

    def stop(self) -> None:
        """End both."""
        self.registry.stop()
        self.server.stop()


def start_token_registry(folder: Path, *, lifetime: int = 300, bind: str = "127.0.0.1") -> TokenRegistry:
    """Start a token service and a docker-registry that trusts it; lifetime of tokens in seconds.

    With bind="0.0.0.0" both are for containers too, and clients are sent to the bridge for their tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = make_authority(folder)
    tls = make_certificate(authority, folder, "server", HOSTS)
    signer = make_certificate(authority, folder, "token-signer", ("token-signer.moorage.test",))
    host = "localhost" if bind == "127.0.0.1" else BRIDGE
    server = TokenServer(TokenService(signer, lifetime=lifetime), tls, bind, host)
    token = TokenAuth(server.realm, SERVICE, ISSUER, authority.file)
    try:
        registry = start_docker_registry(RegistrySettings(tls=tls, token=token, bind=bind), folder / "registry")
    except BaseException:
        server.stop()
        raise
    return TokenRegistry(registry, server, authority.file)
