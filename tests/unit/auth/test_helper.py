from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from moorage.auth.credential import Basic, IdentityToken
from moorage.auth.helper import ask_helper
from moorage.auth.secret import Secret
from moorage.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_server_goes_in_by_stdin_and_get_is_asked(helpers: Callable[[str, str], dict[str, str]]) -> None:
    environ = helpers("x", 'read server; echo "{\\"Username\\":\\"$1:$server\\",\\"Secret\\":\\"sham-x\\"}"')
    found = ask_helper("x", "reg.example", environ=environ)
    assert isinstance(found, Basic)
    assert (found.username, found.password.reveal(), found.source) == ("get:reg.example", "sham-x", "docker-credential-x")


def test_the_user_token_marks_an_identity_token(helpers: Callable[[str, str], dict[str, str]]) -> None:
    found = ask_helper("x", "r", environ=helpers("x", 'echo \'{"Username":"<token>","Secret":"sham-refresh"}\''))
    assert isinstance(found, IdentityToken)
    assert found.token.reveal() == "sham-refresh"


@pytest.mark.parametrize(
    "script", ["echo credentials not found in native keychain; exit 1", 'echo \'{"Username":"","Secret":""}\'']
)
def test_not_found_is_anonymous(helpers: Callable[[str, str], dict[str, str]], script: str) -> None:
    assert ask_helper("x", "r", environ=helpers("x", script)) is None


@pytest.mark.parametrize("name", ["missing", "../x", "a/b", "", "-x", "x y"])
def test_a_missing_helper_is_named(helpers: Callable[[str, str], dict[str, str]], name: str) -> None:
    environ = helpers("x", "exit 0")
    with pytest.raises(ConfigurationError, match="is not on PATH") as caught:
        ask_helper(name, "r", environ=environ, named_by="/cfg/config.json")
    assert f"docker-credential-{name}, named by /cfg/config.json" in str(caught.value)


@pytest.mark.parametrize("output", ["sham garbage", "[]", '{"Username": 5, "Secret": "sham"}', '{"Secret": ["sham"]}', ""])
def test_garbage_is_a_mistake_and_not_repeated(helpers: Callable[[str, str], dict[str, str]], output: str) -> None:
    environ = helpers("x", f"cat >/dev/null; printf '%s' '{output}'")
    with pytest.raises(ConfigurationError, match="docker-credential-x printed no credential") as caught:
        ask_helper("x", "r", environ=environ)
    assert "sham" not in str(caught.value)


def test_a_failing_helper_is_quoted_without_secrets(helpers: Callable[[str, str], dict[str, str]]) -> None:
    Secret("sham-in-helper-error")
    environ = helpers("x", "echo 'no session for sham-in-helper-error'; echo second; exit 3")
    with pytest.raises(ConfigurationError, match=r"exit code 3: no session for \*\*\*$"):
        ask_helper("x", "r", environ=environ)


def test_a_hanging_helper_is_stopped_with_all_it_started(helpers: Callable[[str, str], dict[str, str]], tmp_path: Path) -> None:
    environ = helpers("x", f"sleep 900 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(ConfigurationError, match=r"docker-credential-x did not answer for r within 0\.5 s"):
        ask_helper("x", "r", environ=environ, seconds=0.5)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(child)


def alive(process: int) -> bool:
    """Whether a process runs; a zombie that nobody has collected yet does not."""
    try:
        os.kill(process, 0)
        with open(f"/proc/{process}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_helper_that_cannot_be_started_is_a_mistake(helpers: Callable[[str, str], dict[str, str]], tmp_path: Path) -> None:
    environ = helpers("x", "exit 0")
    (tmp_path / "bin" / "docker-credential-x").write_text("no program")
    with pytest.raises(ConfigurationError, match="cannot be started"):
        ask_helper("x", "r", environ=environ)
