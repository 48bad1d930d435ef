"""From archives into a real docker-registry and back out of it, with skopeo as the second opinion."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.archives import docker_archive, write_layout
from tests.images import Image, attestation, image, index, layer

from moorage.oci.reference import Digest, Reference, Registry, Repository, Tag
from moorage.registries.default.registry import DefaultRegistry
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.sources.opening import open_source, registry_parcel
from moorage.registries.sources.parcel import relabel
from moorage.registries.upload import put_parcel
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

AMD = image(layer("amd"), layer("shared"))
BOTH = index(AMD, image(layer("arm"), layer("shared"), platform="linux/arm64"), attestation(AMD))
OLD = index(image(docker=True), docker=True)


class Nobody:
    """A keychain without keys."""

    def credential(self, registry: Registry) -> None:
        return None


@pytest.fixture
def default(registry: RunningRegistry) -> Iterator[DefaultRegistry]:
    with Session() as session:
        yield DefaultRegistry(Connection(Registry(registry.host), session, Nobody()))


@pytest.mark.parametrize("what", [AMD, BOTH, OLD], ids=["image", "index", "docker-list"])
def test_out_of_a_layout_into_a_registry_and_back(
    default: DefaultRegistry, registry: RunningRegistry, tmp_path: Path, skopeo: Path, what: Image
) -> None:
    repository = Repository(Registry(registry.host), f"sources/{what.digest.short}")
    with open_source(f"oci:{write_layout(tmp_path / 'in', {'v1': what})}") as parcel:
        assert put_parcel(default, repository, parcel, tags=[Tag("v1")]) == what.digest
    argv = [str(skopeo), "inspect", "--raw", "--tls-verify=false", f"docker://{repository}:v1"]
    assert Digest.of(subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout) == what.digest
    layouts = Registry(f"oci:{tmp_path}/out")
    found = registry_parcel(default, Reference(repository, Tag("v1")))
    put_parcel(LayoutRegistry(layouts), Repository(layouts, "app"), found, tags=[Tag("back")])
    assert layout_reading.tags(tmp_path / "out/app") == {"back": what.digest.text}
    layout_reading.whole(tmp_path / "out/app")


def test_an_archive_with_labels_can_be_pulled(
    default: DefaultRegistry, registry: RunningRegistry, tmp_path: Path, skopeo: Path
) -> None:
    repository = Repository(Registry(registry.host), "sources/labelled")
    (tmp_path / "saved.tar").write_bytes(docker_archive({"app:v1": AMD}))
    with open_source(f"docker-archive:{tmp_path}/saved.tar") as parcel:
        digest = put_parcel(default, repository, relabel(parcel, {"dev.moorage.image": "app"}), tags=[Tag("v1")])
    argv = [
        str(skopeo),
        "--insecure-policy",
        "copy",
        "--src-tls-verify=false",
        f"docker://{repository}:v1",
        f"dir:{tmp_path}/pulled",
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    assert Digest.of((tmp_path / "pulled/manifest.json").read_bytes()) == digest
    inventory = default.inventory(repository)
    (stored,) = default.describe(inventory, [digest])
    assert stored.labels == {"dev.moorage.image": "app"}


def test_an_archive_in_a_layout_is_read_by_others(tmp_path: Path, skopeo: Path) -> None:
    layouts = Registry(f"oci:{tmp_path}/out")
    (tmp_path / "saved.tar").write_bytes(docker_archive({"app:v1": image(layer("old"), docker=True)}))
    with open_source(f"docker-archive:{tmp_path}/saved.tar") as parcel:
        labelled = relabel(parcel, {"dev.moorage.image": "app"})
        digest = put_parcel(LayoutRegistry(layouts), Repository(layouts, "app"), labelled, tags=[Tag("v1"), Tag("v2")])
    argv = [str(skopeo), "--insecure-policy", "copy", f"oci:{tmp_path}/out/app:v2", f"dir:{tmp_path}/read"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    assert Digest.of((tmp_path / "read/manifest.json").read_bytes()) == digest
