"""A network in which vendors' real host names lead to simulators, without a line of Moorage's code that only tests run."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.realparts.certificates import make_authority, make_certificate
from tests.simulators.server import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.simulators.simulator import Simulator


@dataclass(frozen=True)
class Network:
    """`env` is what a process needs in its environment to live in this network; `ca_file` is its authority, in PEM."""

    listener: Listener
    ca_file: Path

    @property
    def env(self) -> dict[str, str]:
        proxy = f"http://{self.listener.host}"
        trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"), str(self.ca_file))
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "", "no_proxy": "", **trust}


@contextmanager
def network(hosts: Mapping[str, Simulator], folder: Path) -> Iterator[Network]:
    """A network with these hosts and no others. At its end it fails for hosts that were asked for and are none of them."""
    authority = make_authority(folder)
    certificate = make_certificate(authority, folder, "vendors", tuple(hosts))
    with Listener(None, hosts, certificate) as listener:
        yield Network(listener, authority.file)
        for simulator in dict.fromkeys(hosts.values()):
            simulator.finish()
        assert not listener.strangers, f"hosts that nobody simulates were asked: {sorted(set(listener.strangers))}"
