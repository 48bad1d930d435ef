"""What the layout registry stores, lists and hands out."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.archives import write_layout
from tests.images import Image, artifact, attestation, cosign, image, index, layer, push
from tests.unit.registries.layout.conftest import START, SteppingClock

from moorage.errors import ConfigurationError, Contradiction, NotFound
from moorage.oci.manifest import Blob
from moorage.oci.media_type import OCI_INDEX, OCI_MANIFEST
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries import interface
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AMD, ARM = image(layer("amd"), layer("shared")), image(layer("arm"), layer("shared"), platform="linux/arm64")
BOTH = index(AMD, ARM, attestation(AMD))


def read_all(layouts: LayoutRegistry, repository: Repository, what: Image) -> None:
    """Read an image and all below it through the port."""
    for one in what.manifests():
        assert layouts.manifest(repository, one.digest) == (one.content, one.media_type)
        for digest, content in one.blobs.items():
            with layouts.blob(repository, Blob(digest, len(content))) as stream:
                assert stream.read() == content


@pytest.mark.parametrize(
    "ability",
    [
        interface.TagDeleter,
        interface.Describer,
        interface.ReferrerLister,
        interface.Reader,
        interface.Writer,
        interface.RepositoryLister,
    ],
)
def test_has_the_abilities_that_it_promises(layouts: LayoutRegistry, ability: type) -> None:
    assert isinstance(layouts, ability)


def test_what_was_pushed_is_a_valid_layout_and_comes_back(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    push(layouts, app, BOTH, "v1", "latest")
    read_all(layouts, app, BOTH)
    assert layout_reading.tags(folder) == {"v1": BOTH.digest.text, "latest": BOTH.digest.text}
    assert layout_reading.whole(folder) == layout_reading.blobs(folder)
    assert layouts.resolve(app, Tag("v1")) == layouts.resolve(app, BOTH.digest) == BOTH.digest
    assert layouts.tag_names(app) == {Tag("v1"), Tag("latest")}


def test_children_are_listed_only_until_their_index_is_there(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    push(layouts, app, AMD)
    assert layout_reading.untagged(folder) == {AMD.digest.text}
    push(layouts, app, BOTH, "v1")
    assert layout_reading.untagged(folder) == set()


def test_the_inventory_knows_all_that_the_layout_leads_to(layouts: LayoutRegistry, app: Repository) -> None:
    referrer = artifact(AMD)
    tag, signature = cosign(BOTH)
    push(layouts, app, BOTH, "v1")
    push(layouts, app, referrer)
    push(layouts, app, signature, tag.text)
    inventory = layouts.inventory(app)
    assert inventory.tags == {Tag("v1"): BOTH.digest, tag: signature.digest}
    assert set(inventory.manifests) == {one.digest for one in (*BOTH.manifests(), referrer, signature)}
    assert inventory.manifests[BOTH.digest].children == tuple(child.digest for child in BOTH.children)
    assert inventory.manifests[referrer.digest].subject == AMD.digest
    assert inventory.lists_untagged
    assert (inventory.missing, inventory.unreadable, inventory.dangling) == (frozenset(), {}, {})


def test_referrers_come_from_the_inventory(layouts: LayoutRegistry, app: Repository) -> None:
    referrer = artifact(AMD)
    push(layouts, app, AMD, "v1")
    push(layouts, app, referrer)
    inventory = layouts.inventory(app)
    assert [stored.digest for stored in layouts.referrers(inventory, [AMD.digest])] == [referrer.digest]
    assert layouts.referrers(inventory, [ARM.digest]) == []


def test_a_tag_that_moves_leaves_its_manifest_untagged(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    push(layouts, app, AMD, "v1")
    push(layouts, app, ARM, "v1")
    assert layout_reading.tags(folder) == {"v1": ARM.digest.text}
    assert AMD.digest in layouts.inventory(app).manifests
    read_all(layouts, app, AMD)


def test_dates_are_those_of_the_push(layouts: LayoutRegistry, app: Repository) -> None:
    clock = SteppingClock()
    push(layouts, app, AMD, "old")
    push(layouts, app, AMD, "new")
    inventory = layouts.inventory(app)
    first, second = clock(), clock()
    assert inventory.tag_dates == {Tag("old"): first, Tag("new"): second}
    assert (inventory.manifests[AMD.digest].date, inventory.manifests[AMD.digest].dated) == (second, True)


def test_a_child_is_as_young_as_the_youngest_index_that_holds_it(layouts: LayoutRegistry, app: Repository) -> None:
    outer = index(index(AMD, ARM), attestation(ARM))
    push(layouts, app, index(AMD, annotations={"n": "1"}), "first")
    push(layouts, app, outer, "second")
    inventory = layouts.inventory(app)
    assert inventory.manifests[AMD.digest].date == inventory.tag_dates[Tag("second")]
    assert inventory.manifests[outer.children[0].digest].date == inventory.tag_dates[Tag("second")]


def test_backdating_ages_an_image_its_tags_and_its_children(layouts: LayoutRegistry, app: Repository) -> None:
    push(layouts, app, BOTH, "v1", "latest")
    layouts.backdate(app, BOTH.digest, START)
    inventory = layouts.inventory(app)
    assert set(inventory.tag_dates.values()) == {START}
    assert {stored.date for stored in inventory.manifests.values()} == {START}
    with pytest.raises(NotFound, match="does not list"):
        layouts.backdate(app, ARM.digest, START)


def test_a_foreign_layout_has_no_dates(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    write_layout(folder, {"v1": BOTH}, extra=[artifact(AMD)])
    inventory = layouts.inventory(app)
    assert {(stored.date, stored.dated) for stored in inventory.manifests.values()} == {(None, False)}
    assert inventory.tag_dates == {}
    assert len(inventory.manifests) == 5


def test_docker_media_types_come_back_as_they_went_in(layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
    old = index(image(docker=True), docker=True)
    push(layouts, app, old, "v1")
    read_all(layouts, app, old)
    assert [entry["mediaType"] for entry in layout_reading.entries(folder)] == [old.media_type]


def test_a_manifest_that_names_no_media_type_has_the_one_it_came_with(layouts: LayoutRegistry, app: Repository) -> None:
    push(layouts, app, AMD)
    content = AMD.content.replace(f'"mediaType":"{OCI_MANIFEST}",'.encode(), b"", 1)
    digest = layouts.put_manifest(app, Tag("bare"), content, OCI_MANIFEST)
    assert layouts.manifest(app, Tag("bare")) == layouts.manifest(app, digest) == (content, OCI_MANIFEST)


def test_what_is_not_there_is_not_found(layouts: LayoutRegistry, app: Repository, named: Callable[[str], Repository]) -> None:
    with pytest.raises(NotFound, match=r"oci:.*team/app is not there"):
        layouts.inventory(app)
    with pytest.raises(NotFound):
        layouts.resolve(app, Tag("v1"))
    assert layouts.tag_names(app) == frozenset()
    assert not layouts.has_blob(app, AMD.digest)
    push(layouts, app, AMD, "v1")
    for absent in (Tag("v2"), ARM.digest, Digest.of(AMD.config)):
        with pytest.raises(NotFound, match=str(absent)):
            layouts.resolve(app, absent)
        with pytest.raises(NotFound, match=str(absent)):
            layouts.manifest(app, absent)
    with pytest.raises(NotFound):
        layouts.blob(app, Blob(ARM.digest, 3))
    with pytest.raises(NotFound):
        layouts.inventory(named("team"))


def test_repositories_are_listed_below_a_prefix(layouts: LayoutRegistry, named: Callable[[str], Repository], root: Path) -> None:
    with pytest.raises(NotFound, match="is no directory"):
        layouts.repositories()
    for path in ("team/web", "team", "team-b", "other/deep/er"):
        push(layouts, named(path), AMD, "v1")
    (root / "just-files").mkdir()
    write_layout(root / "No_Repository", {"v1": AMD})
    (root / "link").symlink_to(root / "team")
    assert [repository.path for repository in layouts.repositories()] == ["other/deep/er", "team", "team-b", "team/web"]
    assert [repository.path for repository in layouts.repositories("team")] == ["team", "team/web"]
    assert layouts.repositories("none") == []
    assert layouts.repositories("other") == [named("other/deep/er")]


def test_a_relative_directory_does_not_move_with_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layouts, repository = LayoutRegistry(Registry("oci:here")), Repository(Registry("oci:here"), "app")
    monkeypatch.chdir("/")
    push(layouts, repository, AMD, "v1")
    assert layout_reading.tags(tmp_path / "here/app") == {"v1": AMD.digest.text}


class TestRefusedWrites:
    def test_a_blob_that_is_not_what_its_digest_says(self, layouts: LayoutRegistry, app: Repository, folder: Path) -> None:
        lie = Blob(Digest.of(b"truth"), 5)
        for content in (b"false", b"too long a text", b"tru", b""):
            with pytest.raises(Contradiction):
                layouts.put_blob(app, lie, lambda content=content: io.BytesIO(content))  # type: ignore[misc]
        assert layout_reading.blobs(folder) == set()
        assert list((folder / ".moorage").glob("unfinished-*")) == []

    def test_a_manifest_whose_parts_are_not_there(self, layouts: LayoutRegistry, app: Repository) -> None:
        with pytest.raises(NotFound, match="lacks parts"):
            layouts.put_manifest(app, Tag("v1"), AMD.content, AMD.media_type)
        push(layouts, app, AMD)
        with pytest.raises(NotFound, match=ARM.digest.text):
            layouts.put_manifest(app, Tag("v1"), BOTH.content, BOTH.media_type)
        assert layouts.tag_names(app) == frozenset()

    def test_a_subject_may_come_later(self, layouts: LayoutRegistry, app: Repository) -> None:
        push(layouts, app, artifact(AMD))
        assert layouts.inventory(app).missing == {AMD.digest}

    @pytest.mark.parametrize(
        ("content", "media_type", "why"),
        [
            (b"no manifest", OCI_MANIFEST, "is not JSON"),
            (b" " * (4 * 1024 * 1024 + 1), OCI_MANIFEST, "is larger than"),
            (AMD.content, OCI_INDEX, "said to be"),
        ],
    )
    def test_bytes_that_are_no_manifest(
        self, layouts: LayoutRegistry, app: Repository, content: bytes, media_type: str, why: str
    ) -> None:
        with pytest.raises(Contradiction, match=why):
            layouts.put_manifest(app, Tag("v1"), content, media_type)

    def test_a_manifest_under_another_digest(self, layouts: LayoutRegistry, app: Repository) -> None:
        with pytest.raises(Contradiction, match=AMD.digest.text):
            layouts.put_manifest(app, ARM.digest, AMD.content, AMD.media_type)


class TestPathsThatLeave:
    @pytest.mark.parametrize("path", ["app/blobs", "blobs", "app/blobs/sha256", "oci-layout", "app/index.json/x"])
    def test_names_that_a_layout_needs_for_itself(
        self, layouts: LayoutRegistry, named: Callable[[str], Repository], path: str
    ) -> None:
        with pytest.raises(ConfigurationError, match="cannot have a part named"):
            push(layouts, named(path), AMD, "v1")

    def test_a_registry_that_is_a_layout_itself(self, layouts: LayoutRegistry, app: Repository, root: Path) -> None:
        write_layout(root, {"v1": AMD})
        with pytest.raises(ConfigurationError, match="is an image layout itself") as caught:
            layouts.inventory(app)
        assert f"oci:{root.parent}" in caught.value.remedy

    @pytest.mark.parametrize("place", ["team", "team/app", "team/app/blobs", "team/app/blobs/sha256", "team/app/index.json"])
    def test_symbolic_links(self, layouts: LayoutRegistry, app: Repository, root: Path, tmp_path: Path, place: str) -> None:
        push(layouts, app, AMD, "v1")
        elsewhere = tmp_path / "elsewhere"
        (root / place).rename(elsewhere)
        (root / place).symlink_to(elsewhere)
        before = layout_reading.blobs(tmp_path / "elsewhere") if place == "team/app" else None
        for attempt in (
            lambda: layouts.delete_manifest(app, AMD.digest),
            lambda: push(layouts, app, ARM, "v1"),
            lambda: (layouts.inventory(app), layouts.manifest(app, Tag("v1"))),
        ):
            with pytest.raises(ConfigurationError, match="symbolic link"):
                attempt()
        assert before is None or layout_reading.blobs(elsewhere) == before
