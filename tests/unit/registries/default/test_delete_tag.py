"""Removing one tag of several: the registry's own way, the stub way, and every way in which that can go wrong."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tests.images import Image, image, index, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward, oci_error
from tests.unit.registries.default.conftest import fresh

from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, RegistryError, Unreachable, Unsupported
from moorage.oci import media_type
from moorage.oci.reference import Digest, Repository, Tag
from moorage.oci.stub import stub_manifest
from moorage.transport.session import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.realparts.fixtures import RegistryFactory
    from tests.realparts.registry import RunningRegistry

    from moorage.registries.default.registry import DefaultRegistry

    Open = Callable[..., DefaultRegistry]
    Vendor = DefaultRegistry

V1, V2 = Tag("v1"), Tag("v2")
APP = image()
BOTH = index(APP, image(platform="linux/arm64"))


@dataclass
class Front:
    """A real docker-registry 2.8 with a man in the middle: `meddle` answers in its place, or passes on with None."""

    host: str
    meddle: Callable[[Request], Reply | None] = field(default=lambda _: None)
    server: ScriptedServer = field(init=False)

    def __call__(self, request: Request) -> Reply:
        return self.meddle(request) or forward(request, self.host)

    def did(self, method: str, *, digest: bool) -> list[str]:
        """The references of this kind that were asked for by this method."""
        references = [request.path.rpartition("/")[2] for request in self.server.asked(method) if "/manifests/" in request.path]
        return [reference for reference in references if reference.startswith("sha256:") is digest]


@pytest.fixture
def front(registry: RunningRegistry) -> Iterator[Front]:
    made = Front(registry.host)
    with ScriptedServer(made) as made.server:
        yield made


@pytest.fixture
def repository(front: Front, open_registry: Open) -> Repository:
    """Holds one index under v1 and v2; pushed past the man in the middle."""
    there = fresh(front.host)
    push(open_registry(front.host), there, BOTH, "v1", "v2")
    return Repository(open_registry(front.server.host)._client.access.registry, there.path)


@pytest.fixture
def vendor(front: Front, open_registry: Open) -> DefaultRegistry:
    return open_registry(front.server.host)


def is_stub(request: Request) -> bool:
    return request.method == "PUT" and b"vnd.moorage.stub" in request.body


def is_digest(request: Request, method: str) -> bool:
    return request.method == method and "/manifests/sha256:" in request.path


def is_tag(request: Request, method: str, tag: Tag = V1) -> bool:
    return request.method == method and request.path.endswith(f"/manifests/{tag}")


def untouched(vendor: Vendor, repository: Repository) -> bool:
    return dict(vendor.inventory(repository).tags) == {V1: BOTH.digest, V2: BOTH.digest}


class TestTheRegistrysOwnWay:
    def test_one_call_takes_one_tag(self, tag_deleting_registry: RunningRegistry, open_registry: Open) -> None:
        running = tag_deleting_registry
        vendor, repository = open_registry(running.host), fresh(running.host)
        push(vendor, repository, BOTH, "v1", "v2", "v3")
        for tag in (V1, Tag("v3")):
            before = vendor._client._session.counts.total()
            vendor.delete_tag(repository, tag)
            assert vendor._client._session.counts.total() == before + 1
        assert vendor.tag_names(repository) == {V2}
        assert vendor.resolve(repository, V2) == BOTH.digest
        assert vendor.cannot_untag(repository) == ""

    def test_a_tag_that_is_not_there(self, tag_deleting_registry: RunningRegistry, open_registry: Open) -> None:
        vendor, repository = open_registry(tag_deleting_registry.host), fresh(tag_deleting_registry.host)
        push(vendor, repository, BOTH, "v1")
        with pytest.raises(NotFound):
            vendor.delete_tag(repository, V2)
        vendor.delete_tag(repository, V1)  # what was not there taught nothing wrong

    @pytest.mark.parametrize(("status", "kind"), [(401, RegistryError), (403, Denied), (409, ItemRefused), (500, Unreachable)])
    def test_other_refusals_are_no_reason_for_the_stub(
        self, front: Front, vendor: Vendor, repository: Repository, status: int, kind: type[Exception]
    ) -> None:
        front.meddle = lambda request: Reply(status) if request.method == "DELETE" else None
        with pytest.raises(kind):
            vendor.delete_tag(repository, V1)
        assert not front.server.asked("PUT")
        assert untouched(vendor, repository)


class TestTheStubWay:
    @pytest.mark.parametrize("what", [BOTH, APP, image(docker=True), index(image(docker=True), docker=True)], ids=repr)
    def test_the_tag_goes_and_its_sibling_stays_whole(self, registry: RunningRegistry, open_registry: Open, what: Image) -> None:
        vendor, repository = open_registry(registry.host), fresh(registry.host)
        push(vendor, repository, what, "v1", "v2")
        vendor.delete_tag(repository, V1)
        inventory = vendor.inventory(repository)
        assert dict(inventory.tags) == {V2: what.digest}
        assert not inventory.missing
        assert vendor.manifest(repository, V2) == (what.content, what.media_type)

    def test_the_shared_digest_is_never_deleted(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        vendor.delete_tag(repository, V1)
        assert str(BOTH.digest) not in front.did("DELETE", digest=True)
        assert vendor.tag_names(repository) == {V2}

    def test_what_is_found_out_once_is_not_asked_again(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        push(vendor, repository, BOTH, "v3", "v4")
        front.server.requests.clear()
        vendor.delete_tag(repository, V1)
        first = len(front.server.requests)
        front.server.requests.clear()
        vendor.delete_tag(repository, Tag("v3"))
        assert [request.method for request in front.server.requests] == ["GET", "PUT", "HEAD", "DELETE", "HEAD"]
        assert first > len(front.server.requests)

    def test_many_threads_take_many_tags(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        tags = [Tag(f"many-{number}") for number in range(24)]
        push(vendor, repository, BOTH, *(tag.text for tag in tags))
        front.server.requests.clear()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda tag: vendor.delete_tag(repository, tag), tags))
        assert untouched(vendor, repository)
        assert len(front.did("DELETE", digest=False)) == 1, "the refusal of tag deletion was not remembered"
        assert vendor.tag_names(repository) == {V1, V2}
        assert len(set(front.did("DELETE", digest=True))) == len(tags) + 1, "one deletion per stub, and one question"

    def test_the_question_about_deletion_comes_before_any_change(
        self, registry_factory: RegistryFactory, open_registry: Open
    ) -> None:
        running = registry_factory(delete=False)
        with ScriptedServer(lambda request: forward(request, running.host)) as server:
            vendor, repository = open_registry(server.host), fresh(server.host)
            push(vendor, repository, BOTH, "v1", "v2")
            server.requests.clear()
            with pytest.raises(Unsupported) as caught:
                vendor.delete_tag(repository, V1)
            assert "storage.delete.enabled" in caught.value.remedy
            assert {request.method for request in server.requests} == {"DELETE"}
            assert untouched(vendor, repository)

    def test_a_tag_that_is_not_there(self, vendor: Vendor, repository: Repository) -> None:
        with pytest.raises(NotFound):
            vendor.delete_tag(repository, Tag("gone"))
        assert untouched(vendor, repository)

    def test_each_stub_is_unique_and_no_image(self) -> None:
        contents = {stub_manifest(BOTH.digest, media_type.OCI_INDEX)[0] for _ in range(100)}
        assert len(contents) == 100
        document = json.loads(contents.pop())
        assert document["config"]["digest"] == str(Digest.of(b"{}"))
        assert document["annotations"]["vnd.moorage.stub.of"] == BOTH.digest.text

    @pytest.mark.parametrize(
        ("like", "kind"),
        [
            (media_type.DOCKER_LIST, media_type.DOCKER_MANIFEST),
            (media_type.DOCKER_MANIFEST, media_type.DOCKER_MANIFEST),
            (media_type.OCI_INDEX, media_type.OCI_MANIFEST),
            ("application/vnd.odd", media_type.OCI_MANIFEST),
        ],
    )
    def test_a_stub_has_the_media_types_that_the_registry_has_taken_before(self, like: str, kind: str) -> None:
        content, found = stub_manifest(BOTH.digest, like)
        assert (found, json.loads(content)["mediaType"]) == (kind, kind)

    def test_a_404_for_a_tag_that_is_there_means_that_the_call_is_not_known(
        self, front: Front, vendor: Vendor, repository: Repository
    ) -> None:
        front.meddle = lambda request: Reply(404, b"404 page not found") if is_tag(request, "DELETE") else None
        vendor.delete_tag(repository, V1)
        assert vendor.tag_names(repository) == {V2}

    def test_the_time_budget_does_not_leave_it_half_done(self, front: Front, open_registry: Open, repository: Repository) -> None:
        left = [1000.0]

        def meddle(request: Request) -> None:
            if is_stub(request):
                left[0] = 0.0

        front.meddle = meddle
        vendor = open_registry(front.server.host, wire=Wire(deadline=lambda: left[0]))
        vendor.delete_tag(repository, V1)
        left[0] = 1000.0
        assert vendor.tag_names(repository) == {V2}


class TestForbidden:
    def test_no_stub_says_so_before_and_after(self, front: Front, open_registry: Open, repository: Repository) -> None:
        vendor = open_registry(front.server.host, allow_stub=False)
        assert "--no-stub" in vendor.cannot_untag(repository)
        assert not front.server.asked("DELETE"), "asking changed something"
        with pytest.raises(Unsupported, match="v1 stays"):
            vendor.delete_tag(repository, V1)
        assert not front.server.asked("PUT")
        assert untouched(vendor, repository)

    def test_no_stub_does_not_forbid_the_registrys_own_way(
        self, tag_deleting_registry: RunningRegistry, open_registry: Open
    ) -> None:
        vendor = open_registry(tag_deleting_registry.host, allow_stub=False)
        repository = fresh(tag_deleting_registry.host)
        push(vendor, repository, BOTH, "v1", "v2")
        vendor.delete_tag(repository, V1)
        assert vendor.tag_names(repository) == {V2}
        assert vendor.cannot_untag(repository) == ""

    def test_the_stub_may_be_used_unless_forbidden(self, vendor: Vendor, repository: Repository) -> None:
        assert vendor.cannot_untag(repository) == ""


class TestGoingWrong:
    """In each of these the tag must be as it was, and the error must say so."""

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (oci_error(403, "DENIED"), Denied),
            (Reply(409), ItemRefused),
            (oci_error(400, "MANIFEST_INVALID"), RegistryError),
            (Reply(500), Unreachable),
        ],
    )
    def test_the_stub_is_not_taken(
        self, front: Front, vendor: Vendor, repository: Repository, reply: Reply, kind: type[Exception]
    ) -> None:
        front.meddle = lambda request: reply if is_stub(request) else None
        with pytest.raises(kind, match="the tag was left at"):
            vendor.delete_tag(repository, V1)
        assert untouched(vendor, repository)

    def test_the_stubs_config_is_not_taken(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        front.meddle = lambda request: Reply(403) if request.method == "POST" else None
        with pytest.raises(Denied):
            vendor.delete_tag(repository, V1)
        assert not front.server.asked("PUT")
        assert untouched(vendor, repository)

    @pytest.mark.parametrize("answered", [False, True])
    def test_the_tag_does_not_move(self, front: Front, vendor: Vendor, repository: Repository, answered: bool) -> None:
        """An immutable tag, by a registry that says yes and does nothing."""

        def meddle(request: Request) -> Reply | None:
            digest = {"Docker-Content-Digest": str(Digest.of(request.body))} if answered else {}
            return Reply(201, headers=digest) if is_stub(request) else None

        front.meddle = meddle
        with pytest.raises(Contradiction, match="did not move to the stub"):
            vendor.delete_tag(repository, V1)
        assert str(BOTH.digest) not in front.did("DELETE", digest=True)
        assert untouched(vendor, repository)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [(oci_error(403, "DENIED"), Denied), (Reply(405), Unsupported), (Reply(500), Unreachable), (Reply(202), Unsupported)],
    )
    def test_the_stub_is_not_deleted(
        self, front: Front, vendor: Vendor, repository: Repository, reply: Reply, kind: type[Exception]
    ) -> None:
        """Deletion works for the question and fails for the stub; the last one says that it did what it did not."""

        def meddle(request: Request) -> Reply | None:
            return reply if is_digest(request, "DELETE") and any(map(is_stub, front.server.requests)) else None

        front.meddle = meddle
        with pytest.raises(kind, match=f"the tag was put back to {BOTH.digest}"):
            vendor.delete_tag(repository, V1)
        assert untouched(vendor, repository)
        assert vendor.manifest(repository, V1) == (BOTH.content, BOTH.media_type)

    def test_a_lost_answer_to_the_deletion_is_looked_after(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        def meddle(request: Request) -> Reply | None:
            if is_digest(request, "DELETE") and any(map(is_stub, front.server.requests)):
                forward(request, front.host)
                return Reply(drop=True)
            return None

        front.meddle = meddle
        vendor.delete_tag(repository, V1)
        assert vendor.tag_names(repository) == {V2}

    def test_a_lost_answer_to_the_stub_is_looked_after(self, front: Front, vendor: Vendor, repository: Repository) -> None:
        def meddle(request: Request) -> Reply | None:
            if is_stub(request):
                forward(request, front.host)
                return Reply(drop=True)
            return None

        front.meddle = meddle
        with pytest.raises(Unreachable, match="was put back"):
            vendor.delete_tag(repository, V1)
        assert untouched(vendor, repository)

    def test_a_verification_that_fails_at_the_very_end_finds_it_gone(
        self, front: Front, vendor: Vendor, repository: Repository
    ) -> None:
        failing = 5  # as often as a request is tried

        def meddle(request: Request) -> Reply | None:
            nonlocal failing
            deleted = len(front.did("DELETE", digest=True)) > 1
            if is_tag(request, "HEAD") and deleted and failing:
                failing -= 1
                return Reply(500)
            return None

        front.meddle = meddle
        vendor.delete_tag(repository, V1)
        assert failing == 0
        assert vendor.tag_names(repository) == {V2}

    def test_a_push_in_between_wins(self, front: Front, vendor: Vendor, repository: Repository, open_registry: Open) -> None:
        """Somebody moves the tag right after the stub: their push stays, and the stub goes."""
        newer = image(layer("newer"))
        other = open_registry(front.host)
        there = Repository(other._client.access.registry, repository.path)

        def meddle(request: Request) -> Reply | None:
            if is_stub(request):
                reply = forward(request, front.host)
                push(other, there, newer, "v1")
                return reply
            return None

        front.meddle = meddle
        with pytest.raises(Contradiction, match=f"the tag was left at {newer.digest}"):
            vendor.delete_tag(repository, V1)
        assert dict(other.inventory(there).tags) == {V1: newer.digest, V2: BOTH.digest}
        stub = next(Digest.of(request.body) for request in front.server.requests if is_stub(request))
        with pytest.raises(NotFound):
            other.resolve(there, stub)

    def test_a_push_after_the_deletion_wins_too(
        self, front: Front, vendor: Vendor, repository: Repository, open_registry: Open
    ) -> None:
        newer = image(layer("newer"))
        other = open_registry(front.host)
        there = Repository(other._client.access.registry, repository.path)

        def meddle(request: Request) -> Reply | None:
            if is_digest(request, "DELETE") and any(map(is_stub, front.server.requests)):
                reply = forward(request, front.host)
                push(other, there, newer, "v1")
                return reply
            return None

        front.meddle = meddle
        with pytest.raises(Contradiction, match="pushed anew"):
            vendor.delete_tag(repository, V1)
        assert dict(other.inventory(there).tags) == {V1: newer.digest, V2: BOTH.digest}

    @pytest.mark.parametrize("reply", [Reply(500), Reply(403), Reply(201)])
    def test_what_cannot_be_put_back_is_said_with_the_way_to_do_it(
        self, front: Front, vendor: Vendor, repository: Repository, reply: Reply
    ) -> None:
        def meddle(request: Request) -> Reply | None:
            stubbed = any(map(is_stub, front.server.requests))
            if is_digest(request, "DELETE") and stubbed:
                return Reply(403)
            return reply if is_tag(request, "PUT") and not is_stub(request) else None

        front.meddle = meddle
        with pytest.raises(RegistryError, match="may be left pointing at the stub") as caught:
            vendor.delete_tag(repository, V1)
        assert f"{repository}@{BOTH.digest} v1" in caught.value.remedy
        assert "403" in str(caught.value)
        assert vendor.resolve(repository, V2) == BOTH.digest

    def test_an_interruption_puts_the_tag_back(
        self, front: Front, vendor: Vendor, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Stop(BaseException):
            """As KeyboardInterrupt, which pytest keeps for itself."""

        delete = vendor._client.delete

        def interrupted(where: Repository, what: Tag | Digest, *, remedy: str | None = None) -> None:
            if isinstance(what, Digest) and remedy is not None:
                monkeypatch.undo()
                raise Stop
            delete(where, what, remedy=remedy)

        monkeypatch.setattr(vendor._client, "delete", interrupted)
        with pytest.raises(Stop):
            vendor.delete_tag(repository, V1)
        assert untouched(vendor, repository)
