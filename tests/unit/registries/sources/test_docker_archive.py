"""`docker-archive:`: what `docker save` wrote, up to docker 24 and since, and what only looks like it."""

from __future__ import annotations

import gzip
import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.archives import docker_25_archive, docker_archive, docker_archive_files, layout_archive
from tests.images import Image, attestation, filler, image, index, layer, tar_of

from moorage.errors import ConfigurationError
from moorage.oci.media_type import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from moorage.oci.reference import Digest
from moorage.registries.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.unit.registries.sources.conftest import OpenFile

    from moorage.registries.sources.parcel import Parcel

ONE = image(layer("one"), layer("shared"), docker=True)
TWO = image(layer("two"), layer("shared"), docker=True)


def diff_ids(parcel: Parcel, contents: Callable[[Parcel], dict[str, bytes]]) -> list[Digest]:
    """What the layers of an image hold, in their order."""
    found = contents(parcel)
    return [Digest.of(gzip.decompress(found[blob.digest.text])) for blob in parcel.root.manifest.layers]


def entries(files: dict[str, bytes | str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(files["manifest.json"])
    return found


class TestOldForm:
    def test_an_image_keeps_its_config_and_gets_compressed_layers(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        with open_file("docker-archive", docker_archive({"app:v1": ONE})) as parcel:
            assert diff_ids(parcel, contents) == [one.diff_id for one in ONE.layers]
            assert parcel.root.manifest.config is not None
            assert parcel.root.manifest.config.digest == Digest.of(ONE.config), "the id of the image in docker"
            document = json.loads(parcel.root.content)
        assert (document["mediaType"], document["config"]["mediaType"]) == (OCI_MANIFEST, OCI_CONFIG)
        assert {entry["mediaType"] for entry in document["layers"]} == {OCI_LAYER_GZIP}
        assert parcel.manifests == {}

    def test_the_same_archive_gives_the_same_digest(self, open_file: OpenFile) -> None:
        found = []
        for content in (docker_archive({"app:v1": ONE}), gzip.compress(docker_archive({"app:v1": ONE}))):
            with open_file("docker-archive", content) as parcel:
                found.append(parcel.root.digest)
        assert found[0] == found[1]

    def test_compressed_layers_hold_no_date_and_no_name(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        with open_file("docker-archive", docker_archive({"app:v1": ONE})) as parcel:
            found = contents(parcel)
        starts = {found[blob.digest.text][:8] for blob in parcel.root.manifest.layers}
        assert starts == {b"\x1f\x8b\x08\0\0\0\0\0"}

    def test_a_layer_that_is_a_link_to_another_images(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        archive = docker_archive({"one:v1": ONE, "two:v1": TWO})
        with open_file("docker-archive", archive, ":two:v1") as parcel:
            assert diff_ids(parcel, contents) == [one.diff_id for one in TWO.layers]

    def test_one_layer_twice_in_an_image(self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]) -> None:
        twice = image(layer("x"), layer("y"), layer("x"))
        with open_file("docker-archive", docker_archive({"app:v1": twice})) as parcel:
            assert diff_ids(parcel, contents) == [one.diff_id for one in twice.layers]

    def test_podmans_and_skopeos_compressed_layers_stay_as_they_are(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        files = docker_archive_files({"app:v1": ONE})
        for name, one in zip(entries(files)[0]["Layers"], ONE.layers, strict=True):  # type: ignore[call-overload]
            files[name] = one.stored
        with open_file("docker-archive", tar_of(files)) as parcel:
            assert [blob.digest for blob in parcel.root.manifest.layers] == [one.digest for one in ONE.layers]
            assert set(contents(parcel)) == {parcel.root.digest.text, *(digest.text for digest in ONE.blobs)}

    def test_an_image_without_layers(self, open_file: OpenFile) -> None:
        config = json.loads(ONE.config) | {"rootfs": {"type": "layers", "diff_ids": []}}
        files: dict[str, bytes | str] = {
            "c.json": json.dumps(config).encode(),
            "manifest.json": b'[{"Config":"c.json","RepoTags":null,"Layers":null}]',
        }
        with open_file("docker-archive", tar_of(files)) as parcel:
            assert parcel.root.manifest.layers == ()

    def test_layers_are_read_in_pieces(self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]) -> None:
        large = image(filler(3_000_000), filler(1_500_000, seed=1))
        with open_file("docker-archive", docker_archive({"app:v1": large})) as parcel:
            assert diff_ids(parcel, contents) == [one.diff_id for one in large.layers]

    def test_its_temporary_files_live_as_long_as_the_parcel(self, open_file: OpenFile, spools: Path) -> None:
        with open_file("docker-archive", docker_archive({"app:v1": ONE})):
            assert len([place for place in spools.rglob("*") if place.is_file()]) == 2


class TestSelection:
    @pytest.mark.parametrize(
        "selector", [":two:v1", ":two:latest-and-greatest", ":docker.io/library/two:v1", ":library/two:v1", ":@1"]
    )
    def test_by_any_form_of_the_name_or_by_place(self, open_file: OpenFile, selector: str) -> None:
        archive = docker_archive({"one:v1": ONE, "two:v1": TWO, "two:latest-and-greatest": TWO})
        with open_file("docker-archive", archive, selector) as parcel:
            assert Digest.of(TWO.config) in parcel.blobs

    @pytest.mark.parametrize("selector", [":three:v1", ":@2", ":@one", ":UPPER"])
    def test_what_is_not_there(self, open_file: OpenFile, selector: str) -> None:
        archive = docker_archive({"one:v1": ONE, "two:v1": TWO})
        wanted = f"no image {selector[1:]}; the names in it: one:v1, two:v1"
        with pytest.raises(ConfigurationError, match=wanted), open_file("docker-archive", archive, selector):
            pass

    def test_no_name_for_several(self, open_file: OpenFile) -> None:
        archive = docker_archive({"one:v1": ONE, "two:v1": TWO, "<none>": image(layer("three"))})
        with (
            pytest.raises(ConfigurationError, match="holds 3 images; the names in it: one:v1, two:v1") as caught,
            open_file("docker-archive", archive),
        ):
            pass
        assert "@0 to @2" in caught.value.remedy

    def test_an_image_without_a_name(self, open_file: OpenFile) -> None:
        with open_file("docker-archive", docker_archive({"<none>": ONE})) as parcel:
            assert Digest.of(ONE.config) in parcel.blobs


class TestNewForm:
    def test_what_is_ready_for_a_registry_is_taken_as_it_is(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        both = index(ONE, image(platform="linux/arm64"), attestation(ONE))
        with open_file("docker-archive", docker_25_archive({"app:v1": both, "other:v1": TWO}), ":app:v1") as parcel:
            assert parcel.root.digest == both.digest
            assert set(contents(parcel)) == {one.digest.text for one in both.manifests()} | {
                blob.text for blob in both.all_blobs()
            }

    def test_uncompressed_layers_are_compressed(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        plain = image(layer("one", compressed=False), layer("two", compressed=False))
        with open_file("docker-archive", docker_25_archive({"app:v1": plain})) as parcel:
            assert parcel.root.media_type == OCI_MANIFEST
            assert diff_ids(parcel, contents) == [one.diff_id for one in plain.layers]

    def test_an_index_of_which_only_one_platform_was_pulled(
        self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]
    ) -> None:
        both = index(ONE, image(platform="linux/arm64"))
        absent = both.children[1]
        pulled = Image(both.content, both.media_type, {}, (ONE,))
        assert absent.digest.text in pulled.content.decode()
        with open_file("docker-archive", docker_25_archive({"app:v1": pulled})) as parcel:
            assert parcel.manifests == {}
            assert diff_ids(parcel, contents) == [one.diff_id for one in ONE.layers]


class TestNoSource:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "is an empty file"),
            (b"text", "is no tar archive"),
            (tar_of({"readme": b"hello"}), "not of docker save: it has no manifest.json"),
            (tar_of({"manifest.json": b"{"}), "is not one of docker save"),
            (tar_of({"manifest.json": b"{}"}), "holds no image; the names in it: none"),
            (tar_of({"manifest.json": b"5"}), "is not one of docker save"),
            (tar_of({"manifest.json": b"[5]"}), "is not one of docker save"),
            (tar_of({"manifest.json": b'[{"Layers":[]}]'}), "is not one of docker save"),
            (tar_of({"manifest.json": b'[{"Config":5,"Layers":[]}]'}), "is not one of docker save"),
            (tar_of({"manifest.json": b'[{"Config":"c","Layers":[5]}]'}), "is not one of docker save"),
            (tar_of({"manifest.json": b'[{"Config":"c.json","Layers":[]}]'}), r"lacks c\.json"),
            (tar_of({"manifest.json": b'[{"Config":"../c.json","Layers":[]}]'}), "leads out of the archive"),
            (tar_of({"manifest.json": b'[{"Config":"/etc/passwd","Layers":[]}]'}), "leads out of the archive"),
            (tar_of({"manifest.json": b'[{"Config":"c.json","Layers":[]}]', "c.json": b"[]"}), "is no image config"),
            (tar_of({"manifest.json": b'[{"Config":"c.json","Layers":["x"]}]', "c.json": b"{}"}), "speaks of none"),
        ],
    )
    def test_says_what_is_wrong(self, open_file: OpenFile, content: bytes, why: str) -> None:
        with pytest.raises(ConfigurationError, match=why), open_file("docker-archive", content):
            pass

    def test_a_layout_is_sent_to_its_own_scheme(self, open_file: OpenFile) -> None:
        with (
            pytest.raises(ConfigurationError, match="not of docker save") as caught,
            open_file("docker-archive", layout_archive({"v1": ONE})),
        ):
            pass
        assert "oci-archive:" in caught.value.remedy

    def test_an_archive_that_is_cut_off_anywhere(self, open_file: OpenFile) -> None:
        whole = docker_archive({"app:v1": ONE})
        for cut in range(512, len(whole.rstrip(b"\0")), 512):
            with pytest.raises(ConfigurationError, match=r"image\.tar"), open_file("docker-archive", whole[:cut]):
                pass

    def test_a_layer_is_missing(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        name = next(name for name in files if name.endswith("layer.tar"))
        del files[name]
        with pytest.raises(ConfigurationError, match=f"lacks the layer {name}"), open_file("docker-archive", tar_of(files)):
            pass

    def test_a_layer_that_is_not_what_the_config_claims(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        name = next(name for name in files if name.endswith("layer.tar"))
        for content in (layer("evil").tar, layer("evil").stored, b"", b"text"):
            with (
                pytest.raises(ConfigurationError, match=f"the layer {name} holds .*claims {ONE.layers[0].diff_id}"),
                open_file("docker-archive", tar_of(files | {name: content})),
            ):
                pass

    def test_a_layer_whose_gzip_is_broken(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        name = next(name for name in files if name.endswith("layer.tar"))
        with (
            pytest.raises(ConfigurationError, match="cut off or damaged"),
            open_file("docker-archive", tar_of(files | {name: ONE.layers[0].stored[:-9]})),
        ):
            pass

    def test_a_layer_in_zstd(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        name = next(name for name in files if name.endswith("layer.tar"))
        with (
            pytest.raises(ConfigurationError, match="compressed with zstd"),
            open_file("docker-archive", tar_of(files | {name: b"\x28\xb5\x2f\xfd and so on"})),
        ):
            pass

    def test_a_config_that_its_name_does_not_fit(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        name = f"{Digest.of(ONE.config).hex}.json"
        with (
            pytest.raises(ConfigurationError, match="its name claims another"),
            open_file("docker-archive", tar_of(files | {name: TWO.config})),
        ):
            pass

    def test_another_number_of_layers(self, open_file: OpenFile) -> None:
        files = docker_archive_files({"app:v1": ONE})
        listed = entries(files)
        listed[0]["Layers"] = [*listed[0]["Layers"]][:1]  # type: ignore[misc]
        with (
            pytest.raises(ConfigurationError, match=r"lists 1 layers.*speaks of 2"),
            open_file("docker-archive", tar_of(files | {"manifest.json": json.dumps(listed).encode()})),
        ):
            pass


def test_skopeo_writes_what_we_read(tmp_path: Path, skopeo: Path, contents: Callable[[Parcel], dict[str, bytes]]) -> None:
    written = image(layer("one"), layer("shared"))
    (tmp_path / "in.tar").write_bytes(layout_archive({"v1": written}))
    argv = [
        str(skopeo),
        "--insecure-policy",
        "copy",
        f"oci-archive:{tmp_path}/in.tar:v1",
        f"docker-archive:{tmp_path}/out.tar:app:v1",
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    with open_source(f"docker-archive:{tmp_path}/out.tar:app:v1") as parcel:
        assert diff_ids(parcel, contents) == [one.diff_id for one in written.layers]
        assert Digest.of(written.config) in parcel.blobs


def test_docker_saves_what_we_read(
    tmp_path: Path, docker_engine: DockerEngine, contents: Callable[[Parcel], dict[str, bytes]]
) -> None:
    identity = docker_engine.import_tiny("moorage-sources/saved:v1")
    docker_engine.run("save", "-o", tmp_path / "saved.tar", "moorage-sources/saved:v1")
    docker_engine.run("image", "rm", "moorage-sources/saved:v1")
    with open_source(f"docker-archive:{tmp_path}/saved.tar") as parcel:
        assert Digest(identity) in parcel.blobs
        (config,) = [parcel.config(found) for found in parcel.images()]
        assert [one.text for one in diff_ids(parcel, contents)] == json.loads(config)["rootfs"]["diff_ids"]
