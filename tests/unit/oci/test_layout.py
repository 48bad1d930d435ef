from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from moorage.oci.layout import (
    PUSHED,
    REF_NAME,
    BadLayout,
    Descriptor,
    LayoutIndex,
    blob_path,
    check_layout_mark,
    layout_mark,
    parse_index,
)
from moorage.oci.media_type import OCI_MANIFEST
from moorage.oci.reference import Digest, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE, OTHER = Digest.of(b"one"), Digest.of(b"other")
WHEN = datetime(2026, 11, 23, 10, tzinfo=UTC)


def descriptor(digest: Digest = ONE, annotations: Mapping[str, str] | None = None) -> Descriptor:
    return Descriptor(digest, OCI_MANIFEST, 3, annotations or {})


def tags(index: LayoutIndex) -> dict[str, Digest]:
    return {tag.text: entry.digest for tag, entry in index.tags().items()}


def test_several_tags_of_a_manifest_are_several_descriptors() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor()).with_tag(Tag("b"), descriptor())
    assert tags(index) == {"a": ONE, "b": ONE}
    assert [entry.name for entry in index] == ["a", "b"]


def test_a_moved_tag_leaves_its_manifest_listed() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor().pushed_at(WHEN)).with_tag(Tag("a"), descriptor(OTHER))
    assert tags(index) == {"a": OTHER}
    (left,) = [entry for entry in index if entry.digest == ONE]
    assert (left.name, left.pushed) == ("", WHEN)


def test_a_moved_tag_leaves_no_second_entry_where_another_tag_lists_the_manifest() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor()).with_tag(Tag("b"), descriptor()).without_tag(Tag("a"))
    assert [entry.name for entry in index] == ["b"]


def test_tagging_a_manifest_replaces_the_entry_that_only_listed_it() -> None:
    index = LayoutIndex().with_manifest(descriptor()).with_tag(Tag("a"), descriptor())
    assert [entry.name for entry in index] == ["a"]


def test_listing_a_tagged_manifest_again_leaves_its_tags_alone() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor()).with_manifest(descriptor()).with_manifest(descriptor().pushed_at(WHEN))
    assert [(entry.name, entry.pushed) for entry in index] == [("a", None), ("", WHEN)]


def test_without_manifest_takes_every_entry_of_the_digest() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor()).with_tag(Tag("b"), descriptor()).with_tag(Tag("c"), descriptor(OTHER))
    assert tags(index.without_manifest(ONE)) == {"c": OTHER}


def test_only_plain_entries_are_clutter() -> None:
    index = LayoutIndex((descriptor(), descriptor(ONE, {"foreign": "kept"}), descriptor().tagged(Tag("a"))))
    assert [entry.annotations for entry in index.without_plain([ONE])] == [{"foreign": "kept"}, {REF_NAME: "a"}]


def test_a_tag_on_two_manifests_is_said() -> None:
    index = LayoutIndex((descriptor().tagged(Tag("a")), descriptor(OTHER).tagged(Tag("a"))))
    with pytest.raises(BadLayout, match="gives the tag a to two manifests"):
        index.tags()
    assert tags(index.with_tag(Tag("a"), descriptor())) == {"a": ONE}


def test_names_of_other_tools_are_no_tags() -> None:
    index = LayoutIndex((descriptor(ONE, {REF_NAME: "docker.io/library/app:1"}), descriptor(OTHER).tagged(Tag("a"))))
    assert tags(index) == {"a": OTHER}
    assert index.foreign_names() == {ONE: "docker.io/library/app:1"}


def test_a_manifest_without_its_last_tag_has_no_name_for_containerd_either() -> None:
    index = LayoutIndex((descriptor(ONE, {REF_NAME: "a", "io.containerd.image.name": "docker.io/x:a", "other": "stays"}),))
    assert [entry.annotations for entry in index.without_tag(Tag("a"))] == [{"other": "stays"}]


def test_unknown_keys_survive_a_change() -> None:
    platform = {"architecture": "arm64", "os": "linux"}
    entry = {"mediaType": OCI_MANIFEST, "digest": ONE.text, "size": 3, "platform": platform}
    content = json.dumps({"schemaVersion": 2, "manifests": [entry], "annotations": {"a": "b"}, "extra": [1]}).encode()
    document = json.loads(parse_index(content).with_tag(Tag("new"), descriptor(OTHER)).content())
    assert document["annotations"] == {"a": "b"}
    assert document["extra"] == [1]
    assert document["manifests"][0] == entry
    assert document["manifests"][1]["annotations"] == {REF_NAME: "new"}


def test_content_is_read_back_as_it_was() -> None:
    index = LayoutIndex().with_tag(Tag("a"), descriptor().pushed_at(WHEN))
    assert parse_index(index.content()).descriptors == index.descriptors


def test_dates_are_written_in_utc() -> None:
    local = WHEN.astimezone(timezone(timedelta(hours=2)))
    assert descriptor().pushed_at(local).annotations == {PUSHED: "2026-11-23T10:00:00.000000Z"}


def test_a_date_that_is_none_is_no_date() -> None:
    assert descriptor(ONE, {PUSHED: "yesterday"}).pushed is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "has no list of manifests"),
        (b'{"manifests": {}}', "has no list of manifests"),
        (b'{"manifests": [1]}', "a descriptor that is no object"),
        (b'{"manifests": [{"digest": "sha256:12"}]}', "with the digest 'sha256:12'"),
        (b'{"manifests": [{}]}', "with the digest 'None'"),
        (b'{"manifests": [{"digest": "sha512:' + b"0" * 128 + b'"}]}', "a digest is sha256:"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "size": "3"}]}', "size or media type"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "size": -3}]}', "size or media type"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "size": true}]}', "size or media type"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "mediaType": 5}]}', "size or media type"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "annotations": {"a": 1}}]}', "annotations"),
        (b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "annotations": [1]}]}', "annotations"),
    ],
)
def test_a_broken_index_says_what_is_wrong(content: bytes, why: str) -> None:
    with pytest.raises(BadLayout, match=why):
        parse_index(content)


def test_the_mark_of_a_layout() -> None:
    check_layout_mark(layout_mark())
    with pytest.raises(BadLayout, match=r"version '2\.0\.0'"):
        check_layout_mark(b'{"imageLayoutVersion": "2.0.0"}')


def test_where_blobs_lie() -> None:
    assert blob_path(ONE) == f"blobs/sha256/{ONE.hex}"
