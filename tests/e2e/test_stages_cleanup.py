"""Stages in a cleanup: built with docker at several commits, judged by what the images say that stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.calling import Called, call
from tests.history import clone_of_new_origin, commit_change
from tests.images import image, layer, push
from tests.publishing import context
from tests.scripted_server import ScriptedServer, forward

from moorage.auth.keychain import LoginKeychain
from moorage.oci.records import is_record
from moorage.oci.reference import Registry, Repository
from moorage.registries.default.registry import DefaultRegistry
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.build_counter import BuildCounter
    from tests.realparts.registry import RunningRegistry

NO_GRACE = ("--keep-images-built-within-last-n-hours", "0", "--without-kube")
FOREIGN = {"dev.moorage.project": "other", "dev.moorage.signature": "f" * 56, "dev.moorage.kept": "2026-01-01T00:00:00+00:00"}
CONFIG = """
project: shop
images:
- {image: app, context: app}
- {image: base, context: base}
- {image: both, context: both, platforms: [linux/amd64, linux/arm64]}
cleanup:
  keepPolicies:
  - references: {branch: main, limit: {last: 1}}
    imagesPerReference: {last: 1}
"""


@dataclass
class Shop:
    """A project of two images, `app` built from `base`, and its stages in a repository of their own on a real registry."""

    folder: Path
    server: ScriptedServer
    registry: RunningRegistry
    counter: BuildCounter
    stages: Repository
    port: DefaultRegistry
    images_repo: str

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def call(self, command: str, *argv: str) -> Called:
        where = ("--images-repo", self.images_repo, "--stages-storage", str(self.stages), "--dir", str(self.clone))
        environ = {**self.counter.world.environ, "HOME": str(self.folder), "PATH": self.counter.world.environ["PATH"]}
        return call(command, *where, *argv, "--output", "json", environ=environ)

    def publish(self, tag: str, **changed: str) -> dict[str, str]:
        """Change files, commit, and publish under a tag; returns each image's signature."""
        commit_change(self.clone, int(tag[1:]), changed)
        called = self.call("publish", "--tag-custom", tag, "--tag-by-stages-signature")
        assert called.code == 0, called
        tags = called.document["images"]
        return {one["image"]: one["tag"] for one in tags if re.fullmatch("[0-9a-f]{56}", one["tag"])}

    def cleanup(self, *argv: str, command: str = "cleanup", code: int = 0) -> dict[str, Any]:
        called = self.call(command, *NO_GRACE, *argv)
        assert called.code == code, called
        found: dict[str, Any] = called.document
        return found

    def kept(self) -> set[str]:
        return {tag.text for tag in self.port.tag_names(self.stages) if not is_record(tag)}

    def put_foreign(self) -> set[str]:
        """What others keep in the same repository."""
        push(self.port, self.stages, image(layer("theirs"), labels=FOREIGN), "f" * 56)
        push(self.port, self.stages, image(layer("looks like a stage")), "a" * 56, f"{'b' * 56}-1700000000000", "v1-2")
        return {"f" * 56, "a" * 56, f"{'b' * 56}-1700000000000", "v1-2"}


@pytest.fixture(params=["registry", "layout"])
def shop(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    name = "stages/" + re.sub("[^a-z0-9]+", "-", request.node.name).strip("-")
    clone_of_new_origin(tmp_path)
    context(tmp_path / "clone/base")
    context(tmp_path / "clone/both")
    context(tmp_path / "clone/app", base="base")
    (tmp_path / "clone/moorage.yaml").write_text(CONFIG)
    with ScriptedServer(lambda asked: forward(asked, registry.host)) as server, Session() as session:
        host = Registry(server.host)
        images_repo = f"{server.host}/{name}" if request.param == "registry" else f"oci:{tmp_path / 'images'}"
        port = DefaultRegistry(Connection(host, session, LoginKeychain({})))
        yield Shop(tmp_path, server, registry, counter, Repository(host, f"{name}/kept"), port, images_repo)


def test_stages_go_with_the_last_image_that_was_made_from_them(shop: Shop) -> None:
    first = shop.publish("c1", base="one", app="one")
    both = shop.kept() - {*first.values()}
    assert len(both) == 2, "a stage for each platform of an image that has another signature"
    del first["both"]
    second = shop.publish("c2", app="two")
    third = shop.publish("c3", base="three", app="three")
    fourth = shop.publish("c4", app="four")
    image_of_both = fourth.pop("both")
    assert second.pop("both") == third.pop("both") == image_of_both
    assert first["base"] == second["base"] != third["base"] == fourth["base"]
    foreign = shop.put_foreign()
    everything = shop.kept()
    assert everything == {*first.values(), *second.values(), *third.values(), *fourth.values(), *both, *foreign}
    planned = shop.cleanup("--dry-run")
    assert shop.kept() == everything
    done = shop.cleanup()
    assert shop.kept() == {fourth["app"], fourth["base"], *both, *foreign}
    reasons = {item["tag"]: item["reasons"] for item in done["items"] if item["repository"] == str(shop.stages) and item["tag"]}
    assert {reason["code"] for tag in (*first.values(), third["app"]) for reason in reasons[tag]} == {"stage-unused"}
    assert {reason["code"] for reason in reasons[fourth["base"]]} == {"stage-of-kept-image"}
    assert {(item["repository"], item["tag"], item["action"]) for item in planned["items"]} == {
        (item["repository"], item["tag"], item["action"]) for item in done["items"]
    }
    shop.counter.builds()
    shop.images_repo = f"{shop.server.host}/stages/elsewhere"
    assert shop.publish("c5") == {**fourth, "both": image_of_both}
    assert shop.counter.builds() == 0, "what stayed is enough"
    shop.cleanup("--yes", command="purge")
    assert shop.kept() == foreign
