"""Forty repositories in a real registry, ten policies: everything kept can still be pulled, everything else is gone, and a second
run finds nothing to do."""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests
from tests.calling import call
from tests.e2e import forty
from tests.images import push
from tests.realparts.registry import RegistrySettings, RunningRegistry, start_docker_registry

from moorage.oci.media_type import ACCEPT
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import open_default
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.forty import LetGo, Shelf


CONFIG = """
cleanup:
  rules:
  - tags: ["pr-*", "!pr-3"]
    olderThan: 10d
  - tags: ["/v[0-9]+/"]
    olderThan: 2w 1d
    keepNewest: 2
  protect: [latest, "v0"]
"""


@dataclass(frozen=True)
class Case:
    name: str
    arguments: tuple[str, ...]
    goes: LetGo
    config: str = ""


def v_number(tag: str) -> bool:
    return tag.startswith("v") and tag[1:].isdigit()


def by_config(shelf: Shelf) -> set[str]:
    requests_gone = forty.without(forty.named("pr-", 10), "pr-3")(shelf)
    covered = [tag for tag in shelf.tags if v_number(tag) and tag != "v0"]
    newest = shelf.newest(covered, 2)
    old = {tag for tag in covered if tag in forty.older(15)(shelf) and shelf.tags[tag].digest not in newest}
    return requests_gone | old


CASES = (
    Case("older than", ("--older-than", "30d"), forty.last_spared(forty.older(30))),
    Case("by name", ("--delete-tags", "pr-*"), forty.named("pr-")),
    Case("by name and age", ("--delete-tags", "pr-*", "--older-than", "10d"), forty.named("pr-", 10)),
    Case("all but the three newest", ("--keep-n-tagged", "3"), forty.all_but_newest(3)),
    Case(
        "all but the two newest of what is not excluded",
        ("--keep-n-tagged", "2", "--exclude-tags", "v*"),
        forty.all_but_newest(2, lambda tag: not tag.startswith("v")),
    ),
    Case(
        "what is protected stays",
        ("--older-than", "3d", "--protect", "v1*"),
        lambda shelf: {tag for tag in forty.older(3)(shelf) if not tag.startswith("v1")},
    ),
    Case(
        "platforms by name",
        ("--delete-tags", "/.*-(amd|arm)64(\\.[0-9])?/"),
        lambda shelf: {tag for tag in shelf.tags if "64" in tag},
    ),
    Case("everything, and meant so", ("--delete-tags", "*", "--delete-everything"), lambda shelf: set(shelf.tags)),
    Case("nothing", (), lambda _: set()),
    Case("a config file", (), by_config, CONFIG),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Shelf], Path]:
    """The forty repositories, pushed once; the storage of the registry that holds them."""
    shelves = forty.shelves()
    registry = start_docker_registry(RegistrySettings(), tmp_path_factory.mktemp("forty"))
    with Session() as session:
        name = Registry(registry.host)
        writer = open_default(Connection(name, session, Anonymous()))

        def fill(shelf: Shelf) -> None:
            place = Repository(name, shelf.path)
            for tag, one in shelf.tags.items():
                push(writer, place, one, tag)
            for one, _ in shelf.loose:
                push(writer, place, one)
            for tag, (one, _) in shelf.beside.items():
                push(writer, place, one, tag)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fill, shelves))
    registry.stop()
    return shelves, registry.storage


class Anonymous:
    def credential(self, registry: Registry) -> None:
        return None


@pytest.fixture
def registry(filled: tuple[list[Shelf], Path], tmp_path: Path) -> Iterator[RunningRegistry]:
    shutil.copytree(filled[1], tmp_path / "storage", symlinks=True, copy_function=shutil.copy)
    running = start_docker_registry(RegistrySettings(), tmp_path / "registry", tmp_path / "storage")
    yield running
    running.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ten_policies(case: Case, filled: tuple[list[Shelf], Path], registry: RunningRegistry, tmp_path: Path) -> None:
    shelves, _ = filled
    (tmp_path / "moorage.yaml").write_text(case.config or "project: forty\n")
    argv = ("cleanup", "--images-repo", registry.host, "--all-repositories", "--dir", str(tmp_path), "--max-delete-percent", "-1")
    environ = {"HOME": str(tmp_path)}
    called = call(*argv, *case.arguments, "--output", "json", environ=environ)
    assert called.code == 0, called.err

    expected = {shelf.path: forty.left(shelf, case.goes(shelf)) for shelf in shelves}
    totals = called.document["totals"]
    assert totals["deleted_tags"] == sum(len(left.gone_tags) for left in expected.values())
    assert totals["kept_tags"] == sum(len(left.tags) for left in expected.values())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda shelf: verify(registry, shelf.path, expected[shelf.path]), shelves))

    again = call(*argv, *case.arguments, "--output", "json", environ=environ)
    assert again.code == 0, again.err
    assert [item for item in again.document["items"] if item["action"] == "delete"] == []


def verify(registry: RunningRegistry, path: str, left: forty.Left) -> None:
    with requests.Session() as session:
        base = f"{registry.url}/v2/{path}"
        listed = session.get(f"{base}/tags/list", timeout=30).json().get("tags") or []
        assert set(listed) == left.tags, path
        read: set[str] = set()
        for tag in left.tags:
            pull(session, base, tag, read)
        for digest in left.manifests:
            pull(session, base, str(digest), read)
        for digest in left.gone_manifests:
            gone = session.get(f"{base}/manifests/{digest}", headers={"Accept": ACCEPT}, timeout=30)
            assert gone.status_code == 404, f"{path}@{digest} is still there"


def pull(session: requests.Session, base: str, reference: str, read: set[str]) -> None:
    """What docker would need: the manifest, all that it leads to, every blob; nothing of it taken on trust. `read` is known."""
    if reference in read:
        return
    read.add(reference)
    answer = session.get(f"{base}/manifests/{reference}", headers={"Accept": ACCEPT}, timeout=30)
    assert answer.status_code == 200, f"{base} {reference}"
    children, blobs = forty.references(answer.content, answer.headers["Content-Type"])
    for child in children:
        pull(session, base, str(child), read)
    for digest in blobs:
        if str(digest) not in read:
            read.add(str(digest))
            blob = session.get(f"{base}/blobs/{digest}", timeout=30)
            assert blob.status_code == 200, f"{base} {digest}"
            assert hashlib.sha256(blob.content).hexdigest() == digest.hex
