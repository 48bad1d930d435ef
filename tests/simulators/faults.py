"""What can be wrong with a vendor today. A simulator starts without any; a test switches on what it is about.

simulator.faults.page_size = 2                                     # whatever page the client asks for
simulator.faults.burst(429, times=3, headers={"Retry-After": "7"}) # the next three requests, whichever
simulator.faults.burst(503, times=2, method="DELETE")              # the next two deletions
simulator.faults.reset(times=1, route="/artifacts")                # break the connection of the next request to such a route
simulator.faults.forgetful = True                                  # deletions are accepted, and nothing happens
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.scripted_server import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moorage.oci.reference import Digest

ALWAYS = 1_000_000


@dataclass
class Burst:
    """The next `times` requests of this method whose route contains `route` get this answer instead of the simulator's."""

    reply: Reply
    times: int
    method: str = ""
    route: str = ""


@dataclass
class Faults:
    """`page_size` is the largest page that is given out. `latency` is in seconds, before each answer.

    `forgetful` accepts deletions and does nothing. `deletes_late` is how many requests later an accepted deletion takes effect.
    `deletion_disabled` and `read_only` are settings of the server: no deletions, no changes at all.
    `dateless` leaves dates out of listings. `unreadable` are manifests whose bytes come back damaged.
    A simulator obeys those that its vendor can show; which those are stands in the vendor's contract test.
    """

    page_size: int | None = None
    latency: float = 0.0
    forgetful: bool = False
    deletes_late: int = 0
    deletion_disabled: bool = False
    read_only: bool = False
    dateless: bool = False
    unreadable: set[Digest] = field(default_factory=set)
    bursts: list[Burst] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def burst(
        self,
        status: int,
        *,
        times: int,
        method: str = "",
        route: str = "",
        headers: Mapping[str, str] | None = None,
        document: object = None,
    ) -> None:
        """Answer `status` to the next requests that fit, with a JSON body when there is a document."""
        body = b"" if document is None else json.dumps(document).encode()
        kind = {} if document is None else {"content-type": "application/json"}
        self.bursts.append(Burst(Reply(status, body, {**kind, **(headers or {})}), times, method, route))

    def reset(self, *, times: int, method: str = "", route: str = "") -> None:
        """Break the connection of the next requests that fit, before anything has happened."""
        self.bursts.append(Burst(Reply(cut=True), times, method, route))

    def take(self, method: str, route: str) -> Reply | None:
        """The answer that a fault has for this request, if any has."""
        with self._lock:
            for burst in self.bursts:
                if burst.times > 0 and burst.method in {"", method} and burst.route in route:
                    burst.times -= 1
                    return burst.reply
        return None
