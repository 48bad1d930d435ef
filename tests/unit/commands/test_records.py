"""Records written and read, the cache beside them, and werf's."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import image, layer, push

from moorage.commands.blob_cache import BlobCache
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.record_tidying import Alive, Tidying
from moorage.commands.records import HomeRecords, Publication, read_records, strategies_in, words_of, write_record
from moorage.errors import Unsupported
from moorage.oci import labels
from moorage.oci.records import content_key
from moorage.oci.reference import Digest, Registry, Repository
from moorage.oci.tagging import TagStrategy
from moorage.oci.werf_tag import commit_tag
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMIT, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def home(tmp_path: Path) -> Home:
    registry = Registry(f"oci:{tmp_path / 'registry'}")
    return Home(LayoutRegistry(registry), Repository(registry, "app"))


def read(home: Home, cache: BlobCache | None = None) -> HomeRecords:
    return read_records(home, home.registry.tag_names(home.repository), cache or BlobCache(), 2)


def publication(content: str = "X", commit: str = COMMIT, *, age: int = 3, **tags: TagStrategy) -> Publication:
    return Publication("app", commit, content, NOW - timedelta(hours=age), tags, "shop")


def recorded(home: Home) -> set[tuple[str, str]]:
    found = read(home).images(["app"])
    return {(commit, key) for image in found.values() for commit, keys in image.commits.items() for key in keys}


def tidy(home: Home, *contents: str, young: int = 2) -> tuple[str, ...]:
    alive = Alive({"app": frozenset(content_key(content) for content in contents)})
    return Tidying(read(home), Eraser(home), alive, ["app"], NOW, timedelta(hours=young)).tidy()


def werf_record(home: Home, commit: str, signature: str, created: str = "2026-11-19T12:00:00.123456789Z") -> None:
    assert isinstance(home.registry, LayoutRegistry)
    made = image(layer("nothing"), labels={"ContentSignature": signature}, created=created, docker=True)
    push(home.registry, home.repository, made, commit_tag("app", commit))


def test_a_record_says_in_words_what_its_name_says_in_short(home: Home) -> None:
    tag = write_record(home, publication("sha256:" + "1" * 64, v1=TagStrategy.GIT_TAG, main=TagStrategy.GIT_BRANCH))
    words = words_of(home, tag)
    assert words[labels.REVISION] == COMMIT
    assert words[labels.CONTENT] == "sha256:" + "1" * 64
    assert (words[labels.IMAGE], words[labels.PROJECT]) == ("app", "shop")
    assert strategies_in(words) == {"v1": "git-tag", "main": "git-branch"}
    assert recorded(home) == {(COMMIT, "1" * 16)}


@pytest.mark.parametrize("words", [{}, {"dev.moorage.tags": "no JSON"}, {"dev.moorage.tags": "[1]"}])
def test_words_that_say_no_strategies_say_none(words: dict[str, str]) -> None:
    assert strategies_in(words) == {}


def test_publishers_at_the_same_time_lose_nothing(home: Home) -> None:
    commits = [f"{number:040x}" for number in range(12)]
    writers = [threading.Thread(target=write_record, args=(home, publication(commit=commit))) for commit in commits]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {commit for commit, _ in recorded(home)} == set(commits)


def test_a_registry_that_takes_no_manifests_from_us_says_so(home: Home) -> None:
    class ReadOnly:
        def resolve(self, *_: object) -> None: ...

    with pytest.raises(Unsupported, match="takes no records from us"):
        write_record(Home(ReadOnly(), home.repository), publication())  # type: ignore[arg-type]


def test_werf_s_records_are_read_from_inside(home: Home) -> None:
    werf_record(home, COMMIT, "S" * 56)
    werf_record(home, OTHER, "T" * 56)
    assert recorded(home) == {(COMMIT, content_key("S" * 56)), (OTHER, content_key("T" * 56))}
    assert read(home).images(["another"]) == {}


def test_werf_s_records_without_a_signature_say_nothing(home: Home) -> None:
    werf_record(home, COMMIT, "")
    assert recorded(home) == set()


# Tidying


def test_records_go_with_the_last_tag_of_their_content_and_not_when_they_are_young(home: Home) -> None:
    write_record(home, publication("gone"))
    write_record(home, publication("gone", OTHER, age=1))
    write_record(home, publication("alive"))
    assert tidy(home, "alive") == ()
    assert recorded(home) == {(COMMIT, content_key("alive")), (OTHER, content_key("gone"))}


def test_images_that_nobody_could_look_at_keep_their_records(home: Home) -> None:
    write_record(home, publication("gone"))
    Tidying(read(home), Eraser(home), Alive({}), ["app"], NOW, timedelta()).tidy()
    assert recorded(home) == {(COMMIT, content_key("gone"))}


def test_werf_s_records_go_the_same_way(home: Home) -> None:
    werf_record(home, "1" * 40, "gone")
    werf_record(home, "2" * 40, "alive")
    werf_record(home, "3" * 40, "gone", created="2026-11-20T11:30:00Z")
    assert tidy(home, "alive") == ()
    assert {commit for commit, _ in recorded(home)} == {"2" * 40, "3" * 40}


def test_strategies_are_taken_into_the_ledger_and_the_latest_word_counts(home: Home) -> None:
    for number in range(60):
        write_record(home, publication(commit=f"{number:040x}", age=100 - number, main=TagStrategy.GIT_BRANCH))
    write_record(home, publication(commit=OTHER, age=3, main=TagStrategy.CUSTOM))
    tidy(home, "X")
    tidy(home, "X")
    found = read(home)
    assert not found.singles
    assert found.images(["app"])["app"].tags["main"][0] == "custom"


def test_when_everything_is_gone_no_ledger_is_left(home: Home) -> None:
    for number in range(60):
        write_record(home, publication(commit=f"{number:040x}"))
    tidy(home, "X")
    tidy(home, "X")
    assert len(home.registry.tag_names(home.repository)) == 1
    tidy(home)
    assert home.registry.tag_names(home.repository) == frozenset()


# Cache


def test_the_cache_believes_nothing_but_digests(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path / "cache")
    cache.put(b"ledger")
    digest = Digest.of(b"ledger")
    assert cache.get(digest) == b"ledger"
    next((tmp_path / "cache").rglob(digest.hex)).write_bytes(b"damaged")
    assert cache.get(digest) is None


@pytest.mark.parametrize(
    ("environ", "place"),
    [({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/moorage"), ({"HOME": "/h"}, "/h/.cache/moorage"), ({}, "None")],
)
def test_where_the_cache_is(environ: dict[str, str], place: str) -> None:
    assert str(BlobCache.of(environ).directory) == place


def test_a_cache_that_cannot_be_written_is_only_slower(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = BlobCache(tmp_path / "file" / "cache")
    cache.put(b"ledger")
    assert cache.get(Digest.of(b"ledger")) is None
