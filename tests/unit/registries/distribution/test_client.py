"""Tags, manifests, blobs, referrers and the catalog: against both real registries, and against lying ones."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.images import image, index, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward, oci_error
from tests.unit.registries.distribution.conftest import basic, named

from moorage.errors import Contradiction, Denied, ItemRefused, NotFound, RegistryError, Unreachable, Unsupported
from moorage.oci import media_type
from moorage.oci.manifest import MANIFEST_LIMIT, Blob
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.distribution.threads import in_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.realparts.fixtures import RegistryFactory
    from tests.realparts.registry import RunningRegistry

    from moorage.registries.distribution import Distribution

    Open = Callable[..., Distribution]

V1 = Tag("v1")
APP = image()


@pytest.fixture(params=["registry", "tag_deleting_registry"])
def running(request: pytest.FixtureRequest) -> RunningRegistry:
    """Each of the two real implementations."""
    found: RunningRegistry = request.getfixturevalue(request.param)
    return found


def fresh(running: RunningRegistry) -> Repository:
    return Repository(Registry(running.host), f"client/{os.urandom(6).hex()}")


def registry_of(**replies: Reply) -> Callable[[Request], Reply]:
    """A server that is a registry, and answers these by method."""
    return lambda request: Reply() if request.path == "/v2/" else replies[request.method]


def stored(content: bytes, kind: str = media_type.OCI_MANIFEST, digest: str = "") -> Reply:
    return Reply(body=content, headers={"Content-Type": kind, "Docker-Content-Digest": digest or str(Digest.of(content))})


class TestAgainstRealRegistries:
    def test_an_index_comes_back_as_an_index(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        both = index(image(), image(platform="linux/arm64"))
        push(client, repository, both, "v1", "latest")
        fetched = client.manifest(repository, V1)
        assert (fetched.digest, fetched.content, fetched.media_type) == (both.digest, both.content, media_type.OCI_INDEX)
        described = client.head(repository, V1)
        assert (described.digest, described.media_type, described.size) == (both.digest, media_type.OCI_INDEX, len(both.content))
        assert client.head(repository, both.digest).digest == both.digest
        assert sorted(client.tags(repository)) == [Tag("latest"), V1]

    def test_docker_manifests_and_lists_too(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        listed = index(image(docker=True), docker=True)
        push(client, repository, listed, "v1")
        assert client.manifest(repository, V1).media_type == media_type.DOCKER_LIST
        assert client.manifest(repository, listed.children[0].digest).media_type == media_type.DOCKER_MANIFEST

    def test_what_is_not_there_is_not_found(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        with pytest.raises(NotFound):
            client.tags(repository)
        push(client, repository, APP, "v1")
        for reference in (Tag("gone"), Digest.of(b"gone")):
            for call in (client.head, client.manifest):
                with pytest.raises(NotFound):
                    call(repository, reference)
        with pytest.raises(NotFound):
            client.delete(repository, Digest.of(b"gone"))
        with pytest.raises(NotFound):
            client.small_blob(repository, Digest.of(b"gone"))
        assert not client.has_blob(repository, Digest.of(b"gone"))

    def test_blobs_are_streamed_and_verified(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        content = os.urandom(1_500_000)
        blob = Blob(Digest.of(content), len(content))
        client.put_blob(repository, blob, lambda: io.BytesIO(content))
        assert client.has_blob(repository, blob.digest)
        with client.blob(repository, blob) as stream:
            assert stream.read() == content
        assert client.small_blob(repository, blob.digest) == content

    def test_deleting_by_digest(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        push(client, repository, APP, "v1")
        client.require_deletion(repository)
        client.delete(repository, APP.digest)
        with pytest.raises(NotFound):
            client.head(repository, APP.digest)

    def test_referrers_are_not_offered_and_asked_for_once(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        push(client, repository, APP, "v1")
        assert client.referrers(repository, APP.digest) is None
        before = client._session.counts.total()
        assert client.referrers(repository, APP.digest) is None
        assert client._session.counts.total() == before

    def test_the_catalog_names_the_repository(self, running: RunningRegistry, open_client: Open) -> None:
        client, repository = open_client(running.host), fresh(running)
        push(client, repository, APP, "v1")
        assert repository.path in set(client.catalog())


def test_every_page_of_a_real_catalog_is_read(registry_factory: RegistryFactory, open_client: Open) -> None:
    """distribution 2.8 gives 100 names a page and a relative Link, and lists what has blobs."""
    running = registry_factory()
    client = open_client(running.host)
    paths = {f"catalog/{number:03}" for number in range(110)}
    first, *others = (Repository(Registry(running.host), path) for path in sorted(paths))
    blob = Blob(Digest.of(b"x"), 1)
    client.put_blob(first, blob, lambda: io.BytesIO(b"x"))
    in_threads(lambda other: client.put_blob(other, blob, lambda: io.BytesIO(b"x"), source=first), others, 8)
    client._session.counts.clear()
    assert set(client.catalog()) == paths
    assert client._session.counts["GET", running.host] == 2


def test_deletion_that_is_switched_off_is_unsupported(registry_factory: RegistryFactory, open_client: Open) -> None:
    running = registry_factory(delete=False)
    client, repository = open_client(running.host), fresh(running)
    push(client, repository, APP, "v1")
    for reference in (APP.digest, V1):
        with pytest.raises(Unsupported) as caught:
            client.delete(repository, reference, remedy="Switch it on.")
        assert caught.value.remedy == "Switch it on."
    with pytest.raises(Unsupported) as caught:
        client.require_deletion(repository, remedy="Switch it on.")
    assert caught.value.remedy == "Switch it on."
    assert client.head(repository, V1).digest == APP.digest


def test_the_real_2_8_refuses_to_delete_tags(registry: RunningRegistry, open_client: Open) -> None:
    client, repository = open_client(registry.host), fresh(registry)
    push(client, repository, APP, "v1")
    with pytest.raises(Unsupported, match="DIGEST_INVALID"):
        client.delete(repository, V1)
    assert client.tags(repository) == [V1]


class TestTags:
    def test_every_page_is_read(self, open_client: Open) -> None:
        def answer(request: Request) -> Reply:
            last = dict(request.query).get("last", "")
            page = {"": (["a", "b"], "b"), "b": (["c"], "c"), "c": (["c", "d"], "")}[last]
            link = {"Link": f'</v2/team/app/tags/list?last={page[1]}>; rel="next"'} if page[1] else {}
            return Reply.of({"tags": page[0]}, 200, **link)

        with ScriptedServer(answer) as server:
            assert [tag.text for tag in open_client(server.host).tags(named(server))] == ["a", "b", "c", "d"]

    def test_no_page_size_is_asked_for(self, open_client: Open) -> None:
        """go-containerregistry's registry would answer with the first page, and no Link."""
        with ScriptedServer(lambda _: Reply.of({"tags": []})) as server:
            open_client(server.host).tags(named(server))
        assert server.asked("GET", "/tags/list")[0].query == []

    def test_pages_on_another_host_are_not_followed(self, open_client: Open) -> None:
        page = Reply.of({"tags": ["a"]}, Link='<https://evil.example/v2/team/app/tags/list?last=a>; rel="next"')
        with ScriptedServer(lambda _: page) as server, pytest.raises(Contradiction, match="another host"):
            open_client(server.host).tags(named(server))

    def test_endless_pages_are_a_contradiction(self, open_client: Open) -> None:
        page = Reply.of({"tags": ["a"]}, Link='</v2/team/app/tags/list?again>; rel="next"')
        with ScriptedServer(lambda _: page) as server, pytest.raises(Contradiction, match="repeat"):
            open_client(server.host).tags(named(server))

    @pytest.mark.parametrize("tags", [["ok", "not ok"], [""], [5], [None], ["x" * 129], [["v1"]]])
    def test_what_can_be_no_tag_is_a_contradiction(self, open_client: Open, tags: list[object]) -> None:
        with ScriptedServer(lambda _: Reply.of({"tags": tags})) as server, pytest.raises(Contradiction):
            assert open_client(server.host).tags(named(server)) != []

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"tags": {}}', b'{"tags": "v1"}', b"<html>"])
    def test_a_listing_without_a_list_is_a_contradiction(self, open_client: Open, body: bytes) -> None:
        with ScriptedServer(lambda _: Reply(body=body)) as server, pytest.raises(Contradiction):
            open_client(server.host).tags(named(server))

    def test_null_is_an_emptied_repository(self, open_client: Open) -> None:
        with ScriptedServer(lambda _: Reply.of({"tags": None})) as server:
            assert open_client(server.host).tags(named(server)) == []

    def test_a_listing_that_breaks_off_is_no_short_listing(self, open_client: Open) -> None:
        whole = Reply.of({"tags": ["a", "b"]})
        broken = Reply(body=whole.body, short=3)
        with ScriptedServer(registry_of(GET=broken)) as server, pytest.raises(Unreachable):
            open_client(server.host).tags(named(server))


class TestManifests:
    def test_bytes_that_are_not_what_the_digest_says(self, open_client: Open) -> None:
        lie = stored(APP.content, digest=str(Digest.of(b"other")))
        with ScriptedServer(registry_of(GET=lie)) as server:
            client = open_client(server.host)
            with pytest.raises(Contradiction, match="has bytes with the digest"):
                client.manifest(named(server), V1)
            with pytest.raises(Contradiction, match="has bytes with the digest"):
                client.manifest(named(server), Digest.of(b"asked for"))

    def test_signed_schema_1_says_why(self, open_client: Open) -> None:
        old = stored(b"{}", media_type.DOCKER_SCHEMA_1_SIGNED, str(Digest.of(b"payload")))
        with ScriptedServer(registry_of(GET=old)) as server, pytest.raises(Contradiction, match="leaves the signature out"):
            open_client(server.host).manifest(named(server), V1)

    def test_one_that_is_too_large(self, open_client: Open) -> None:
        large = stored(b" " * (MANIFEST_LIMIT + 1))
        with ScriptedServer(registry_of(GET=large)) as server, pytest.raises(Contradiction, match="more than 4194304 bytes"):
            open_client(server.host).manifest(named(server), V1)

    @pytest.mark.parametrize("digest", ["", "sha512:abc", "nonsense"])
    def test_a_head_without_a_digest_is_computed(self, open_client: Open, digest: str) -> None:
        headers = {"Content-Type": APP.media_type, **({"Docker-Content-Digest": digest} if digest else {})}
        both = Reply(body=APP.content, headers=headers)
        with ScriptedServer(registry_of(HEAD=both, GET=both)) as server:
            found = open_client(server.host).head(named(server), V1)
        assert (found.digest, found.size) == (APP.digest, len(APP.content))

    def test_a_head_that_names_another_digest(self, open_client: Open) -> None:
        with ScriptedServer(registry_of(HEAD=stored(b"other"))) as server, pytest.raises(Contradiction, match="is said to have"):
            open_client(server.host).head(named(server), APP.digest)

    def test_one_that_is_stored_as_another(self, open_client: Open) -> None:
        lie = Reply(201, headers={"Docker-Content-Digest": str(Digest.of(b"other"))})
        with ScriptedServer(registry_of(PUT=lie)) as server, pytest.raises(Contradiction, match="was stored as"):
            open_client(server.host).put_manifest(named(server), V1, APP.content, APP.media_type)

    def test_no_compression_is_asked_for(self, open_client: Open) -> None:
        with ScriptedServer(registry_of(GET=stored(APP.content))) as server:
            open_client(server.host).manifest(named(server), V1)
        assert server.requests[-1].headers["accept-encoding"] == "identity"
        assert server.requests[-1].headers["accept"] == media_type.ACCEPT


class TestPutManifest:
    @pytest.mark.parametrize("code", ["DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"])
    def test_a_complaint_about_bytes_is_asked_for_again(self, open_client: Open, code: str) -> None:
        replies = iter([Reply(), oci_error(400, code), oci_error(400, code), Reply(201)])
        with ScriptedServer(lambda _: next(replies)) as server:
            assert open_client(server.host).put_manifest(named(server), V1, APP.content, APP.media_type) == APP.digest
        assert len(server.asked("PUT")) == 3

    @pytest.mark.parametrize(("code", "attempts"), [("DIGEST_INVALID", 4), ("MANIFEST_INVALID", 1), ("NAME_INVALID", 1)])
    def test_but_not_for_ever(self, open_client: Open, code: str, attempts: int) -> None:
        with ScriptedServer(registry_of(PUT=oci_error(400, code))) as server, pytest.raises(RegistryError, match=code):
            open_client(server.host).put_manifest(named(server), V1, APP.content, APP.media_type)
        assert len(server.asked("PUT")) == attempts


class TestDelete:
    @pytest.mark.parametrize("status", [200, 202, 204])
    def test_done(self, open_client: Open, status: int) -> None:
        with ScriptedServer(registry_of(DELETE=Reply(status))) as server:
            assert open_client(server.host).delete(named(server), APP.digest) is True

    def test_a_404_after_a_lost_answer_is_our_own_doing(self, open_client: Open) -> None:
        replies = iter([Reply(), Reply(drop=True), oci_error(404, "MANIFEST_UNKNOWN")])
        with ScriptedServer(lambda _: next(replies)) as server:
            assert open_client(server.host).delete(named(server), APP.digest) is False

    def test_a_404_after_a_limit_is_not(self, open_client: Open) -> None:
        replies = iter([Reply(), Reply(429, headers={"Retry-After": "0"}), oci_error(404, "MANIFEST_UNKNOWN")])
        with ScriptedServer(lambda _: next(replies)) as server, pytest.raises(NotFound):
            open_client(server.host).delete(named(server), APP.digest)

    @pytest.mark.parametrize(
        ("reply", "reference", "kind"),
        [
            (oci_error(400, "DIGEST_INVALID"), V1, Unsupported),
            (oci_error(400, "DIGEST_INVALID"), APP.digest, RegistryError),
            (oci_error(400, "UNSUPPORTED"), APP.digest, Unsupported),
            (Reply(405), APP.digest, Unsupported),
            (Reply(501), V1, Unsupported),
            (oci_error(403, "DENIED"), APP.digest, Denied),
            (oci_error(409, "TAG_IMMUTABLE"), V1, ItemRefused),
            (Reply(500), APP.digest, Unreachable),
        ],
    )
    def test_refused(self, open_client: Open, reply: Reply, reference: Tag | Digest, kind: type[RegistryError]) -> None:
        with ScriptedServer(registry_of(DELETE=reply)) as server, pytest.raises(kind) as caught:
            open_client(server.host).delete(named(server), reference)
        assert type(caught.value) is kind

    @pytest.mark.parametrize("reply", [oci_error(404, "MANIFEST_UNKNOWN"), oci_error(404, "NAME_UNKNOWN"), Reply(202)])
    def test_deletion_is_offered(self, open_client: Open, reply: Reply) -> None:
        with ScriptedServer(registry_of(DELETE=reply)) as server:
            open_client(server.host).require_deletion(named(server))

    @pytest.mark.parametrize("reply", [Reply(404), Reply(404, b"404 page not found"), Reply(405), oci_error(400, "UNSUPPORTED")])
    def test_deletion_is_not_offered(self, open_client: Open, reply: Reply) -> None:
        with ScriptedServer(registry_of(DELETE=reply)) as server, pytest.raises(Unsupported):
            open_client(server.host).require_deletion(named(server))


class TestBlobs:
    def test_a_lying_stream(self, open_client: Open) -> None:
        with ScriptedServer(registry_of(GET=Reply(body=b"forged"))) as server:
            client = open_client(server.host)
            with (
                client.blob(named(server), Blob(Digest.of(b"honest"), 6)) as stream,
                pytest.raises(Contradiction, match="digest"),
            ):
                stream.read()
            with (
                client.blob(named(server), Blob(Digest.of(b"honest"), 5)) as stream,
                pytest.raises(Contradiction, match="more than"),
            ):
                stream.read()
            with client.blob(named(server), Blob(Digest.of(b"forged"), 0)) as stream:  # a manifest may leave the size out
                assert stream.read() == b"forged"

    def test_a_lying_config(self, open_client: Open) -> None:
        with ScriptedServer(registry_of(GET=Reply(body=b"forged"))) as server, pytest.raises(Contradiction, match="has bytes"):
            open_client(server.host).small_blob(named(server), Digest.of(b"honest"))

    def test_storage_on_another_host_gets_no_credentials(self, open_client: Open) -> None:
        def answer(request: Request) -> Reply:
            if "authorization" not in request.headers:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return Reply(307, headers={"Location": f"{storage.url}/blob?sig=1"})

        with ScriptedServer(lambda _: Reply(body=b"honest")) as storage, ScriptedServer(answer) as server:
            assert open_client(server.host, basic()).small_blob(named(server), Digest.of(b"honest")) == b"honest"
        assert "authorization" not in storage.requests[0].headers


class TestReferrers:
    def test_they_are_listed_over_pages(self, open_client: Open) -> None:
        first, second = (
            {"mediaType": media_type.OCI_MANIFEST, "digest": str(Digest.of(name)), "size": 5} for name in (b"one", b"two")
        )

        def answer(request: Request) -> Reply:
            if request.path == "/v2/":
                return Reply()
            if request.query:
                return Reply.of({"manifests": [second]})
            return Reply.of({"manifests": [first]}, Link='<?page=2>; rel="next"')

        with ScriptedServer(answer) as server:
            found = open_client(server.host).referrers(named(server), APP.digest)
        assert found is not None
        assert [entry.digest for entry in found] == [Digest.of(b"one"), Digest.of(b"two")]

    def test_none_are_not_the_same_as_no_api(self, open_client: Open) -> None:
        with ScriptedServer(registry_of(GET=Reply.of({"manifests": []}))) as server:
            assert open_client(server.host).referrers(named(server), APP.digest) == []

    def test_a_404_from_a_registry_that_has_them_is_an_error(self, open_client: Open) -> None:
        replies = iter([Reply(), Reply.of({"manifests": []}), oci_error(404, "NAME_UNKNOWN")])
        with ScriptedServer(lambda _: next(replies)) as server:
            client = open_client(server.host)
            client.referrers(named(server), APP.digest)
            with pytest.raises(NotFound):
                client.referrers(named(server), APP.digest)

    @pytest.mark.parametrize("entry", [5, {}, {"digest": "sha256:short"}])
    def test_a_referrer_without_a_digest(self, open_client: Open, entry: object) -> None:
        with ScriptedServer(registry_of(GET=Reply.of({"manifests": [entry]}))) as server, pytest.raises(Contradiction):
            open_client(server.host).referrers(named(server), APP.digest)


def test_a_call_to_another_host_is_not_signed(registry: RunningRegistry, open_client: Open) -> None:
    with ScriptedServer(lambda _: Reply.of({})) as elsewhere:
        client = open_client(registry.host, basic())
        client.access._challenge = None
        client.call("GET", elsewhere.url + "/x", ("repository:a:pull",))
    assert "authorization" not in elsewhere.requests[0].headers


def test_a_front_that_passes_everything_on_changes_nothing(registry: RunningRegistry, open_client: Open) -> None:
    """What the other tests rest on: behind `forward` the real registry looks as it is."""
    with ScriptedServer(lambda request: forward(request, registry.host)) as server:
        client, repository = open_client(server.host), named(server, f"client/{os.urandom(6).hex()}")
        push(client, repository, APP, "v1")
        assert client.manifest(repository, V1).digest == APP.digest
        assert json.loads(client.small_blob(repository, Digest(str(APP.document["config"]["digest"]))))  # type: ignore[index]
