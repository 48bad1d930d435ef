import base64
import hashlib
import json
import os
import stat
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from moorage.auth.secret import Secret
from moorage.docker.config_dir import (
    DockerConfig,
    lasting_docker_config,
    login_key,
    private_docker_config,
    remove_docker_config,
)
from moorage.errors import ConfigurationError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def user_config(tmp_path: Path) -> Path:
    """A directory such as a developer has: a login, a context, plugins, and gigabytes of what nobody needs."""
    docker = tmp_path / "user"
    remote = hashlib.sha256(b"remote").hexdigest()
    files = {
        "config.json": json.dumps({"auths": {"quay.io": {"auth": "dTpw"}}, "currentContext": "remote", "psFormat": "x"}),
        f"contexts/meta/{remote}/meta.json": '{"Name": "remote"}',
        f"contexts/tls/{remote}/docker/key.pem": "tls key",
        f"contexts/meta/{'0' * 64}/meta.json": '{"Name": "another"}',
        "key.pem": "client key",
        "cli-plugins/docker-buildx": "#!/bin/sh",
        "buildx/current": '{"Name": "mine"}',
        "buildx/instances/mine": '{"Driver": "docker-container"}',
        "buildx/refs/mine/mine0/abc": "{}",
        "scout/cache.db": "huge",
        "desktop/state": "huge",
    }
    for name, text in files.items():
        (docker / name).parent.mkdir(parents=True, exist_ok=True)
        (docker / name).write_text(text)
    return docker


def snapshot(directory: Path) -> dict[str, tuple[bytes, int, int]]:
    """Contents, modes and times of every file."""
    return {
        str(path.relative_to(directory)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in sorted(directory.rglob("*"))
    }


def test_a_private_config_holds_what_is_needed_for_our_eyes_only(user_config: Path, tmp_path: Path) -> None:
    before = snapshot(user_config)
    remote = hashlib.sha256(b"remote").hexdigest()
    with private_docker_config(user_config, place=tmp_path) as config:
        assert config.content() == {"auths": {"quay.io": {"auth": "dTpw"}}, "currentContext": "remote"}
        found = {str(path.relative_to(config.directory)) for path in config.directory.rglob("*") if path.is_file()}
        assert found == {
            ".moorage", "config.json", "key.pem", "buildx/current", "buildx/instances/mine",
            f"contexts/meta/{remote}/meta.json", f"contexts/tls/{remote}/docker/key.pem",
        }  # fmt: skip
        assert (config.directory / "cli-plugins").readlink() == user_config / "cli-plugins"
        for path in (config.directory.parent, config.directory, *config.directory.rglob("*")):
            if not path.is_symlink():
                assert mode(path) == (0o700 if path.is_dir() else 0o600), path
        (config.directory / "buildx" / "current").write_text("changed")
    assert not config.directory.exists()
    assert snapshot(user_config) == before


def test_it_is_gone_after_a_failure_and_after_one_in_a_worker_thread(tmp_path: Path) -> None:
    seen: list[Path] = []

    def work(config: DockerConfig) -> None:
        seen.append(config.directory)
        raise RuntimeError("boom")

    holding = private_docker_config(None, place=tmp_path)
    with pytest.raises(RuntimeError, match="boom"), holding as config, ThreadPoolExecutor() as pool:
        pool.submit(work, config).result()
    assert seen
    assert list((tmp_path / "moorage").iterdir()) == []


def test_a_broken_source_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigurationError, match="line 1, column 2"), private_docker_config(tmp_path, place=tmp_path):
        pytest.fail("a broken configuration was accepted")
    assert not (tmp_path / "moorage").exists()


def test_two_runs_have_two_directories(tmp_path: Path) -> None:
    with private_docker_config(None, place=tmp_path) as one, private_docker_config(None, place=tmp_path) as two:
        assert one.directory != two.directory
        assert one.directory.is_dir()
    assert not one.directory.exists()
    assert not two.directory.exists()


def test_docker_is_told_the_directory_and_nothing_else_changes(tmp_path: Path) -> None:
    config = DockerConfig(tmp_path)
    assert config.environment({"DOCKER_CONFIG": "/users/own", "A": "b"}) == {"DOCKER_CONFIG": str(tmp_path), "A": "b"}


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("ghcr.io", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("https://registry.example.com/group/app", "registry.example.com"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("registry-1.docker.io", "https://index.docker.io/v1/"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
    ],
)
def test_a_login_is_kept_under_the_name_that_docker_looks_for(host: str, key: str) -> None:
    assert login_key(host) == key


def test_a_login_stays_in_the_copy_and_other_hosts_keep_their_helpers(tmp_path: Path) -> None:
    source = tmp_path / "user"
    source.mkdir()
    helpers = {"ghcr.io": "stealing", "gcr.io": "gcloud", "docker.io": "stealing"}
    (source / "config.json").write_text(json.dumps({"credsStore": "pass", "credHelpers": helpers}))
    with private_docker_config(source, place=tmp_path) as config:
        config.write_login("ghcr.io", "bob", Secret("hunter2hunter2"))
        config.write_login("index.docker.io", "bob", Secret("hub-hunter2"))
        content = config.content()
    hub = "https://index.docker.io/v1/"
    assert content["credHelpers"] == {"gcr.io": "gcloud", "ghcr.io": "", hub: ""}
    assert content["credsStore"] == "pass"
    assert base64.b64decode(content["auths"]["ghcr.io"]["auth"]) == b"bob:hunter2hunter2"
    assert base64.b64decode(content["auths"][hub]["auth"]) == b"bob:hub-hunter2"


def test_without_a_store_no_empty_helper_is_written_for_other_tools_to_trip_over(tmp_path: Path) -> None:
    with private_docker_config(None, place=tmp_path) as config:
        config.write_login("ghcr.io", "bob", Secret("hunter2hunter2"))
        assert set(config.content()) == {"auths"}


def log_in(directory: str, number: int) -> None:
    DockerConfig(Path(directory)).write_login(f"registry-{number}.example.com", "bob", Secret(f"password-{number}"))


def test_sixteen_logins_in_parallel_processes_are_all_kept(user_config: Path, tmp_path: Path) -> None:
    before = snapshot(user_config)
    with private_docker_config(user_config, place=tmp_path) as config:
        with ProcessPoolExecutor(16, mp_context=get_context("fork")) as pool:
            waiting = [pool.submit(log_in, str(config.directory), number) for number in range(16)]
            for one in waiting:
                one.result()
        assert set(config.content()["auths"]) == {"quay.io", *(f"registry-{number}.example.com" for number in range(16))}
        assert mode(config.directory / "config.json") == 0o600
        assert not list(config.directory.glob(".config.json*")), "a partial file stayed"
    assert snapshot(user_config) == before


def test_sixteen_logins_in_parallel_threads_are_all_kept(tmp_path: Path) -> None:
    start = threading.Barrier(16)

    def work(number: int) -> None:
        start.wait()
        log_in(str(config.directory), number)

    with private_docker_config(None, place=tmp_path) as config:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, range(16)))
        assert len(config.content()["auths"]) == 16


def test_a_lasting_config_outlives_its_block_and_is_removed_by_name(tmp_path: Path) -> None:
    with lasting_docker_config(None, place=tmp_path) as config:
        config.write_login("ghcr.io", "bob", Secret("hunter2hunter2"))
    assert mode(config.directory) == 0o700
    assert "ghcr.io" in config.content()["auths"]
    assert remove_docker_config(config.directory) is True
    assert not config.directory.exists()
    assert remove_docker_config(config.directory) is False


def test_a_lasting_config_is_continued_and_not_copied(tmp_path: Path) -> None:
    with lasting_docker_config(None, place=tmp_path) as first:
        first.write_login("ghcr.io", "bob", Secret("hunter2hunter2"))
    with lasting_docker_config(first.directory, place=tmp_path) as second:
        second.write_login("quay.io", "bob", Secret("hunter2hunter2"))
    assert second == first
    assert set(first.content()["auths"]) == {"ghcr.io", "quay.io"}


def test_a_run_copies_a_lasting_config_and_leaves_it(tmp_path: Path) -> None:
    with lasting_docker_config(None, place=tmp_path) as lasting:
        lasting.write_login("ghcr.io", "bob", Secret("hunter2hunter2"))
    with private_docker_config(lasting.directory, place=tmp_path) as config:
        assert config.directory != lasting.directory
        assert "ghcr.io" in config.content()["auths"]
    assert lasting.directory.is_dir()


def test_a_login_that_fails_leaves_no_lasting_config(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), lasting_docker_config(None, place=tmp_path):
        raise RuntimeError("wrong password")
    assert list((tmp_path / "moorage").iterdir()) == []


def test_what_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    users = tmp_path / "docker-users"
    users.mkdir()
    (users / "config.json").write_text("{}")
    with lasting_docker_config(None, place=tmp_path) as ours:
        pass
    link = tmp_path / "docker-link"
    link.symlink_to(ours.directory)
    with private_docker_config(None, place=tmp_path) as running:
        for directory in (users, link, running.directory, Path(os.devnull)):
            with pytest.raises(ConfigurationError, match="was not made by `moorage login`; nothing was removed"):
                remove_docker_config(directory)
        assert running.directory.is_dir()
    assert (users / "config.json").exists()
    assert ours.directory.exists()


def test_removal_does_not_follow_links_out_of_the_directory(tmp_path: Path) -> None:
    plugins = tmp_path / "user" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").write_text("")
    with private_docker_config(tmp_path / "user", place=tmp_path) as config:
        assert (config.directory / "cli-plugins" / "docker-buildx").exists()
    assert (plugins / "docker-buildx").exists()
