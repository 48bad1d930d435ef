import os
import time
from pathlib import Path

import pytest

from moorage.docker.config_dir import lasting_docker_config, private_docker_config
from moorage.docker.leftovers import LOGIN_LIFETIME, SETTLING, held, sweep


@pytest.fixture
def now() -> float:
    return time.time()


def abandoned(parent: Path, name: str = "docker-1") -> Path:
    """What a run leaves behind that was killed."""
    directory = parent / name
    directory.mkdir()
    with held(directory):
        (directory / "config.json").write_text("{}")
    return directory


def test_what_a_killed_run_left_is_removed(tmp_path: Path, now: float) -> None:
    directory = abandoned(tmp_path)
    assert sweep(tmp_path, now=now + SETTLING + 1) == [directory]
    assert not directory.exists()


def test_a_run_that_is_just_starting_is_left_alone(tmp_path: Path, now: float) -> None:
    directory = abandoned(tmp_path)
    (tmp_path / "docker-2").mkdir()  # made, and not yet locked
    assert sweep(tmp_path, now=now + SETTLING - 1) == []
    assert set(sweep(tmp_path, now=now + SETTLING + 1)) == {directory, tmp_path / "docker-2"}


def test_a_living_run_is_left_alone_however_old_even_by_its_own_process(tmp_path: Path, now: float) -> None:
    with private_docker_config(None, place=tmp_path) as config:
        assert sweep(config.directory.parent, now=now + 10 * LOGIN_LIFETIME) == []
        assert config.directory.is_dir()


def test_logins_live_for_a_day_after_the_last_one(tmp_path: Path, now: float) -> None:
    with lasting_docker_config(None, place=tmp_path) as config:
        pass
    parent = config.directory.parent
    assert sweep(parent, now=now + LOGIN_LIFETIME - 60) == []
    os.utime(config.directory / ".moorage", (now - LOGIN_LIFETIME, now - LOGIN_LIFETIME))
    with lasting_docker_config(config.directory, place=tmp_path):
        pass
    assert sweep(parent, now=now + 60) == []
    assert sweep(parent, now=now + LOGIN_LIFETIME + 60) == [config.directory]


def test_nothing_else_is_touched(tmp_path: Path, now: float) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "docker-file").write_text("")
    target = abandoned(tmp_path, "target")
    (tmp_path / "docker-link").symlink_to(target)
    assert sweep(tmp_path, now=now + 10 * LOGIN_LIFETIME) == []
    assert len(list(tmp_path.iterdir())) == 4


def test_a_clock_that_was_set_back_removes_nothing(tmp_path: Path, now: float) -> None:
    abandoned(tmp_path)
    assert sweep(tmp_path, now=now - 3600) == []
