import os
import stat
import tempfile
from pathlib import Path

import pytest

from moorage.docker.places import Kind, hand_over, own_directory, remove_tree, state_of
from moorage.errors import ConfigurationError


def test_the_runtime_directory_is_used_when_it_is_our_own(tmp_path: Path) -> None:
    found = own_directory(environment={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert found == tmp_path / "moorage"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


@pytest.mark.parametrize("runtime", ["", "relative", "/nowhere/at/all"])
def test_else_a_directory_of_our_user_below_the_temporary_ones(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert own_directory(environment={"XDG_RUNTIME_DIR": runtime}) == tmp_path / f"moorage-{os.geteuid()}"


def test_a_link_laid_out_by_somebody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trap").mkdir()
    (tmp_path / "moorage").symlink_to(tmp_path / "trap")
    with pytest.raises(ConfigurationError, match="is a link") as caught:
        own_directory(tmp_path)
    assert "XDG_RUNTIME_DIR" in caught.value.remedy


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "moorage").write_text("")
    with pytest.raises(ConfigurationError, match="File exists"):
        own_directory(tmp_path)


def test_another_users_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moorage").mkdir(mode=0o700)
    whose = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ConfigurationError, match=f"belongs to user {whose}"):
        own_directory(tmp_path)


def test_a_directory_that_others_may_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "moorage").mkdir(mode=0o755)
    assert stat.S_IMODE(own_directory(tmp_path).stat().st_mode) == 0o700


def test_the_owner_of_the_place_gets_what_root_made_there(tmp_path: Path) -> None:
    owner = (1001, 121) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(tmp_path, *owner)
    directory = own_directory(tmp_path) / "docker-1"
    directory.mkdir()
    (directory / "config.json").write_text("{}")
    hand_over(directory)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (tmp_path / "moorage").rglob("*")} == {owner}
    assert own_directory(tmp_path).stat().st_uid == owner[0], "and root still works with it"


def test_only_what_carries_our_mark_and_name_is_ours(tmp_path: Path) -> None:
    for name, text in {"docker-a": "run\n", "docker-b": "login\n", "docker-c": "else\n", "other": "login\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".moorage").write_text(text)
    (tmp_path / "docker-link").symlink_to(tmp_path / "docker-b")
    found = {name: state_of(tmp_path / name) for name in ("docker-a", "docker-b", "docker-c", "other", "docker-link", "docker-0")}
    expected = {"docker-a": Kind.RUN, "docker-b": Kind.LOGIN}
    assert {name: kind for name, kind in found.items() if kind} == expected


def test_a_tree_is_removed_and_a_missing_one_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert remove_tree(tmp_path / "a")
    assert remove_tree(tmp_path / "a")
