"""Artifactory's JSON: what is taken from it, and what can be none of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.errors import Contradiction
from moorage.oci import media_type
from moorage.oci.reference import Digest, Tag
from moorage.registries.jfrog import payloads

DIGEST = Digest.of(b"an image")


def found(path: str = "team/app/v1", said: dict[str, str] | None = None, **fields: Any) -> list[payloads.Folder]:
    listed = [{"key": key, "value": value} for key, value in (said or {}).items()]
    item = {"repo": "docker-local", "path": path, "name": "manifest.json", "sha256": DIGEST.hex, "properties": listed, **fields}
    return payloads.folders({"results": [item]}, "the query", "team/app")


def test_a_folder_is_a_manifest_under_one_name() -> None:
    kind = {"docker.manifest.type": media_type.OCI_MANIFEST, "docker.manifest.digest": str(DIGEST)}
    moment = "2026-01-01T00:00:00.000Z"
    assert found(said=kind, modified=moment) == [
        payloads.Folder(Tag("v1"), DIGEST, media_type.OCI_MANIFEST, datetime(2026, 1, 1, tzinfo=UTC))
    ]


def test_what_was_pushed_by_digest_lies_under_it() -> None:
    (folder,) = found(f"team/app/{DIGEST}", sha256=None)
    assert folder.name == folder.digest == DIGEST


def test_the_property_is_believed_before_the_file() -> None:
    assert found(said={"docker.manifest.digest": str(DIGEST)}, sha256="0" * 64)[0].digest == DIGEST


def test_what_nothing_says_stays_unknown() -> None:
    (folder,) = found(sha256=None)
    assert (folder.digest, folder.media_type, folder.date) == (None, "", None)


def test_a_list_is_an_index_even_without_its_type() -> None:
    assert found(name="list.manifest.json")[0].media_type in media_type.INDEXES


@pytest.mark.parametrize("path", ["team/app/below/v1", "team/apple/v1", "team/app", "v1"])
def test_other_images_are_left_out(path: str) -> None:
    assert found(path) == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("team/app/-", {}),
        ("team/app/sha256:short", {}),
        ("team/app/v1", {"sha256": "short"}),
        ("team/app/v1", {"properties": [{"value": "no key"}]}),
        ("team/app/v1", {"properties": 7}),
    ],
)
def test_what_cannot_be_is_a_contradiction(path: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Contradiction, match="the query"):
        found(path, **fields)
