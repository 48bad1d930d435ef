"""Stages that publishing keeps in the docker engine, in a cleanup of the images that were made from them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.calling import Called, call
from tests.history import clone_of_new_origin, commit_change
from tests.images import image, layer, push
from tests.publishing import context, names_in
from tests.scripted_server import forward

from moorage.auth.keychain import LoginKeychain
from moorage.commands.record_home import Home
from moorage.commands.records import Publication, write_record
from moorage.oci import labels
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.default.registry import DefaultRegistry
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.build_counter import BuildCounter
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import Reply, Request, ScriptedServer

NO_GRACE = ("--keep-images-built-within-last-n-hours", "0")
OTHERS = {f"moorage-stages/local-shop-2:{'f' * 56}", "moorage-stages/local-shop:by-hand"}
LONE = f"moorage-stages/local-shop:{'9' * 56}"  # of a publish that did not come to its end
CONFIG = """
project: local-shop
images:
- {image: app, context: app}
- {image: base, context: base}
cleanup:
  keepPolicies:
  - references: {branch: main, limit: {last: 1}}
    imagesPerReference: {last: 1}
"""


@dataclass
class Shop:
    """A project of two images, `app` built from `base`, whose stages are in the engine."""

    folder: Path
    engine: DockerEngine
    counter: BuildCounter
    images_repo: str

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def call(self, command: str, *argv: str, local: bool = True, **environ: str) -> Called:
        where = ["--images-repo", self.images_repo, "--images-repo-implementation", "default", "--dir", str(self.clone)]
        where += ["--stages-storage", ":local"] if local else []
        world = {**self.counter.world.environ, "HOME": str(self.folder), **environ}
        return call(command, *where, *argv, "--output", "json", environ=world)

    def publish(self, tag: str, **changed: str) -> dict[str, str]:
        """Change files, commit, and publish under a tag; returns the name of each image's stage."""
        commit_change(self.clone, int(tag[1:]), changed)
        called = self.call("publish", "--tag-custom", tag, "--tag-by-stages-signature")
        assert called.code == 0, called
        tags = [one for one in called.document["images"] if one["tag"] != tag]
        return {one["image"]: f"moorage-stages/local-shop:{one['tag']}" for one in tags}

    def cleanup(self, *argv: str, command: str = "cleanup", code: int = 0, local: bool = True) -> dict[str, Any]:
        called = self.call(command, "--without-kube", *argv, local=local)
        assert called.code == code, called
        found: dict[str, Any] = called.document
        return found

    def kept(self) -> set[str]:
        return set(names_in(self.engine, "moorage-stages/local-shop"))


@pytest.fixture
def shop(counter: BuildCounter, watched: ScriptedServer, docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Shop]:
    clone_of_new_origin(tmp_path)
    context(tmp_path / "clone/base")
    context(tmp_path / "clone/app", base="base")
    (tmp_path / "clone/moorage.yaml").write_text(CONFIG)
    made = Shop(tmp_path, docker_engine, counter, f"{watched.host}/{re.sub('[^a-z0-9]+', '-', tmp_path.name).strip('-')}")
    yield made
    for name in made.kept():
        docker_engine.run("rmi", "--force", name, check=False)


def reasons(plan: dict[str, Any], name: str) -> set[str]:
    """The codes for a stage of the engine."""
    repository, _, tag = f"docker-daemon/{name}".rpartition(":")
    items = [item for item in plan["items"] if (item["repository"], item["tag"]) == (repository, tag)]
    return {reason["code"] for item in items for reason in item["reasons"]}


def test_stages_in_the_engine_go_with_the_last_image_that_was_made_from_them(shop: Shop) -> None:
    first = shop.publish("c1", base="one", app="one")
    second = shop.publish("c2", app="two")
    third = shop.publish("c3", base="three", app="three")
    assert first["base"] == second["base"] != third["base"]
    for name in (*OTHERS, LONE):
        shop.engine.import_tiny(name)
    everything = {*first.values(), *second.values(), *third.values(), LONE, *OTHERS}
    assert shop.kept() == everything
    container = shop.engine.run("container", "create", second["app"]).stdout.strip()
    try:
        young = shop.cleanup()
        assert shop.kept() == everything
        assert reasons(young, LONE) == {"too-young"}
        planned = shop.cleanup(*NO_GRACE, "--dry-run")
        assert shop.kept() == everything
        journal = shop.folder / "journal"
        done = shop.cleanup(*NO_GRACE, "--journal", str(journal))
    finally:
        shop.engine.run("container", "rm", container)
    assert shop.kept() == {*third.values(), second["app"], *OTHERS}
    assert reasons(done, LONE) == reasons(done, first["app"]) == reasons(done, first["base"]) == {"stage-unused"}
    assert reasons(done, second["app"]) == {"vendor-lock"}
    assert reasons(done, third["base"]) == {"stage-of-kept-image"}
    assert [(item["tag"], item["action"]) for item in planned["items"]] == [
        (item["tag"], item["action"]) for item in done["items"]
    ]
    back = shop.call("restore", str(journal), local=False)
    assert back.code == 0, back
    assert re.search("docker-daemon/moorage-stages/local-shop: 3 stages .* are not put back", back.document["notes"][0])
    assert {item["tag"] for item in back.document["items"] if item["repository"].endswith("/app")} > {"c1", "c2"}
    assert shop.kept() == {*third.values(), second["app"], *OTHERS}
    shop.counter.builds()
    shop.images_repo += "-elsewhere"
    assert shop.publish("c4") == third
    assert shop.counter.builds() == 0, "what stayed is enough"
    shop.cleanup(*NO_GRACE, "--yes", command="purge")
    assert shop.kept() == OTHERS


def test_a_plan_with_stages_of_the_engine_is_carried_out_later(shop: Shop) -> None:
    first, second = shop.publish("c1", base="one", app="one"), shop.publish("c2", app="two")
    plan = shop.folder / "plan.json"
    shop.cleanup(*NO_GRACE, "--dry-run", "--plan-out", str(plan))
    told = shop.cleanup("--plan", str(plan), local=False, code=2)
    assert "docker-daemon/moorage-stages/local-shop is not in" in json.dumps(told)
    explained = shop.call("explain", *NO_GRACE, "--without-kube", f"docker-daemon/{first['app']}")
    assert [reason["code"] for reason in explained.document["items"][0]["reasons"]] == ["stage-unused"]
    shop.cleanup(*NO_GRACE, "--plan", str(plan))
    assert shop.kept() == set(second.values())


def test_without_an_engine_the_images_are_cleaned_all_the_same(shop: Shop) -> None:
    stages = {*shop.publish("c1", base="one", app="one").values(), *shop.publish("c2", app="two").values()}
    called = shop.call("cleanup", *NO_GRACE, "--without-kube", DOCKER_HOST="tcp://127.0.0.1:1")
    assert called.code == 0, called
    assert called.document["totals"]["deleted_tags"] > 0
    assert "nobody looked at those of docker-daemon/moorage-stages/local-shop" in called.err
    assert shop.kept() == stages


def test_a_tag_that_was_moved_meanwhile_saves_its_stage(shop: Shop, watched: ScriptedServer, registry: RunningRegistry) -> None:
    """The records of what is published are with the images, where there is no other repository."""
    first, second = shop.publish("c1", app="one"), shop.publish("c2", app="two")
    app = Repository(Registry(registry.host), shop.images_repo.partition("/")[2] + "/app")
    said = {labels.IMAGE: "app", labels.PROJECT: "local-shop", labels.SIGNATURE: first["app"].rpartition(":")[2], labels.KEPT: ""}
    moved = image(layer("moved"), labels=said)
    publication = Publication("app", "c" * 40, "sha256:" + "0" * 64, datetime.now(UTC))
    with Session() as session:
        port = DefaultRegistry(Connection(app.registry, session, LoginKeychain({})))

        def publish_first(request: Request) -> Reply:
            if request.method == "DELETE" and port.resolve(app, Tag("c2")) != moved.digest:
                push(port, app, moved, "c2")
                write_record(Home(port, app), publication)
            return forward(request, registry.host)

        watched.answer = publish_first
        done = shop.cleanup(*NO_GRACE)
        assert Tag("c1") not in port.tag_names(app)
    (stage,) = (item for item in done["items"] if f"docker-daemon/{first['app']}" == f"{item['repository']}:{item['tag']}")
    assert stage["outcome"] == "changed-since-plan"
    assert stage["error"].endswith("/app:c2 was made from it")
    assert shop.kept() == {*first.values(), *second.values()}
