from __future__ import annotations

import io
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.errors import Denied, Throttled, Unreachable
from moorage.transport import retry
from moorage.transport.session import Answer, Retries, Session, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.unit.transport.conftest import FakeTime

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-retry-after": str(int(NOW) + 12)}, 12.0),
        ({"retry-after": "3", "x-retry-after": "1"}, 3.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 40)}, 40.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": str(int(NOW) + 40)}, None),
        ({"ratelimit-remaining": "0;w=21600"}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry.asked_wait(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "body", "throttled"),
    [
        (429, {}, b"", True),
        (403, {}, b"", False),
        (403, {"retry-after": "60"}, b"", True),
        (403, {"x-ratelimit-remaining": "0"}, b"", True),
        (403, {"x-ratelimit-remaining": "17"}, b"", False),
        (403, {}, b'{"message":"m","documentation_url":"https://docs.github.com/rest/rate-limits-for-the-rest-api"}', True),
        (403, {}, b'{"message":"rate-limit is a word","documentation_url":"https://docs.github.com/rest"}', False),
        (503, {"retry-after": "60"}, b"", False),
    ],
)
def test_what_counts_as_a_limit(status: int, headers: Mapping[str, str], body: bytes, throttled: bool) -> None:
    assert retry.is_throttled(Answer(status, headers, "https://x/", body)) is throttled


def test_backoff_grows_to_its_ceiling_with_full_jitter() -> None:
    patience = Retries(first=0.5, ceiling=8.0)
    assert [patience.backoff(attempt, lambda: 1.0) for attempt in (1, 2, 3, 4, 5, 5000)] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert patience.backoff(3, lambda: 0.0) == 0.0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "trouble", [Reply(500), Reply(502), Reply(503), Reply(504), Reply(408), Reply(cut=True), Reply(drop=True)]
)
def test_a_burst_of_trouble_is_survived(session: Session, method: str, trouble: Reply) -> None:
    replies = iter([trouble, trouble, Reply(200)])
    with ScriptedServer(lambda _: next(replies)) as server:
        assert session.request(method, server.url).uncertain
    assert session.counts[method, server.host] == 3


def test_an_answer_that_breaks_off_is_asked_for_again(session: Session) -> None:
    replies = iter([Reply(body=b"0123456789", short=4), Reply(body=b"0123456789")])
    with ScriptedServer(lambda _: next(replies)) as server:
        assert session.request("GET", server.url).body == b"0123456789"


def test_trouble_that_stays_is_unreachable(session: Session, time: FakeTime) -> None:
    with ScriptedServer(lambda _: Reply(502)) as server:
        with pytest.raises(Unreachable, match="answered 502"):
            session.request("GET", server.url)
        assert len(server.requests) == Retries().attempts
    assert time.slept == [0.5, 1.0, 2.0, 4.0]


def test_post_is_repeated_only_when_that_does_no_harm(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(503)) as server:
        with pytest.raises(Unreachable):
            session.request("POST", server.url)
        assert len(server.requests) == 1
        with pytest.raises(Unreachable):
            session.request("POST", server.url, idempotent=True)
        assert len(server.requests) == 1 + Retries().attempts


def test_a_lost_post_is_not_sent_twice(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(drop=True)) as server, pytest.raises(Unreachable):
        session.request("POST", server.url)
    assert len(server.requests) == 1


def test_the_statuses_to_repeat_after_can_be_chosen(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(500)) as server, pytest.raises(Unreachable):
        session.request("DELETE", server.url, retry_on={503})
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_limits_are_waited_for(session: Session, time: FakeTime, method: str) -> None:
    replies = iter([Reply(429, headers={"Retry-After": "20"}), Reply(429, headers={"Retry-After": "10"}), Reply(200)])
    with ScriptedServer(lambda _: next(replies)) as server:
        answer = session.request(method, server.url)
    assert time.slept == [20.0, 10.0]
    assert not answer.uncertain  # a limited request had no effect


def test_the_403_of_githubs_limits_is_waited_for(session: Session, time: FakeTime) -> None:
    limited = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.at) + 33)}
    replies = iter([Reply(403, headers=limited), Reply(200)])
    with ScriptedServer(lambda _: next(replies)) as server:
        session.request("GET", server.url)
    assert time.slept == [33.0]


def test_a_plain_403_is_not(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(403)) as server, pytest.raises(Denied):
        session.request("GET", server.url)
    assert len(server.requests) == 1


def test_a_limit_that_stays_is_throttled_after_bounded_waiting(session: Session, time: FakeTime) -> None:
    with ScriptedServer(lambda _: Reply(429, headers={"Retry-After": "45"})) as server:
        with pytest.raises(Throttled, match="asks to wait 45 s"):
            session.request("GET", server.url)
        assert sum(time.slept) <= retry.LONGEST_WAIT
        before = len(server.requests)
        with pytest.raises(Throttled):  # the next one does not begin from the start
            session.request("GET", server.url)
        assert len(server.requests) == before + 1


def test_a_wait_beyond_five_minutes_is_not_begun(session: Session, time: FakeTime) -> None:
    with (
        ScriptedServer(lambda _: Reply(429, headers={"Retry-After": "3600"})) as server,
        pytest.raises(Throttled, match="3600 s"),
    ):
        session.request("GET", server.url)
    assert time.slept == []


def test_a_wait_beyond_the_time_budget_is_not_begun(open_session: Callable[..., Session], time: FakeTime) -> None:
    session = open_session(deadline=lambda: 10.0)
    with ScriptedServer(lambda _: Reply(429, headers={"Retry-After": "11"})) as server, pytest.raises(Throttled):
        session.request("GET", server.url)
    with ScriptedServer(lambda _: Reply(503, headers={"Retry-After": "11"})) as server, pytest.raises(Unreachable):
        session.request("GET", server.url)
    assert time.slept == []


def test_a_host_that_was_given_up_gets_little_patience_until_it_answers(session: Session) -> None:
    down = True
    with ScriptedServer(lambda _: Reply(drop=True) if down else Reply()) as server:
        for attempts in (5, 2):
            before = len(server.requests)
            with pytest.raises(Unreachable):
                session.request("GET", server.url)
            assert len(server.requests) - before == attempts
        down = False
        session.request("GET", server.url)
        down = True
        before = len(server.requests)
        with pytest.raises(Unreachable):
            session.request("GET", server.url)
        assert len(server.requests) - before == 5


def test_one_thread_that_is_told_to_wait_makes_all_wait(open_session: Callable[..., Session], time: FakeTime) -> None:
    session = open_session(parallel=4)
    told = threading.Event()

    def answer(request: Request) -> Reply:
        if request.path == "/first" and not told.is_set():
            told.set()
            return Reply(429, headers={"Retry-After": "60"})
        return Reply(body=str(time.at).encode())

    with ScriptedServer(answer) as server:
        start = time.at
        session.request("GET", server.url + "/first")
        assert float(session.request("GET", server.url + "/second").body) >= start + 60


def test_pausing_keeps_to_the_time_budget(open_session: Callable[..., Session], time: FakeTime) -> None:
    open_session(deadline=lambda: 1.0).pause(6)
    open_session(deadline=lambda: -1.0).pause(6)
    assert time.slept == [1.0, 0.0]


def test_a_broken_upload_that_may_not_be_repeated_is_not(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(drop=True)) as server, pytest.raises(Unreachable):
        session.request("PUT", server.url, body=Upload(lambda: io.BytesIO(b"abc"), 3), idempotent=False)
    assert len(server.requests) == 1


def test_a_limit_is_waited_for_even_by_who_wants_to_see_refusals(session: Session, time: FakeTime) -> None:
    replies = iter([Reply(403, headers={"retry-after": "7"}), Reply(403)])
    with ScriptedServer(lambda _: next(replies)) as server:
        assert session.request("GET", server.url, ok={200, 403}).status == 403
    assert sum(time.slept) >= 7
