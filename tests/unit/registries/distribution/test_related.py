from __future__ import annotations

from typing import TYPE_CHECKING

from tests.images import Image, artifact, image, layer
from tests.scripted_server import Reply, Request, ScriptedServer, oci_error
from tests.unit.registries.distribution.conftest import named
from tests.unit.registries.distribution.test_snapshot import Shelf

from moorage.oci.reference import Digest
from moorage.registries.distribution.related import referrers_of
from moorage.registries.distribution.snapshot import take_inventory

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.oci.inventory import Stored
    from moorage.registries.distribution import Distribution

    Open = Callable[..., Distribution]

FIRST, SECOND = image(layer("first")), image(layer("second"))
SBOM, SIGNATURE = artifact(FIRST, payload=b"sbom"), artifact(FIRST, payload=b"signature")


class Referring(Shelf):
    """The shelf with the referrers API; `hidden` are manifests that no tag leads to."""

    def __init__(self, *hidden: Image, offered: bool = True) -> None:
        super().__init__({"a": FIRST, "b": SECOND})
        self.hidden = hidden
        self.offered = offered
        self.images |= {str(one.digest): one for one in hidden}

    def __call__(self, request: Request) -> Reply:
        if "/referrers/" not in request.path:
            return super().__call__(request)
        if not self.offered:
            return Reply(404, b"404 page not found")
        subject = Digest(request.path.rpartition("/")[2])
        return Reply.of(
            {
                "manifests": [
                    {"mediaType": one.media_type, "digest": str(one.digest), "size": len(one.content)}
                    for one in self.hidden
                    if one.document["subject"]["digest"] == str(subject)  # type: ignore[index]
                ]
            }
        )


def related(shelf: Referring, open_client: Open, *subjects: Image) -> tuple[list[Stored], list[Request]]:
    with ScriptedServer(shelf) as server:
        client = open_client(server.host)
        inventory = take_inventory(client, named(server), parallel=4)
        server.requests.clear()
        return list(referrers_of(client, inventory, [one.digest for one in subjects], parallel=4)), server.requests


def test_referrers_are_read_as_in_an_inventory(open_client: Open) -> None:
    found, _ = related(Referring(SBOM, SIGNATURE), open_client, FIRST, SECOND)
    assert {one.digest for one in found} == {SBOM.digest, SIGNATURE.digest}
    assert {one.subject for one in found} == {FIRST.digest}
    assert all(one.blobs for one in found)


def test_one_question_is_enough_where_the_api_is_not_offered(open_client: Open) -> None:
    found, requests = related(Referring(SBOM, offered=False), open_client, FIRST, SECOND)
    assert found == []
    assert len(requests) == 1


def test_nothing_is_asked_for_nothing(open_client: Open) -> None:
    found, requests = related(Referring(SBOM), open_client)
    assert (found, requests) == ([], [])


def test_what_the_inventory_has_is_not_read_again(open_client: Open) -> None:
    shelf = Referring(SBOM)
    shelf.tags["sbom"] = SBOM
    found, requests = related(shelf, open_client, FIRST)
    assert [one.digest for one in found] == [SBOM.digest]
    assert len(requests) == 1


def test_a_referrer_that_cannot_be_read_is_still_one_and_a_missing_one_is_none(open_client: Open) -> None:
    shelf = Referring(SBOM, SIGNATURE)
    shelf.odd["*", str(SBOM.digest)] = Reply(500)
    shelf.odd["*", str(SIGNATURE.digest)] = oci_error(404, "MANIFEST_UNKNOWN")
    (found,), _ = related(shelf, open_client, FIRST)
    assert (found.digest, found.subject, found.media_type) == (SBOM.digest, FIRST.digest, SBOM.media_type)
