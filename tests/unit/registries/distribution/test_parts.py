"""Indexes with their parts: no more is read than may lead further, and what was not read is read when it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.images import CREATED, image, index, layer
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error

from moorage.oci import media_type
from moorage.oci.inventory import Inventory, Stored
from moorage.oci.manifest import parse_time
from moorage.oci.records import RecordTag
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution.describing import describe
from moorage.registries.distribution.parts import images_of, read_listed, read_with_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.images import Image

    from moorage.registries.distribution import Distribution

AMD, ARM = (image(layer(name), platform=f"linux/{name}", labels={"name": "app"}) for name in ("amd64", "arm64"))
INNER = index(AMD)
OUTER = index(INNER, ARM)
NOW = parse_time("2026-11-25T12:00:00Z")


def _now() -> datetime:
    assert NOW is not None
    return NOW


class _Shelf:
    """Serves these images by digest."""

    def __init__(self, *images: Image) -> None:
        self.manifests = {str(one.digest): one for root in images for one in root.manifests()}
        self.blobs = {str(digest): blob for root in images for digest, blob in root.all_blobs().items()}
        self.read: list[str] = []

    def answer(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        if "/manifests/" in request.path:
            self.read.append(name)
            found = self.manifests.get(name)
            return Reply(200, found.content, {"content-type": found.media_type}) if found else oci_error(404, "MANIFEST_UNKNOWN")
        return Reply(200, self.blobs[name]) if name in self.blobs else Reply(200)


@pytest.fixture
def shelf() -> Iterator[tuple[_Shelf, ScriptedServer, Repository]]:
    held = _Shelf(OUTER)
    with ScriptedServer(held.answer) as server:
        yield held, server, Repository(Registry(server.host), "acme/app")


Shelf = tuple[_Shelf, ScriptedServer, Repository]


def test_images_are_taken_at_the_word_of_their_index(shelf: Shelf, open_client: Callable[..., Distribution]) -> None:
    held, server, repository = shelf
    found = read_with_parts(open_client(server.host), repository, [OUTER.digest], parallel=4)
    assert found.manifests.keys() == {OUTER.digest, INNER.digest, AMD.digest, ARM.digest}
    assert sorted(held.read) == sorted([str(OUTER.digest), str(INNER.digest), str(AMD.digest)])
    assert found.manifests[ARM.digest] == Stored(ARM.digest, media_type.OCI_MANIFEST)


def test_what_is_known_is_not_read(shelf: Shelf, open_client: Callable[..., Distribution]) -> None:
    held, server, repository = shelf
    known = Stored(ARM.digest, media_type.DOCKER_MANIFEST, size=7)
    found = read_with_parts(open_client(server.host), repository, [ARM.digest], parallel=4, known=[known])
    assert found.manifests == {ARM.digest: known}
    assert held.read == []


def test_what_is_not_there_is_missing(shelf: Shelf, open_client: Callable[..., Distribution]) -> None:
    _, server, repository = shelf
    nothing = Digest.of(b"nothing")
    assert read_with_parts(open_client(server.host), repository, [nothing], parallel=4).missing == {nothing}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"manifests": 7}', b'{"manifests": ["x"]}', b'{"manifests": [{"digest": "x"}]}']
)
def test_an_index_that_says_nothing_readable_vouches_for_nothing(content: bytes) -> None:
    assert images_of(Stored(Digest.of(content), children=(ARM.digest,), content=content)) == []


def test_labels_of_images_that_were_not_read_are_read_when_asked_for(
    shelf: Shelf, open_client: Callable[..., Distribution]
) -> None:
    held, server, repository = shelf
    client = open_client(server.host)
    read = read_with_parts(client, repository, [OUTER.digest], parallel=4)
    inventory = Inventory(repository, {}, read.manifests)
    (described,) = describe(client, inventory, [OUTER.digest], parallel=4, now=_now)
    assert described.labels == {"name": "app"}
    assert described.date == parse_time(CREATED)
    assert held.read.count(str(ARM.digest)) == 1


def test_the_listings_own_date_and_size_stay(shelf: Shelf, open_client: Callable[..., Distribution]) -> None:
    _, server, repository = shelf
    told = Stored(ARM.digest, media_type.OCI_MANIFEST, size=12345, date=_now(), dated=True, locked="locked", vendor_id="7")
    (described,) = describe(
        open_client(server.host), Inventory(repository, {}, {ARM.digest: told}), [ARM.digest], parallel=4, now=_now
    )
    assert described.labels == {"name": "app"}
    assert (described.size, described.date, described.locked, described.vendor_id) == (12345, _now(), "locked", "7")


def test_an_index_with_a_part_that_cannot_be_read_has_no_date(open_client: Callable[..., Distribution]) -> None:
    """The part that is lost may be the newest."""
    held = _Shelf(OUTER)
    del held.manifests[str(INNER.digest)]
    held.manifests[str(INNER.digest)] = image(layer("with other bytes"))
    with ScriptedServer(held.answer) as server:
        repository = Repository(Registry(server.host), "acme/app")
        client = open_client(server.host)
        parts = [Stored(INNER.digest, media_type.OCI_INDEX), Stored(ARM.digest, media_type.OCI_MANIFEST)]
        outer = Stored(OUTER.digest, media_type.OCI_INDEX, children=(INNER.digest, ARM.digest), content=OUTER.content)
        inventory = Inventory(repository, {}, {stored.digest: stored for stored in (outer, *parts)})
        (described,) = describe(client, inventory, [OUTER.digest], parallel=4, now=_now)
    assert described.dated
    assert described.date is None


def test_of_a_listing_with_media_types_only_what_may_lead_further_is_read(
    shelf: Shelf, open_client: Callable[..., Distribution]
) -> None:
    held, server, repository = shelf
    docker = Digest.of(b"docker knows no subject")
    kinds = {OUTER.digest: media_type.OCI_INDEX, INNER.digest: media_type.OCI_INDEX, docker: media_type.DOCKER_MANIFEST}
    kinds |= {AMD.digest: media_type.OCI_MANIFEST, ARM.digest: media_type.OCI_MANIFEST}
    found = read_listed(open_client(server.host), repository, kinds, {Tag("v1"): OUTER.digest}, parallel=4)
    assert found.manifests.keys() == kinds.keys()
    assert sorted(held.read) == sorted([str(OUTER.digest), str(INNER.digest)])


def test_a_single_oci_image_is_read_for_its_subject_and_one_that_cannot_be_is_not_taken_for_read(
    shelf: Shelf, open_client: Callable[..., Distribution]
) -> None:
    held, server, repository = shelf
    gone = Digest.of(b"listed and gone")
    kinds = {AMD.digest: media_type.OCI_MANIFEST, gone: media_type.OCI_MANIFEST}
    found = read_listed(open_client(server.host), repository, kinds, {}, parallel=4)
    assert found.manifests.keys() == {AMD.digest}
    assert found.missing == {gone}
    assert found.manifests[AMD.digest].content
    assert sorted(held.read) == sorted([str(AMD.digest), str(gone)])


def test_what_only_records_point_at_is_named_and_not_read(shelf: Shelf, open_client: Callable[..., Distribution]) -> None:
    held, server, repository = shelf
    kinds = {AMD.digest: media_type.OCI_MANIFEST}
    record = RecordTag.of("app", "a" * 40, str(AMD.digest), 1).tag
    found = read_listed(open_client(server.host), repository, kinds, {record: AMD.digest}, parallel=4)
    assert found.manifests == {AMD.digest: Stored(AMD.digest, media_type.OCI_MANIFEST)}
    assert held.read == []
