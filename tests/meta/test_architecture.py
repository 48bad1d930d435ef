"""docs/architecture.md is true: its floors are those of the import contract, its packages those that are installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_floors_are_those_of_the_import_contract() -> None:
    (drawing,) = re.findall(r"^```\n(cli .*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    floors = [re.split(r"  +", line.strip())[0] for line in drawing.splitlines() if line[0].isalpha()]
    (layers,) = (one["layers"] for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    assert floors == layers
    assert {room for floor in layers for room in floor.split(" | ")} == {
        path.stem for path in (ROOT / "src/moorage").iterdir() if path.suffix in {".py", ""} and path.stem.isalpha()
    }


def test_every_package_is_argued_for_and_none_that_is_not_needed() -> None:
    extras = {name: needs for name, needs in PROJECT["project"]["optional-dependencies"].items() if name != "all"}
    needed = {_name(text): "" for text in PROJECT["project"]["dependencies"]}
    needed |= {_name(text): extra for extra, needs in extras.items() for text in needs}
    assert dict(re.findall(r"^\| ([\w-]+)(?: \(extra `(\w+)`\))? \| .+ \| .+ \|$", PAGE, re.MULTILINE)[1:]) == needed
    assert PROJECT["project"]["optional-dependencies"]["all"] == [f"moorage[{','.join(extras)}]"]


def test_files_that_are_named_are_there() -> None:
    for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md))`", PAGE):
        places = [ROOT / name, ROOT / "src/moorage" / name, ROOT / "src/moorage/commands" / name]
        assert any(place.is_file() for place in places), name


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0]
