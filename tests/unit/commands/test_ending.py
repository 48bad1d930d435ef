"""Being asked to end: unwinding before there is anything to tell, stopping after that."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest

from moorage.commands.ending import SECONDS_TO_TELL, Ended, Ending
from moorage.commands.workers import work_off
from moorage.commands.world import World

TERM, INT = (15, "SIGTERM"), (2, "SIGINT")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ending(clock: Clock) -> Ending:
    return Ending(clock)


def test_the_work_is_unwound_where_there_is_nothing_to_tell(ending: Ending) -> None:
    with pytest.raises(Ended, match="SIGTERM") as caught:
        ending.ask(*TERM)
    assert caught.value.exit_code == 143


def test_what_is_held_only_stops(ending: Ending, clock: Clock) -> None:
    ending.hold()
    ending.ask(*TERM)
    assert str(ending.asked) == "SIGTERM"
    assert ending.left == SECONDS_TO_TELL
    assert not ending.impatient
    clock.now += 2.5
    assert ending.impatient


@pytest.mark.parametrize("held", [True, False])
def test_an_echo_of_the_signal_disturbs_nothing_and_who_insists_is_heard(ending: Ending, clock: Clock, held: bool) -> None:
    if held:
        ending.hold()
        ending.ask(*TERM)
    else:
        with pytest.raises(Ended):
            ending.ask(*TERM)
    ending.ask(*TERM)
    clock.now += 1.5
    with pytest.raises(Ended) as caught:
        ending.ask(*INT)
    assert caught.value.exit_code == 130


def test_nothing_new_is_begun_and_requests_get_the_time_that_is_left(ending: Ending, clock: Clock) -> None:
    world = World(ticks=clock, started=clock.now, ending=ending)
    spent, left, endless = world.spent(None), world.deadline(timedelta(seconds=60)), world.deadline(None)
    assert (spent(), left(), endless()) == (False, 60, None)
    ending.hold()
    ending.ask(*TERM)
    assert (spent(), left(), endless()) == (True, SECONDS_TO_TELL, SECONDS_TO_TELL)
    clock.now += 58
    assert left() == SECONDS_TO_TELL - 58


class TestWorkOff:
    def test_does_everything(self) -> None:
        done: list[int] = []
        work_off([partial(done.append, number) for number in range(20)], 3, threading.Event(), lambda: False)
        assert sorted(done) == list(range(20))

    @pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("no")])
    def test_raises_the_first_error_and_stops_the_others(self, error: Exception) -> None:
        stop = threading.Event()

        def fail() -> None:
            raise error

        with pytest.raises(type(error)):
            work_off([fail, *[lambda: None] * 5], 1, stop, lambda: False)
        assert stop.is_set()

    def test_leaves_those_behind_that_hang(self) -> None:
        hang, leave, begun = threading.Event(), threading.Event(), []

        def work() -> None:
            begun.append(1)
            leave.set()
            hang.wait(30)

        work_off([work] * 5, 2, threading.Event(), leave.is_set)
        assert len(begun) <= 2
        hang.set()
