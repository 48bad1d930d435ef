"""What was recorded of contents, written anew: what is missing, where it was, and once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_home import Home
from moorage.commands.record_restoring import record_again
from moorage.commands.recorded import Recorded
from moorage.commands.records import Publication, read_records, write_record
from moorage.commands.world import World
from moorage.errors import Denied
from moorage.oci.records import is_record
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.oci.tagging import TagStrategy
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.oci.ledger import ImageRecords

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
CONTENT = "0123456789abcdef"
ONE, TWO = "c" * 40, "d" * 40


class Place:
    """A directory of layouts with a home for records that nobody has written to yet."""

    def __init__(self, folder: Path) -> None:
        self.name = Registry(f"oci:{folder}")
        self.port = LayoutRegistry(self.name)
        self.home = Home(self.port, Repository(self.name, "stages"))
        self.world = World(now=lambda: NOW, environ={"HOME": str(folder)})
        self.recorded = Recorded(
            image="app", content=CONTENT, repository=f"{self.name}/app", digests=frozenset({"sha256:one", "sha256:two"}),
            home=f"{self.name}/stages", names=f"{self.name}/stages", project="shop", commits={ONE: 1, TWO: 2},
            tags={"v1": ("git-tag", 5)},
        )  # fmt: skip

    @property
    def back(self) -> set[tuple[str, str]]:
        return {(self.recorded.repository, "sha256:two")}

    def found(self) -> ImageRecords:
        names = [tag for tag in self.port.tag_names(self.home.repository) if is_record(tag)]
        return read_records(self.home, names, BlobCache(), parallel=1).images(["app"])["app"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_everything_where_the_home_is_gone(place: Place) -> None:
    again = record_again([place.recorded], place.back, {place.name: place.port}, place.world)
    assert again.problems == ()
    found = place.found()
    assert found.commits == {ONE: {CONTENT: SECONDS}, TWO: {CONTENT: SECONDS}}
    assert found.tags == {"v1": ("git-tag", 5)}


def test_only_what_is_missing(place: Place) -> None:
    tags = {"v1": TagStrategy.CUSTOM}
    write_record(place.home, Publication("app", ONE, f"sha256:{CONTENT}{'0' * 48}", NOW, tags))
    again = record_again([replace(place.recorded, tags={})], place.back, {place.name: place.port}, place.world)
    assert again.notes[-1] == f"what was published at which commit is recorded again in {place.recorded.home}: 1"
    assert place.found().commits.keys() == {ONE, TWO}
    assert record_again([place.recorded], place.back, {place.name: place.port}, place.world).problems == ()
    assert place.found().tags == {"v1": ("git-tag", 5)}
    assert record_again([place.recorded], place.back, {place.name: place.port}, place.world).notes == ()


@pytest.mark.parametrize("back", [set(), {("elsewhere", "sha256:two")}, {("oci:x/app", "sha256:three")}])
def test_nothing_of_what_did_not_come_back(place: Place, back: set[tuple[str, str]]) -> None:
    again = record_again([place.recorded], back, {place.name: place.port}, place.world)
    assert (again.notes, again.problems) == ((), ())


@pytest.mark.parametrize("lost", ["home", "names"])
def test_a_home_that_this_run_does_not_speak_to(place: Place, lost: str) -> None:
    elsewhere = "stages.example.com/shop"
    there = replace(place.recorded, home=elsewhere) if lost == "home" else replace(place.recorded, names=elsewhere)
    (problem,) = record_again([there], place.back, {place.name: place.port}, place.world).problems
    assert "--stages-storage" in problem


def test_a_home_that_takes_nothing(place: Place) -> None:
    class Closed(LayoutRegistry):
        def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
            raise Denied("writing is not allowed")

    (problem,) = record_again([place.recorded], place.back, {place.name: Closed(place.name)}, place.world).problems
    assert "could not be recorded anew: writing is not allowed" in problem
