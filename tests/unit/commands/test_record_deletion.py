"""Records are deleted on their own word, never on their name's, and can be brought back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.images import image, layer, push

from moorage.commands.journal import Entry, Journal, read_journal
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.records import KIND, Publication, put_marker, write_image_name, write_record
from moorage.errors import Denied, NotFound
from moorage.oci import media_type
from moorage.oci.marker import marker
from moorage.oci.records import LedgerTag, image_tag
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.oci.werf_tag import commit_tag
from moorage.policy.plan import Outcome
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMIT = "a" * 40


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    return LayoutRegistry(Registry(f"oci:{tmp_path / 'registry'}"))


@pytest.fixture
def home(registry: LayoutRegistry, tmp_path: Path) -> Home:
    return Home(registry, Repository(Registry(f"oci:{tmp_path / 'registry'}"), "app"))


def record(home: Home, content: str = "X") -> Tag:
    return write_record(home, Publication("app", COMMIT, content, NOW, {}, "shop"))


def ledger(home: Home) -> Tag:
    content = b"many"
    tag = LedgerTag(Digest.of(content)).tag
    put_marker(home, tag, marker({KIND: "ledger"}, content))
    return tag


def name(home: Home) -> Tag:
    write_image_name(home, "app", NOW)
    return image_tag("app")


def werf_record(home: Home) -> Tag:
    assert isinstance(home.registry, LayoutRegistry)
    tag = Tag(commit_tag("app", COMMIT))
    push(home.registry, home.repository, image(layer("nothing"), labels={"ContentSignature": "S" * 56}, docker=True), tag.text)
    return tag


EVERY_KIND = pytest.mark.parametrize("write", [record, ledger, name, werf_record])


@EVERY_KIND
def test_a_record_goes_and_its_bytes_are_in_the_journal_first(home: Home, write: Callable[[Home], Tag], tmp_path: Path) -> None:
    tag = write(home)
    content, kind = home.reader.manifest(home.repository, tag)
    with Journal(tmp_path / "journal", home.repository.registry, NOW) as journal:
        assert Eraser(home, journal=journal).erase([tag]) == ()
    assert home.registry.tag_names(home.repository) == frozenset()
    (_, entries) = read_journal(tmp_path / "journal")
    assert entries == (
        Entry(home.repository, Digest.of(content), (tag,), media_type=kind, content=content, outcome=Outcome.DELETED),
    )


@EVERY_KIND
def test_an_image_under_a_record_s_name_stays(registry: LayoutRegistry, home: Home, write: Callable[[Home], Tag]) -> None:
    tag = write(home)
    pushed = image(layer("precious"))
    push(registry, home.repository, pushed, tag.text)
    assert Eraser(home).erase([tag]) == (f"{home.repository}:{tag} is left: it has the name of a record and is something else",)
    assert registry.resolve(home.repository, tag) == pushed.digest


@EVERY_KIND
def test_a_record_that_an_image_s_tag_leads_to_stays(home: Home, write: Callable[[Home], Tag]) -> None:
    tag = write(home)
    digest = home.registry.resolve(home.repository, tag)
    (note,) = Eraser(home, images=[digest]).erase([tag])
    assert note.endswith("is left: an image's tag leads to the same manifest")
    assert home.registry.resolve(home.repository, tag) == digest


@pytest.mark.parametrize("write", [record, ledger, name])
def test_a_record_under_another_one_s_name_stays(registry: LayoutRegistry, home: Home, write: Callable[[Home], Tag]) -> None:
    tag = write(home)
    other = record(home, "another content")
    registry.put_manifest(home.repository, tag, *registry.manifest(home.repository, other))
    (note,) = Eraser(home).erase([tag])
    assert "is something else" in note
    assert home.registry.tag_names(home.repository) == {tag, other}


def test_one_that_moorage_does_not_know_stays(home: Home) -> None:
    put_marker(home, Tag("moorage-image.app"), marker({KIND: "of a later version"}))
    assert len(Eraser(home).erase([Tag("moorage-image.app")])) == 1
    assert home.registry.tag_names(home.repository) == {Tag("moorage-image.app")}


def test_what_is_gone_is_done_and_the_others_go_on(home: Home) -> None:
    tag = record(home)
    assert Eraser(home).erase([Tag("moorage-image.never"), tag]) == ()
    assert home.registry.tag_names(home.repository) == frozenset()


def test_one_that_goes_in_between_is_gone(home: Home, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", home.repository.registry, NOW) as journal:
        eraser = Eraser(home, journal=journal)
        entry = eraser.look(record(home))
        home.registry.delete_manifest(home.repository, entry.digest)
        eraser.delete(entry)
    assert read_journal(tmp_path / "journal")[1] == (replace(entry, outcome=Outcome.ALREADY_GONE),)


def test_two_of_werf_s_that_are_one_manifest_are_one_deletion(registry: LayoutRegistry, home: Home, tmp_path: Path) -> None:
    tags = [Tag(commit_tag("app", digit * 40)) for digit in "ab"]
    push(registry, home.repository, image(layer("nothing"), labels={"ContentSignature": "S"}), *(tag.text for tag in tags))
    with Journal(tmp_path / "journal", home.repository.registry, NOW) as journal:
        assert Eraser(home, journal=journal).erase(tags) == ()
    (entry,) = read_journal(tmp_path / "journal")[1]
    assert entry.tags == tuple(tags)


def test_without_a_journal_that_can_be_written_everything_stays(home: Home, tmp_path: Path) -> None:
    tag = record(home)
    (tmp_path / "file").write_text("")
    with Journal(tmp_path / "file" / "journal", home.repository.registry, NOW) as journal:
        (note,) = Eraser(home, journal=journal).erase([tag])
    assert "nothing is deleted without it" in note
    assert home.registry.tag_names(home.repository) == {tag}


def test_what_is_no_manifest_stays(home: Home) -> None:
    class Odd(LayoutRegistry):
        def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
            if reference == Tag("moorage-image.gone"):
                raise NotFound("gone")
            return b"<html>", media_type.OCI_MANIFEST

    odd = Home(Odd(home.repository.registry), home.repository)
    (note,) = Eraser(odd).erase([Tag("moorage-image.gone"), Tag("moorage-image.app")])
    assert note == f"{home.repository}:moorage-image.app is left: it is not JSON"


def test_where_nothing_can_be_looked_at_everything_stays(home: Home) -> None:
    class Closed(LayoutRegistry):
        def manifest(self, repository: Repository, reference: Tag | Digest) -> tuple[bytes, str]:
            raise Denied(f"{repository} is closed")

    tag = record(home)
    assert Eraser(Home(Closed(home.repository.registry), home.repository)).erase([tag]) == (
        f"{home.repository}: a record could not be looked up: {home.repository} is closed",
    )
    assert home.registry.tag_names(home.repository) == {tag}
