from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.auth.credential import Basic, Credential, IdentityToken
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.oci.reference import Registry, Repository
from moorage.registries.distribution import Distribution
from moorage.transport.session import Clock, Session, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scripted_server import ScriptedServer


@pytest.fixture
def open_client() -> Iterator[Callable[..., Distribution]]:
    """Clients of a registry at HOST, with these credentials; retries do not really wait."""
    sessions: list[Session] = []

    def open_one(host: str, credential: Credential | None = None, *, wire: Wire | None = None, **named: object) -> Distribution:
        sessions.append(Session(wire, clock=Clock(sleep=lambda _: None, jitter=lambda: 0.0)))
        registry = Registry(host)
        keychain = LoginKeychain({registry: credential} if credential else {})
        return Distribution(registry, sessions[-1], keychain, **named)  # type: ignore[arg-type]

    yield open_one
    for session in sessions:
        session.close()


def basic(user: str = "me", password: str = "sham-basic-password") -> Basic:  # noqa: S107  sham
    return Basic(user, Secret(password), "the test")


def identity(token: str = "sham-identity-token") -> IdentityToken:  # noqa: S107  sham
    return IdentityToken(Secret(token), "the test")


def named(server: ScriptedServer, path: str = "team/app") -> Repository:
    return Repository(Registry(server.host), path)
