from __future__ import annotations

import io
import itertools
import logging
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError, Contradiction, NotFound, Unreachable
from moorage.transport.session import Answer, Clock, Session, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Signature:
    """An authorizer with a few tokens to try, one after the other."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = [Secret(token) for token in tokens]
        self.renewed = 0

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._tokens[0].reveal()}"}

    def renew(self, answer: Answer) -> bool:
        self.renewed += 1
        if len(self._tokens) > 1:
            del self._tokens[0]
            return True
        return False


def test_an_answer_has_status_headers_and_body(session: Session) -> None:
    with ScriptedServer(lambda _: Reply.of({"a": 1}, X_Odd="yes")) as server:
        answer = session.request("GET", server.url + "/x", params={"q": "a b"}, headers={"Accept": "text/odd"})
    assert (answer.status, answer.headers["x-odd"], answer.json()) == (200, "yes", {"a": 1})
    (asked,) = server.requests
    assert asked.query == [("q", "a b")]
    assert asked.headers["accept"] == "text/odd"
    assert asked.headers["user-agent"].startswith("moorage/")
    assert session.counts == {("GET", server.host): 1}


def test_parameters_join_a_query_that_is_there(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        session.request("GET", server.url + "/x?a=1", params={"b": "2"})
    assert server.requests[0].query == [("a", "1"), ("b", "2")]


def test_what_is_not_json_is_a_contradiction(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(body=b"<html>")) as server:
        answer = session.request("GET", server.url)
    with pytest.raises(Contradiction, match="not JSON"):
        answer.json()


def test_a_status_that_was_asked_for_is_no_error(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(404)) as server:
        assert session.request("GET", server.url, ok={404}).status == 404
        with pytest.raises(NotFound):
            session.request("GET", server.url)


def test_an_answer_beyond_the_limit_is_not_read_to_its_end(session: Session) -> None:
    with (
        ScriptedServer(lambda _: Reply(body=b"x" * 200_000)) as server,
        pytest.raises(Contradiction, match="more than 1000 bytes"),
    ):
        session.request("GET", server.url, limit=1000)


def test_cookies_are_not_kept(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(headers={"Set-Cookie": "sid=1; Path=/"})) as server:
        session.request("GET", server.url)
        session.request("GET", server.url)
    assert "cookie" not in server.requests[1].headers


def test_passwords_of_netrc_and_urls_are_not_used(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password sham-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer(lambda _: Reply()) as server:
        session.request("GET", server.url.replace("//", "//user:sham-url@"))
    assert "authorization" not in server.requests[0].headers


def test_plain_http_needs_permission(open_session: Callable[..., Session]) -> None:
    with pytest.raises(ConfigurationError, match="plain HTTP") as caught:
        open_session().request("GET", "http://registry.example/v2/")
    assert "--insecure-registry registry.example" in caught.value.remedy
    allowed = open_session(insecure=frozenset({"registry.invalid"}))
    with pytest.raises(Unreachable, match="cannot be resolved"):
        allowed.request("GET", "http://registry.invalid/v2/")


@pytest.mark.parametrize("url", ["ftp://x/", "registry.example/v2/", "https://", "https://host:port/", "https://[::1/"])
def test_what_is_no_url_is_a_mistake(session: Session, url: str) -> None:
    with pytest.raises(ConfigurationError, match="no http or https URL"):
        session.request("GET", url)


def test_a_401_is_asked_again_with_what_the_authorizer_then_gives(session: Session) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200 if request.headers["authorization"] == "Bearer second" else 401)

    signature = Signature("first", "second")
    with ScriptedServer(answer) as server:
        assert session.request("GET", server.url, auth=signature).status == 200
        hopeless = Signature("first")
        assert session.request("GET", server.url, auth=hopeless, ok={401}).status == 401
    assert (signature.renewed, hopeless.renewed) == (1, 1)


def test_renewing_is_tried_once_per_request(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(401)) as server:
        session.request("GET", server.url, auth=Signature("a", "b", "c"), ok={401})
    assert len(server.requests) == 2


def test_a_stream_is_read_by_its_receiver(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(body=b"x" * 300_000)) as server:
        answer = session.request("GET", server.url, stream=True)
        assert answer.stream is not None
        with answer.stream as stream:
            assert stream.read(3) == b"xxx"
            assert len(stream.read()) == 299_997


def test_a_stream_that_breaks_off_is_unreachable(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(body=b"x" * 300_000, short=100)) as server:
        answer = session.request("GET", server.url, stream=True)
        assert answer.stream is not None
        with answer.stream as stream, pytest.raises(Unreachable):
            stream.read()


def test_a_refused_stream_says_why(session: Session) -> None:
    with (
        ScriptedServer(lambda _: Reply.of({"message": "nobody home"}, 404)) as server,
        pytest.raises(NotFound, match="nobody home"),
    ):
        session.request("GET", server.url, stream=True)


def test_an_upload_is_streamed_and_opened_anew_for_each_attempt(session: Session) -> None:
    content = bytes(range(256)) * 2000
    opened: list[io.BytesIO] = []

    def open_content() -> io.BytesIO:
        opened.append(io.BytesIO(content))
        return opened[-1]

    replies = iter([Reply(503), Reply(cut=True), Reply(201)])
    with ScriptedServer(lambda _: next(replies)) as server:
        answer = session.request("PUT", server.url, body=Upload(open_content, len(content)))
    assert [request.body for request in server.requests] == [content] * 3
    assert server.requests[0].headers["content-length"] == str(len(content))
    assert answer.uncertain
    assert len(opened) == 3
    assert all(stream.closed for stream in opened)


def test_an_empty_upload_has_a_length(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(201)) as server:
        session.request("PUT", server.url, body=Upload(io.BytesIO, 0))
    assert server.requests[0].headers["content-length"] == "0"


class Unreadable(io.BytesIO):
    def read(self, _size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


def test_trouble_with_what_is_uploaded_is_not_the_networks(session: Session, tmp_path: Path) -> None:
    with ScriptedServer(lambda _: Reply(201)) as server:
        with pytest.raises(FileNotFoundError):
            session.request("PUT", server.url, body=Upload(lambda: (tmp_path / "gone").open("rb"), 5))
        with pytest.raises(OSError, match="Input/output"):
            session.request("PUT", server.url, body=Upload(Unreadable, 5))
        with pytest.raises(EOFError, match="2 of 5 bytes"):
            session.request("PUT", server.url, body=Upload(lambda: io.BytesIO(b"abc"), 5))


def test_an_upload_that_is_read_from_elsewhere_raises_its_own_failure(session: Session) -> None:
    class Lying(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise Contradiction("the source lies")

    with ScriptedServer(lambda _: Reply(201)) as server, pytest.raises(Contradiction, match="the source lies"):
        session.request("PUT", server.url, body=Upload(Lying, 5))


def test_uploading_what_the_same_host_hands_out_needs_no_second_slot(open_session: Callable[..., Session]) -> None:
    session = open_session(parallel=1)
    with ScriptedServer(lambda request: Reply(201, b"content" if request.method == "GET" else b"")) as server:

        def source() -> io.BufferedIOBase:
            stream = session.request("GET", server.url, stream=True).stream
            assert isinstance(stream, io.BufferedIOBase)
            return stream

        session.request("PUT", server.url, body=Upload(source, 7))  # type: ignore[arg-type]
    assert server.asked("PUT")[0].body == b"content"


def test_logs_name_the_request_and_none_of_its_secrets(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="moorage.transport")
    with ScriptedServer(lambda _: Reply()) as server:
        session.request("GET", server.url + "/x?token=sham-query", auth=Signature("sham-bearer"))
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("moorage"))
    assert "GET " in logged
    assert "/x?token=… 200" in logged
    assert "sham" not in logged


def test_an_answer_that_drips_for_ever_is_given_up() -> None:
    ticks = itertools.count(0, 200)  # every look at the clock is 200 seconds later
    session = Session(clock=Clock(monotonic=lambda: float(next(ticks))))
    with session, ScriptedServer(lambda _: Reply(body=b"drip" * 100_000)) as server, pytest.raises(Unreachable, match="too long"):
        session.request("GET", server.url)
    assert len(server.requests) == 1


def test_a_time_budget_that_ends_while_reading_ends_the_reading(open_session: Callable[..., Session]) -> None:
    left = [100.0]

    def answer(_: Request) -> Reply:
        left[0] = 0.0
        return Reply(body=b"too late")

    with ScriptedServer(answer) as server, pytest.raises(Unreachable, match="time budget"):
        open_session(deadline=lambda: left[0]).request("GET", server.url)


def test_a_finished_time_budget_stops_new_requests_but_not_what_has_to_be_finished(open_session: Callable[..., Session]) -> None:
    session = open_session(deadline=lambda: 0.0)
    with ScriptedServer(lambda _: Reply()) as server:
        with pytest.raises(Unreachable, match="time budget") as caught:
            session.request("GET", server.url)
        with session.finishing():
            assert session.request("GET", server.url).status == 200
        with pytest.raises(Unreachable, match="time budget"):
            session.request("GET", server.url)
    assert "--time-budget" in caught.value.remedy
