"""Provenance and SBOM that a build makes are published beside the image and stay true, whatever is written on it afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.build_counter import BuildCounter, blob_uploads, manifests_put
from tests.publishing import LIMIT, ONE_TAG, TAGS, Warnings, context, digest_at, settings, statuses

from moorage.auth.secret import Secret
from moorage.commands.publish import publish
from moorage.commands.world import World
from moorage.errors import ConfigurationError, DockerError
from moorage.oci import media_type
from moorage.oci.records import is_record
from moorage.oci.reference import Tag
from moorage.registries.addressing import resolve
from moorage.settings.settings import BuildContext, Engine, SourceText, Storage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.oci_schemas import OciSchemas
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

PROVENANCE = "type=provenance,mode=max"
SCANNER = "moorage-e2e/scanner:1"
_SCAN = """#!/bin/sh
cat > "$BUILDKIT_SCAN_DESTINATION/found.spdx.json" <<END
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
 "predicate": {"spdxVersion": "SPDX-2.3", "name": "$(ls "$BUILDKIT_SCAN_SOURCE" | tr '\\n' ' ')"}}
END
"""


@pytest.fixture
def modern(containerd_store_engine: DockerEngine, tmp_path: Path) -> BuildCounter:
    """A docker whose engine can attest, counting builds."""
    counted = BuildCounter.of(containerd_store_engine, tmp_path / "modern-bin")
    host = containerd_store_engine.env["DOCKER_HOST"]
    return replace(counted, world=World(environ={**counted.world.environ, "DOCKER_HOST": host}))


def attested(folder: Path, *attestations: str, **more: Any) -> BuildContext:
    return replace(context(folder), attestations=attestations or (PROVENANCE,), **more)


@dataclass(frozen=True)
class Attestation:
    """What an index says about an attestation, and what that says itself."""

    about: str
    kinds: tuple[str, ...]
    predicates: tuple[dict[str, Any], ...]


def images_and_attestations(registry: RunningRegistry, path: str, tag: str) -> tuple[dict[str, str], list[Attestation]]:
    """The images by digest with their platforms, and what is attested."""

    def get(what: str) -> Any:
        return requests.get(f"{registry.url}/v2/{path}/{what}", headers={"Accept": media_type.ACCEPT}, timeout=LIMIT).json()

    images: dict[str, str] = {}
    found = []
    for entry in get(f"manifests/{tag}")["manifests"]:
        marks = entry.get("annotations", {})
        if marks.get("vnd.docker.reference.type") != "attestation-manifest":
            images[entry["digest"]] = entry["platform"]["architecture"]
            continue
        statements = [get(f"blobs/{layer['digest']}") for layer in get(f"manifests/{entry['digest']}")["layers"]]
        found.append(
            Attestation(
                marks["vnd.docker.reference.digest"],
                tuple(statement["predicateType"] for statement in statements),
                tuple(statement["predicate"] for statement in statements),
            )
        )
    return images, found


def test_they_stay_beside_the_image_and_cost_no_second_build(
    modern: BuildCounter, watched: ScriptedServer, registry: RunningRegistry, oci_schemas: OciSchemas, tmp_path: Path
) -> None:
    images = {"app": attested(tmp_path / "app")}
    first = publish(settings(f"{watched.host}/attested", images, revision="1" * 40), modern.world)
    assert statuses(first) == ["published"] * 3, first
    assert modern.builds() == 1
    assert len({tag.digest for tag in first.images}) == 1
    found, (attestation,) = images_and_attestations(registry, "attested/app", "v1")
    assert list(found) == [attestation.about], "labels were written, and the attestation followed"
    assert attestation.kinds == ("https://slsa.dev/provenance/v0.2",)
    assert attestation.predicates[0]["invocation"]["parameters"]["frontend"] == "dockerfile.v0"
    checked = oci_schemas.check(registry.url, "attested/app", "v1")
    assert checked == {media_type.OCI_INDEX: 1, media_type.OCI_MANIFEST: 2, media_type.OCI_CONFIG: 2}
    watched.requests.clear()
    tags = (*TAGS, *ONE_TAG)
    second = publish(settings(f"{watched.host}/attested", images, tags, revision="2" * 40), modern.world)
    assert set(statuses(second)) == {"up-to-date"}
    assert modern.builds() == 0, "a provenance holds the time; the signature does not"
    assert blob_uploads(watched.requests) == []
    assert all(is_record(Tag(tag)) for tag in manifests_put(watched.requests))


def test_asking_for_them_later_publishes_them(modern: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    target = f"{registry.host}/later-attested"
    publish(settings(target, {"app": context(tmp_path / "app")}, ONE_TAG), modern.world)
    modern.builds()
    result = publish(settings(target, {"app": attested(tmp_path / "app")}, ONE_TAG), modern.world)
    assert statuses(result) == ["published"], "the same content, but without what was asked for"
    assert len(images_and_attestations(registry, "later-attested/app", "v1")[1]) == 1


def test_another_runner_takes_them_out_of_the_stages_storage(
    modern: BuildCounter, watched: ScriptedServer, registry: RunningRegistry, tmp_path: Path
) -> None:
    images = {"app": attested(tmp_path / "app")}
    stages = Storage(resolve(f"{watched.host}/attested-kept/stages", "default"), option_prefix="stages-storage")
    for number, builds in ((1, 1), (2, 0)):
        wanted = replace(settings(f"{watched.host}/attested-staged/{number}", images, ONE_TAG), stages=stages)
        assert statuses(publish(wanted, modern.world)) == ["published"]
        assert modern.builds() == builds
    assert digest_at(registry, "attested-staged/1/app", "v1") == digest_at(registry, "attested-staged/2/app", "v1")
    found, (attestation,) = images_and_attestations(registry, "attested-staged/2/app", "v1")
    assert list(found) == [attestation.about]


def test_every_platform_has_its_own(
    modern: BuildCounter, containerd_store_engine: DockerEngine, registry: RunningRegistry, base_image: str,
    docker_engine: DockerEngine, oci_schemas: OciSchemas, tmp_path: Path,
) -> None:  # fmt: skip
    scanner = tmp_path / "scanner"
    scanner.mkdir()
    (scanner / "scan").write_text(_SCAN)
    (scanner / "scan").chmod(0o755)
    (scanner / "Dockerfile").write_text(f'FROM {base_image}\nCOPY scan /scan\nENTRYPOINT ["/scan"]\n')
    docker_engine.run("save", base_image, "--output", tmp_path / "base.tar")
    containerd_store_engine.run("load", "--input", tmp_path / "base.tar")
    containerd_store_engine.run("buildx", "build", "--load", "--provenance=false", "--tag", SCANNER, scanner)
    app = attested(tmp_path / "app", PROVENANCE, f"type=sbom,generator={SCANNER}", platforms=("linux/amd64", "linux/arm64"))
    result = publish(settings(f"{registry.host}/attested-both", {"app": app}, ONE_TAG), modern.world)
    assert statuses(result) == ["published"], result
    found, attestations = images_and_attestations(registry, "attested-both/app", "v1")
    assert sorted(found.values()) == ["amd64", "arm64"]
    assert {attestation.about for attestation in attestations} == set(found)
    for attestation in attestations:
        assert set(attestation.kinds) == {"https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2"}
    oci_schemas.check(registry.url, "attested-both/app", "v1")


def test_a_scanner_that_is_not_there_fails_the_build_by_name(
    modern: BuildCounter, registry: RunningRegistry, tmp_path: Path
) -> None:
    app = attested(tmp_path / "app", "type=sbom,generator=registry.invalid/scanner:1")
    (only,) = publish(settings(f"{registry.host}/unscanned", {"app": app}, ONE_TAG), modern.world).images
    assert isinstance(only.error, DockerError)
    assert "registry.invalid/scanner" in only.error.message


def test_a_builder_that_cannot_is_told_before_it_builds(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    images = {"app": attested(tmp_path / "app"), "web": context(tmp_path / "web")}
    app, web = publish(settings(f"{registry.host}/unattested", images, ONE_TAG), counter.world).images
    assert isinstance(app.error, ConfigurationError)
    assert "without a containerd image store" in app.error.message
    assert "docker-container" in app.error.remedy
    assert web.error is None
    assert counter.builds() == 1, "the other image alone"


def test_a_provenance_would_publish_secrets(modern: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    Secret("glpat-hunter2hunter2")
    arguments = (("TOKEN", "glpat-hunter2hunter2"),)
    images = {
        "all": attested(tmp_path / "all", "type=provenance", build_args=arguments),
        "few": attested(tmp_path / "few", "type=provenance,mode=min", build_args=arguments),
    }
    told, kept = publish(settings(f"{registry.host}/attested-secrets", images, ONE_TAG), modern.world).images
    assert isinstance(told.error, ConfigurationError)
    assert "TOKEN holds a secret" in told.error.message
    assert kept.error is None
    _, (attestation,) = images_and_attestations(registry, "attested-secrets/few", "v1")
    assert "hunter2" not in json.dumps(attestation.predicates)


def test_docker_does_not_push_them(modern: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    wanted = settings(f"{registry.host}/pushed-attested", {"app": attested(tmp_path / "app")}, ONE_TAG, engine=Engine.DOCKER)
    with pytest.raises(ConfigurationError, match="leave --engine docker out"):
        publish(wanted, modern.world)


def test_an_image_of_the_project_can_be_what_it_starts_from(
    modern: BuildCounter, registry: RunningRegistry, counter: BuildCounter, tmp_path: Path
) -> None:
    top = replace(context(tmp_path / "top", base="bottom"), attestations=(PROVENANCE,))
    images = {"top": top, "bottom": attested(tmp_path / "bottom")}
    result = publish(settings(f"{registry.host}/attested-chain", images, ONE_TAG), modern.world)
    assert statuses(result) == ["published"] * 2, result
    for name in images:
        assert len(images_and_attestations(registry, f"attested-chain/{name}", "v1")[1]) == 1
    failed, _ = publish(settings(f"{registry.host}/unattested-chain", images, ONE_TAG), counter.world).images
    assert isinstance(failed.error, ConfigurationError)
    assert "which alone has the image" in failed.error.message


def test_what_docker_leaves_out_of_a_local_image_is_said(
    modern: BuildCounter, containerd_store_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path
) -> None:
    app = context(tmp_path / "app").directory
    containerd_store_engine.run("buildx", "build", "--load", "--provenance=true", "--tag", "moorage-e2e/whole:1", app)
    images = {"app": SourceText("moorage-e2e/whole:1")}
    progress = Warnings()
    telling = replace(modern.world, progress=progress)
    publish(replace(settings(f"{registry.host}/half", images, ONE_TAG), dry_run=True), telling)
    assert any("--engine registry" in warning for warning in progress.said)
    whole = publish(settings(f"{registry.host}/whole", images, ONE_TAG, engine=Engine.REGISTRY), modern.world)
    assert statuses(whole) == ["published"]
    found, (attestation,) = images_and_attestations(registry, "whole/app", "v1")
    assert list(found) == [attestation.about]
    progress.said.clear()
    publish(replace(settings(f"{registry.host}/half", images, ONE_TAG, add_labels=False), dry_run=True), telling)
    assert not any("--engine registry" in warning for warning in progress.said)
