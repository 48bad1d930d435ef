"""Records as names of tags: there and back, told from images, and short enough."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.records import (
    LedgerTag,
    RecordTag,
    content_key,
    image_field,
    image_of_field,
    image_tag,
    is_record,
    recorded_image_field,
    without_records,
)
from moorage.oci.reference import Digest, Registry, Repository, Tag

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LONG_COMMIT = COMMIT[:32] * 2
CONTENT = "sha256:" + "ab" * 32

first = st.sampled_from("aZ0_")
names = st.lists(st.builds(str.__add__, first, st.text("ab0_.-", max_size=6)), min_size=1, max_size=3).map("/".join)


def test_a_record_says_everything_in_its_name() -> None:
    record = RecordTag.of("team/my_app", COMMIT, CONTENT, 0x65A1B2C3)
    assert record.tag.text == f"moorage-record.{COMMIT}.abababababababab.65a1b2c3.e3b0c4.team_-my__app"
    assert RecordTag.parse(record.tag) == record
    assert record.image_among(()) == "team/my_app"


@given(st.just("") | names | st.text("ab/", min_size=30, max_size=200), st.sampled_from([COMMIT, LONG_COMMIT]))
def test_every_name_fits_and_is_found_again(image: str, commit: str) -> None:
    record = RecordTag.of(image, commit, CONTENT, 1_700_000_000)
    assert len(record.tag.text) <= 128
    assert is_record(record.tag)
    parsed = RecordTag.parse(record.tag)
    assert parsed is not None
    assert parsed.image_among([image, "another"]) == image


@given(names, names)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert (image_field(one, 60) == image_field(other, 60)) is (one == other)


@given(names)
def test_a_name_that_fits_can_be_read_back(image: str) -> None:
    field = image_field(image, 128)
    assert image_of_field(field) == image
    assert recorded_image_field(image_tag(image)) is not None


def test_a_shortened_name_is_only_known_by_those_who_know_it() -> None:
    image = "a-very-long-name/of-an-image/that-no-tag-has-room-for"
    record = RecordTag.of(image, COMMIT, CONTENT, 1)
    assert record.image_among([]) is None
    assert record.image_among(["other", image]) == image
    assert record.tag.text.partition(".a-very-long-name")[0] in record.tag.text


def test_what_else_is_said_in_the_same_second_makes_another_record() -> None:
    one, other = (RecordTag.of("app", COMMIT, CONTENT, 1, words).tag for words in ("v1", "v2"))
    assert one != other


@pytest.mark.parametrize("commit", ["", "abc", COMMIT[:-1], COMMIT.upper(), COMMIT + "0", "g" * 40])
def test_only_full_hashes_are_recorded(commit: str) -> None:
    with pytest.raises(ValueError, match="no full commit hash"):
        RecordTag.of("app", commit, CONTENT, 1)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (CONTENT, "ab" * 8),
        ("cd" * 28, "cd" * 8),  # a signature of werf
        ("abc", "ba7816bf8f01cfea"),  # anything else by its SHA-256
    ],
)
def test_the_key_of_a_content(content: str, key: str) -> None:
    assert content_key(content) == key


def test_a_ledger_is_named_after_its_bytes() -> None:
    ledger = LedgerTag(Digest.of(b"ledger"))
    assert LedgerTag.parse(ledger.tag) == ledger
    assert is_record(ledger.tag)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (f"image-metadata-by-commit-app-{COMMIT}", True),
        ("managed-image-__nameless__", True),
        ("client-id-a1b2-1700000000000", True),
        ("moorage-image.app", True),
        ("moorage-record.v1", False),
        (f"moorage-record.{COMMIT}.short.65a1b2c3.e3b0c4.app", False),
        (f"moorage-record.{COMMIT}", False),
        ("moorage-ledger.abc", False),
        ("moorage-1.0", False),
        ("image-metadata-by-commit-app", False),
        ("client-id-", False),
        ("latest", False),
        (COMMIT, False),
    ],
)
def test_what_is_a_record_and_what_an_image(text: str, record: bool) -> None:
    assert is_record(Tag(text)) is record


def test_an_inventory_without_records_has_no_trace_of_them_but_their_names() -> None:
    image, note, shared, broken = (Digest.of(text.encode()) for text in ("image", "note", "shared", "broken"))
    when = datetime(2026, 11, 20, tzinfo=UTC)
    record, ledger, other = RecordTag.of("app", COMMIT, CONTENT, 1).tag, LedgerTag(note).tag, image_tag("app")
    inventory = Inventory(
        repository=Repository(Registry("example.com"), "app"),
        tags={Tag("v1"): image, Tag("kept"): shared, record: note, ledger: shared, other: broken},
        manifests={digest: Stored(digest) for digest in (image, note, shared)},
        unreadable={broken: "is odd"},
        unresolved={image_tag("web"): "timed out"},
        locked_tags={record: "immutable"},
        tag_dates={record: when, Tag("v1"): when},
    )
    found = without_records(inventory)
    assert found.tags == {Tag("v1"): image, Tag("kept"): shared}
    assert set(found.manifests) == {image, shared}
    assert not found.unreadable
    assert not found.unresolved
    assert not found.locked_tags
    assert found.tag_dates == {Tag("v1"): when}
    assert found.records == {record, ledger, other, image_tag("web")}
    assert without_records(found) == found


def test_an_image_below_a_record_s_manifest_is_not_lost() -> None:
    """Whoever tags the child of an index as if it were a record must not hide it from those that need it."""
    index, child = Digest.of(b"index"), Digest.of(b"child")
    inventory = Inventory(
        repository=Repository(Registry("example.com"), "app"),
        tags={Tag("v1"): index, image_tag("app"): child},
        manifests={index: Stored(index, children=(child,)), child: Stored(child)},
    )
    assert set(without_records(inventory).manifests) == {index, child}
