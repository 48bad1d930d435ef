from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.realparts.certificates import Certificate, make_authority, make_certificate

from moorage.transport.session import Clock, Session, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START = 1_800_000_000.0  # seconds since 1970: a day in 2027


class FakeTime:
    """A clock that moves when somebody sleeps, and remembers for how long."""

    def __init__(self) -> None:
        self.at = START
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, monotonic=lambda: self.at, sleep=self.sleep, jitter=lambda: 0.5)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def open_session(time: FakeTime) -> Iterator[Callable[..., Session]]:
    """Sessions that do not really wait; the arguments are those of `Wire`."""
    opened: list[Session] = []

    def open_one(**wire: object) -> Session:
        opened.append(Session(Wire(**wire), clock=time.clock))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


@pytest.fixture
def session(open_session: Callable[..., Session]) -> Session:
    return open_session()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Certificate]:
    """An authority's file, and a certificate by it for localhost and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    made = make_authority(folder)
    return made.file, make_certificate(made, folder, "server", ("localhost", "127.0.0.1"))
