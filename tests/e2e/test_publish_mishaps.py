"""A registry on bad days, real but for what a test changes: what can be put right is, and nothing else is called published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.images import filler, image, index, push
from tests.publishing import ONE_TAG, digest_at, settings, statuses, world
from tests.scripted_server import Reply, Request, forward, oci_error

from moorage.commands.connect import connect
from moorage.commands.publish import publish
from moorage.commands.world import World
from moorage.oci.reference import Registry, Repository
from moorage.registries.addressing import resolve
from moorage.registries.interface import Writer
from moorage.settings.settings import Access, SourceText, Storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

    from moorage.commands.publish import PublishResult

APP = index(image(filler(300_000)), image(filler(200_000, seed=1), platform="linux/arm64"))


def source(tmp_path: Path) -> SourceText:
    return SourceText(f"oci:{write_layout(tmp_path / 'source', {'it': APP})}")


def sent(watched: ScriptedServer, what: SourceText, path: str) -> PublishResult:
    return publish(settings(f"{watched.host}/{path}", {"app": what}, ONE_TAG, add_labels=False), world())


def first(count: int, concerns: Callable[[Request], bool], reply: Callable[[], Reply]) -> Callable[[Request], Reply | None]:
    """Answer so the first times that it concerns."""
    left = [count]

    def answer(request: Request) -> Reply | None:
        if not left[0] or not concerns(request):
            return None
        left[0] -= 1
        return reply()

    return answer


def is_blob_write(request: Request) -> bool:
    return request.method in {"PUT", "PATCH"} and "/blobs/uploads/" in request.path


def is_root_write(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith("/manifests/v1")


def throttled() -> Reply:
    return oci_error(429, "TOOMANYREQUESTS", **{"retry-after": "0"})


def is_root_read(request: Request) -> bool:
    return request.method in {"GET", "HEAD"} and request.path.endswith("/manifests/v1")


@pytest.mark.parametrize(
    ("name", "mishap"),
    [
        ("reset", first(2, is_blob_write, lambda: Reply(cut=True))),
        ("closed", first(1, is_blob_write, lambda: Reply(drop=True))),
        ("busy", first(2, is_blob_write, lambda: oci_error(503, "UNAVAILABLE"))),
        ("throttled", first(2, lambda request: request.method != "GET", throttled)),
        ("lost", first(1, is_blob_write, lambda: oci_error(404, "BLOB_UPLOAD_UNKNOWN"))),
        ("gone", first(1, is_root_write, lambda: oci_error(404, "MANIFEST_UNKNOWN"))),
        ("unknown", first(2, is_root_write, lambda: oci_error(400, "MANIFEST_BLOB_UNKNOWN"))),
        ("late", None),
    ],
)  # fmt: skip
def test_what_passes_is_waited_for(
    name: str,
    mishap: Callable[[Request], Reply | None] | None,
    watched: ScriptedServer,
    registry: RunningRegistry,
    tmp_path: Path,
) -> None:
    """`late` is a registry that shows a new tag a moment later."""
    written: list[Request] = []
    hidden = first(2, lambda request: bool(written) and is_root_read(request), lambda: oci_error(404, "MANIFEST_UNKNOWN"))

    def answer(request: Request) -> Reply:
        if is_root_write(request):
            written.append(request)
        own = (mishap or hidden)(request)
        return own if own is not None else forward(request, registry.host)

    watched.answer = answer
    result = sent(watched, source(tmp_path), f"mishap-{name}")
    assert statuses(result) == ["published"], result
    assert digest_at(registry, f"mishap-{name}/app", "v1") == APP.digest.text


@pytest.mark.parametrize("status", [400, 404])
def test_a_mount_that_did_not_happen(status: int, watched: ScriptedServer, registry: RunningRegistry) -> None:
    """The registry says that it mounted a blob, and then that it does not know it (GHCR and others, now and then)."""
    with connect(Storage(resolve(f"{registry.host}/any", "default")), Access(), World()) as port:
        assert isinstance(port, Writer)
        push(port, Repository(Registry(registry.host), f"lying/{status}"), APP, "rc")

    def answer(request: Request) -> Reply:
        if request.method == "POST" and any(key == "mount" for key, _ in request.query):
            return Reply(201, headers={"location": request.path})
        reply = forward(request, registry.host)
        if reply.status in {400, 404} and request.method == "PUT" and "/manifests/" in request.path:
            return oci_error(status, "MANIFEST_BLOB_UNKNOWN")
        return reply

    watched.answer = answer
    result = sent(watched, SourceText(f"docker://{watched.host}/lying/{status}:rc"), f"mounted/{status}")
    assert statuses(result) == ["published"], result
    assert digest_at(registry, f"mounted/{status}/app", "v1") == APP.digest.text


def test_other_bytes_than_were_sent_are_not_called_published(
    watched: ScriptedServer, registry: RunningRegistry, tmp_path: Path
) -> None:
    def answer(request: Request) -> Reply:
        if is_root_write(request):
            return Reply(201, headers={"docker-content-digest": f"sha256:{'0' * 64}"})
        return forward(request, registry.host)

    watched.answer = answer
    result = sent(watched, source(tmp_path), "mishap-other")
    assert statuses(result) == ["failed"]
    assert "was stored as" in str(result.images[0].error)


def test_a_token_that_expires_on_the_way_is_renewed(watched: ScriptedServer, registry: RunningRegistry, tmp_path: Path) -> None:
    """Every token is good for five requests, and the first PUT meets an expired one, with the bytes of a blob in flight.

    What came back with another token than it was refused with is let in: other threads may have used that one up meanwhile,
    which tokens that expire by the clock do not do to anybody.
    """
    served: list[int] = []
    refused: dict[tuple[str, str], str] = {}

    def is_good(token: str, request: Request) -> bool:
        what = (request.method, request.path)
        if what in refused:
            return token.startswith("Bearer number-") and token != refused[what]
        first_put = request.method == "PUT" and not any(method == "PUT" for method, _ in refused)
        return bool(served) and token == f"Bearer number-{len(served)}" and served[-1] < 5 and not first_put

    def answer(request: Request) -> Reply:
        if request.path == "/token":
            served.append(0)
            return Reply.of({"token": f"number-{len(served)}"})
        token = request.headers.get("authorization", "")
        if is_good(token, request):
            served[-1] += 1
            return forward(request, registry.host)
        refused[request.method, request.path] = token
        challenge = f'Bearer realm="{watched.url}/token",service="it"'
        return oci_error(401, "UNAUTHORIZED", **{"www-authenticate": challenge})

    watched.answer = answer
    result = sent(watched, source(tmp_path), "mishap-expired")
    assert statuses(result) == ["published"], result
    assert digest_at(registry, "mishap-expired/app", "v1") == APP.digest.text
    assert {method for method, _ in refused} >= {"GET", "PUT"}, "a blob or a manifest had to be sent again"
