"""Google's list of tags: what is taken from it, and what can be none of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.errors import Contradiction
from moorage.oci import media_type
from moorage.oci.reference import Digest, Tag
from moorage.registries.gcr import payloads

DIGEST = Digest.of(b"an image")


def listed(**fields: Any) -> dict[str, Any]:
    entry = {
        "imageSizeBytes": "7", "layerId": "", "mediaType": media_type.DOCKER_MANIFEST, "tag": ["v1"],
        "timeCreatedMs": "1676090802558", "timeUploadedMs": "1767225600000", **fields,
    }  # fmt: skip
    return {"child": [], "manifest": {str(DIGEST): entry}, "name": "acme/app", "tags": ["v1"]}


def test_one_list_says_everything() -> None:
    found = payloads.listing(listed(), "the list")
    assert found.tags == (Tag("v1"),)
    assert found.manifests == (
        payloads.Listed(DIGEST, media_type.DOCKER_MANIFEST, (Tag("v1"),), datetime(2026, 1, 1, tzinfo=UTC), 7),
    )


def test_a_server_without_the_extension_says_less() -> None:
    assert payloads.listing({"name": "acme/app", "tags": None}, "the list") == payloads.Listing((), None)


@pytest.mark.parametrize("time", ["1767225600000", 1767225600000])
def test_times_are_strings_or_numbers(time: object) -> None:
    (one,) = payloads.listing(listed(timeUploadedMs=time), "the list").manifests or ()
    assert one.uploaded == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("time", [None, "0", 0, "-62135596800000", "soon", True, 10**25, "9" * 19])
def test_a_time_that_is_none_stays_unknown(time: object) -> None:
    (one,) = payloads.listing(listed(timeUploadedMs=time), "the list").manifests or ()
    assert one.uploaded is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"tags": "v1"},
        {"tags": ["no tag!"]},
        {"tags": [], "manifest": {"sha256:short": {}}},
        {"tags": [], "manifest": {str(DIGEST): None}},
        {"tags": [], "child": 7},
        listed(tag=["no tag!"]),
        listed(tag=7),
    ],
)
def test_what_can_be_no_list_is_refused(document: object) -> None:
    with pytest.raises(Contradiction, match="the list"):
        payloads.listing(document, "the list")
