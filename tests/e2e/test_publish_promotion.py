"""Promotion between registries, byte for byte, and images of several platforms out of several sources."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.calling import call, refused
from tests.images import Image, artifact, attestation, cosign, image, index, layer, push
from tests.publishing import ONE_TAG, WRITES, context, digest_at, settings, statuses, world

from moorage.commands.connect import connect
from moorage.commands.publish import publish
from moorage.commands.world import World
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.addressing import resolve
from moorage.registries.default.registry import DefaultRegistry
from moorage.settings.settings import Access, ImageSetting, SourceText, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.publishing import Target
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

AMD = image(layer("amd"))
ARM = image(layer("arm"), platform="linux/arm64")
BOTH = index(AMD, attestation(AMD), ARM)


@pytest.fixture
def port(registry: RunningRegistry) -> Iterator[DefaultRegistry]:
    """The registry as we speak to it."""
    with connect(Storage(resolve(f"{registry.host}/any", "default")), Access(), World()) as found:
        assert isinstance(found, DefaultRegistry)
        yield found


def at(registry: RunningRegistry, path: str) -> Repository:
    return Repository(Registry(registry.host), path)


def promoted(source: Repository, tag: str) -> SourceText:
    return SourceText(f"docker://{source}:{tag}")


def with_everything(port: DefaultRegistry, source: Repository, what: Image, tag: str) -> tuple[Image, Tag, Image]:
    """Push an image with a referrer (under the fallback tag, as ORAS does it here) and a signature of one of its platforms."""
    sbom = artifact(what, "application/spdx+json", b"{}")
    signature_tag, signature = cosign(AMD)
    push(port, source, what, tag)
    push(port, source, index(sbom), f"sha256-{what.digest.hex}")
    push(port, source, signature, signature_tag.text)
    return sbom, signature_tag, signature


def test_promotion_keeps_every_byte_and_all_that_belongs_to_it(port: DefaultRegistry, registry: RunningRegistry) -> None:
    source = at(registry, "rc/whole")
    sbom, signature_tag, signature = with_everything(port, source, BOTH, "rc")
    wanted = settings(f"{registry.host}/release", {"whole": promoted(source, "rc")}, add_labels=False)
    result = publish(wanted, world())
    assert statuses(result) == ["published"] * 3
    assert {str(tag.digest) for tag in result.images} == {BOTH.digest.text}
    target = at(registry, "release/whole")
    assert port.manifest(target, BOTH.digest) == (BOTH.content, BOTH.media_type)
    assert port.manifest(target, sbom.digest)[0] == sbom.content
    assert port.manifest(target, signature_tag)[0] == signature.content
    assert json.loads(port.manifest(target, Tag(f"sha256-{BOTH.digest.hex}"))[0])["manifests"][0]["digest"] == sbom.digest.text
    assert statuses(publish(wanted, world())) == ["up-to-date"] * 3


def test_a_signature_that_was_added_later_comes_along(port: DefaultRegistry, registry: RunningRegistry) -> None:
    source = at(registry, "rc/later")
    push(port, source, AMD, "rc")
    wanted = settings(f"{registry.host}/release", {"later": promoted(source, "rc")}, ONE_TAG, add_labels=False)
    publish(wanted, world())
    signature_tag, signature = cosign(AMD)
    push(port, source, signature, signature_tag.text)
    assert statuses(publish(wanted, world())) == ["up-to-date"]
    assert digest_at(registry, "release/later", signature_tag.text) == signature.digest.text


def test_what_the_target_has_of_its_own_is_not_overwritten(port: DefaultRegistry, registry: RunningRegistry) -> None:
    source, target = at(registry, "rc/own"), at(registry, "release/own")
    push(port, source, AMD, "rc")
    tag, signature = cosign(AMD)
    push(port, source, signature, tag.text)
    own = artifact(None, "application/own")
    push(port, target, own, tag.text)
    publish(settings(f"{registry.host}/release", {"own": promoted(source, "rc")}, ONE_TAG, add_labels=False), world())
    assert digest_at(registry, "release/own", tag.text) == own.digest.text


def test_within_one_registry_layers_are_mounted(
    port: DefaultRegistry, watched: ScriptedServer, registry: RunningRegistry
) -> None:
    push(port, at(registry, "rc/near"), BOTH, "rc")
    images = {"near": SourceText(f"docker://{watched.host}/rc/near:rc")}
    publish(settings(f"{watched.host}/release", images, ONE_TAG, add_labels=False), world())
    assert len([request for request in watched.requests if request.method == "POST"]) == len(BOTH.all_blobs())
    assert [request for request in watched.requests if request.method in WRITES - {"POST"} and "/blobs/" in request.path] == []


def test_labels_are_said_to_change_it(port: DefaultRegistry, registry: RunningRegistry) -> None:
    push(port, at(registry, "rc/said"), AMD, "rc")
    source = f"docker://{registry.host}/rc/said:rc"
    argv = ["--images-repo", f"{registry.host}/release", "--images-repo-implementation", "default", "--tag-custom", "v1"]
    called = call("publish", *argv, "--image", f"said={source}")
    assert called.code == 0, called.err
    assert "--no-labels promotes it byte for byte" in called.err


@pytest.mark.parametrize("turned", [False, True])
def test_platforms_from_several_sources_become_one_index(turned: bool, tmp_path: Path, registry: RunningRegistry) -> None:
    sources = [f"app=oci:{write_layout(tmp_path / one.digest.hex, {'it': one})}" for one in (AMD, ARM)]
    argv = ["--images-repo", f"{registry.host}/joined/{turned}".lower(), "--images-repo-implementation", "default"]
    argv += [part for source in (sources[::-1] if turned else sources) for part in ("--image", source)]
    for status in ("published", "up-to-date"):
        called = call("publish", *argv, "--tag-custom", "v1", "--no-labels", "--output", "json")
        assert called.code == 0, called.out
        (only,) = called.document["images"]
        assert (only["status"], only["digest"]) == (status, index(AMD, ARM).digest.text)


def test_two_images_of_one_platform_stop_all_before_anything_is_written(tmp_path: Path) -> None:
    sources = [f"app=oci:{write_layout(tmp_path / str(number), {'it': AMD})}" for number in range(2)]
    argv = ["--images-repo", f"oci:{tmp_path / 'out'}", "--tag-custom", "v1", "--image", sources[0], "--image", sources[1]]
    (problem,) = refused("publish", *argv)
    assert "are both linux/amd64" in problem
    assert not (tmp_path / "out").exists()


def test_a_built_platform_joins_one_from_elsewhere(target: Target, tmp_path: Path) -> None:
    sources = (context(tmp_path / "app"), SourceText(f"oci:{write_layout(tmp_path / 'arm', {'it': ARM})}"))
    wanted = settings(f"{target.host}/mixed", {}, access=target.access)
    wanted = replace(wanted, images=(ImageSetting("app", sources),))
    result = publish(wanted, world(target.engine))
    assert statuses(result) == ["published"] * 3, result
    assert target.pulled(result.images[0].reference) == str(result.images[0].digest)
    assert statuses(publish(wanted, world(target.engine))) == ["up-to-date"] * 3


def test_a_directory_for_two_platforms_becomes_one_index(target: Target, tmp_path: Path) -> None:
    both = replace(context(tmp_path / "app"), platforms=("linux/amd64", "linux/arm64"))
    wanted = settings(f"{target.host}/platforms", {"app": both}, access=target.access)
    result = publish(wanted, world(target.engine))
    assert statuses(result) == ["published"] * 3, result
    raw = subprocess.run(
        [str(target.skopeo), "inspect", "--raw", *target.skopeo_flags, f"docker://{result.images[0].reference}"],
        capture_output=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    platforms = [entry["platform"] for entry in json.loads(raw)["manifests"]]
    assert platforms == [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"}]
    assert statuses(publish(wanted, world(target.engine))) == ["up-to-date"] * 3
