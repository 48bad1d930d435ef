"""The signature says the same wherever and whenever it is computed, and something else for everything that decides an image."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.images import image

from moorage.commands.publish.content import read_config
from moorage.commands.publish.signature import built_part, content_part, signature_of
from moorage.errors import ConfigurationError
from moorage.settings.settings import BuildContext

if TYPE_CHECKING:
    from collections.abc import Callable

BASES = {"alpine:3": "sha256:" + "a" * 64}


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    folder = tmp_path / "app"
    (folder / "src/empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM alpine:3\nCOPY . .\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "src/main.py").write_text("print()")
    (folder / "src/link").symlink_to("main.py")
    (folder / "noise.log").write_text("noise")
    (folder / ".git").mkdir()
    (folder / ".git/index").write_text("as of now")
    return BuildContext(folder, build_args=(("A", "1"),), platforms=("linux/amd64",), secrets=("id=token,src=/home/me/token",))


def signed(context: BuildContext, bases: dict[str, str] | None = None) -> str:
    return signature_of([built_part(context, BASES if bases is None else bases)])


def test_it_has_56_digits_and_stays(context: BuildContext) -> None:
    assert re.fullmatch(r"[0-9a-f]{56}", signed(context))
    assert signed(context) == signed(context)


def _elsewhere(context: BuildContext) -> BuildContext:
    place = context.directory.parent / "another" / "checkout"
    shutil.copytree(context.directory, place, symlinks=True)
    return replace(context, directory=place, secrets=("id=token,src=/builds/token",))


def _touched(context: BuildContext) -> BuildContext:
    for path in context.directory.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    return context


def _with_another_umask(context: BuildContext) -> BuildContext:
    (context.directory / "src/main.py").chmod(0o664)
    return context


def _ignored(context: BuildContext) -> BuildContext:
    (context.directory / "noise.log").write_text("more noise")
    (context.directory / "other.log").write_text("new")
    return context


def _cached(context: BuildContext) -> BuildContext:
    return replace(context, cache_from=("type=gha",), cache_to=("type=gha,mode=max",), ssh=("default",))


def _committed(context: BuildContext) -> BuildContext:
    (context.directory / ".git/index").write_text("as of later")
    return context


@pytest.mark.parametrize("change", [_elsewhere, _touched, _with_another_umask, _ignored, _committed, _cached])
def test_what_decides_nothing_changes_nothing(context: BuildContext, change: Callable[[BuildContext], BuildContext]) -> None:
    before = signed(context)
    assert signed(change(context)) == before


def _write(name: str, text: str) -> Callable[[BuildContext], BuildContext]:
    def change(context: BuildContext) -> BuildContext:
        (context.directory / name).write_text(text)
        return context

    return change


def _rename(context: BuildContext) -> BuildContext:
    (context.directory / "src/main.py").rename(context.directory / "src/other.py")
    return context


def _executable(context: BuildContext) -> BuildContext:
    (context.directory / "src/main.py").chmod(0o755)
    return context


def _link(context: BuildContext) -> BuildContext:
    (context.directory / "src/link").unlink()
    (context.directory / "src/link").symlink_to("elsewhere")
    return context


def _directory(context: BuildContext) -> BuildContext:
    (context.directory / "src/empty").rmdir()
    return context


@pytest.mark.parametrize(
    "change",
    [
        _write("Dockerfile", "FROM alpine:3\nCOPY . /app\n"),
        _write("src/main.py", "print(1)"),
        _write("new", ""),
        _write(".dockerignore", ""),
        _rename,
        _executable,
        _link,
        _directory,
        lambda context: replace(context, target="test"),
        lambda context: replace(context, build_args=(("A", "2"),)),
        lambda context: replace(context, platforms=("linux/arm64",)),
        lambda context: replace(context, labels=(("team", "web"),)),
        lambda context: replace(context, attestations=("type=provenance",)),
    ],
    ids=[
        "Dockerfile",
        "file",
        "new file",
        ".dockerignore",
        "name",
        "mode",
        "link",
        "directory",
        "target",
        "argument",
        "platform",
        "label",
        "attestation",
    ],
)
def test_whatever_decides_the_image_changes_it(context: BuildContext, change: Callable[[BuildContext], BuildContext]) -> None:
    before = signed(context)
    assert signed(change(context)) != before


def test_a_base_that_moved_changes_it(context: BuildContext) -> None:
    assert signed(context) != signed(context, {"alpine:3": "sha256:" + "b" * 64})


def test_the_order_of_platforms_and_arguments_does_not_matter(context: BuildContext) -> None:
    one = replace(context, platforms=("linux/amd64", "linux/arm64"), build_args=(("A", "1"), ("B", "2")))
    other = replace(context, platforms=("linux/arm64", "linux/amd64"), build_args=(("B", "2"), ("A", "1")))
    assert signed(one) == signed(other)


def test_an_image_that_is_there_already_is_its_content() -> None:
    first, labelled = image(created="2024-01-01T00:00:00Z"), image(labels={"dev.moorage.project": "shop"})
    parts = [content_part([read_config(one.config)]) for one in (first, labelled)]
    assert signature_of([parts[0]]) == signature_of([parts[1]])
    assert signature_of([parts[0]]) != signature_of([content_part([read_config(image(labels={"own": "label"}).config)])])


def test_it_does_not_change_between_versions(tmp_path: Path) -> None:
    """Raise VERSION when this has to be another one: everybody's images are built anew then."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").chmod(0o644)
    assert signed(BuildContext(tmp_path), {}) == "7d943c79114494296db3d08de303af8d6a5e3892ed5c039b7aad5c11"


def test_what_cannot_be_read_is_named(context: BuildContext) -> None:
    gone = replace(context, dockerfile=Path("nowhere/Dockerfile"))
    with pytest.raises(ConfigurationError, match="nowhere/Dockerfile cannot be read"):
        signed(gone)
