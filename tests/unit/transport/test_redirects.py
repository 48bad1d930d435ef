from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer
from tests.unit.transport.test_session import Signature

from moorage.errors import Contradiction
from moorage.transport.session import Session, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = {"Private-Token": "sham-private", "X-JFrog-Art-Api": "sham-key", "Accept": "text/plain"}


def to(location: str, status: int = 307) -> Callable[[Request], Reply]:
    return lambda _: Reply(status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_port_is_another_host_and_gets_no_credentials(session: Session, status: int) -> None:
    with ScriptedServer(lambda _: Reply(body=b"there")) as there, ScriptedServer(to(there.url + "/b?sig=1", status)) as here:
        answer = session.request("GET", here.url, headers=SECRETS, auth=Signature("sham-bearer"))
    (arrived,) = there.requests
    assert (answer.body, arrived.target) == (b"there", "/b?sig=1")
    assert answer.url == there.url + "/b?sig=1"
    assert "sham" not in str(arrived.headers)
    assert arrived.headers["accept"] == "text/plain"
    assert here.requests[0].headers["private-token"] == "sham-private"


def test_credentials_do_not_come_back_after_a_detour(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as there, ScriptedServer(lambda _: Reply()) as here:
        there.answer = to(here.url + "/back")
        here.answer = lambda request: Reply() if request.path == "/back" else to(there.url)(request)
        session.request("GET", here.url, auth=Signature("sham-bearer"))
    assert "authorization" not in here.requests[-1].headers


@pytest.mark.parametrize("location", ["/moved", "moved", "?moved=1"])
def test_the_same_host_keeps_them(session: Session, location: str) -> None:
    with ScriptedServer(lambda request: Reply() if "moved" in request.target else to(location)(request)) as server:
        session.request("GET", server.url + "/", auth=Signature("sham-bearer"))
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer sham-bearer"] * 2


@pytest.mark.parametrize("location", ["http://registry.example/blob", "http://registry.example:443/", "//registry.example/"])
def test_plain_http_is_not_redirected_to(session: Session, location: str) -> None:
    with ScriptedServer(to(location)) as server, pytest.raises(Contradiction, match="plain HTTP"):
        session.request("GET", server.url)


@pytest.mark.parametrize("location", ["ftp://x/", "https://[", "https://host:port/", "javascript:alert(1)"])
def test_what_is_no_url_is_not_followed(session: Session, location: str) -> None:
    with ScriptedServer(to(location)) as server, pytest.raises(Contradiction, match="no URL"):
        session.request("GET", server.url)


def test_redirects_end(session: Session) -> None:
    with ScriptedServer(to("/again")) as server, pytest.raises(Contradiction, match="5 redirects"):
        session.request("GET", server.url)
    assert len(server.requests) == 6


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_changing_call_does_not_become_another_one(session: Session, method: str, status: int) -> None:
    with ScriptedServer(to("/else", status)) as server, pytest.raises(Contradiction, match="change something"):
        session.request(method, server.url)
    assert len(server.requests) == 1


def test_an_upload_follows_307_to_another_host_without_credentials(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(201)) as there, ScriptedServer(to(there.url)) as here:
        session.request("PUT", here.url, body=Upload(lambda: io.BytesIO(b"layer"), 5), auth=Signature("sham-bearer"))
    assert there.requests[0].body == b"layer"
    assert "authorization" not in there.requests[0].headers


def test_a_form_is_not_sent_to_another_host(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as there, ScriptedServer(to(there.url)) as here:
        with pytest.raises(Contradiction, match="credentials"):
            session.request("POST", here.url, body=b"refresh_token=sham-refresh")
        assert there.requests == []
        here.answer = lambda request: Reply() if request.path == "/new" else to("/new", 308)(request)
        session.request("POST", here.url, body=b"refresh_token=sham-refresh")
    assert here.requests[-1].body == b"refresh_token=sham-refresh"


def test_the_error_shows_where_to_without_the_query(session: Session) -> None:
    with ScriptedServer(to("http://user:sham@registry.example/x?sig=sham")) as server, pytest.raises(Contradiction) as caught:
        session.request("GET", server.url)
    assert "http://registry.example/x?sig=…" in str(caught.value)
    assert "sham" not in str(caught.value)
