from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.errors import Contradiction
from moorage.oci.reference import Digest, Tag
from moorage.registries.github import payloads
from moorage.registries.github.payloads import PackageRecord, Version

DIGEST = Digest.of(b"a manifest")
WHERE = "the test"


def _entry(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": 17,
        "name": str(DIGEST),
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-02-03T04:05:06Z",
        "metadata": {"package_type": "container", "container": {"tags": ["v1", "latest"]}},
    }
    return {**entry, **changes}


def test_a_version_is_a_digest_its_tags_and_the_later_of_two_dates() -> None:
    (version,) = payloads.versions([_entry()], WHERE)
    assert version == Version("17", (Tag("v1"), Tag("latest")), DIGEST, datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday", None, 17])
def test_what_is_older_than_github_packages_has_no_date(moment: object) -> None:
    (version,) = payloads.versions([_entry(created_at=moment, updated_at=moment)], WHERE)
    assert version.changed is None


@pytest.mark.parametrize("metadata", [{}, None, {"docker": {"tag": ["v1"]}}, {"docker": {"tags": ["v1"]}}])
def test_a_version_of_the_old_registry_is_a_tag(metadata: object) -> None:
    (version,) = payloads.versions([_entry(name="v1", metadata=metadata)], WHERE)
    assert (version.tags, version.digest) == ((Tag("v1"),), None)


def test_the_technical_version_is_none() -> None:
    assert payloads.versions([_entry(name="docker-base-layer")], WHERE) == []


@pytest.mark.parametrize(
    "entry",
    [
        "nonsense", None, [], {}, _entry(id=None), _entry(id="x"), _entry(name=None), _entry(name="sha256:0"), _entry(metadata=7),
        _entry(metadata={"container": {"tags": ["not a tag"]}}), _entry(metadata={"container": {"tags": [7]}}),
        _entry(metadata={"container": {"tags": 7}}),
    ],
)  # fmt: skip
def test_what_can_be_no_version_is_a_contradiction(entry: object) -> None:
    with pytest.raises(Contradiction, match=WHERE):
        payloads.versions([entry], WHERE)


@pytest.mark.parametrize("document", [None, {}, "text", 7])
def test_what_is_no_list_is_a_contradiction(document: object) -> None:
    for read in (payloads.versions, payloads.packages):
        with pytest.raises(Contradiction, match="no list"):
            read(document, WHERE)


def test_packages() -> None:
    document = [{"name": "team/app", "repository": None}, {"name": "app", "repository": {"name": "Shop"}}]
    assert payloads.packages(document, WHERE) == [PackageRecord("team/app"), PackageRecord("app", "Shop")]
    assert payloads.package(document[1], WHERE).repository == "Shop"


def test_accounts() -> None:
    assert payloads.login({"login": "OctoCat"}, WHERE) == "octocat"
    assert payloads.is_organization({"type": "Organization"}, WHERE)
    assert not payloads.is_organization({"type": "User"}, WHERE)
    for read in (payloads.login, payloads.is_organization):
        with pytest.raises(Contradiction):
            read({}, WHERE)


def _graph(nodes: list[Any], **info: Any) -> dict[str, Any]:
    versions = {"pageInfo": {"hasNextPage": False, "endCursor": None, **info}, "nodes": nodes}
    return {"repository": {"packages": {"nodes": [{"name": "App", "versions": versions}]}}}


def test_a_page_of_graphql() -> None:
    files = {"nodes": [None, {"updatedAt": "2026-01-02T03:04:05Z"}]}
    nodes = [{"id": "PV_1", "version": "v1", "files": files}, {"id": "PV_2", "version": "docker-base-layer", "files": None}]
    page = payloads.version_page(_graph(nodes, hasNextPage=True, endCursor="c"), "app", WHERE)
    assert page is not None
    assert page.versions == (Version("PV_1", (Tag("v1"),), None, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),)
    assert page.after == "c"


def test_a_package_of_another_name_is_not_this_one() -> None:
    assert payloads.version_page(_graph([]), "ap", WHERE) is None


@pytest.mark.parametrize(
    "data", [{}, {"repository": None}, _graph([{"id": "PV_1"}]), _graph([{"id": "PV_1", "version": "no tag"}])]
)
def test_pages_that_cannot_be(data: dict[str, Any]) -> None:
    with pytest.raises(Contradiction):
        payloads.version_page(data, "app", WHERE)
    with pytest.raises(Contradiction):
        payloads.package_page(data, WHERE)
