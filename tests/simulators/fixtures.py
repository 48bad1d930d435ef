"""The fixtures over simulators; tests/contract/conftest.py makes them known."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.simulators.network import Network, network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulators.simulator import Simulator


class NetworkFactory(Protocol):
    """Opens a test network; it ends with the test."""

    def __call__(self, hosts: Mapping[str, Simulator], *, here: bool = True) -> Network: ...


@pytest.fixture
def vendor_network(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkFactory]:
    """`vendor_network({"ghcr.io": ghcr, "api.github.com": api})`; with `here` this process lives in it too, for this test."""
    with ExitStack() as stack:

        def build(hosts: Mapping[str, Simulator], *, here: bool = True) -> Network:
            found = stack.enter_context(network(hosts, tmp_path_factory.mktemp("network")))
            for name, value in found.env.items() if here else ():
                monkeypatch.setenv(name, value)
            return found

        yield build
