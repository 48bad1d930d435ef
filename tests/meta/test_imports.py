"""The import contracts bite: each is broken once, in a copy, by the kind of line that somebody could write in good faith."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
FLOORS, VENDORS, PURE = (contract["name"] for contract in SETTINGS["contracts"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src/moorage", tmp_path / "moorage", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken(copy: Path) -> list[str]:
    """The names of the contracts that import-linter finds broken in the copy."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    found = re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)
    assert bool(found) is bool(done.returncode), done.stdout + done.stderr
    return found


def test_the_copy_as_it_is_keeps_all_of_them(copy: Path) -> None:
    assert broken(copy) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("errors", "from moorage import option", FLOORS),
        ("policy/rules", "from moorage.registries import interface", FLOORS),
        ("docker/engine", "from moorage.git import history", FLOORS),  # the same floor
        ("commands/names", "from moorage.cli import call", FLOORS),
        ("registries/quay/api", "from moorage.registries.harbor import payloads", VENDORS),
        ("oci/layout", "import os", PURE),
        ("policy/planner", "import requests", PURE),
    ],
)
def test_an_import_that_is_forbidden_is_found(copy: Path, module: str, line: str, contract: str) -> None:
    file = copy / f"moorage/{module}.py"
    with file.open("a", encoding="utf-8") as text:
        text.write(f"\n{line}\n")
    assert broken(copy) == [contract]


def test_a_room_on_no_floor_is_found(copy: Path) -> None:
    (copy / "moorage/attic").mkdir()
    (copy / "moorage/attic/__init__.py").touch()
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "attic" in done.stdout + done.stderr
