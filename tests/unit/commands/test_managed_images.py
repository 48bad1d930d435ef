"""Where names of images are recorded, and when they are forgotten."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import Layer, image, layer, push

from moorage.commands.managed_images import add_managed, forget_name, list_managed, managed_names, prune_names, remove_managed
from moorage.commands.record_deletion import Eraser
from moorage.commands.record_home import Home
from moorage.commands.record_homes import Homes
from moorage.commands.records import write_image_name
from moorage.commands.world import World
from moorage.errors import ConfigurationError, ItemRefused
from moorage.oci import media_type
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.addressing import resolve
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import Access, ManagedImagesSettings, Project, Storage

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTHING = Layer(b"", gzip.compress(b"", mtime=0), media_type.OCI_LAYER_GZIP)  # what werf's records are made of
LONG = "/".join(["a-component-that-is-rather-long"] * 5)


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    return LayoutRegistry(Registry(f"oci:{tmp_path / 'registry'}"))


@pytest.fixture
def homes(registry: LayoutRegistry, tmp_path: Path) -> Homes:
    return Homes(registry, resolve(f"oci:{tmp_path / 'registry'}"))


@pytest.fixture
def stages(homes: Homes, registry: LayoutRegistry) -> Homes:
    """The same with a stages storage."""
    return Homes(registry, homes.repo, Home(registry, Repository(homes.repo.registry, "stages")))


def settings(tmp_path: Path, *images: str) -> ManagedImagesSettings:
    return ManagedImagesSettings(Access(), Storage(resolve(f"oci:{tmp_path / 'registry'}")), Project("shop", tmp_path), images)


def test_there_and_back(tmp_path: Path) -> None:
    world = World(now=lambda: NOW)
    assert add_managed(settings(tmp_path, "web", "team/api", "web"), world) == ["web", "team/api"]
    assert add_managed(settings(tmp_path, "web"), world) == []
    assert list_managed(settings(tmp_path), world) == ["team/api", "web"]
    assert remove_managed(settings(tmp_path, "web", "other"), world) == ["web"]
    assert list_managed(settings(tmp_path), world) == ["team/api"]


def test_names_that_cannot_be_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        add_managed(settings(tmp_path, "", "Web"), World())
    assert len(caught.value.problems) == 2


def test_an_empty_directory_has_no_names(tmp_path: Path) -> None:
    assert list_managed(settings(tmp_path), World()) == []


def test_long_names_are_read_from_the_record_itself(stages: Homes) -> None:
    for name in ("", LONG):
        write_image_name(stages.of_name(name), name, NOW)
    assert managed_names(stages, 2).names == {"", LONG}
    assert forget_name(stages, LONG)
    assert managed_names(stages, 2).names == {""}


def test_werf_s_names_are_read_and_can_be_removed(stages: Homes, registry: LayoutRegistry) -> None:
    repository = stages.of_name("").repository
    for number, name in enumerate(("__nameless__", "team__slash__web", "api")):
        push(registry, repository, image(NOTHING, created=f"2026-11-19T12:00:0{number}Z"), f"managed-image-{name}")
    assert managed_names(stages, 2).names == {"", "team/web", "api"}
    assert forget_name(stages, "team/web")
    assert managed_names(stages, 2).names == {"", "api"}


def test_two_of_werf_s_names_that_are_one_manifest_are_parted(stages: Homes, registry: LayoutRegistry) -> None:
    push(registry, stages.of_name("").repository, image(NOTHING), "managed-image-web", "managed-image-api")
    assert forget_name(stages, "web")
    assert managed_names(stages, 2).names == {"api"}


@pytest.mark.parametrize("tag", ["moorage-image.web", "managed-image-web"])
def test_an_image_under_a_record_s_name_stays(stages: Homes, registry: LayoutRegistry, tag: str) -> None:
    pushed = image(layer("x"))
    push(registry, stages.of_name("").repository, pushed, tag)
    with pytest.raises(ItemRefused, match=f"{tag} is left: it has the name of a record and is something else"):
        forget_name(stages, "web")
    assert registry.resolve(stages.of_name("").repository, Tag(tag)) == pushed.digest


def test_in_a_registry_each_name_lives_with_its_image(homes: Homes, registry: LayoutRegistry) -> None:
    write_image_name(homes.of_name("web"), "web", NOW)
    write_image_name(homes.of("web"), "stray", NOW)  # of another project, or moved by hand
    assert homes.of_name("web").repository.path == "web"
    assert managed_names(homes, 2).names == {"web"}


def test_names_are_forgotten_when_they_are_old_enough(stages: Homes, registry: LayoutRegistry) -> None:
    write_image_name(stages.of_name("old"), "old", NOW - timedelta(hours=3))
    write_image_name(stages.of_name("new"), "new", NOW)
    push(registry, stages.of_name("").repository, image(layer("x")), "managed-image-werf")
    assert prune_names(stages, ["old", "new", "werf", "never"], NOW - timedelta(hours=2), Eraser) == ()
    assert managed_names(stages, 2).names == {"new", "werf"}


@pytest.mark.parametrize(("mode", "own"), [("monorepo", "acme/shop"), ("multirepo", "acme/shop/web")])
def test_the_images_repo_itself_holds_the_names_where_it_is_a_repository(registry: LayoutRegistry, mode: str, own: str) -> None:
    homes = Homes(registry, resolve("example.com/acme/shop", mode=mode))
    assert homes.of_name("web").repository.path == "acme/shop"
    assert homes.of("web").repository.path == own
