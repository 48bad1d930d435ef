"""What a registry said about a repository, as a value."""

import json
from datetime import UTC, datetime

import pytest

from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import Blob, parse_manifest
from moorage.oci.media_type import OCI_MANIFEST
from moorage.oci.reference import Digest, Registry, Repository, Tag

A, B, C = (Digest.of(word.encode()) for word in "abc")
SHOP = Repository(Registry("registry.example"), "acme/shop")


def test_tags_of_a_digest_are_sorted() -> None:
    inventory = Inventory(SHOP, {Tag("v2"): A, Tag("v1"): A, Tag("x"): B}, {})
    assert inventory.tags_of() == {A: (Tag("v1"), Tag("v2")), B: (Tag("x"),)}


def test_it_cannot_be_changed_from_outside() -> None:
    tags = {Tag("v1"): A}
    inventory = Inventory(SHOP, tags, {})
    tags[Tag("v2")] = B
    assert inventory.tags == {Tag("v1"): A}
    with pytest.raises(TypeError):
        inventory.tags[Tag("v2")] = B  # type: ignore[index]  # that it is impossible is the point


def test_knowing_more_makes_a_new_one() -> None:
    date = datetime(2026, 11, 25, tzinfo=UTC)
    before = Inventory(SHOP, {Tag("v1"): A}, {A: Stored(A), B: Stored(B)}, missing=frozenset({C}))
    after = before.with_manifests([Stored(A, date=date, dated=True), Stored(C)])
    assert after.manifests == {A: Stored(A, date=date, dated=True), B: Stored(B), C: Stored(C)}
    assert before.manifests == {A: Stored(A), B: Stored(B)}
    assert after.tags == before.tags


def test_what_is_missing_is_lacking_until_it_is_found() -> None:
    before = Inventory(SHOP, {}, {}, unreadable={B: "500"}, missing=frozenset({A, B}))
    assert before.lacks(A)
    assert not before.lacks(B)
    assert not before.lacks(C)
    assert not before.with_manifests([Stored(A)]).lacks(A)


def test_a_manifest_becomes_what_is_stored() -> None:
    document = {
        "mediaType": OCI_MANIFEST,
        "config": {"digest": A.text, "size": 5},
        "layers": [{"digest": B.text, "size": 100}],
        "subject": {"digest": C.text},
        "annotations": {"a": "b"},
    }
    content = json.dumps(document).encode()
    manifest = parse_manifest(content)
    stored = Stored.of(manifest)
    assert (stored.digest, stored.subject, stored.config) == (Digest.of(content), C, A)
    assert stored.blobs == (Blob(A, 5), Blob(B, 100))
    assert stored.size == len(content) + 105
    assert (stored.date, stored.dated, stored.labels, stored.locked) == (None, False, None, "")
    assert dict(stored.annotations) == {"a": "b"}
