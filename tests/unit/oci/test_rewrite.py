from __future__ import annotations

import json
from typing import Any

import pytest
from tests.images import artifact, attestation, cosign, image, index, layer

from moorage.oci.manifest import BadManifest, Blob, parse_manifest
from moorage.oci.reference import Digest
from moorage.oci.rewrite import (
    is_file_layer,
    is_runnable,
    is_uncompressed_layer,
    labelled_config,
    with_config,
    with_manifests,
)

NEW = Blob(Digest.of(b"new"), 42)
LABELLED = image(labels={"kept": "1", "changed": "old"})


def loaded(content: bytes) -> Any:
    return json.loads(content)


def test_labels_are_added_and_replaced_and_nothing_else_moves() -> None:
    new = labelled_config(LABELLED.config, {"changed": "new", "added": "ü <&>"})
    before, after = loaded(LABELLED.config), loaded(new)
    assert after["config"].pop("Labels") == {"kept": "1", "changed": "new", "added": "ü <&>"}
    del before["config"]["Labels"]
    assert after == before
    assert list(after) == list(before)


@pytest.mark.parametrize("labels", [{}, {"kept": "1"}, {"changed": "old", "kept": "1"}])
def test_labels_that_are_there_change_no_byte(labels: dict[str, str]) -> None:
    assert labelled_config(LABELLED.config, labels) is LABELLED.config


@pytest.mark.parametrize("config", [b"{}", b'{"config":null}', b'{"config":{}}', b'{"config":{"Labels":null}}'])
def test_a_config_without_labels_gets_some(config: bytes) -> None:
    assert loaded(labelled_config(config, {"b": "2", "a": "1"}))["config"]["Labels"] == {"a": "1", "b": "2"}


def test_the_order_in_which_labels_are_given_does_not_matter() -> None:
    assert labelled_config(b"{}", {"b": "2", "a": "1"}) == labelled_config(b"{}", {"a": "1", "b": "2"})


@pytest.mark.parametrize("config", [b"", b"[]", b"[" * 100_000, b'{"config":5}', b'{"config":{"Labels":[1]}}'])
def test_what_is_no_config_is_refused(config: bytes) -> None:
    with pytest.raises(BadManifest):
        labelled_config(config, {"a": "1"})


def test_a_manifest_gets_another_config() -> None:
    document = loaded(with_config(LABELLED.content, NEW))
    assert (document["config"]["digest"], document["config"]["size"]) == (NEW.digest.text, 42)
    assert document["layers"] == loaded(LABELLED.content)["layers"]


def test_the_same_config_changes_no_byte() -> None:
    config = Blob(Digest.of(LABELLED.config), len(LABELLED.config))
    assert with_config(LABELLED.content, config) is LABELLED.content


def test_embedded_bytes_of_an_old_config_go() -> None:
    content = LABELLED.content.replace(b'"config":{', b'"config":{"data":"e30=",', 1)
    assert "data" not in loaded(with_config(content, NEW))["config"]


def test_an_index_follows_its_images_and_what_attests_to_them() -> None:
    other = image(layer("other"))
    both = index(LABELLED, other, attestation(LABELLED), attestation(other))
    before, after = loaded(both.content)["manifests"], loaded(with_manifests(both.content, {LABELLED.digest: NEW}))["manifests"]
    assert (after[0]["digest"], after[0]["size"]) == (NEW.digest.text, 42)
    assert after[0]["platform"] == before[0]["platform"]
    assert after[2]["annotations"]["vnd.docker.reference.digest"] == NEW.digest.text
    assert after[2]["digest"] == before[2]["digest"]
    assert [after[1], after[3]] == [before[1], before[3]]


def test_a_referrer_follows_its_subject() -> None:
    document = loaded(with_manifests(artifact(LABELLED).content, {LABELLED.digest: NEW}))
    assert document["subject"]["digest"] == NEW.digest.text


@pytest.mark.parametrize(
    "content", [LABELLED.content, index(LABELLED).content, b'{"manifests":[5,{"digest":7,"annotations":"x"}]}']
)
def test_nothing_to_follow_changes_no_byte(content: bytes) -> None:
    assert with_manifests(content, {NEW.digest: NEW}) is content


@pytest.mark.parametrize(
    ("media_type", "of_files", "uncompressed"),
    [
        ("application/vnd.oci.image.layer.v1.tar", True, True),
        ("application/vnd.oci.image.layer.v1.tar+gzip", True, False),
        ("application/vnd.oci.image.layer.v1.tar+zstd", True, False),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar", True, True),
        ("application/vnd.docker.image.rootfs.diff.tar", True, True),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", True, False),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True, False),
        ("application/vnd.in-toto+json", False, False),
        ("application/vnd.oci.image.layer.v1.tar+gzip.more", False, False),
        ("", False, False),
    ],
)
def test_layers_of_files(media_type: str, of_files: bool, uncompressed: bool) -> None:
    assert (is_file_layer(media_type), is_uncompressed_layer(media_type)) == (of_files, uncompressed)


def test_only_images_run() -> None:
    for one, runs in (
        (LABELLED, True),
        (image(docker=True), True),
        (index(LABELLED), False),
        (attestation(LABELLED), False),
        (artifact(LABELLED), False),
        (cosign(LABELLED)[1], False),
    ):
        assert is_runnable(parse_manifest(one.content), one.content) is runs
