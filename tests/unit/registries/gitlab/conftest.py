from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.auth.credential import Basic, Credential
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.oci.reference import Registry
from moorage.registries.gitlab.registry import GitLabRegistry, open_gitlab
from moorage.registries.vendor import Connection, VendorOptions
from moorage.transport.session import Clock, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALICE = Basic("alice", Secret("glpat-sham-of-alice-unit"), "the test")


@pytest.fixture
def open_registry() -> Iterator[Callable[..., GitLabRegistry]]:
    """GitLab over HOST; `login` is what docker has, `options` those of the vendor. Retries do not really wait."""
    sessions: list[Session] = []

    def open_one(
        host: str, *, login: Credential | None = ALICE, options: dict[str, object] | None = None, **more: object
    ) -> GitLabRegistry:
        sessions.append(Session(clock=Clock(sleep=lambda _: None, jitter=lambda: 0.0)))
        keychain = LoginKeychain({Registry(host): login} if login else {})
        return open_gitlab(Connection(Registry(host), sessions[-1], keychain, VendorOptions(options), **more))  # type: ignore[arg-type]

    yield open_one
    for session in sessions:
        session.close()
