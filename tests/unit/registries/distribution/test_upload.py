"""Uploading blobs: in one piece, mounted, in chunks, and again after the connection broke."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

import pytest
from tests.scripted_server import Reply, Request, ScriptedServer, forward, oci_error
from tests.unit.registries.distribution.conftest import basic, named

from moorage.errors import Contradiction, Denied, NotFound, RegistryError, Unreachable
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Registry, Repository
from moorage.registries.distribution import upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.realparts.registry import RunningRegistry

    from moorage.registries.distribution import Distribution

    Open = Callable[..., Distribution]

CONTENT = os.urandom(300_000)
BLOB = Blob(Digest.of(CONTENT), len(CONTENT))


def content() -> io.BytesIO:
    return io.BytesIO(CONTENT)


class Pipe(io.BytesIO):
    """A source that can only be read from its beginning."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_args: int) -> int:
        raise io.UnsupportedOperation("seek")


def fresh(host: str) -> Repository:
    return Repository(Registry(host), f"upload/{os.urandom(6).hex()}")


class Uploads:
    """A registry that takes uploads as the specification says, and keeps what it has received after a broken connection."""

    def __init__(
        self, *, refuses_whole: bool = False, breaks_at: tuple[int, ...] = (), forgets: bool = False, suffix: str = ""
    ) -> None:
        self.received = b""
        self.stored: dict[str, bytes] = {}
        self.refuses_whole = refuses_whole
        self.breaks = list(breaks_at)
        self.forgets = forgets
        self.suffix = suffix

    def __call__(self, request: Request) -> Reply:
        session = {"Location": f"{request.path}{self.suffix}", "Range": f"0-{max(0, len(self.received) - 1)}"}
        match request.method:
            case "POST":
                self.received = b""
                return Reply(202, headers={"Location": f"/v2/up/1{self.suffix}", "OCI-Chunk-Min-Length": "1000"})
            case "PATCH" | "PUT" if request.body and self.breaks:
                self.received += request.body[: self.breaks.pop(0)]
                return Reply(drop=True)
            case "PATCH":
                found = re.fullmatch(r"(\d+)-(\d+)", request.headers["content-range"])
                assert found
                assert (int(found[1]), int(found[2])) == (len(self.received), len(self.received) + len(request.body) - 1)
                self.received += request.body
                return Reply(202, headers=session)
            case "PUT":
                return self._finish(request)
            case "GET" if request.path == "/v2/":
                return Reply()
            case "GET":
                return oci_error(404, "BLOB_UPLOAD_UNKNOWN") if self.forgets else Reply(204, headers=session)
        return Reply(405)

    def _finish(self, request: Request) -> Reply:
        if request.body and self.refuses_whole:
            return Reply(413)
        self.received += request.body
        digest = dict(request.query)["digest"]
        if str(Digest.of(self.received)) != digest:
            return oci_error(400, "DIGEST_INVALID")
        self.stored[digest] = self.received
        return Reply(201, headers={"Docker-Content-Digest": digest})


def test_a_real_registry_takes_and_mounts(registry: RunningRegistry, open_client: Open) -> None:
    client, first, second = open_client(registry.host), fresh(registry.host), fresh(registry.host)
    client.put_blob(first, BLOB, content)
    client._session.counts.clear()

    def never() -> io.BytesIO:
        raise AssertionError("a mounted blob was read")

    client.put_blob(second, BLOB, never, source=first)
    assert client.small_blob(second, BLOB.digest) == CONTENT
    assert client._session.counts["POST", registry.host] == 1
    assert client._session.counts["PUT", registry.host] == 0


def test_what_cannot_be_mounted_is_uploaded(registry: RunningRegistry, open_client: Open) -> None:
    client, first, second = open_client(registry.host), fresh(registry.host), fresh(registry.host)
    client.put_blob(second, BLOB, content, source=first)
    assert client.has_blob(second, BLOB.digest)


def test_an_empty_blob(registry: RunningRegistry, open_client: Open) -> None:
    client, repository = open_client(registry.host), fresh(registry.host)
    client.put_blob(repository, Blob(Digest.of(b""), 0), io.BytesIO)
    assert client.has_blob(repository, Digest.of(b""))


def test_a_real_registry_gets_what_broke_off_anew(registry: RunningRegistry, open_client: Open) -> None:
    broken: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.method == "PUT" and len(broken) < 2:
            broken.append(request)
            return Reply(cut=True)
        return forward(request, registry.host)

    with ScriptedServer(answer) as server:
        client, repository = open_client(server.host), fresh(server.host)
        client.put_blob(repository, BLOB, content)
        assert client.small_blob(repository, BLOB.digest) == CONTENT


@pytest.mark.parametrize("suffix", ["", "?_state=abc"])
def test_one_piece(open_client: Open, suffix: str) -> None:
    uploads = Uploads(suffix=suffix)
    with ScriptedServer(uploads) as server:
        open_client(server.host).put_blob(named(server), BLOB, content)
    assert uploads.stored == {str(BLOB.digest): CONTENT}
    assert [request.method for request in server.requests] == ["GET", "POST", "PUT"]
    put = server.requests[-1]
    assert put.headers["content-length"] == str(BLOB.size)
    assert put.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("source", [content, lambda: Pipe(CONTENT)])
def test_chunks_where_one_piece_is_too_much(
    open_client: Open, monkeypatch: pytest.MonkeyPatch, source: Callable[[], io.BytesIO]
) -> None:
    monkeypatch.setattr(upload, "_CHUNK", 128_000)
    uploads = Uploads(refuses_whole=True)
    with ScriptedServer(uploads) as server:
        open_client(server.host).put_blob(named(server), BLOB, source)
    assert uploads.stored == {str(BLOB.digest): CONTENT}
    assert [len(request.body) for request in server.asked("PATCH")] == [128_000, 128_000, 44_000]


@pytest.mark.parametrize("source", [content, lambda: Pipe(CONTENT)])
def test_going_on_where_it_broke_off(open_client: Open, source: Callable[[], io.BytesIO]) -> None:
    uploads = Uploads(breaks_at=(100_000, 50_000))
    with ScriptedServer(uploads) as server:
        open_client(server.host).put_blob(named(server), BLOB, source)
    assert uploads.stored == {str(BLOB.digest): CONTENT}
    assert len(server.asked("POST")) == 1
    assert [len(request.body) for request in server.asked("PATCH")] == [200_000, 150_000]


@pytest.mark.parametrize("breaks_at", [(100_000,), (0,), (1,)])
def test_beginning_anew_where_the_registry_forgot(open_client: Open, breaks_at: tuple[int, ...]) -> None:
    uploads = Uploads(breaks_at=breaks_at, forgets=True)
    with ScriptedServer(uploads) as server:
        open_client(server.host).put_blob(named(server), BLOB, content)
    assert uploads.stored == {str(BLOB.digest): CONTENT}
    assert len(server.asked("POST")) == 2


def test_a_connection_that_always_breaks_is_given_up(open_client: Open) -> None:
    with ScriptedServer(Uploads(breaks_at=(0,) * 99)) as server, pytest.raises(Unreachable):
        open_client(server.host).put_blob(named(server), BLOB, content)
    assert len(server.asked("PUT")) == 4


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (oci_error(403, "DENIED"), Denied),
        (oci_error(404, "NAME_UNKNOWN"), NotFound),
        (Reply(202), Contradiction),
        (Reply(202, headers={"Location": "ftp://x/"}), Contradiction),
    ],
)
def test_an_upload_that_cannot_begin(open_client: Open, reply: Reply, kind: type[RegistryError]) -> None:
    with ScriptedServer(lambda request: Reply() if request.path == "/v2/" else reply) as server, pytest.raises(kind):
        open_client(server.host).put_blob(named(server), BLOB, content)
    assert len(server.asked("POST")) == 1


def test_bytes_that_do_not_fit_the_digest_are_refused_once(open_client: Open) -> None:
    wrong = Blob(Digest.of(b"other"), len(CONTENT))
    with ScriptedServer(Uploads()) as server, pytest.raises(RegistryError, match="DIGEST_INVALID"):
        open_client(server.host).put_blob(named(server), wrong, content)
    assert len(server.asked("PUT")) == 1


def test_a_registry_that_stores_something_else(open_client: Open) -> None:
    uploads = Uploads()

    def answer(request: Request) -> Reply:
        reply = uploads(request)
        return Reply(201, headers={"Docker-Content-Digest": str(Digest.of(b"x"))}) if reply.status == 201 else reply

    with ScriptedServer(answer) as server, pytest.raises(Contradiction, match="was stored as"):
        open_client(server.host).put_blob(named(server), BLOB, content)


def test_an_upload_host_elsewhere_gets_the_blob_and_no_credentials(open_client: Open) -> None:
    store = Uploads()

    def answer(request: Request) -> Reply:
        if "authorization" not in request.headers:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return Reply(202, headers={"Location": f"{elsewhere.url}/v2/up/1?sig=2"})

    with ScriptedServer(store) as elsewhere, ScriptedServer(answer) as server:
        open_client(server.host, basic()).put_blob(named(server), BLOB, content)
    assert store.stored == {str(BLOB.digest): CONTENT}
    assert all("authorization" not in request.headers for request in elsewhere.requests)


def test_a_source_that_cannot_be_read_is_not_the_registrys_fault(open_client: Open) -> None:
    def gone() -> io.BytesIO:
        raise FileNotFoundError(2, "No such file or directory")

    with ScriptedServer(Uploads()) as server, pytest.raises(FileNotFoundError):
        open_client(server.host).put_blob(named(server), BLOB, gone)
    assert len(server.asked("POST")) == 1
