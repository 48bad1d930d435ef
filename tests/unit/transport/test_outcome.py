from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3
from requests import exceptions as requests_errors
from requests.adapters import BaseAdapter
from tests.scripted_server import Reply, ScriptedServer
from urllib3 import exceptions as urllib3_errors

from moorage.auth.secret import Secret
from moorage.errors import (
    Contradiction,
    Denied,
    Failure,
    ItemRefused,
    NotFound,
    RegistryError,
    Throttled,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from moorage.transport import outcome
from moorage.transport.session import Answer, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://registry.example/v2/x?token=sham"


def every(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for child in root.__subclasses__():
        yield from every(child)


FOREIGN = sorted(
    {
        kind
        for root in (requests_errors.RequestException, urllib3_errors.HTTPError, http.client.HTTPException, ssl.SSLError, OSError)
        for kind in every(root)
        if kind.__module__.partition(".")[0] in {"requests", "urllib3", "http", "ssl", "builtins", "socket"}
        and not issubclass(kind, Warning)
    },
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)  # fmt: skip


class Broken(BaseAdapter):
    """The network, raising one exception of the libraries beneath."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def send(self, *_args: Any, **_named: Any) -> requests.Response:
        raise self._error

    def close(self) -> None:
        """Nothing is open."""


class BrokenBody(Broken):
    """A body that raises it while it is read."""

    def send(self, request: requests.PreparedRequest, *_args: Any, **_named: Any) -> requests.Response:
        error = self._error

        class Raw(urllib3.HTTPResponse):
            def read1(self, *_args: Any, **_named: Any) -> bytes:
                raise error

        response = requests.Response()
        response.status_code, response.raw, response.request = 200, Raw(preload_content=False), request
        return response


def made(kind: type[BaseException]) -> BaseException:
    return kind.__new__(kind)  # their constructors want pools and responses, which the translation must not need


@pytest.mark.parametrize("adapter", [Broken, BrokenBody])
def test_no_foreign_exception_escapes(session: Session, adapter: type[Broken]) -> None:
    for kind in FOREIGN:
        session._sender._connections._session.mount("https://registry.example", adapter(made(kind)))
        with pytest.raises(Unreachable) as caught:
            session.request("GET", URL)
        assert "sham" not in str(caught.value), kind
        assert caught.value.__cause__ is None, kind


def test_the_list_of_foreign_exceptions_is_long() -> None:
    names = {kind.__name__ for kind in FOREIGN}
    assert {"ReadTimeout", "ChunkedEncodingError", "ProtocolError", "IncompleteRead", "LocationParseError", "SSLError"} <= names


@pytest.mark.parametrize("value", ["a\r\nInjected: yes", "schön\u2028"])
def test_a_header_that_cannot_be_sent_is_no_crash(session: Session, value: str) -> None:
    with ScriptedServer(lambda _: Reply()) as server, pytest.raises(Unreachable):
        session.request("GET", server.url, headers={"X": value})
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthorized), (403, Denied), (404, NotFound), (410, NotFound), (405, Unsupported), (501, Unsupported),
        (409, ItemRefused), (412, ItemRefused), (423, ItemRefused), (429, Throttled), (400, RegistryError), (418, RegistryError),
        (408, Unreachable), (500, Unreachable), (503, Unreachable), (599, Unreachable),
        (204, Contradiction), (304, Contradiction),
    ],
)  # fmt: skip
def test_each_status_has_its_error(status: int, kind: type[Failure]) -> None:
    error = outcome.refusal("GET", Answer(status, {}, URL))
    assert type(error) is kind
    assert str(error) == f"GET https://registry.example/v2/x?token=… answered {status}"
    assert error.remedy


def test_the_oci_code_unsupported_beats_the_status() -> None:
    answer = Answer(400, {}, URL, b'{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}')
    error = outcome.refusal("DELETE", answer, remedy="Do it otherwise.")
    assert isinstance(error, Unsupported)
    assert "UNSUPPORTED: The operation is unsupported." in str(error)
    assert error.remedy == "Do it otherwise."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"errors":[{"code":"DENIED","message":"no"},{"code":"B"}]}', ["DENIED: no", "B"]),
        (b'{"errors":[{"code":"DENIED","detail":"why"}]}', ["DENIED: why"]),
        (b'{"errors":["flat"]}', ["flat"]),
        (b'{"message":"Not Found","documentation_url":"u"}', ["Not Found"]),
        (b'{"error":"invalid_grant","error_description":"expired"}', ["invalid_grant"]),
        (b'{"error":{"code":"X","message":"deep"}}', ["X: deep"]),
        (b'{"errors":{"code":"ONE","message":"no list"}}', ["ONE: no list"]),
        (b'{"errors":[{"code":5,"message":["x"]}]}', []),
        (b'{"errors":[[]]}', []),
        (b"[]", []),
        (b"<html>", []),
        (b"", []),
        (b"[" * 60000, []),
    ],
)
def test_error_bodies_are_read(body: bytes, said: list[str]) -> None:
    assert [str(entry) for entry in outcome.complaints(body)] == said


def test_plain_text_is_quoted_and_html_is_not() -> None:
    assert "(go away)" in str(
        outcome.refusal("GET", Answer(403, {"content-type": "text/plain; charset=utf-8"}, URL, b"go\naway\n"))
    )
    assert "away" not in str(outcome.refusal("GET", Answer(403, {"content-type": "text/html"}, URL, b"<b>go away</b>")))


def test_an_echoed_secret_is_blanked_and_long_texts_are_cut() -> None:
    Secret("sham-secret-that-is-echoed")
    body = b'{"errors":[{"code":"DENIED","message":"sham-secret-that-is-echoed ' + b"x" * 1000 + b'"}]}'
    said = str(outcome.refusal("GET", Answer(403, {}, URL, body)))
    assert "sham-secret" not in said
    assert len(said) < 400


def test_a_refused_connection_says_so(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        pass
    with pytest.raises(Unreachable, match="connection refused"):
        session.request("GET", server.url)
    assert session.counts["GET", server.host] == 5


def test_a_name_that_is_not_there_says_so(session: Session) -> None:
    with pytest.raises(Unreachable, match="host name cannot be resolved"):
        session.request("GET", "https://registry.invalid/")


def test_a_proxys_password_is_not_shown(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:sham-proxy@127.0.0.1:9")
    with pytest.raises(Unreachable) as caught:
        session.request("GET", "https://registry.example/")
    assert "proxy" in str(caught.value).lower()
    assert "sham" not in str(caught.value)
