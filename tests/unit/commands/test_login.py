import base64
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from moorage.auth.secret import Secret
from moorage.commands.login import LoginRequest, log_in, login, merged
from moorage.commands.logout import LogoutRequest, logout
from moorage.commands.shell_syntax import Syntax
from moorage.docker.config_dir import private_docker_config
from moorage.errors import ConfigurationError, DockerError
from moorage.settings.settings import Login

NO_DOCKER = {"PATH": "/nowhere"}


def one(registry: str, password: str | None = None) -> Login:
    return Login(registry, "bob", Secret(password or "hunter2hunter2"), "--password")


def entries(directory: Path) -> dict[str, str]:
    auths = json.loads((directory / "config.json").read_text())["auths"]
    return {host: base64.b64decode(entry["auth"]).decode() for host, entry in auths.items()}


def test_without_docker_the_logins_are_written_for_later_steps(tmp_path: Path) -> None:
    request = LoginRequest(source=None, logins=(one("ghcr.io"), one("docker.io")), place=tmp_path, environment=NO_DOCKER)
    result = login(request)
    hub = "https://index.docker.io/v1/"
    assert entries(result.directory) == {"ghcr.io": "bob:hunter2hunter2", hub: "bob:hunter2hunter2"}
    assert stat.S_IMODE((result.directory / "config.json").stat().st_mode) == 0o600
    assert result.as_json() == {"docker_config": str(result.directory), "registries": ["ghcr.io", "docker.io"], "checked": False}


def test_a_shell_that_evaluates_the_lines_uses_the_directory(tmp_path: Path) -> None:
    place = tmp_path / 'with "quotes" and $HOME'
    place.mkdir()
    result = login(LoginRequest(source=None, logins=(), place=place, environment=NO_DOCKER))
    script = result.lines() + 'printf "%s\\n" "$DOCKER_CONFIG" "$MOORAGE_DOCKER_CONFIG"'
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == [str(result.directory)] * 2
    assert result.lines(Syntax.POWERSHELL).startswith("$Env:DOCKER_CONFIG = ")


def test_a_second_login_adds_to_the_first(tmp_path: Path) -> None:
    first = login(LoginRequest(source=None, logins=(one("ghcr.io"),), place=tmp_path, environment=NO_DOCKER))
    second = login(LoginRequest(source=first.directory, logins=(one("quay.io"),), place=tmp_path, environment=NO_DOCKER))
    assert second.directory == first.directory
    assert set(entries(first.directory)) == {"ghcr.io", "quay.io"}


def refusing_docker(folder: Path) -> dict[str, str]:
    """A docker command that knows no password."""
    folder.mkdir()
    program = folder / "docker"
    program.write_text('#!/bin/sh\ncat > /dev/null\necho "unauthorized: incorrect username or password" >&2\nexit 1\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}


def test_all_refused_logins_are_named_and_nothing_stays(tmp_path: Path) -> None:
    logins = (one("ghcr.io", "first-password"), one("quay.io", "second-password"))
    environment = refusing_docker(tmp_path / "bin")
    with pytest.raises(DockerError) as caught:
        login(LoginRequest(source=None, logins=logins, place=tmp_path, environment=environment))
    assert "login to ghcr.io with --password" in caught.value.message
    assert "login to quay.io with --password" in caught.value.message
    assert "first-password" not in caught.value.message
    assert list((tmp_path / "moorage").iterdir()) == []


def test_no_login_asked_for_needs_no_docker(tmp_path: Path) -> None:
    with private_docker_config(None, place=tmp_path) as config:
        assert log_in(config, (), NO_DOCKER) is True


def test_a_login_of_the_users_own_replaces_that_of_the_ci_system() -> None:
    own, by_ci = one("ghcr.io", "own-password"), one("ghcr.io", "job-token")
    assert merged((own,), (by_ci, one("quay.io"))) == (own, one("quay.io"))


def test_logout_removes_what_login_made_and_is_content_when_it_is_gone(tmp_path: Path) -> None:
    made = login(LoginRequest(source=None, logins=(one("ghcr.io"),), place=tmp_path, environment=NO_DOCKER))
    request = LogoutRequest.of({"DOCKER_CONFIG": str(made.directory)})
    assert logout(request).as_json() == {"docker_config": str(made.directory), "removed": True}
    assert not made.directory.exists()
    assert logout(request).removed is False
    assert logout(LogoutRequest.of({})).as_json() == {"docker_config": None, "removed": False}


def test_logout_never_removes_the_users_own_directory(tmp_path: Path) -> None:
    own = tmp_path / ".docker"
    own.mkdir()
    (own / "config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="nothing was removed"):
        logout(LogoutRequest.of({"DOCKER_CONFIG": str(own)}))
    assert (own / "config.json").exists()
