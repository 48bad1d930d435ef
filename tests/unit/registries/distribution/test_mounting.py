"""What a run has seen in one repository is mounted in the next, and never from the repository itself."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tests.scripted_server import Reply, Request, ScriptedServer, oci_error
from tests.unit.registries.distribution.conftest import named

from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest
from moorage.registries.distribution.mounting import SeenBlobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.registries.distribution import Distribution

CONTENT = b"a layer"
BLOB = Blob(Digest.of(CONTENT), len(CONTENT))


class _Store:
    """Takes uploads, grants every mount, and notes where mounts were asked from."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.sources: list[str | None] = []

    def __call__(self, request: Request) -> Reply:
        repository = request.path.removeprefix("/v2/").partition("/blobs/")[0]
        if request.method == "POST":
            source = dict(request.query).get("from")
            self.sources.append(source)
            if source is None:
                return Reply(202, b"", {"location": f"/v2/{repository}/blobs/uploads/1"})
        if request.method in {"POST", "PUT"}:
            self.held.add(repository)
            return Reply(201)
        return Reply(200) if repository in self.held or request.path == "/v2/" else oci_error(404, "BLOB_UNKNOWN")


def test_a_blob_is_sent_once_and_mounted_from_then_on(open_client: Callable[..., Distribution]) -> None:
    store = _Store()
    with ScriptedServer(store) as server:
        blobs = SeenBlobs(open_client(server.host))
        for path in ("team/app", "team/worker", "team/app"):
            blobs.put(named(server, path), BLOB, lambda: io.BytesIO(CONTENT))
    assert store.sources == [None, "team/app", None]


def test_what_was_merely_found_is_mounted_too_what_was_not_is_sent(open_client: Callable[..., Distribution]) -> None:
    store = _Store()
    store.held.add("team/old")
    with ScriptedServer(store) as server:
        blobs = SeenBlobs(open_client(server.host))
        assert not blobs.has(named(server, "team/gone"), BLOB.digest)
        assert blobs.has(named(server, "team/old"), BLOB.digest)
        blobs.put(named(server, "team/new"), BLOB, lambda: io.BytesIO(CONTENT))
    assert store.sources == ["team/old"]
