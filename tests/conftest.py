"""What every test gets: an environment that is not the developer's, and the real parts by name."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.realparts import absence
from tests.realparts.environment import is_developers

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.realparts.fixtures"]


@pytest.fixture
def same_environment_after() -> Iterator[None]:
    """A test that leaves a variable behind decides what later tests of the same worker see; it fails itself."""
    before = dict(os.environ)
    yield
    after = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    before.pop("PYTEST_CURRENT_TEST", None)
    left = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    os.environ.update({name: before[name] for name in left if name in before})
    for name in left:
        if name not in before:
            del os.environ[name]
    assert not left, f"this test left the environment changed: {', '.join(left)}"


@pytest.fixture(autouse=True)
def own_environment(
    same_environment_after: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hide the developer's settings, logins and CI variables from every test."""
    for name in [name for name in os.environ if is_developers(name)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


def pytest_addoption(parser: pytest.Parser) -> None:
    """For bench.vendors: how many images the vendors' costs are counted on, and where the table goes."""
    parser.addoption("--costs", nargs=2, type=int, metavar=("TAGS", "GOING"), help="count requests on so many images")
    parser.addoption("--costs-to", metavar="FILE", help="append the counts to this file, tab separated")


def pytest_configure() -> None:
    """Refuse a misspelt group: it would look like a declaration and be none.

    Signals that a shell ignored on behalf of what it runs in the background would be ignored by every child of a test, too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if absence.UNKNOWN:
        unknown, known = ", ".join(sorted(absence.UNKNOWN)), ", ".join(absence.GROUPS)
        raise pytest.UsageError(f"MOORAGE_TESTS_WITHOUT names {unknown}; the groups are {known}")


@pytest.fixture(autouse=True)
def engine_to_itself(request: pytest.FixtureRequest) -> Iterator[None]:
    """One test at a time has the docker engine, whatever worker it runs in.

    Tests build the same tiny images and count what they leave behind, so one must not take away what another builds on. Those
    of publishing ask for the engine by name only while they run.
    """
    if "docker_engine" not in request.fixturenames and not request.path.name.startswith("test_publish"):
        yield
        return
    with (Path(tempfile.gettempdir()) / "moorage-tests-engine.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the parts that were declared missing, where people look last."""
    line = absence.summary()
    if line:
        terminalreporter.write_line(line, yellow=True)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their size: their content may hold the time, and parallel workers must agree on the names of tests."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None
