"""The bearer token's age, and pages that contradict themselves."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.auth.credential import Basic
from moorage.auth.keychain import LoginKeychain
from moorage.auth.secret import Secret
from moorage.errors import Contradiction
from moorage.oci.reference import DOCKER_HUB, Repository
from moorage.registries.dockerhub.api import HubApi, HubTokens
from moorage.registries.dockerhub.listing import tag_records
from moorage.registries.dockerhub.login import Login
from moorage.transport.session import Session

LOGIN = Login(
    DOCKER_HUB, LoginKeychain({DOCKER_HUB: Basic("acme", Secret("dckr_pat_sham"), "the test")}), "--images-repo-docker-hub"
)
REPOSITORY = Repository(DOCKER_HUB, "acme/shop")


def test_a_token_is_exchanged_anew_before_its_ten_minutes_are_over() -> None:
    given = iter(range(9))
    with ScriptedServer(lambda _: Reply.of({"access_token": f"sham-token-{next(given)}"})) as server, Session() as session:
        moments = iter([0.0, 500.0, 541.0, 541.0])
        tokens = HubTokens(session, server.url, LOGIN, monotonic=lambda: next(moments))
        found = [token.reveal() for _ in range(3) if (token := tokens.token())]
    assert found == ["sham-token-0", "sham-token-0", "sham-token-1"]
    assert len(server.requests) == 2


def test_a_token_that_another_thread_has_fetched_stays() -> None:
    given = iter(range(9))
    with ScriptedServer(lambda _: Reply.of({"access_token": f"sham-token-{next(given)}"})) as server, Session() as session:
        tokens = HubTokens(session, server.url, LOGIN)
        held = tokens.token()
        assert tokens.drop(Secret("sham-token-of-before"))
        assert tokens.token() == held


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ([], "without results"),
        ({"results": {}}, "without results"),
        ({"results": [], "next": 2}, "no address"),
        ({"results": [{"name": "v1"}], "next": "/v2/?page=7", "count": 3}, "not number 2"),
        ({"results": [{"name": "v1"}], "next": "http://[", "count": 3}, "another host"),
        ({"results": [{"name": "-none"}], "next": None}, "cannot be: BadReference"),
        ({"results": [{"name": "v1", "digest": "md5:1"}], "next": None}, "cannot be: BadReference"),
        ({"results": ["v1"], "next": None}, "cannot be: TypeError"),
    ],
)
def test_pages_that_cannot_be_are_contradictions(page: Any, complaint: str) -> None:
    with pytest.raises(Contradiction, match=complaint):
        _listed(lambda _: page)


def test_pages_that_repeat_themselves_end() -> None:
    def answer(number: int) -> Any:
        following = f"/v2/namespaces/acme/repositories/shop/tags?page={number + 1}"
        return {"results": [{"name": "v1"}], "next": following, "count": 1}

    with pytest.raises(Contradiction, match="repeat themselves"):
        _listed(answer)


def test_fewer_pages_than_promised_are_all() -> None:
    def answer(number: int) -> Any:
        last = number == 2
        return {"results": [{"name": f"v{number}"}], "next": None if last else f"?page={number + 1}", "count": 4}

    assert _listed(answer) == ["v1", "v2"]


def test_more_pages_than_promised_are_read_to_the_last() -> None:
    def answer(number: int) -> Any:
        last = number == 5
        return {"results": [{"name": f"v{number}"}], "next": None if last else f"?page={number + 1}", "count": 2}

    assert _listed(answer) == ["v1", "v2", "v3", "v4", "v5"]


def test_what_moved_on_to_the_next_page_is_counted_once() -> None:
    pages = {1: ["v3", "v2"], 2: ["v2", "v1"]}

    def answer(number: int) -> Any:
        return {"results": [{"name": name} for name in pages[number]], "next": "?page=2" if number == 1 else None, "count": 4}

    assert _listed(answer) == ["v3", "v2", "v1"]


def _listed(answer: Any) -> list[str]:
    def reply(request: Request) -> Reply:
        if request.method == "POST":
            return Reply.of({"access_token": "sham-token"})
        return Reply.of(answer(int(dict(request.query)["page"])))

    with ScriptedServer(reply) as server, Session() as session:
        api = HubApi(session, server.url, LOGIN, parallel=1)
        return [record.name.text for record in tag_records(api, REPOSITORY)]
