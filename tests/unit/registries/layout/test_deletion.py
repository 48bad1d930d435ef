"""Every branch of what deletes: what goes, what stays, and what is refused with nothing changed."""

from __future__ import annotations

import io
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests import layout_reading
from tests.archives import write_layout
from tests.images import Image, artifact, attestation, image, index, layer, push

from moorage.errors import Contradiction, ItemRefused, NotFound
from moorage.oci.manifest import Blob
from moorage.oci.reference import Digest, Repository, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.registries.layout.registry import LayoutRegistry

SHARED = layer("shared")
AMD, ARM = image(layer("amd"), SHARED), image(layer("arm"), SHARED, platform="linux/arm64")
BOTH = index(AMD, ARM)
UNKNOWN = "application/vnd.unheard-of+json"


def texts(*wanted: Image | Digest) -> set[str]:
    return {one.digest.text if isinstance(one, Image) else one.text for one in wanted}


def everything(*images: Image) -> set[str]:
    return {digest.text for one in images for part in one.manifests() for digest in (part.digest, *part.blobs)}


def damage(folder: Path, digest: Digest) -> None:
    (folder / "blobs/sha256" / digest.hex).write_bytes(b"damaged")


def lose(folder: Path, digest: Digest) -> None:
    (folder / "blobs/sha256" / digest.hex).unlink()


def add_unknown_kind(layouts: LayoutRegistry, app: Repository, *mentioned: Digest) -> Digest:
    """A manifest of a kind that Moorage does not know, which mentions digests in its own way."""
    content = f'{{"schemaVersion":7,"mediaType":"{UNKNOWN}","uses":[{",".join(f"{one.text!r}" for one in mentioned)}]}}'
    return layouts.put_manifest(app, Tag("unknown"), content.replace("'", '"').encode(), UNKNOWN)


class TestOneTag:
    def test_its_siblings_stay(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1", "v2")
        layouts.delete_tag(app, Tag("v1"))
        assert layout_reading.tags(folder) == {"v2": AMD.digest.text}
        assert layout_reading.untagged(folder) == set()
        assert layout_reading.whole(folder) == everything(AMD)

    def test_the_last_one_leaves_the_manifest(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        layouts.delete_tag(app, Tag("v1"))
        assert layout_reading.tags(folder) == {}
        assert layout_reading.untagged(folder) == texts(BOTH)
        assert layout_reading.whole(folder) == everything(BOTH)

    def test_one_that_is_not_there(self, layouts: LayoutRegistry, app: Repository) -> None:
        with pytest.raises(NotFound, match="is not there"):
            layouts.delete_tag(app, Tag("v1"))
        push(layouts, app, AMD, "v1")
        with pytest.raises(NotFound, match="has no tag v2"):
            layouts.delete_tag(app, Tag("v2"))

    def test_a_tag_on_two_manifests_can_still_be_removed(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        twice(folder, "v1", AMD, ARM)
        layouts.delete_tag(app, Tag("v1"))
        assert layout_reading.untagged(folder) == texts(AMD, ARM)

    def test_nothing_stands_in_its_way(self, layouts: LayoutRegistry, app: Repository) -> None:
        assert layouts.cannot_untag(app) == ""


class TestOneManifest:
    def test_all_its_tags_and_own_blobs_go(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1", "v2")
        push(layouts, app, ARM, "arm")
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.tags(folder) == {"arm": ARM.digest.text}
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(ARM)

    def test_the_last_one_leaves_an_empty_layout(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.entries(folder) == []
        assert layout_reading.blobs(folder) == set()
        assert layouts.inventory(app).tags == {}

    def test_one_that_is_not_there(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        with pytest.raises(NotFound):
            layouts.delete_manifest(app, AMD.digest)
        push(layouts, app, AMD, "v1")
        for absent in (ARM.digest, Digest.of(AMD.config), SHARED.digest):
            with pytest.raises(NotFound, match="there is no manifest"):
                layouts.delete_manifest(app, absent)
        assert layout_reading.whole(folder) == everything(AMD)

    def test_a_second_time_is_not_found(self, layouts: LayoutRegistry, app: Repository) -> None:
        push(layouts, app, AMD, "v1")
        layouts.delete_manifest(app, AMD.digest)
        with pytest.raises(NotFound):
            layouts.delete_manifest(app, AMD.digest)


class TestIndexes:
    def test_children_stay_untagged_and_whole(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        nested = index(BOTH, attestation(AMD))
        push(layouts, app, nested, "v1")
        date = layouts.inventory(app).tag_dates[Tag("v1")]
        layouts.delete_manifest(app, nested.digest)
        assert layout_reading.untagged(folder) == texts(*nested.children)
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(*nested.children)
        assert {stored.date for stored in layouts.inventory(app).manifests.values()} == {date}

    def test_index_then_children_leaves_nothing(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        for one in (BOTH, AMD, ARM):
            layouts.delete_manifest(app, one.digest)
        assert layout_reading.blobs(folder) == set()

    def test_a_shared_child_is_not_listed_twice(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        other = index(AMD)
        push(layouts, app, BOTH, "v1")
        push(layouts, app, other, "v2")
        layouts.delete_manifest(app, BOTH.digest)
        assert layout_reading.untagged(folder) == texts(ARM)
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(other, ARM)

    def test_a_tagged_child_keeps_its_tag(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        push(layouts, app, AMD, "v1-amd64")
        layouts.delete_manifest(app, BOTH.digest)
        assert layout_reading.tags(folder) == {"v1-amd64": AMD.digest.text}
        assert layout_reading.untagged(folder) == texts(ARM)

    @pytest.mark.parametrize("tagged", [True, False])
    def test_a_child_is_not_taken_from_an_index(
        self, layouts: LayoutRegistry, app: Repository, folder: Path, tagged: bool
    ) -> None:
        push(layouts, app, index(BOTH), "v1")
        if tagged:
            push(layouts, app, AMD, "amd")
        before = layout_reading.entries(folder)
        for child in (AMD, BOTH):
            with pytest.raises(ItemRefused, match=f"{child.digest} is part of sha256:"):
                layouts.delete_manifest(app, child.digest)
        assert layout_reading.entries(folder) == before
        assert layout_reading.whole(folder) == everything(index(BOTH))

    def test_a_foreign_index_whose_children_are_not_all_there(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        write_layout(folder, {"v1": BOTH})
        lose(folder, ARM.digest)
        assert layouts.inventory(app).missing == {ARM.digest}
        layouts.delete_manifest(app, BOTH.digest)
        assert layout_reading.untagged(folder) == texts(AMD)


class TestReferrers:
    def test_a_subject_goes_without_them(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        referrer = artifact(AMD)
        push(layouts, app, AMD, "v1")
        push(layouts, app, referrer)
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(referrer)
        assert layouts.inventory(app).missing == {AMD.digest}

    def test_they_go_without_their_subject(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        push(layouts, app, artifact(AMD))
        layouts.delete_manifest(app, artifact(AMD).digest)
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(AMD)

    def test_a_subject_that_only_its_referrer_knew_is_listed(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        write_layout(folder, {}, extra=[artifact(BOTH)])
        write_layout(folder.parent / "aside", {"v1": BOTH})
        for place in (folder.parent / "aside/blobs/sha256").iterdir():
            place.rename(folder / "blobs/sha256" / place.name)
        assert BOTH.digest in layouts.inventory(app).manifests
        layouts.delete_manifest(app, artifact(BOTH).digest)
        assert layout_reading.untagged(folder) == texts(BOTH)
        assert layout_reading.whole(folder) == everything(BOTH)

    def test_a_subject_known_through_its_referrer_alone_can_go(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        write_layout(folder, {"v1": AMD}, extra=[artifact(AMD)])
        (folder / "index.json").write_bytes(index_with(folder, keep=artifact(AMD)))
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.blobs(folder) == everything(artifact(AMD))


class TestDamage:
    def test_a_damaged_manifest_is_named_and_stops_nothing(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        push(layouts, app, image(layer("bad")), "bad")
        damage(folder, image(layer("bad")).digest)
        inventory = layouts.inventory(app)
        assert set(inventory.manifests) == {BOTH.digest, AMD.digest, ARM.digest}
        assert inventory.tags[Tag("bad")] == image(layer("bad")).digest
        assert "do not match their digest" in inventory.unreadable[image(layer("bad")).digest]
        with pytest.raises(Contradiction, match="do not match"):
            layouts.manifest(app, Tag("bad"))

    @pytest.mark.parametrize("content", [b"not json", b'["no object"]', b'{"schemaVersion":2,"layers":5,"config":{}}'])
    def test_so_is_what_is_no_manifest(self, layouts: LayoutRegistry, app: Repository, folder: Path, content: bytes) -> None:
        write_layout(folder, {"v1": AMD, "bad": Image(content, AMD.media_type)})
        inventory = layouts.inventory(app)
        assert set(inventory.unreadable) == {Digest.of(content)}
        assert set(inventory.manifests) == {AMD.digest}

    def test_and_what_is_too_large_for_one(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        large = Image(b" " * (4 * 1024 * 1024) + AMD.content, AMD.media_type)
        write_layout(folder, {"large": large})
        assert "larger than" in layouts.inventory(app).unreadable[large.digest]

    def test_while_it_stays_nothing_but_the_asked_manifest_is_freed(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        push(layouts, app, AMD, "v1")
        push(layouts, app, ARM, "v2")
        damage(folder, ARM.digest)
        layouts.delete_manifest(app, AMD.digest)
        kept = {place.name for place in (folder / "blobs/sha256").iterdir()}
        assert kept == {text.removeprefix("sha256:") for text in everything(AMD, ARM) - texts(AMD)}

    def test_it_can_be_deleted_itself(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        push(layouts, app, ARM, "v2")
        damage(folder, ARM.digest)
        layouts.delete_manifest(app, ARM.digest)
        assert layout_reading.tags(folder) == {"v1": AMD.digest.text}
        assert ARM.digest.text not in layout_reading.blobs(folder)
        assert layout_reading.whole(folder) == everything(AMD)

    def test_a_damaged_child_stays_listed(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        damage(folder, ARM.digest)
        layouts.delete_manifest(app, BOTH.digest)
        inventory = layouts.inventory(app)
        assert set(inventory.manifests) == {AMD.digest}
        assert set(inventory.unreadable) == {ARM.digest}

    def test_pushing_it_again_heals_it(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        damage(folder, AMD.digest)
        push(layouts, app, AMD, "v1")
        assert layout_reading.whole(folder) == everything(AMD)

    def test_a_lost_manifest_leaves_its_tag_dangling(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        lose(folder, AMD.digest)
        inventory = layouts.inventory(app)
        assert inventory.tags == {}
        assert inventory.missing == {AMD.digest}
        assert AMD.digest.text in inventory.dangling[Tag("v1")]
        with pytest.raises(NotFound):
            layouts.resolve(app, Tag("v1"))
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.entries(folder) == []

    def test_a_damaged_blob_is_found_when_it_is_read(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        damage(folder, SHARED.digest)
        (blob,) = [blob for blob in layouts.inventory(app).manifests[AMD.digest].blobs if blob.digest == SHARED.digest]
        with layouts.blob(app, blob) as stream, pytest.raises(Contradiction, match=SHARED.digest.text):
            stream.read()


class TestIndexFile:
    @pytest.mark.parametrize("content", [b"", b"{", b'{"manifests": 3}', b'{"manifests":[{"digest":"md5:1"}]}'])
    def test_a_broken_one_is_named_and_stops_everything(
        self, layouts: LayoutRegistry, app: Repository, folder: Path, content: bytes
    ) -> None:
        push(layouts, app, AMD, "v1")
        (folder / "index.json").write_bytes(content)
        attempts: list[Any] = [
            lambda: layouts.inventory(app),
            lambda: layouts.tag_names(app),
            lambda: layouts.delete_tag(app, Tag("v1")),
            lambda: layouts.delete_manifest(app, AMD.digest),
            lambda: push(layouts, app, ARM, "v1"),
        ]
        for attempt in attempts:
            with pytest.raises(Contradiction, match=str(folder / "index.json")):
                attempt()
        assert (folder / "index.json").read_bytes() == content
        assert layout_reading.blobs(folder) >= everything(AMD)

    def test_a_missing_one(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        (folder / "index.json").unlink()
        with pytest.raises(Contradiction, match=r"index\.json is missing"):
            layouts.inventory(app)

    def test_another_version_of_layouts(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        (folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"3"}')
        with pytest.raises(Contradiction, match="oci-layout declares the layout version"):
            layouts.inventory(app)

    def test_a_tag_on_two_manifests(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        twice(folder, "v1", AMD, ARM)
        for attempt in (lambda: layouts.inventory(app), lambda: layouts.resolve(app, Tag("v1"))):
            with pytest.raises(Contradiction, match="gives the tag v1 to two manifests"):
                attempt()
        push(layouts, app, AMD, "v1")
        assert layouts.resolve(app, Tag("v1")) == AMD.digest

    def test_what_another_tool_named_is_locked(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        write_layout(folder, {"docker.io/library/app:1": AMD, "v2": ARM})
        inventory = layouts.inventory(app)
        assert set(inventory.tags) == {Tag("v2")}
        assert "docker.io/library/app:1" in inventory.manifests[AMD.digest].locked
        with pytest.raises(ItemRefused, match="another tool"):
            layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.whole(folder) == everything(AMD, ARM)


class TestUnknownKinds:
    def test_what_they_mention_is_kept(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        push(layouts, app, ARM, "v2")
        add_unknown_kind(layouts, app, AMD.layers[0].digest, ARM.digest)
        layouts.delete_manifest(app, AMD.digest)
        assert everything(ARM) | {AMD.layers[0].digest.text} <= layout_reading.blobs(folder)
        with pytest.raises(ItemRefused):
            layouts.delete_manifest(app, ARM.digest)

    def test_a_layer_that_they_mention_is_no_broken_manifest(self, layouts: LayoutRegistry, app: Repository) -> None:
        push(layouts, app, AMD, "v1")
        digest = add_unknown_kind(layouts, app, SHARED.digest)
        inventory = layouts.inventory(app)
        assert inventory.unreadable == {}
        assert inventory.manifests[digest].children == (SHARED.digest,)

    def test_a_damaged_manifest_that_they_mention_is_one(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        add_unknown_kind(layouts, app, AMD.digest)
        damage(folder, AMD.digest)
        inventory = layouts.inventory(app)
        assert set(inventory.unreadable) == {AMD.digest}
        assert inventory.missing == frozenset()

    def test_they_go_without_listing_layers_as_manifests(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, AMD, "v1")
        layouts.delete_manifest(app, add_unknown_kind(layouts, app, SHARED.digest))
        assert layout_reading.untagged(folder) == set()
        assert layout_reading.whole(folder) == everything(AMD)

    def test_a_manifest_that_is_also_somebodys_layer_keeps_its_bytes(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        wrapped = artifact(None, "application/vnd.wrapped", payload=AMD.content)
        push(layouts, app, AMD, "v1")
        push(layouts, app, wrapped, "wrapped")
        layouts.delete_manifest(app, AMD.digest)
        assert layout_reading.whole(folder) == layout_reading.blobs(folder) == everything(wrapped)


class TestLeftovers:
    def test_old_ones_are_swept_with_the_next_deletion(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        push(layouts, app, image(layer("gone")), "gone")
        orphan, young = folder / "blobs/sha256" / Digest.of(b"orphan").hex, folder / "blobs/sha256" / Digest.of(b"young").hex
        unfinished = folder / ".moorage/unfinished-0123"
        for place, content in ((orphan, b"orphan"), (unfinished, b"half"), (young, b"young")):
            place.write_bytes(content)
        for place in (*(folder / "blobs/sha256").iterdir(), unfinished):
            if place != young:
                os.utime(place, (time.time() - 90_000,) * 2)
        layouts.delete_manifest(app, image(layer("gone")).digest)
        assert layout_reading.blobs(folder) == everything(BOTH) | {Digest.of(b"young").text}
        assert not unfinished.exists()
        assert (folder / ".moorage/lock").exists()

    def test_children_that_are_untagged_from_now_on_are_none(
        self, layouts: LayoutRegistry, app: Repository, folder: Path
    ) -> None:
        push(layouts, app, BOTH, "v1")
        for place in (folder / "blobs/sha256").iterdir():
            os.utime(place, (time.time() - 90_000,) * 2)
        layouts.delete_manifest(app, BOTH.digest)
        assert layout_reading.whole(folder) == everything(AMD, ARM)

    def test_a_blob_that_is_put_again_is_none(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, image(layer("gone")), "gone")
        content = b"put long ago and again just now"
        blob = Blob(Digest.of(content), len(content))
        layouts.put_blob(app, blob, lambda: io.BytesIO(content))
        os.utime(folder / "blobs/sha256" / blob.digest.hex, (time.time() - 90_000,) * 2)
        layouts.put_blob(app, blob, lambda: io.BytesIO(content))
        layouts.delete_manifest(app, image(layer("gone")).digest)
        assert layout_reading.blobs(folder) == {blob.digest.text}

    def test_not_while_a_manifest_cannot_be_read(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        push(layouts, app, BOTH, "v1")
        push(layouts, app, image(layer("gone")), "gone")
        damage(folder, BOTH.digest)
        for place in (folder / "blobs/sha256").iterdir():
            os.utime(place, (time.time() - 90_000,) * 2)
        layouts.delete_manifest(app, image(layer("gone")).digest)
        kept = {place.name for place in (folder / "blobs/sha256").iterdir()}
        assert kept >= {text.removeprefix("sha256:") for text in everything(BOTH)}

    def test_reading_leaves_no_trace(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        write_layout(folder, {"v1": BOTH})
        before = sorted(folder.rglob("*"))
        inventory = layouts.inventory(app)
        layouts.describe(inventory, inventory.manifests)
        layouts.resolve(app, Tag("v1"))
        layouts.tag_names(app)
        layouts.repositories()
        assert sorted(folder.rglob("*")) == before


def twice(folder: Path, tag: str, *images: Image) -> None:
    """A layout that gives one tag to several manifests."""
    write_layout(folder, {str(number): one for number, one in enumerate(images)})
    text = (folder / "index.json").read_text()
    for number in range(len(images)):
        text = text.replace(f'ref.name": "{number}"', f'ref.name": "{tag}"')
    (folder / "index.json").write_text(text)


def index_with(folder: Path, *, keep: Image) -> bytes:
    """The index of a layout with one entry left."""
    document = json.loads((folder / "index.json").read_bytes())
    document["manifests"] = [entry for entry in document["manifests"] if entry["digest"] == keep.digest.text]
    return json.dumps(document).encode()
