from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.errors import Throttled
from moorage.transport.rate import Budget, Gate
from moorage.transport.session import Answer, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.transport.conftest import FakeTime

URL = "https://registry.example/"


def patient() -> float:
    return 300.0


def through(gate: Gate, time: FakeTime, method: str = "GET", count: int = 1) -> float:
    """The seconds that so many requests, one after the other, had to wait."""
    start = time.at
    for _ in range(count):
        gate.enter(method, patient)
        gate.leave()
    return time.at - start


@pytest.fixture
def gate(time: FakeTime) -> Gate:
    return Gate("registry.example", 8, time.clock)


def test_a_limit_halves_and_grows_back_slowly(gate: Gate, time: FakeTime) -> None:
    for expected in (4, 2, 1, 1):
        time.at += 1
        gate.learn(Answer(429, {}, URL))
        assert gate.limit == expected
    for _ in range(3):
        gate.learn(Answer(200, {}, URL))
    assert gate.limit == 2
    for _ in range(100):
        gate.learn(Answer(200, {}, URL))
    assert gate.limit == 8


def test_the_refusals_of_one_volley_count_once(gate: Gate, time: FakeTime) -> None:
    time.at += 1
    for _ in range(8):
        gate.learn(Answer(503, {}, URL))
    assert gate.limit == 4


def test_a_hold_is_waited_for_and_the_longer_one_wins(gate: Gate, time: FakeTime) -> None:
    gate.hold(30)
    gate.hold(10)
    assert through(gate, time) == 30
    assert through(gate, time) == 0


def test_a_hold_longer_than_patience_is_throttled(gate: Gate) -> None:
    gate.hold(301)
    with pytest.raises(Throttled, match="wait 301 s"):
        gate.enter("GET", patient)


def test_a_documented_limit_is_kept_to(gate: Gate, time: FakeTime) -> None:
    gate.declare(Budget(per_minute=60, burst=5))
    assert through(gate, time, count=5) == 0
    assert through(gate, time, count=10) == pytest.approx(10)


def test_costs_differ_by_method(gate: Gate, time: FakeTime) -> None:
    gate.declare(Budget(per_minute=900, costs={"DELETE": 5}, burst=5))
    assert through(gate, time, "DELETE", 181) == pytest.approx(60, abs=0.5)  # GitHub: 180 deletions a minute


def test_a_call_dearer_than_the_burst_still_goes(gate: Gate, time: FakeTime) -> None:
    gate.declare(Budget(per_minute=60, costs={"DELETE": 50}, burst=5))
    through(gate, time, "DELETE")
    assert through(gate, time, "DELETE") == pytest.approx(50)


def test_a_limit_near_its_end_slows_down_before_it_is_hit(gate: Gate, time: FakeTime) -> None:
    gate.learn(Answer(200, {"ratelimit-remaining": "3", "ratelimit-reset": "60"}, URL))
    assert gate.limit == 3
    assert through(gate, time, count=3) == pytest.approx(3)
    gate.learn(Answer(200, {"ratelimit-remaining": "500", "ratelimit-reset": "60"}, URL))
    time.at += 1
    assert through(gate, time, count=3) == 0


def test_an_exhausted_limit_is_waited_out(gate: Gate, time: FakeTime) -> None:
    gate.learn(Answer(200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.at) + 50)}, URL))
    assert through(gate, time) == pytest.approx(50)


def test_no_more_requests_are_under_way_than_allowed(open_session: Callable[..., Session]) -> None:
    session = open_session(parallel=3)
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Barrier(3)

    def answer(_: Request) -> Reply:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        full.wait(10)  # nobody leaves before three have come: the limit is reached, and 12 is a multiple of it
        with lock:
            inside -= 1
        return Reply()

    with ScriptedServer(answer) as server:
        threads = [threading.Thread(target=session.request, args=("GET", server.url)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert most == 3
    assert session.counts["GET", server.host] == 12


def test_vendors_declare_limits_through_the_session(session: Session, time: FakeTime) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        session.declare(server.host, Budget(per_minute=60, burst=1))
        start = time.at
        for _ in range(4):
            session.request("GET", server.url)
    assert time.at - start == pytest.approx(3)


def test_who_has_no_time_left_does_not_wait_for_a_turn(gate: Gate) -> None:
    for _ in range(gate.limit):
        gate.enter("GET", lambda: 10)
    with pytest.raises(Throttled, match="time is up"):
        gate.enter("GET", lambda: 0)
