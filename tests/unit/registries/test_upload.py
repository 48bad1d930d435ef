"""Parcels put through the port: order, what is spared, and cleanups that come in between."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

import pytest
from tests import layout_reading
from tests.archives import write_layout
from tests.images import Image, attestation, image, index, layer

from moorage.errors import NotFound, Unreachable
from moorage.oci.reference import Digest, Reference, Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.sources.opening import open_source, registry_parcel
from moorage.registries.upload import ATTEMPTS, put_contents, put_parcel, put_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from moorage.oci.manifest import Blob
    from moorage.registries.sources.parcel import Parcel

SHARED = layer("shared")
AMD = image(layer("amd"), SHARED)
BOTH = index(AMD, image(layer("arm"), SHARED, platform="linux/arm64"), attestation(AMD))


class Watched(LayoutRegistry):
    """A layout registry that counts what is asked of it, and can be told to let something happen before a manifest."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.calls: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.before_manifest: Callable[[Tag | Digest], None] = lambda _: None
        self._counting = threading.Lock()

    def put_blob(self, repository: Repository, blob: Blob, content: Callable[[], BinaryIO]) -> None:
        with self._counting:
            self.calls["put_blob"] += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        super().put_blob(repository, blob, content)
        with self._counting:
            self.at_once -= 1

    def put_manifest(self, repository: Repository, reference: Tag | Digest, content: bytes, media_type: str) -> Digest:
        with self._counting:
            self.calls["put_manifest"] += 1
        self.before_manifest(reference)
        return super().put_manifest(repository, reference, content, media_type)


@pytest.fixture
def registry(tmp_path: Path) -> Watched:
    return Watched(Registry(f"oci:{tmp_path}/registry"))


@pytest.fixture
def app(tmp_path: Path) -> Repository:
    return Repository(Registry(f"oci:{tmp_path}/registry"), "app")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "registry/app"


@pytest.fixture
def parcel(tmp_path: Path) -> Iterator[Parcel]:
    with open_source(f"oci:{write_layout(tmp_path / 'source', {'v1': BOTH})}") as opened:
        yield opened


def everything(*images: Image) -> set[str]:
    return {digest.text for one in images for part in one.manifests() for digest in (part.digest, *part.blobs)}


def test_everything_arrives_under_every_tag(registry: Watched, app: Repository, folder: Path, parcel: Parcel) -> None:
    assert put_parcel(registry, app, parcel, tags=[Tag("v1"), Tag("latest")]) == BOTH.digest
    assert layout_reading.tags(folder) == {"v1": BOTH.digest.text, "latest": BOTH.digest.text}
    assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(BOTH)
    assert registry.calls == {"put_blob": len(BOTH.all_blobs()), "put_manifest": 3 + 2}


def test_without_tags_it_arrives_by_digest(registry: Watched, app: Repository, folder: Path, parcel: Parcel) -> None:
    put_parcel(registry, app, parcel)
    assert layout_reading.untagged(folder) == {BOTH.digest.text}


def test_blobs_that_are_there_are_not_sent_again(registry: Watched, app: Repository, parcel: Parcel) -> None:
    put_parcel(registry, app, parcel, tags=[Tag("v1")])
    registry.calls.clear()
    put_parcel(registry, app, parcel, tags=[Tag("v2")])
    assert registry.calls == {"put_manifest": 4}


def test_one_tag_is_one_request_once_the_contents_are_there(registry: Watched, app: Repository, parcel: Parcel) -> None:
    put_contents(registry, app, parcel)
    registry.calls.clear()
    for tag in ("a", "b", "c"):
        put_root(registry, app, parcel, Tag(tag))
    assert registry.calls == {"put_manifest": 3}


def test_no_more_at_once_than_allowed(registry: Watched, app: Repository, parcel: Parcel) -> None:
    put_parcel(registry, app, parcel, parallel=2)
    assert registry.most_at_once <= 2


def test_nested_indexes_go_inside_out(registry: Watched, app: Repository, folder: Path, tmp_path: Path) -> None:
    outer = index(index(BOTH, AMD), BOTH)
    with open_source(f"oci:{write_layout(tmp_path / 'nested', {'v1': outer})}") as opened:
        put_parcel(registry, app, opened, tags=[Tag("v1")])
    assert layout_reading.whole(folder) == everything(outer)


@pytest.mark.parametrize("moment", ["child", "root"])
def test_a_cleanup_that_takes_a_shared_blob_in_between(
    registry: Watched, app: Repository, folder: Path, parcel: Parcel, moment: str
) -> None:
    """The old image has the shared layer, so it is not sent; then the old image goes, and the layer with it."""
    old = image(layer("old"), SHARED)
    other = LayoutRegistry(app.registry)
    with open_source(f"oci:{write_layout(folder.parent.parent / 'old', {'v1': old})}") as opened:
        put_parcel(other, app, opened, tags=[Tag("old")])
    if moment == "root":
        put_contents(registry, app, parcel)

    def clean_up(_: Tag | Digest) -> None:
        registry.before_manifest = lambda _: None
        for digest in (old.digest, *(child.digest for child in BOTH.children if moment == "root")):
            other.delete_manifest(app, digest)

    registry.before_manifest = clean_up
    if moment == "root":
        put_root(registry, app, parcel, Tag("v1"))
    else:
        put_parcel(registry, app, parcel, tags=[Tag("v1")])
    assert layout_reading.tags(folder) == {"v1": BOTH.digest.text}
    assert layout_reading.whole(folder) == everything(BOTH)


def test_a_cleanup_that_never_ends_is_not_fought_for_ever(registry: Watched, app: Repository, parcel: Parcel) -> None:
    def lose(_: Tag | Digest) -> None:
        raise NotFound("gone again")

    registry.before_manifest = lose
    with pytest.raises(NotFound, match="gone again"):
        put_parcel(registry, app, parcel, tags=[Tag("v1")], parallel=1)
    assert registry.calls["put_manifest"] == ATTEMPTS


def test_a_repository_that_cannot_be_found_is_asked_once(
    registry: Watched, app: Repository, parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[Digest]()

    def nowhere(_: Repository, digest: Digest) -> bool:
        asked[digest] += 1
        raise NotFound("no such project")

    monkeypatch.setattr(registry, "has_blob", nowhere)
    with pytest.raises(NotFound, match="no such project"):
        put_parcel(registry, app, parcel, tags=[Tag("v1")])
    assert set(asked.values()) == {1}


def test_what_fails_ends_it_and_no_tag_appears(registry: Watched, app: Repository, parcel: Parcel) -> None:
    def fail(_: Tag | Digest) -> None:
        raise Unreachable("no")

    registry.before_manifest = fail
    with pytest.raises(Unreachable):
        put_parcel(registry, app, parcel, tags=[Tag("v1")])
    assert registry.tag_names(app) == frozenset()


def test_publishes_and_cleanups_at_once_leave_what_was_published(app: Repository, folder: Path, tmp_path: Path) -> None:
    layouts = [LayoutRegistry(app.registry) for _ in range(6)]
    images = [image(layer(f"own {number}"), SHARED) for number in range(24)]

    def work(number: int) -> None:
        registry, what = layouts[number % 6], images[number]
        with open_source(f"oci:{write_layout(tmp_path / str(number), {'v1': what})}") as opened:
            put_parcel(registry, app, opened, tags=[Tag(f"v{number}")])
        if number % 3:
            registry.delete_tag(app, Tag(f"v{number}"))
            registry.delete_manifest(app, what.digest)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(24)))
    kept = [images[number] for number in range(0, 24, 3)]
    assert set(layout_reading.tags(folder).values()) == {one.digest.text for one in kept}
    assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(*kept)


class TestFromAnotherRegistry:
    @pytest.mark.parametrize("reference", ["v1", BOTH.digest])
    def test_an_index_is_taken_whole(
        self, registry: Watched, app: Repository, folder: Path, parcel: Parcel, reference: str | Digest
    ) -> None:
        put_parcel(registry, app, parcel, tags=[Tag("v1")])
        wanted = Reference(app, Tag(reference)) if isinstance(reference, str) else Reference(app, digest=reference)
        copy = Repository(app.registry, "copy")
        found = registry_parcel(registry, wanted)
        assert found.origin == f"docker://{wanted}"
        put_parcel(registry, copy, found, tags=[Tag("copied")])
        assert layout_reading.tags(folder.parent / "copy") == {"copied": BOTH.digest.text}
        assert layout_reading.whole(folder.parent / "copy") == everything(BOTH)

    def test_what_is_not_there(self, registry: Watched, app: Repository) -> None:
        with pytest.raises(NotFound):
            registry_parcel(registry, Reference(app, Tag("v1")))
