"""Quay's JSON: what is taken from it, and what can be none of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.errors import Contradiction
from moorage.oci.reference import Digest, Tag
from moorage.registries.quay import payloads

DIGEST = Digest.of(b"an image")


def listed(**fields: Any) -> dict[str, Any]:
    tag = {"name": "v1", "manifest_digest": str(DIGEST), "start_ts": 1767225600, "size": 7, "is_manifest_list": False, **fields}
    return {"tags": [tag], "page": 1, "has_additional": False}


def test_a_tag_has_its_digest_date_and_lock() -> None:
    page = payloads.tag_page(listed(immutable=True), "the list")
    assert page == payloads.TagPage(
        (payloads.TagRecord(Tag("v1"), DIGEST, datetime(2026, 1, 1, tzinfo=UTC), 7, immutable=True, is_index=False),),
        has_more=False,
    )


@pytest.mark.parametrize("said", [True, None, "no"])
def test_what_is_not_said_to_be_no_index_may_be_one(said: object) -> None:
    (tag,) = payloads.tag_page(listed(is_manifest_list=said), "the list").tags
    assert tag.is_index


@pytest.mark.parametrize("start", [None, 0, -5, "yesterday", True, 10**18])
def test_a_date_that_is_none_stays_unknown(start: object) -> None:
    (tag,) = payloads.tag_page(listed(start_ts=start), "the list").tags
    assert tag.started is None


@pytest.mark.parametrize("size", [None, -1, "7", True])
def test_a_size_that_is_none_stays_unknown(size: object) -> None:
    (tag,) = payloads.tag_page(listed(size=size), "the list").tags
    assert tag.size is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"tags": None},
        {"tags": ["v1"]},
        {"tags": [{"name": "v1"}]},
        listed(name="no tag!"),
        listed(manifest_digest="sha256:short"),
        {"tags": [], "has_additional": True},
    ],
)
def test_what_can_be_no_page_of_tags_is_refused(document: object) -> None:
    with pytest.raises(Contradiction, match="the list"):
        payloads.tag_page(document, "the list")


def test_repositories_come_with_the_name_of_the_next_page() -> None:
    document = {"repositories": [{"namespace": "acme", "name": "app"}], "next_page": "more"}
    assert payloads.repository_page(document, "the list") == payloads.RepositoryPage(("acme/app",), "more")
    with pytest.raises(Contradiction):
        payloads.repository_page({"repositories": [{"name": "app"}]}, "the list")


def test_rights_are_only_what_is_said() -> None:
    assert payloads.rights({"can_write": True, "state": None}, "it") == payloads.Rights(True, False, "NORMAL")
    with pytest.raises(Contradiction):
        payloads.rights([], "it")
