"""Publishing straight to a registry, real or a directory of layouts, without docker, and from local images into layouts."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.archives import docker_archive, layout_archive, write_layout
from tests.images import image, index, layer
from tests.publishing import Target, context, digest_at, settings, statuses, world

from moorage.commands.publish import publish
from moorage.errors import ConfigurationError
from moorage.oci.labels import IMAGE
from moorage.oci.records import is_record, without_records
from moorage.oci.reference import Registry, Repository, Tag
from moorage.oci.tagging import tag_requests
from moorage.registries.layout.registry import LayoutRegistry
from moorage.settings.settings import Engine, SourceText

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, SourceText]:
    """The same image in each form that needs no docker, and a multi-platform one."""
    one = image(layer("straight", docker=True), docker=True)
    both = index(image(layer("amd")), image(layer("arm"), platform="linux/arm64"))
    (tmp_path / "app.tar").write_bytes(docker_archive({"app:dev": one}))
    (tmp_path / "oci.tar").write_bytes(layout_archive({"dev": image(layer("archived"))}))
    write_layout(tmp_path / "layout", {"dev": both})
    return {
        "saved": SourceText(f"docker-archive:{tmp_path / 'app.tar'}"),
        "archived": SourceText(f"oci-archive:{tmp_path / 'oci.tar'}"),
        "both": SourceText(f"oci:{tmp_path / 'layout'}:dev"),
    }


def test_into_a_directory_of_layouts_without_docker(archives: dict[str, SourceText], tmp_path: Path, skopeo: Path) -> None:
    address = f"oci:{tmp_path / 'registry'}"
    result = publish(settings(address, archives), world())
    assert result.failure is None
    assert statuses(result) == ["published"] * 9
    for tag in result.images:
        argv = [str(skopeo), "inspect", "--raw", f"oci:{tmp_path / 'registry' / tag.image}:{tag.tag}"]
        raw = subprocess.run(argv, capture_output=True, timeout=60, check=True).stdout
        assert json.loads(raw)["schemaVersion"] == 2
    again = publish(settings(address, archives, revision="another commit"), world())
    assert statuses(again) == ["up-to-date"] * 9
    assert [tag.digest for tag in again.images] == [tag.digest for tag in result.images]


def test_labels_are_written_into_every_platform(archives: dict[str, SourceText], tmp_path: Path) -> None:
    registry = LayoutRegistry(Registry(f"oci:{tmp_path / 'registry'}"))
    publish(settings(f"oci:{tmp_path / 'registry'}", archives), world())
    repository = Repository(Registry(f"oci:{tmp_path / 'registry'}"), "both")
    inventory = without_records(registry.inventory(repository))
    described = registry.describe(inventory, inventory.manifests)
    assert {stored.labels[IMAGE] for stored in described if stored.labels is not None} == {"both"}


def test_without_labels_the_source_stays_byte_for_byte(archives: dict[str, SourceText], tmp_path: Path) -> None:
    both = index(image(layer("amd")), image(layer("arm"), platform="linux/arm64"))
    wanted = settings(f"oci:{tmp_path / 'registry'}", {"both": archives["both"]}, add_labels=False)
    assert {tag.digest for tag in publish(wanted, world()).images} == {both.digest}
    assert statuses(publish(wanted, world())) == ["up-to-date"] * 3


def test_a_broken_archive_stops_all_before_anything_is_written(archives: dict[str, SourceText], tmp_path: Path) -> None:
    (tmp_path / "broken.tar").write_bytes(b"no archive at all")
    images = {
        **archives,
        "broken": SourceText(f"docker-archive:{tmp_path / 'broken.tar'}"),
        "gone": SourceText("oci:/nowhere/layout"),
    }
    with pytest.raises(ConfigurationError) as caught:
        publish(settings(f"oci:{tmp_path / 'registry'}", images), world())
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "registry").exists()


@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
def test_archives_straight_to_a_real_registry(mode: str, target: Target, archives: dict[str, SourceText]) -> None:
    wanted = settings(f"{target.host}/straight/{mode}", archives, mode=mode, access=target.access, engine=Engine.REGISTRY)
    result = publish(wanted, world())
    assert statuses(result) == ["published"] * 9
    for tag in result.images:
        assert target.inspect(tag.reference)["Digest"] == str(tag.digest)
    assert target.pulled(result.images[0].reference) == str(result.images[0].digest)
    assert statuses(publish(wanted, world())) == ["up-to-date"] * 9


def test_a_local_image_into_a_directory_of_layouts(
    docker_engine: DockerEngine, local_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    wanted = settings(f"oci:{tmp_path / 'registry'}", {"app": SourceText(local_image), "web": context(tmp_path / "web")})
    assert statuses(publish(wanted, world(docker_engine))) == ["published"] * 6
    assert statuses(publish(wanted, world(docker_engine))) == ["up-to-date"] * 6
    registry = LayoutRegistry(Registry(f"oci:{tmp_path / 'registry'}"))
    names = registry.tag_names(Repository(Registry(f"oci:{tmp_path / 'registry'}"), "app"))
    assert {tag for tag in names if not is_record(tag)} == {Tag("v1"), Tag("v2"), Tag("main")}
    assert [path for path in (tmp_path / "temporary").glob("*/*") if path.is_file()] == []


def test_from_another_registry(registry: RunningRegistry, tmp_path: Path) -> None:
    (tmp_path / "app.tar").write_bytes(docker_archive({"app:dev": image(docker=True)}))
    archive = SourceText(f"docker-archive:{tmp_path / 'app.tar'}")
    publish(settings(f"{registry.host}/promoted", {"app": archive}, tag_requests(custom=["rc"])), world())
    promoted = {"app": SourceText(f"docker://{registry.host}/promoted/app:rc")}
    result = publish(settings(f"oci:{tmp_path / 'release'}", promoted, add_labels=False), world())
    assert {str(tag.digest) for tag in result.images} == {digest_at(registry, "promoted/app", "rc")}
