"""The vendors' folders are those of the catalogue, laid out alike, and each is held to the contract."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from moorage.registries.catalog import VENDORS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ROOT / "src/moorage/registries"
SHARED = {"distribution", "sources"}  # what vendors use, and what images are read from
FOLDERS = {path.parent.name for path in ROOMS.glob("*/__init__.py")} - SHARED


def test_the_folders_are_the_catalogue() -> None:
    assert set(VENDORS) == FOLDERS


def test_none_may_import_another() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (apart,) = (one["modules"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "independence")
    assert {name.rpartition(".")[2] for name in apart} == FOLDERS


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_each_has_the_same_rooms_and_a_contract_test(name: str) -> None:
    folder = ROOMS / name
    assert (folder / "registry.py").is_file()
    assert (folder / "payloads.py").is_file() is (folder / "api.py").is_file(), "answers are parsed once, in payloads.py"
    contract = (ROOT / f"tests/contract/test_{name}.py").read_text(encoding="utf-8")
    assert re.search(r"^class Test\w+\(.*\b(Vendor|Registry)Contract\):$", contract, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_each_page_says_what_its_registry_can_do_and_what_is_odd_about_it(name: str) -> None:
    headings = re.findall(r"^## (.+)$", (ROOMS / name / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = ["Abilities", "Quirks"] if name == "layout" else ["Abilities", "Credentials", "Quirks"]  # a directory has no login
    assert [heading for heading in headings if heading in wanted] == wanted
