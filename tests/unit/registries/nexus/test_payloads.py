"""Nexus's JSON: what is taken from it, and what can be none of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.errors import Contradiction
from moorage.oci.reference import Digest, Tag
from moorage.registries.nexus import payloads

DIGEST = Digest.of(b"an image")


def listed(version: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    """As an answer in nexus-public#253 has it."""
    asset = {
        "path": f"/v2/some-service/manifests/{version}",
        "checksum": {"sha256": DIGEST.hex},
        "contentType": "application/vnd.docker.distribution.manifest.v2+json",
        "lastModified": "2026-01-01T00:00:00.000+00:00",
        **fields,
    }
    item = {"id": "b21uaXAt", "repository": "some-docker", "name": "some-service", "version": version, "assets": [asset]}
    return {"items": [item], "continuationToken": None}


def test_a_component_is_a_manifest_under_one_name() -> None:
    (found,) = payloads.page(listed(), "the search").components
    assert (found.image, found.reference, found.digest) == ("some-service", Tag("1.0.0"), DIGEST)
    assert found.date == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_untagged_one_is_named_by_its_digest_whatever_the_checksum() -> None:
    (found,) = payloads.page(listed(str(DIGEST), checksum={"sha256": "0" * 64}), "the search").components
    assert found.reference == found.digest == DIGEST


def test_paths_have_no_slash_before_them_in_older_versions() -> None:
    (found,) = payloads.page(listed(path="v2/some-service/manifests/1.0.0"), "the search").components
    assert found.reference == Tag("1.0.0")


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ({"lastModified": None, "blobCreated": "2026-02-01T00:00:00Z"}, datetime(2026, 2, 1, tzinfo=UTC)),
        ({"lastModified": None}, None),
    ],
)
def test_a_date_that_is_none_stays_unknown(fields: dict[str, Any], date: datetime | None) -> None:
    assert payloads.page(listed(**fields), "the search").components[0].date == date


@pytest.mark.parametrize("fields", [{"checksum": {}}, {"checksum": {"sha256": "short"}}, {"checksum": None}])
def test_a_manifest_without_its_digest_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(Contradiction, match="the search"):
        payloads.page(listed(**fields), "the search")


@pytest.mark.parametrize("version", ["-", "sha256:short", "a b"])
def test_a_name_that_is_neither_tag_nor_digest_cannot_be(version: str) -> None:
    with pytest.raises(Contradiction):
        payloads.page(listed(version), "the search")
