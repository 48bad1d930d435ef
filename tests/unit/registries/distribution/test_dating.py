from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.images import CREATED, Image, artifact, attestation, image, index, layer
from tests.scripted_server import Reply, Request, ScriptedServer
from tests.unit.registries.distribution.conftest import named
from tests.unit.registries.distribution.test_snapshot import Shelf

from moorage.errors import Denied, Throttled
from moorage.oci.reference import Digest
from moorage.registries.distribution.dating import describe
from moorage.registries.distribution.snapshot import take_inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.oci.inventory import Stored
    from moorage.registries.distribution import Distribution

    Open = Callable[..., Distribution]

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ANNOTATION = "org.opencontainers.image.created"


class Blobs(Shelf):
    """The shelf with the blobs of its images; `broken` replaces the answer for some."""

    def __init__(self, **tags: Image) -> None:
        super().__init__(tags)
        self.blobs = {str(digest): content for top in tags.values() for digest, content in top.all_blobs().items()}
        self.broken: dict[str, Reply] = {}
        self.read: list[str] = []

    def __call__(self, request: Request) -> Reply:
        if "/blobs/" not in request.path:
            return super().__call__(request)
        digest = request.path.rpartition("/")[2]
        self.read.append(digest)
        return self.broken.get(digest) or Reply(body=self.blobs[digest])


def described(shelf: Blobs, open_client: Open, *tops: Image) -> list[Stored]:
    with ScriptedServer(shelf) as server:
        client = open_client(server.host)
        inventory = take_inventory(client, named(server), parallel=4)
        return list(describe(client, inventory, [top.digest for top in tops], parallel=4, now=lambda: NOW))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_date_and_labels_come_from_the_config(open_client: Open) -> None:
    app = image(labels={"a": "1"})
    (found,) = described(Blobs(v1=app), open_client, app)
    assert (found.digest, found.date, found.dated, found.labels) == (app.digest, at(CREATED), True, {"a": "1"})


@pytest.mark.parametrize(
    "created",
    [
        None,
        "",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2012-12-31T23:59:59Z",
        "2026-11-23T10:00:01Z",
        "2024-05-06",
        "soon",
    ],
)
def test_a_date_that_cannot_be_believed_is_none(open_client: Open, created: str | None) -> None:
    app = image(created=created)
    (found,) = described(Blobs(v1=app), open_client, app)
    assert found.date is None
    assert found.dated


@pytest.mark.parametrize("created", ["2013-01-01T00:00:00Z", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00.123456789+01:00"])
def test_the_bounds_are_inside(open_client: Open, created: str) -> None:
    app = image(created=created if "." not in created else "2026-11-23T10:59:59.123456789+01:00")
    (found,) = described(Blobs(v1=app), open_client, app)
    assert found.date is not None


def test_an_index_has_the_newest_date_of_its_children_at_any_depth(open_client: Open) -> None:
    old, new = image(layer("old"), created="2020-01-01T00:00:00Z"), image(layer("new"), created="2021-01-01T00:00:00Z")
    inner = index(new, attestation(new))
    outer = index(old, inner)
    found = described(Blobs(v1=outer), open_client, outer, inner, old)
    assert [one.date for one in found] == [at("2021-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"), at("2020-01-01T00:00:00Z")]


def test_an_index_has_the_labels_that_its_images_agree_on(open_client: Open) -> None:
    first = image(layer("1"), labels={"same": "x", "differs": "1", "one": "only"})
    second = image(layer("2"), labels={"same": "x", "differs": "2"})
    both = index(first, second, attestation(first))
    (found,) = described(Blobs(v1=both), open_client, both)
    assert found.labels == {"same": "x"}


def test_each_config_is_read_once_and_the_empty_one_never(open_client: Open) -> None:
    app = image()
    both = index(app, image(platform="linux/arm64"))
    shelf = Blobs(a=app, b=both, c=index(app), sbom=artifact(app))
    described(shelf, open_client, *shelf.tags.values())
    assert len(shelf.read) == len(set(shelf.read)) == 2


def test_the_annotation_counts_where_the_config_has_no_date(open_client: Open) -> None:
    annotated = {ANNOTATION: "2022-02-02T00:00:00Z"}
    plain = image(created=None, annotations=annotated)
    dated = image(created="2020-01-01T00:00:00Z", annotations=annotated)
    undated = index(image(layer("x"), created=None), annotations=annotated)
    wrong = image(layer("y"), created=None, annotations={ANNOTATION: "1970-01-01T00:00:00Z"})
    found = described(Blobs(a=plain, b=dated, c=undated, d=wrong), open_client, plain, dated, undated, wrong)
    assert [one.date and one.date.year for one in found] == [2022, 2020, 2022, None]


@pytest.mark.parametrize("trouble", [Reply(500), Reply(404), Reply(body=b"forged"), Reply(412)])
def test_a_config_that_cannot_be_read_is_no_date_not_even_for_its_index(open_client: Open, trouble: Reply) -> None:
    """The unreadable one may be the newest."""
    old, unread = image(layer("old")), image(layer("unread"), created="2026-01-01T00:00:00Z", labels={"a": "1"})
    both = index(old, unread, annotations={ANNOTATION: "2014-01-01T00:00:00Z"})
    shelf = Blobs(v1=both)
    shelf.broken[str(unread.document["config"]["digest"])] = trouble  # type: ignore[index]
    found = described(shelf, open_client, both, unread, old)
    assert [(one.date, one.dated) for one in found] == [(None, True), (None, True), (at(CREATED), True)]
    assert found[1].labels == {}


@pytest.mark.parametrize("config", [b"null", b"[]", b"no json", b'{"config": []}', b'{"config": {"Labels": ["x"]}}'])
def test_an_odd_config_is_no_crash(open_client: Open, config: bytes) -> None:
    app = image()
    content = app.content.replace(str(app.document["config"]["digest"]).encode(), str(Digest.of(config)).encode())  # type: ignore[index]
    odd = Image(content, app.media_type, {Digest.of(config): config})
    (found,) = described(Blobs(v1=odd), open_client, odd)
    assert (found.date, found.labels) == (None, {})


def test_a_missing_child_says_nothing_and_an_unreadable_one_makes_the_date_unknown(open_client: Open) -> None:
    here, away = image(layer("here")), image(layer("away"))
    both = index(here, away)
    shelf = Blobs(v1=both)
    del shelf.images[str(away.digest)]
    assert described(shelf, open_client, both)[0].date == at(CREATED)
    shelf.odd["*", str(away.digest)] = Reply(500)
    assert described(shelf, open_client, both)[0].date is None


@pytest.mark.parametrize(("trouble", "kind"), [(Reply(403), Denied), (Reply(429, headers={"Retry-After": "999"}), Throttled)])
def test_what_concerns_the_whole_repository_stops(open_client: Open, trouble: Reply, kind: type[Exception]) -> None:
    app = image()
    shelf = Blobs(v1=app)
    shelf.broken[str(app.document["config"]["digest"])] = trouble  # type: ignore[index]
    with pytest.raises(kind):
        described(shelf, open_client, app)


def test_a_config_of_a_gigabyte_is_not_read(open_client: Open) -> None:
    app = image()
    size = len(app.config)
    huge = Image(app.content.replace(f'"size":{size}'.encode(), b'"size":1000000000', 1), app.media_type, app.blobs)
    shelf = Blobs(v1=huge)
    assert described(shelf, open_client, huge)[0].date is None
    assert shelf.read == []


def test_a_vendors_date_is_kept(open_client: Open) -> None:
    app = image(labels={"a": "1"})
    with ScriptedServer(Blobs(v1=app)) as server:
        client = open_client(server.host)
        inventory = take_inventory(client, named(server), parallel=1)
        pushed = inventory.with_manifests([replace(inventory.manifests[app.digest], date=NOW, dated=True)])
        (found,) = describe(client, pushed, [app.digest], parallel=1, now=lambda: NOW)
    assert (found.date, found.labels) == (NOW, {"a": "1"})
