"""`moorage explain` and `moorage purge`, from argv to exit code, on an embedded registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.calling import call, refused
from tests.images import cosign, image, index, layer, push

from moorage.commands.record_home import Home
from moorage.commands.records import write_image_name
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images import Image

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
OURS = {"dev.moorage.image": "app", "dev.moorage.project": "shop"}


class Harbour:
    """An images repo `oci:DIR` with one repository, `app`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = Registry(f"oci:{folder / 'registry'}")
        self.registry = LayoutRegistry(self.name, clock=lambda: LONG_AGO)
        self.repository = Repository(self.name, "app")
        self.options = ("--images-repo", str(self.name), "--image", "app", "--project", "shop", "--dir", str(folder))
        self.without_git = (*self.options, "--git-history-based-cleanup=false")
        self.environ = {"HOME": str(folder)}

    def put(self, what: Image, *tags: str) -> Image:
        push(self.registry, self.repository, what, *tags)
        return what

    def tags(self) -> set[str]:
        return {tag.text for tag in self.registry.tag_names(self.repository)}


@pytest.fixture
def harbour(tmp_path: Path) -> Harbour:
    return Harbour(tmp_path)


class TestExplain:
    def test_says_which_rule_lets_an_image_go(self, harbour: Harbour) -> None:
        harbour.put(image(), "v1")
        harbour.put(image(layer("new")), "v2")
        found = call("explain", "app:v1", *harbour.without_git, "--delete-tags", "v1", environ=harbour.environ)
        assert found.code == 0
        assert found.out.startswith("app:v1 would go\n")
        assert "--delete-tags v1: matches v1 [rule]" in found.out

    def test_says_what_holds_a_manifest(self, harbour: Harbour) -> None:
        child = image()
        harbour.put(index(child), "v1")
        harbour.put(child, "v1-amd64")
        found = call(
            "explain",
            f"app@{child.digest}",
            *harbour.without_git,
            "--delete-tags",
            "*-amd64",
            "--output",
            "json",
            environ=harbour.environ,
        )
        tag, manifest = sorted(found.document["items"], key=lambda item: item["kind"], reverse=True)
        assert (tag["tag"], tag["action"]) == ("v1-amd64", "delete")
        assert manifest["action"] == "keep"
        assert manifest["reasons"][0]["code"] == "reachable"
        assert [relation["how"] for relation in found.document["relations"]] == ["is part of"]

    def test_follows_what_belongs_to_an_image(self, harbour: Harbour) -> None:
        app = harbour.put(image(), "v1")
        tag, signature = cosign(app)
        harbour.put(signature, tag.text)
        found = call("explain", "app:v1", *harbour.without_git, environ=harbour.environ)
        assert f"carries {harbour.repository}@{signature.digest}, which stays" in found.out

    def test_takes_a_repository_that_is_not_the_projects(self, harbour: Harbour) -> None:
        push(harbour.registry, Repository(harbour.name, "other"), image(), "v1")
        found = call("explain", f"{harbour.name}/other:v1", *harbour.without_git, "--older-than", "1d", environ=harbour.environ)
        assert (found.code, found.out.split("\n")[0]) == (0, f"{harbour.name}/other:v1 stays")
        assert "[last-tag]" in found.out

    def test_a_tag_that_is_not_there(self, harbour: Harbour) -> None:
        harbour.put(image(), "v1")
        assert refused("explain", "app:v2", *harbour.without_git, environ=harbour.environ, code=3) == ["app:v2 is not there"]
        assert refused("explain", "none:v2", *harbour.without_git, environ=harbour.environ, code=3) == ["none:v2 is not there"]

    @pytest.mark.parametrize("text", ["app:a/b:c", "app@sha256:short", "App:v1", "app:-x"])
    def test_what_is_no_reference(self, harbour: Harbour, text: str) -> None:
        [problem] = refused("explain", text, *harbour.without_git, environ=harbour.environ)
        assert text in problem


class TestPurge:
    def publish(self, harbour: Harbour) -> None:
        harbour.put(image(layer("ours"), labels=OURS), "v1", "latest")
        harbour.put(image(layer("theirs"), labels={**OURS, "dev.moorage.project": "another"}), "v2")
        harbour.put(image(layer("anybody's")), "v3")

    def test_needs_a_yes(self, harbour: Harbour) -> None:
        self.publish(harbour)
        [problem] = refused("purge", *harbour.options, environ=harbour.environ, code=6)
        assert "nobody has said yes" in problem
        assert harbour.tags() == {"v1", "v2", "v3", "latest"}

    def test_a_dry_run_needs_none_and_changes_nothing(self, harbour: Harbour) -> None:
        self.publish(harbour)
        found = call("purge", *harbour.options, "--dry-run", "--output", "json", environ=harbour.environ)
        assert found.code == 0
        assert {item["tag"] for item in found.document["items"] if item["action"] == "delete"} == {"v1", "latest", None}
        assert harbour.tags() == {"v1", "v2", "v3", "latest"}

    def test_takes_what_the_project_published_and_nothing_else(self, harbour: Harbour) -> None:
        self.publish(harbour)
        assert call("purge", *harbour.options, "--yes", environ=harbour.environ).code == 0
        assert harbour.tags() == {"v2", "v3"}

    def test_leaves_protected_tags_and_what_a_keep_list_names(self, harbour: Harbour) -> None:
        self.publish(harbour)
        (harbour.folder / "keep").write_text("latest\n")
        called = call("purge", *harbour.options, "--yes", "--keep-list", str(harbour.folder / "keep"), environ=harbour.environ)
        assert called.code == 0
        assert harbour.tags() == {"v2", "v3", "latest"}

    def test_stops_at_the_guards(self, harbour: Harbour) -> None:
        for number in range(12):
            harbour.put(image(layer(str(number)), labels=OURS), f"v{number}")
        [problem] = refused("purge", *harbour.options, "--yes", environ=harbour.environ, code=6)
        assert "--max-delete-percent allows 80 %" in problem
        assert len(harbour.tags()) == 12

    def test_carries_out_a_plan_that_was_reviewed(self, harbour: Harbour) -> None:
        self.publish(harbour)
        plan = str(harbour.folder / "plan.json")
        call("purge", *harbour.options, "--dry-run", "--plan-out", plan, environ=harbour.environ)
        harbour.put(image(layer("meanwhile")), "latest")
        assert call("purge", *harbour.options, "--yes", "--plan", plan, environ=harbour.environ).code == 0
        assert harbour.tags() == {"v2", "v3", "latest"}
        assert harbour.registry.resolve(harbour.repository, Tag("latest")) == image(layer("meanwhile")).digest


def test_the_name_that_is_recorded_in_a_repository_goes_with_it(harbour: Harbour) -> None:
    harbour.put(image(labels=OURS), "v1")
    write_image_name(Home(harbour.registry, harbour.repository), "app", LONG_AGO)
    rules = ("--delete-tags", "v1", "--delete-empty-repositories", "--without-kube", "--output", "json")
    called = call("cleanup", *harbour.without_git, *rules, environ=harbour.environ)
    assert called.code == 0, called.err
    assert [item["outcome"] for item in called.document["repositories"]] == ["deleted"]
    assert harbour.tags() == set()
