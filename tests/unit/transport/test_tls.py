from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, ScriptedServer

from moorage.errors import ConfigurationError, Unreachable
from moorage.transport.connections import trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.realparts.certificates import Certificate

    from moorage.transport.session import Session

Authority = tuple["Path", "Certificate"]


def test_an_unknown_authority_is_refused_and_the_option_named(session: Session, authority: Authority) -> None:
    with ScriptedServer(lambda _: Reply(), tls=authority[1]) as server, pytest.raises(Unreachable, match="not trusted") as caught:
        session.request("GET", server.url)
    assert "--ca-file" in caught.value.remedy
    assert server.requests == []
    assert session.counts["GET", server.host] == 1


def test_the_wrong_host_name_is_refused(open_session: Callable[..., Session], authority: Authority) -> None:
    session = open_session(ca_file=authority[0])
    with (
        ScriptedServer(lambda _: Reply(), tls=authority[1], address="127.0.0.2") as server,
        pytest.raises(Unreachable, match="trusted"),
    ):
        session.request("GET", server.url)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_variables_of_openssl_and_requests_are_honoured(
    open_session: Callable[..., Session], authority: Authority, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(authority[0]))
    with ScriptedServer(lambda _: Reply(), tls=authority[1]) as server:
        assert open_session().request("GET", server.url).status == 200


def test_an_authority_of_the_option_adds_to_the_others(open_session: Callable[..., Session], authority: Authority) -> None:
    session = open_session(ca_file=authority[0])
    with ScriptedServer(lambda _: Reply(), tls=authority[1]) as server:
        assert session.request("GET", server.url).status == 200
    assert trust(authority[0]).cert_store_stats()["x509_ca"] == trust(None).cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_holds_none_is_a_mistake(
    open_session: Callable[..., Session], tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=f"--ca-file {file}"):
        open_session(ca_file=file)


def test_a_variable_that_leads_to_none_is_a_mistake_when_it_is_needed(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with ScriptedServer(lambda _: Reply()) as server:
        session.request("GET", server.url)
    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
        session.request("GET", "https://registry.invalid/")


def test_https_against_plain_http_names_the_option(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as server, pytest.raises(Unreachable, match="not answer in TLS") as caught:
        session.request("GET", server.url.replace("http:", "https:"))
    assert f"--insecure-registry {server.host}" in caught.value.remedy


def test_knocking_at_loopback_finds_plain_http(session: Session) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        assert session.knock(server.host, "/v2/")[0] == server.url
        assert session.knock(server.host, "/v2/")[0] == server.url
    assert len(server.requests) == 2


def test_knocking_at_loopback_finds_tls(open_session: Callable[..., Session], authority: Authority) -> None:
    session = open_session(ca_file=authority[0])
    with ScriptedServer(lambda _: Reply(401), tls=authority[1]) as server:
        base, answer = session.knock(server.host, "/v2/", ok={200, 401})
        assert (base, answer.status) == (server.url, 401)


def test_a_bad_certificate_is_no_reason_for_plain_http(open_session: Callable[..., Session], authority: Authority) -> None:
    for session in (open_session(), open_session(insecure=frozenset({"127.0.0.1"}))):
        with ScriptedServer(lambda _: Reply(), tls=authority[1]) as server, pytest.raises(Unreachable, match="not trusted"):
            session.knock(server.host, "/v2/")


def test_a_400_that_is_no_hint_of_tls_is_the_answer(session: Session) -> None:
    with ScriptedServer(lambda _: Reply(400)) as server:
        assert session.knock(server.host, "/v2/", ok={400})[0] == server.url


def test_a_redirect_to_https_is_not_taken_for_the_answer(open_session: Callable[..., Session], authority: Authority) -> None:
    session = open_session(ca_file=authority[0])
    moved = {"Location": ""}
    with (
        ScriptedServer(lambda _: Reply(body=b"there"), tls=authority[1]) as secure,
        ScriptedServer(lambda _: Reply(301, headers=moved)) as plain,
    ):
        moved["Location"] = secure.url + "/v2/"
        assert session.knock(plain.host, "/v2/")[1].body == b"there"


def test_knocking_is_patient_where_nobody_answers_yet(session: Session) -> None:
    replies = iter([Reply(503), Reply(503), Reply()])
    with ScriptedServer(lambda _: next(replies)) as server:
        assert session.knock(server.host, "/v2/")[1].status == 200
    with pytest.raises(Unreachable, match="refused"):
        session.knock(server.host.replace(str(server.port), "1"), "/v2/")


def test_plain_http_elsewhere_is_not_even_tried(session: Session) -> None:
    with pytest.raises(Unreachable, match=r"https://registry\.invalid/v2/"):
        session.knock("registry.invalid", "/v2/")
    assert {host for _, host in session.counts} == {"registry.invalid"}
