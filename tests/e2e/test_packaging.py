"""What is uploaded to an index: it builds, says the right things about itself, and works where nothing but it was installed."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.archives import write_layout
from tests.images import image, layer

import moorage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

pytestmark = pytest.mark.xdist_group("packaging")

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "moorage"
DATA = sorted(
    path.relative_to(ROOT / "src").as_posix() for path in PACKAGE.rglob("*") if path.suffix in {".js", ".css", ".html", ".typed"}
)
# What the base install brings: four packages, and what requests brings along.
LIGHT = {"moorage", "requests", "pyyaml", "google-re2", "mmh3", "certifi", "charset-normalizer", "idna", "urllib3"}


def run(*argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=env, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist, and with the wheel that was built from it, as `python -m build` does."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of programs of an environment with the wheel and what it needs, as pipx makes one."""
    folder = tmp_path_factory.mktemp("pipx") / "venv"
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "pip", "install", "--quiet", wheel)
    return folder / "bin"


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """An environment in which neither the sources nor docker can be found."""
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": str(home), "PATH": "/nowhere", "LANG": "C.UTF-8"}


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert sorted(name for name in names if not name.endswith(".py") and name.startswith("moorage/")) == DATA
    assert len(DATA) >= 5, "the report's page, styles and scripts, and py.typed"
    assert {name.split("/")[0] for name in names} == {"moorage", f"moorage-{moorage.__version__}.dist-info"}
    sources = {path.relative_to(ROOT / "src").as_posix() for path in PACKAGE.rglob("*.py")}
    assert sources == {name for name in names if name.endswith(".py")}


def test_the_sdist_holds_what_is_needed_to_build_test_and_read_it(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "action.yml", "Dockerfile", "Makefile", "docs/options.md"}
    assert {*wanted, *(f"src/{name}" for name in DATA)} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "demo-out", "dist/")) or "__pycache__" in name]


def test_the_metadata_says_what_an_index_shows(wheel: Path) -> None:
    found = metadata(wheel)
    assert (found["Name"], found["Version"], found["License-Expression"]) == ("moorage", moorage.__version__, "Apache-2.0")
    assert found["Requires-Python"] == ">=3.11"
    assert found["Description-Content-Type"] == "text/markdown"
    assert "# Moorage" in str(found.get_payload())
    assert "Source, https://github.com/moorage/moorage" in (found.get_all("Project-URL") or [])
    extras = found.get_all("Provides-Extra") or []
    assert set(extras) == {"all", "ecr", "gcr", "github", "kubernetes"}
    needs = [text for text in found.get_all("Requires-Dist") or [] if "extra ==" not in text]
    assert len(needs) == 4
    assert not [classifier for classifier in found.get_all("Classifier") or [] if classifier.startswith("License ::")]


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_base_install_is_light_and_consistent(installed: Path) -> None:
    listed = json.loads(run(installed / "pip", "list", "--format", "json"))
    assert {entry["name"].lower().replace("_", "-") for entry in listed} - {"pip", "setuptools"} == LIGHT
    run(installed / "pip", "check")


def test_the_command_starts_and_names(installed: Path, alone: dict[str, str]) -> None:
    program = installed / "moorage"
    assert run(program, "--version", env=alone) == f"moorage {moorage.__version__}\n"
    said = run(program, "names", "--images-repo", "ghcr.io/acme/shop", "--image", "web", "--tag-custom", "v1", env=alone)
    assert "ghcr.io/acme/shop/web:v1" in said
    assert run(installed / "python", "-m", "moorage", "--version", env=alone) == f"moorage {moorage.__version__}\n"


def test_layouts_are_published_and_cleaned_without_extras(installed: Path, alone: dict[str, str], tmp_path: Path) -> None:
    write_layout(tmp_path / "made", {"web": image(layer("web"))})
    program, there = installed / "moorage", ("--images-repo", "oci:registry")
    run(
        program,
        "publish",
        *there,
        "--image",
        "web=oci:made",
        "--tag-custom",
        "v1",
        "--tag-custom",
        "keep",
        cwd=tmp_path,
        env=alone,
    )
    rules = ("--repository", "web", "--delete-tags", "v*", "--keep-images-built-within-last-n-hours", "0")
    run(program, "cleanup", *there, *rules, "--report", "report.html", cwd=tmp_path, env=alone)
    left = layout_reading.tags(tmp_path / "registry" / "web")
    assert "keep" in left
    assert "v1" not in left
    assert "<style>" in (tmp_path / "report.html").read_text(encoding="utf-8"), "the page's parts are in the wheel"


@pytest.mark.parametrize("extra", ["ecr", "gcr", "github", "kubernetes", "all"])
def test_extras_resolve(installed: Path, wheel: Path, extra: str) -> None:
    report = run(
        installed / "pip", "install", "--quiet", "--dry-run", "--report", "-", f"{wheel}[{extra}]", env=pip_environment()
    )
    added = {entry["metadata"]["name"].lower() for entry in json.loads(report)["install"]}
    wanted = {"ecr": {"boto3"}, "gcr": {"google-auth"}, "github": {"gql"}, "kubernetes": {"lightkube"}}
    assert added >= wanted.get(extra, set().union(*wanted.values()))


def pip_environment() -> dict[str, str]:
    """The machine's own settings of pip: where its index is."""
    return {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
