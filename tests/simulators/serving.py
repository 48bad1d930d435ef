"""A simulator on a loopback port for the length of a `with`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tests.simulators.server import Listener
from tests.simulators.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

S = TypeVar("S", bound=Simulator)


@contextmanager
def serving(simulator: S) -> Iterator[tuple[S, str]]:
    """The simulator and its "127.0.0.1:PORT". At the end, exchanges that do not conform to the vendor's description fail."""
    with Listener(simulator, {}) as listener:
        yield simulator, listener.host
    simulator.finish()
