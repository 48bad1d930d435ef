"""`oci:` and `oci-archive:`: what is taken, and every way to be no whole image."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from typing import TYPE_CHECKING

import pytest
from tests.archives import layout_archive, layout_files, write_layout
from tests.images import Image, Layer, artifact, attestation, image, index, layer, tar_of

from moorage.errors import ConfigurationError
from moorage.oci.reference import Digest
from moorage.registries.sources.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.registries.sources.conftest import OpenFile

    from moorage.registries.sources.parcel import Parcel

AMD = image(layer("amd"), layer("plain", compressed=False))
BOTH = index(AMD, image(platform="linux/arm64", docker=True), attestation(AMD))


def everything(what: Image) -> dict[str, bytes]:
    return {one.digest.text: one.content for one in what.manifests()} | {
        key.text: value for key, value in what.all_blobs().items()
    }


def archive_without(files: dict[str, bytes], *names: str) -> bytes:
    return tar_of({name: content for name, content in files.items() if name not in names})


def blob(digest: Digest) -> str:
    return f"blobs/sha256/{digest.hex}"


@pytest.mark.parametrize("what", [AMD, BOTH, index(BOTH), artifact(None)], ids=["image", "index", "nested", "artifact"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["tar", "gzip", "bzip2", "xz"])
def test_an_archive_gives_all_of_an_image(
    open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]], what: Image, pack: Callable[[bytes], bytes]
) -> None:
    with open_file("oci-archive", pack(layout_archive({"v1": what}))) as parcel:
        assert (parcel.root.content, parcel.root.media_type) == (what.content, what.media_type)
        assert contents(parcel) == everything(what)


def test_a_directory_does_too(tmp_path: Path, contents: Callable[[Parcel], dict[str, bytes]]) -> None:
    write_layout(tmp_path / "layout", {"v1": BOTH})
    with open_source(f"oci:{tmp_path}/layout") as parcel:
        assert parcel.root.digest == BOTH.digest
        assert contents(parcel) == everything(BOTH)
    assert parcel.origin == f"oci:{tmp_path}/layout"


def test_manifests_come_after_what_they_need(tmp_path: Path) -> None:
    outer = index(index(AMD, index(AMD, BOTH)), BOTH)
    write_layout(tmp_path / "layout", {"v1": outer})
    with open_source(f"oci:{tmp_path}/layout") as parcel:
        seen: set[Digest] = set()
        for document in parcel.documents():
            assert seen.issuperset(document.manifest.children)
            seen.add(document.digest)
        assert document.digest == outer.digest


class TestSelection:
    def test_by_name(self, open_file: OpenFile) -> None:
        archive = layout_archive({"v1": AMD, "v2": BOTH, "docker.io/library/app:v3": image(layer("three"))})
        for selector, what in ((":v1", AMD), (":v2", BOTH), (":docker.io/library/app:v3", image(layer("three")))):
            with open_file("oci-archive", archive, selector) as parcel:
                assert parcel.root.digest == what.digest

    def test_a_name_that_is_not_there(self, open_file: OpenFile) -> None:
        archive = layout_archive({"v1": AMD, "v2": BOTH})
        with (
            pytest.raises(ConfigurationError, match="no image named 'v3'; the names in it: v1, v2"),
            open_file("oci-archive", archive, ":v3"),
        ):
            pass

    def test_no_name_for_several(self, open_file: OpenFile) -> None:
        archive = layout_archive({"v1": AMD, "v2": BOTH})
        with (
            pytest.raises(ConfigurationError, match="holds 2 images; the names in it: v1, v2"),
            open_file("oci-archive", archive),
        ):
            pass

    def test_no_name_for_one_that_has_two(self, open_file: OpenFile) -> None:
        with open_file("oci-archive", layout_archive({"v1": AMD, "latest": AMD}, extra=[artifact(AMD)])) as parcel:
            assert parcel.root.digest == AMD.digest

    def test_no_name_for_the_only_one(self, open_file: OpenFile) -> None:
        with open_file("oci-archive", layout_archive({}, extra=[AMD])) as parcel:
            assert parcel.root.digest == AMD.digest

    def test_an_empty_layout(self, open_file: OpenFile) -> None:
        with (
            pytest.raises(ConfigurationError, match="holds no image; the names in it: none"),
            open_file("oci-archive", layout_archive({})),
        ):
            pass

    def test_a_path_with_colons(self, tmp_path: Path) -> None:
        write_layout(tmp_path / "a:b", {"v1": AMD, "v2": BOTH})
        with open_source(f"oci:{tmp_path}/a:b:v2") as parcel:
            assert parcel.root.digest == BOTH.digest


class TestNoSource:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("oci:", "names no file"),
            ("oci-archive:/nowhere/at.all", "there is no /nowhere/at.all"),
            ("oci-archive:/nowhere/at.all:v1", "there is no /nowhere/at.all"),
            ("docker://alpine", "is no image source from files"),
            ("oci-archive:/tmp", "is no file"),
            ("oci:/etc/hostname", "is no directory"),
            ("oci:/" + "x" * 300, "File name too long"),
            ("oci:/usr", "is no OCI image layout: it has no index.json"),
        ],
    )
    def test_says_what_is_wrong(self, text: str, why: str) -> None:
        with pytest.raises(ConfigurationError, match=re.escape(why)), open_source(text):
            pass

    def test_a_directory_of_layouts_names_them(self, tmp_path: Path) -> None:
        write_layout(tmp_path / "app", {"v1": AMD})
        with pytest.raises(ConfigurationError, match="holds some: app") as caught, open_source(f"oci:{tmp_path}"):
            pass
        assert f"oci:{tmp_path}/app" in caught.value.remedy

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "is an empty file"),
            (b"no archive at all", "is no tar archive"),
            (b"\0" * 10240, "is no OCI image layout"),
            (tar_of({"readme": b"hello"}), "is no OCI image layout: it has no index.json"),
            (gzip.compress(b"x" * 1000, mtime=0), "is no tar archive"),
            (gzip.compress(layout_archive({"v1": AMD}), mtime=0)[:-40], "is cut off or damaged"),
            (gzip.compress(b"x" * 100_000, mtime=0)[:20] + b"garbage", "is cut off or damaged"),
            (b"\x28\xb5\x2f\xfd1234", "is compressed with zstd"),
        ],
    )
    def test_a_file_that_is_none(self, open_file: OpenFile, content: bytes, why: str) -> None:
        with pytest.raises(ConfigurationError, match=why), open_file("oci-archive", content):
            pass

    def test_an_archive_that_is_cut_off_anywhere(self, open_file: OpenFile) -> None:
        whole = layout_archive({"v1": AMD})
        end = len(whole.rstrip(b"\0"))
        for cut in range(512, end, 512):
            with pytest.raises(ConfigurationError, match=r"image\.tar"), open_file("oci-archive", whole[:cut]):
                pass

    @pytest.mark.parametrize(
        "name", ["index.json", "oci-layout", blob(AMD.digest), blob(Digest.of(AMD.config)), blob(AMD.layers[0].digest)]
    )
    def test_a_part_is_missing(self, open_file: OpenFile, name: str) -> None:
        with (
            pytest.raises(ConfigurationError, match=name.rpartition("/")[2]),
            open_file("oci-archive", archive_without(layout_files({"v1": AMD}), name)),
        ):
            pass

    def test_a_platform_is_missing(self, open_file: OpenFile) -> None:
        files = layout_files({"v1": BOTH})
        gone = BOTH.children[1].digest
        with (
            pytest.raises(ConfigurationError, match=f"not whole: 1 of the parts.*{gone}"),
            open_file("oci-archive", archive_without(files, blob(gone))),
        ):
            pass

    @pytest.mark.parametrize("member", ["../outside", "/etc/passwd", "a/../../outside"])
    def test_a_member_that_leads_out(self, open_file: OpenFile, member: str) -> None:
        files = {**layout_files({"v1": AMD}), member: b"evil"}
        with pytest.raises(ConfigurationError, match="leads out of the archive"), open_file("oci-archive", tar_of(files)):
            pass

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd"])
    def test_a_link_that_leads_out(self, open_file: OpenFile, target: str) -> None:
        files: dict[str, bytes | str] = {**layout_files({"v1": AMD}), blob(AMD.layers[0].digest): target}
        with pytest.raises(ConfigurationError, match="leads out of the archive"), open_file("oci-archive", tar_of(files)):
            pass

    def test_links_in_a_circle(self, open_file: OpenFile) -> None:
        files: dict[str, bytes | str] = {**layout_files({"v1": AMD}), "index.json": "a", "a": "b", "b": "a"}
        with pytest.raises(ConfigurationError, match="in a circle"), open_file("oci-archive", tar_of(files)):
            pass

    def test_a_link_inside_is_followed(self, open_file: OpenFile, contents: Callable[[Parcel], dict[str, bytes]]) -> None:
        files: dict[str, bytes | str] = {**layout_files({"v1": AMD})}
        name = blob(AMD.layers[0].digest)
        files["elsewhere/layer"] = files[name]
        files[name] = "../../elsewhere/layer"
        with open_file("oci-archive", tar_of(files)) as parcel:
            assert contents(parcel) == everything(AMD)


class TestLies:
    @pytest.mark.parametrize("digest", [AMD.digest, Digest.of(AMD.config), AMD.layers[0].digest])
    def test_bytes_that_do_not_match_their_digest(self, open_file: OpenFile, digest: Digest) -> None:
        files = layout_files({"v1": AMD})
        files[blob(digest)] = files[blob(digest)][:-1] + b"X"
        with pytest.raises(ConfigurationError, match=digest.text), open_file("oci-archive", tar_of(files)):
            pass

    def test_a_manifest_that_was_changed_into_another(self, open_file: OpenFile) -> None:
        files = layout_files({"v1": AMD})
        files[blob(AMD.digest)] = AMD.content.replace(b'"schemaVersion":2', b'"schemaVersion":3')
        with (
            pytest.raises(ConfigurationError, match=f"manifest {AMD.digest} do not match"),
            open_file("oci-archive", tar_of(files)),
        ):
            pass

    @pytest.mark.parametrize("digest", [AMD.digest, AMD.layers[0].digest])
    def test_another_size(self, open_file: OpenFile, digest: Digest) -> None:
        files = layout_files({"v1": AMD})
        files[blob(digest)] += b"more"
        with pytest.raises(ConfigurationError, match=digest.text), open_file("oci-archive", tar_of(files)):
            pass

    def test_a_descriptor_with_another_size(self, open_file: OpenFile) -> None:
        files = layout_files({"v1": AMD})
        files["index.json"] = files["index.json"].replace(f'"size": {len(AMD.content)}'.encode(), b'"size": 7')
        with pytest.raises(ConfigurationError, match="7 are announced"), open_file("oci-archive", tar_of(files)):
            pass

    def test_a_layer_that_is_not_what_the_config_claims(self, open_file: OpenFile) -> None:
        honest, other = image(layer("honest")), layer("other")
        config = honest.config.replace(honest.layers[0].diff_id.text.encode(), other.diff_id.text.encode())
        lying = with_config(honest, config)
        with (
            pytest.raises(ConfigurationError, match=f"holds {honest.layers[0].diff_id}.*claims {other.diff_id}"),
            open_file("oci-archive", layout_archive({"v1": lying})),
        ):
            pass

    def test_also_in_a_platform_of_an_index(self, open_file: OpenFile) -> None:
        honest = image(layer("honest", compressed=False))
        lying = with_config(honest, honest.config.replace(honest.layers[0].diff_id.text.encode(), AMD.digest.text.encode()))
        with (
            pytest.raises(ConfigurationError, match="config claims"),
            open_file("oci-archive", layout_archive({"v1": index(AMD, lying)})),
        ):
            pass

    def test_more_layers_than_the_config_speaks_of(self, open_file: OpenFile) -> None:
        one = image(layer("one"))
        document = json.loads(one.config)
        document["rootfs"]["diff_ids"] *= 2
        lying = with_config(one, json.dumps(document).encode())
        with (
            pytest.raises(ConfigurationError, match="has 1 layers, its config speaks of 2"),
            open_file("oci-archive", layout_archive({"v1": lying})),
        ):
            pass

    def test_a_layer_whose_gzip_is_broken(self, open_file: OpenFile) -> None:
        whole = layer("whole")
        cut = Layer(whole.tar, whole.stored[:-8], whole.media_type)
        with (
            pytest.raises(ConfigurationError, match=f"layer {cut.digest} is cut off or damaged"),
            open_file("oci-archive", layout_archive({"v1": image(cut)})),
        ):
            pass

    def test_a_layer_in_zstd_is_only_compared_with_its_digest(self, open_file: OpenFile) -> None:
        tar = layer("zstd").tar
        squeezed = Layer(tar, b"\x28\xb5\x2f\xfd" + tar, "application/vnd.oci.image.layer.v1.tar+zstd")
        with open_file("oci-archive", layout_archive({"v1": image(squeezed)})) as parcel:
            assert squeezed.digest in parcel.blobs

    def test_a_config_without_claims_tells_no_lies(self, open_file: OpenFile) -> None:
        with open_file("oci-archive", layout_archive({"v1": with_config(AMD, b'{"os":"linux"}')})) as parcel:
            assert len(parcel.blobs) == 3

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"no json", "is not JSON"),
            (b'{"schemaVersion":1}', "is no image, but of an unknown kind"),
            (b'{"mediaType":"application/x"}', "is no image, but application/x"),
            (b'{"schemaVersion":2,"manifests":[{"digest":"md5:1"}]}', "is no valid manifest"),
        ],
    )
    def test_what_is_no_image(self, open_file: OpenFile, content: bytes, why: str) -> None:
        document = {"manifests": [{"digest": Digest.of(content).text, "size": len(content), "mediaType": ""}]}
        files = {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps(document).encode(),
            blob(Digest.of(content)): content,
        }
        with pytest.raises(ConfigurationError, match=why), open_file("oci-archive", tar_of(files)):
            pass

    def test_image_and_index_at_once(self, open_file: OpenFile) -> None:
        document = {**AMD.document, "manifests": BOTH.document["manifests"]}
        chimera = Image(json.dumps(document).encode(), AMD.media_type, AMD.blobs, children=BOTH.children)
        with pytest.raises(ConfigurationError, match="at once"), open_file("oci-archive", layout_archive({"v1": chimera})):
            pass

    @pytest.mark.parametrize("name", ["index.json", "oci-layout"])
    def test_broken_files_of_the_layout(self, open_file: OpenFile, name: str) -> None:
        files = {**layout_files({"v1": AMD}), name: b"{"}
        with pytest.raises(ConfigurationError, match=f"{name} is not JSON"), open_file("oci-archive", tar_of(files)):
            pass

    def test_indexes_nested_without_end(self, open_file: OpenFile) -> None:
        outer = AMD
        for _ in range(18):
            outer = index(outer)
        with pytest.raises(ConfigurationError, match="nested deeper"), open_file("oci-archive", layout_archive({"v1": outer})):
            pass


def with_config(of: Image, config: bytes) -> Image:
    """An image whose config was exchanged, everything else fitting to it."""
    document = of.document
    descriptor = document["config"]
    assert isinstance(descriptor, dict)
    descriptor |= {"digest": Digest.of(config).text, "size": len(config)}
    blobs = {digest: content for digest, content in of.blobs.items() if content != of.config}
    return Image(
        json.dumps(document).encode(), of.media_type, {**blobs, Digest.of(config): config}, beside=of.beside, layers=of.layers
    )
