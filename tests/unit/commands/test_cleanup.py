"""What a cleanup says to whoever reads its document: which guard objects, and what would help where a registry refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import requests
from tests.calling import Called, call
from tests.images import image, layer, push

from moorage.oci.reference import Registry, Repository
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.realparts.fixtures import RegistryFactory


def cleanup(home: Path, address: str, *argv: str) -> Called:
    return call(
        "cleanup", "--images-repo", address, "--repository", "app", "--keep-images-built-within-last-n-hours", "0",
        "--without-kube", "--output", "json", *argv, environ={"HOME": str(home)},
    )  # fmt: skip


def test_the_document_names_the_guards_that_object_also_where_nothing_was_to_happen(tmp_path: Path) -> None:
    registry = Registry(f"oci:{tmp_path}/registry")
    for number in range(12):
        push(LayoutRegistry(registry), Repository(registry, "app"), image(layer(str(number))), f"v{number}")
    plan, report = tmp_path / "plan.json", tmp_path / "report.json"
    argv = ("--delete-tags", "v*", "--max-delete", "3", "--plan-out", str(plan), "--report", str(report))

    seen = cleanup(tmp_path, str(registry), *argv, "--dry-run")
    assert seen.code == 0
    objections = seen.document["objections"]
    assert any("--max-delete " in objection for objection in objections)
    assert any("--max-delete-percent" in objection for objection in objections)
    assert json.loads(plan.read_text())["objections"] == json.loads(report.read_text())["objections"] == objections

    refused = cleanup(tmp_path, str(registry), *argv)
    assert (refused.code, refused.document["objections"]) == (6, objections)


def test_what_the_registry_forbids_is_not_answered_by_running_again(tmp_path: Path, registry_factory: RegistryFactory) -> None:
    running = registry_factory(delete=False)
    _push(running.url)
    called = cleanup(tmp_path, running.host, "--delete-tags", "old", "--delete-unknown-age")
    assert called.code == 5
    assert "delete" in called.document["error"]["remedy"]
    assert "Run the same command again" not in called.err


def test_who_asks_for_manifests_without_tags_is_told_where_none_are_listed(
    tmp_path: Path, registry_factory: RegistryFactory
) -> None:
    running = registry_factory(delete=True)
    _push(running.url)
    asked = cleanup(tmp_path, running.host, "--delete-untagged", "--dry-run")
    assert [note for note in asked.document["notes"] if f"does not list them in {running.host}/app:" in note]
    assert cleanup(tmp_path, running.host, "--delete-tags", "old", "--dry-run").document["notes"] == []

    registry = Registry(f"oci:{tmp_path}/registry")
    push(LayoutRegistry(registry), Repository(registry, "app"), image(layer("seen")), "v1")
    assert cleanup(tmp_path, str(registry), "--delete-untagged", "--dry-run").document["notes"] == []


def _push(url: str) -> None:
    """The smallest manifest that the registry takes: an empty config and no layers."""
    config = b"{}"
    upload = requests.post(f"{url}/v2/app/blobs/uploads/", timeout=10).headers["Location"]
    digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    requests.put(upload, params={"digest": digest}, data=config, timeout=10).raise_for_status()
    kind = "application/vnd.oci.image.manifest.v1+json"
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(config)}
    body = {"schemaVersion": 2, "mediaType": kind, "config": descriptor, "layers": []}
    requests.put(f"{url}/v2/app/manifests/old", json=body, headers={"Content-Type": kind}, timeout=10).raise_for_status()
