"""No vendor at all: a registry as it is, behind a token service, with its requests counted and faults put in between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from moorage.oci.reference import Digest
from tests.scripted_server import Reply, forward, oci_error
from tests.simulators.accounts import PULL, Account, TokenDesk
from tests.simulators.simulator import CHANGING, Call, Simulator, V2Call, route

if TYPE_CHECKING:
    from tests.simulators.clock import FakeClock

WRITER = Account("writer", "sham-writers-password")
READER = Account("reader", "sham-readers-password", frozenset({PULL}))


class Passthrough(Simulator):
    """All answers are the registry's own, but for faults and for who may do what."""

    def __init__(self, upstream: str, clock: FakeClock | None = None) -> None:
        super().__init__(upstream, clock)
        self.accounts.everybody += [WRITER, READER]
        self.desk = TokenDesk(self.accounts, "registry.moorage.test")

    @route("GET", "/token")
    def token(self, call: Call) -> Reply:
        return self.desk.issue(call.request)

    @route("GET", "/v2/_catalog")
    def catalog(self, call: Call) -> Reply:
        if self.desk.account(call.request) is None:
            return self.desk.challenge(call.request, "registry:catalog:*")
        return forward(call.request, self.upstream.host)

    def refuse_v2(self, call: V2Call) -> Reply | None:
        if not call.name:
            return None if self.desk.account(call.request) else self.desk.challenge(call.request)
        needed = "pull,push,delete" if call.action == "delete" else "pull,push" if call.action == "push" else "pull"
        if not self.desk.allows(call.request, call.name, call.action):
            return self.desk.challenge(call.request, f"repository:{call.name}:{needed}", **self._why(call))
        if self.faults.read_only and call.request.method in CHANGING:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        return None

    def serve_v2(self, call: V2Call) -> Reply:
        if call.action == "delete" and self.faults.deletion_disabled:
            return oci_error(405, "UNSUPPORTED", "The operation is unsupported.")
        if call.action == "delete" and self.faults.forgetful:
            return Reply(202)
        reply = forward(call.request, self.upstream.host)
        if call.kind == "manifests" and call.request.method == "GET" and Digest.of(reply.body) in self.faults.unreadable:
            return replace(reply, body=reply.body.replace(b"sha256", b"sha257", 1))
        return reply

    def truth(self, repository: str) -> dict[str, Digest]:
        return self.upstream.tags(repository)

    def secrets(self) -> list[str]:
        return [*super().secrets(), *self.desk.ever_issued]

    def expire_tokens(self) -> None:
        self.desk.expire()

    def _why(self, call: V2Call) -> dict[str, str]:
        """A token that was issued and lacks the right is insufficient; distribution says so (seen 2026-11, 2.8.3)."""
        return {"error": "insufficient_scope"} if self.desk.account(call.request) else {}
