"""How this run may talk to the network: decided once, from the options."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from moorage import __version__
from moorage.auth.origin import Origin


def _endless() -> float | None:
    return None


@dataclass(frozen=True, slots=True)
class Wire:
    """The network options of a run.

    `insecure` are the hosts (`HOST` or `HOST:PORT`) that may be spoken to in plain HTTP; loopback names always may. TLS, where it
    is spoken, is verified everywhere.
    `ca_file` holds further authorities in PEM; SSL_CERT_FILE and REQUESTS_CA_BUNDLE are honoured beside it.
    `parallel` is the most requests at once per host.
    `deadline` gives the seconds that the time budget leaves, or None without one.
    `allow_realms` are hosts of token services that passwords may go to although the registry's vendor does not list them.
    Timeouts are in seconds and never longer than what the time budget leaves.
    """

    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
    parallel: int = 8
    deadline: Callable[[], float | None] = field(default=_endless, compare=False)
    allow_realms: frozenset[str] = frozenset()
    user_agent: str = f"moorage/{__version__}"
    connect_timeout: float = 10.0
    read_timeout: float = 60.0

    def allows_plain(self, origin: Origin) -> bool:
        """Whether plain HTTP may be spoken to this host."""
        return origin.is_loopback or origin.is_named_in(self.insecure)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the transport needs it; tests give one that does not wait.

    `now` is seconds since 1970, `monotonic` seconds since some moment, `jitter` a random number in [0, 1).
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
