from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from moorage.auth.keychain import LoginKeychain
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import DefaultRegistry, open_default
from moorage.registries.vendor import Connection
from moorage.transport.session import Clock, Session, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def open_registry() -> Iterator[Callable[..., DefaultRegistry]]:
    """The default vendor over HOST; the other arguments are those of `Connection`, and `wire`. Retries do not really wait."""
    sessions: list[Session] = []

    def open_one(host: str, *, wire: Wire | None = None, **connection: object) -> DefaultRegistry:
        sessions.append(Session(wire, clock=Clock(sleep=lambda _: None, jitter=lambda: 0.0)))
        return open_default(Connection(Registry(host), sessions[-1], LoginKeychain({}), **connection))  # type: ignore[arg-type]

    yield open_one
    for session in sessions:
        session.close()


def fresh(host: str) -> Repository:
    """A repository that no other test has."""
    return Repository(Registry(host), f"default/{os.urandom(6).hex()}")
