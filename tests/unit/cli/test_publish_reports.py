"""What a publish writes for others, however it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.calling import Called, call
from tests.images import image, layer

from moorage.oci.manifest import parse_manifest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands; `one` and `two` are layouts with different images."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        write_layout(tmp_path / name, {"dev": image(layer(name))})
    return tmp_path


def publish(place: Path, source: str, *argv: str) -> Called:
    options = ["--images-repo", "oci:out", "--image", f"web=oci:{source}:dev", "--tag-custom", "v1", *argv]
    return call("publish", *options, environ={"HOME": str(place)})


def test_werfs_form_beside_ours(place: Path) -> None:
    called = publish(place, "one", "--werf-report", "deep/werf.json", "--report", "ours.json", "--dotenv", "p.env")
    assert called.code == 0, called.err
    (ours,) = json.loads((place / "ours.json").read_text())["images"]
    record = json.loads((place / "deep/werf.json").read_text())["Images"]["web"]
    assert (record["DockerRepo"], record["DockerTag"]) == ("oci:out/web", "v1")
    assert record["DockerImageDigest"] == ours["digest"]
    manifest = (place / "out/web/blobs/sha256" / ours["digest"].removeprefix("sha256:")).read_bytes()
    config = parse_manifest(manifest, json.loads(manifest)["mediaType"]).config
    assert config is not None
    assert record["DockerImageID"] == str(config.digest)
    again = publish(place, "one", "--werf-report", "again.json")
    assert again.code == 0
    known = json.loads((place / "again.json").read_text())["Images"]["web"]
    assert {**known, "Tags": ()} == {**record, "Tags": ()}
    told = dict(line.split("=", 1) for line in (place / "p.env").read_text().splitlines())
    assert json.loads(told["MOORAGE_OUT_PINNED"]) == {"web": f"oci:out/web@{ours['digest']}"}


def test_a_publish_that_is_stopped_leaves_no_report_of_an_earlier_one(place: Path) -> None:
    publish(place, "one", "--report", "r.json", "--report", "r.md", "--werf-report", "w.json")
    called = publish(place, "two", "--report", "r.json", "--report", "r.md", "--werf-report", "w.json", "--immutable-tags")
    assert called.code == 6
    document = json.loads((place / "r.json").read_text())
    assert document["images"] == []
    assert document["error"]["code"] == "refused"
    assert "immutable" in (place / "r.md").read_text()
    assert json.loads((place / "w.json").read_text()) == {"Images": {}}


def test_a_report_that_cannot_be_written_loses_neither_the_result_nor_the_others(place: Path) -> None:
    (place / "file").write_text("")
    argv = ("--report", "file/r.json", "--werf-report", "file/w.json", "--report", "r.md", "--output", "json")
    called = publish(place, "one", *argv)
    assert called.code == 5
    assert [tag["status"] for tag in called.document["images"]] == ["published"]
    assert "file/r.json" in called.document["error"]["message"]
    assert "file/w.json" in called.document["error"]["message"]
    assert (place / "r.md").exists()
