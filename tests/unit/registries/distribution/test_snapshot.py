"""Reading a repository: completely, cheaply, and without stopping at what cannot be read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.images import Image, artifact, attestation, cosign, image, index, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error
from tests.unit.registries.distribution.conftest import named

from moorage.errors import Contradiction, Denied, NotFound, Throttled, Unauthorized, Unreachable
from moorage.oci import media_type
from moorage.oci.manifest import INDEX_DEPTH_LIMIT
from moorage.oci.records import RecordTag
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution.snapshot import take_inventory
from moorage.registries.distribution.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.realparts.registry import RunningRegistry

    from moorage.oci.inventory import Inventory
    from moorage.registries.distribution import Distribution

    Open = Callable[..., Distribution]

AMD, ARM = image(layer("amd")), image(layer("arm"), platform="linux/arm64")
BOTH = index(AMD, ARM, attestation(AMD))


class Shelf:
    """A repository in memory, with chosen answers for chosen references."""

    def __init__(self, tags: Mapping[str, Image], **odd: Reply) -> None:
        self.tags = dict(tags)
        self.images = {str(one.digest): one for top in tags.values() for one in top.manifests()}
        self.odd: dict[tuple[str, str], Reply] = {}
        self.listings = 0

    def __call__(self, request: Request) -> Reply:
        if request.path == "/v2/":
            return Reply()
        if request.path.endswith("/tags/list"):
            self.listings += 1
            return Reply.of({"tags": sorted(self.tags)})
        reference = request.path.rpartition("/")[2]
        for key in ((request.method, reference), ("*", reference)):
            if key in self.odd:
                return self.odd[key]
        found = self.tags.get(reference) or self.images.get(reference)
        if found is None:
            return oci_error(404, "MANIFEST_UNKNOWN")
        return Reply(200, found.content, {"Content-Type": found.media_type, "Docker-Content-Digest": str(found.digest)})


def take(shelf: Callable[[Request], Reply], open_client: Open, parallel: int = 4) -> tuple[Inventory, list[Request]]:
    with ScriptedServer(shelf) as server:
        inventory = take_inventory(open_client(server.host), named(server), parallel=parallel)
    return inventory, server.requests


def test_a_real_repository_is_read_completely(registry: RunningRegistry, open_client: Open) -> None:
    client, repository = open_client(registry.host), Repository(Registry(registry.host), f"snapshot/{os.urandom(6).hex()}")
    nested = index(BOTH, image(layer("other")))
    tag, signature = cosign(BOTH)
    sbom = artifact(BOTH)
    pushed = {"nested": nested, "v1": BOTH, "v2": BOTH, tag.text: signature, "sbom": sbom, "d": image(docker=True)}
    for name, what in pushed.items():
        push(client, repository, what, name)
    inventory = take_inventory(client, repository, parallel=4)
    assert {name.text: digest for name, digest in inventory.tags.items()} == {name: what.digest for name, what in pushed.items()}
    expected = {one.digest for top in (nested, signature, sbom, image(docker=True)) for one in top.manifests()}
    assert set(inventory.manifests) == expected
    assert inventory.manifests[BOTH.digest].children == tuple(child.digest for child in BOTH.children)
    assert inventory.manifests[sbom.digest].subject == BOTH.digest
    assert inventory.manifests[BOTH.digest].content == BOTH.content
    assert not inventory.unreadable
    assert not inventory.unresolved
    assert not inventory.missing
    assert not inventory.lists_untagged


def test_an_unknown_repository_is_not_found(registry: RunningRegistry, open_client: Open) -> None:
    with pytest.raises(NotFound, match="NAME_UNKNOWN"):
        take_inventory(open_client(registry.host), Repository(Registry(registry.host), "snapshot/nowhere"), parallel=4)


def test_one_request_per_tag_and_per_child(open_client: Open) -> None:
    shared = index(AMD, image(layer("third")))
    shelf = Shelf({"a": BOTH, "b": BOTH, "c": AMD, "d": shared})
    inventory, requests = take(shelf, open_client)
    asked = sorted(request.path.rpartition("/")[2] for request in requests if "/manifests/" in request.path)
    below = {child.digest for top in (BOTH, shared) for child in top.children} - {AMD.digest}
    assert asked == sorted(["a", "b", "c", "d", *map(str, below)])
    assert {request.method for request in requests} == {"GET"}
    assert shelf.listings == 1
    assert set(inventory.manifests) == {BOTH.digest, shared.digest, AMD.digest, *below}


def test_a_child_that_is_not_there_is_missing(open_client: Open) -> None:
    shelf = Shelf({"v1": BOTH})
    del shelf.images[str(ARM.digest)]
    inventory, _ = take(shelf, open_client)
    assert inventory.missing == {ARM.digest}
    assert AMD.digest in inventory.manifests


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Reply(500), "answered 500"),
        (Reply(200, b"forged"), "has bytes with the digest"),
        (Reply(200, b" " * (5 << 20)), "more than"),
        (Reply(cut=True), ""),
        (oci_error(412, "PROJECTPOLICYVIOLATION"), "PROJECTPOLICYVIOLATION"),
        (oci_error(400, "MANIFEST_INVALID"), "MANIFEST_INVALID"),
    ],
)
def test_an_unreadable_child_is_named_and_stops_nothing(open_client: Open, trouble: Reply, reason: str) -> None:
    shelf = Shelf({"v1": BOTH, "v2": AMD})
    shelf.odd["*", str(ARM.digest)] = trouble
    inventory, _ = take(shelf, open_client)
    assert set(inventory.unreadable) == {ARM.digest}
    assert reason in inventory.unreadable[ARM.digest]
    assert set(inventory.tags) == {Tag("v1"), Tag("v2")}


def test_an_unreadable_tag_keeps_the_digest_that_head_says(open_client: Open) -> None:
    shelf = Shelf({"v1": BOTH, "v2": AMD})
    shelf.odd["GET", "v1"] = Reply(500)
    inventory, _ = take(shelf, open_client)
    assert inventory.tags[Tag("v1")] == BOTH.digest
    assert set(inventory.unreadable) == {BOTH.digest}
    assert not inventory.unresolved


def test_what_one_tag_cannot_read_another_may(open_client: Open) -> None:
    shelf = Shelf({"v1": AMD, "v2": AMD})
    shelf.odd["GET", "v1"] = Reply(500)
    inventory, _ = take(shelf, open_client)
    assert set(inventory.tags) == {Tag("v1"), Tag("v2")}
    assert not inventory.unreadable
    assert set(inventory.manifests) == {AMD.digest}


def test_a_tag_of_which_nothing_can_be_said_is_unresolved(open_client: Open) -> None:
    shelf = Shelf({"v1": BOTH, "v2": AMD})
    shelf.odd["*", "v1"] = Reply(500)
    inventory, _ = take(shelf, open_client)
    assert set(inventory.unresolved) == {Tag("v1")}
    assert "answered 500" in inventory.unresolved[Tag("v1")]
    assert set(inventory.tags) == {Tag("v2")}


@pytest.mark.parametrize("content", [b"no json", b"[]", b'{"schemaVersion":2,"manifests":[{"digest":"x"}]}'])
def test_garbage_under_a_tag_is_unreadable(open_client: Open, content: bytes) -> None:
    shelf = Shelf({"v1": Image(content, media_type.OCI_INDEX), "v2": AMD})
    inventory, _ = take(shelf, open_client)
    assert inventory.tags[Tag("v1")] == Digest.of(content)
    assert set(inventory.unreadable) == {Digest.of(content)}


def test_garbage_as_a_child_is_unreadable(open_client: Open) -> None:
    garbage = Image(b"no json", media_type.OCI_MANIFEST)
    inventory, _ = take(Shelf({"v1": index(AMD, garbage)}), open_client)
    assert inventory.unreadable == {garbage.digest: "is not JSON"}


def test_records_are_named_and_not_read(open_client: Open) -> None:
    record = RecordTag.of("app", "a" * 40, str(AMD.digest), 1).tag.text
    inventory, requests = take(Shelf({"v1": AMD, record: ARM}), open_client)
    assert inventory.records == {Tag(record)}
    assert set(inventory.tags) == {Tag("v1")}
    assert not [request for request in requests if request.path.endswith(record)]


def test_a_tag_deleted_while_reading_is_not_there(open_client: Open) -> None:
    class Shrinking(Shelf):
        def __call__(self, request: Request) -> Reply:
            if request.path.endswith("/manifests/v1"):
                self.tags.pop("v1", None)
            return super().__call__(request)

    shelf = Shrinking({"v1": BOTH, "v2": AMD})
    inventory, _ = take(shelf, open_client)
    assert set(inventory.tags) == {Tag("v2")}
    assert not inventory.unresolved
    assert shelf.listings == 2


@pytest.mark.parametrize("first", [Reply(404), Reply(500)])
def test_a_tag_that_is_listed_and_never_there_is_broken(open_client: Open, first: Reply) -> None:
    shelf = Shelf({"v1": BOTH, "v2": AMD})
    shelf.odd["GET", "v1"] = first
    shelf.odd["HEAD", "v1"] = Reply(404)
    inventory, _ = take(shelf, open_client)
    assert set(inventory.dangling) == {Tag("v1")}
    assert "lists it" in inventory.dangling[Tag("v1")]
    assert not inventory.unresolved


TOO_LONG = Reply(429, headers={"Retry-After": "999"})


@pytest.mark.parametrize(("trouble", "kind"), [(Reply(401), Unauthorized), (Reply(403), Denied), (TOO_LONG, Throttled)])
@pytest.mark.parametrize("where", ["v2", str(ARM.digest)])
def test_what_concerns_the_whole_repository_stops(open_client: Open, trouble: Reply, kind: type[Exception], where: str) -> None:
    shelf = Shelf({"v1": BOTH, "v2": AMD})
    shelf.odd["*", where] = trouble
    with pytest.raises(kind):
        take(shelf, open_client)


def test_refused_reading_of_the_digest_stops_too(open_client: Open) -> None:
    shelf = Shelf({"v1": BOTH})
    shelf.odd["GET", "v1"], shelf.odd["HEAD", "v1"] = Reply(500), Reply(403)
    with pytest.raises(Denied):
        take(shelf, open_client)


def test_a_listing_that_breaks_off_is_no_inventory(open_client: Open) -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/tags/list"):
            return Reply.of({"tags": ["a"]}, 200, Link='<?last=a>; rel="next"') if not request.query else Reply(500)
        return Reply()

    with pytest.raises(Unreachable):
        take(answer, open_client)


def test_a_second_listing_that_contradicts_itself_is_no_inventory(open_client: Open) -> None:
    shelf = Shelf({"v1": BOTH})
    shelf.odd["*", "v1"] = Reply(404)

    def answer(request: Request) -> Reply:
        return Reply.of({"tags": ["not ok"]}) if shelf.listings and request.path.endswith("/tags/list") else shelf(request)

    with pytest.raises(Contradiction):
        take(answer, open_client)


def test_nesting_beyond_the_limit_is_unreadable(open_client: Open) -> None:
    tower = [AMD]
    for _ in range(INDEX_DEPTH_LIMIT + 1):
        tower.append(index(tower[-1]))
    inventory, _ = take(Shelf({"top": tower[-1]}), open_client)
    assert set(inventory.manifests) == {one.digest for one in tower[1:]}
    assert set(inventory.unreadable) == {AMD.digest}
    assert "deeper than 16" in inventory.unreadable[AMD.digest]


def test_nesting_up_to_the_limit_is_read(open_client: Open) -> None:
    tower = [AMD]
    for _ in range(INDEX_DEPTH_LIMIT):
        tower.append(index(tower[-1]))
    inventory, _ = take(Shelf({"top": tower[-1]}), open_client)
    assert set(inventory.manifests) == {one.digest for one in tower}
    assert not inventory.unreadable


def test_what_a_manifest_of_unknown_kind_mentions_is_looked_for(open_client: Open) -> None:
    document = {"mediaType": "application/vnd.odd", "refs": [str(AMD.digest), str(ARM.digest)]}
    odd = Image(json.dumps(document).encode(), "application/vnd.odd")
    inventory, _ = take(Shelf({"odd": odd, "v1": AMD}), open_client)
    assert set(inventory.manifests[odd.digest].children) == {AMD.digest, ARM.digest}
    assert inventory.missing == {ARM.digest}


def test_an_empty_repository_has_an_empty_inventory(open_client: Open) -> None:
    inventory, requests = take(Shelf({}), open_client)
    assert not inventory.tags
    assert len(requests) == 2


def test_threads_keep_the_order_and_stop_at_the_first_exception() -> None:
    assert in_threads(lambda number: number * 2, range(50), 4) == [number * 2 for number in range(50)]
    done: list[int] = []

    def step(number: int) -> None:
        if number == 3:
            raise ValueError(number)
        done.append(number)

    for parallel in (1, 2):
        done.clear()
        with pytest.raises(ValueError, match="3"):
            in_threads(step, range(10_000), parallel)
        assert len(done) < 10_000 - 1
