"""Verbs over a real registry, a directory of layouts: what they print, write and hand over."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests import layout_reading
from tests.calling import Called, call, refused, requested
from tests.images import image, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer

from moorage.oci.records import is_record
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry
from moorage.surfaces.outputs import OUTPUTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user stands: `registry/app` holds v1 to v4, pushed 4 to 1 weeks ago."""
    monkeypatch.chdir(tmp_path)
    name = Registry("oci:registry")
    for weeks in range(4, 0, -1):
        moment = datetime.now(UTC) - timedelta(weeks=weeks)
        registry = LayoutRegistry(name, clock=lambda moment=moment: moment)  # type: ignore[misc]
        push(registry, Repository(name, "app"), image(layer(str(weeks))), f"v{5 - weeks}")
    return tmp_path


def cleanup(place: Path, *argv: str, **environ: str) -> Called:
    return call("cleanup", "--images-repo", "oci:registry", "--repository", "app", *argv, environ={"HOME": str(place), **environ})


def tags(place: Path) -> set[str]:
    return set(layout_reading.tags(place / "registry/app"))


def test_a_dry_run_shows_the_plan_and_changes_nothing(place: Path) -> None:
    called = cleanup(place, "--older-than", "17d", "--dry-run", "--plan-out", "plan.json")
    assert called.code == 0, called.err
    assert "v1" in called.out
    document = json.loads((place / "plan.json").read_text(encoding="utf-8"))
    assert [item["tag"] for item in document["items"] if item["action"] == "delete" and item["tag"]] == ["v1", "v2"]
    assert tags(place) == {"v1", "v2", "v3", "v4"}


def test_a_reviewed_plan_is_carried_out(place: Path) -> None:
    cleanup(place, "--older-than", "17d", "--dry-run", "--plan-out", "plan.json")
    called = call(
        "cleanup", "--images-repo", "oci:registry", "--plan", "plan.json", "--output", "json", environ={"HOME": str(place)}
    )
    assert called.code == 0, called.err
    assert called.document["applied"] is True
    assert called.document["totals"]["deleted_tags"] == 2
    assert tags(place) == {"v3", "v4"}


def test_rules_of_the_file(place: Path) -> None:
    config = """
options: {images-repo: "oci:registry", repository: app}
cleanup: {rules: [{tags: "v*", keepNewest: 1}], protect: v1}
"""
    (place / "moorage.yaml").write_text(config, encoding="utf-8")
    assert call("cleanup", environ={"HOME": str(place)}).code == 0
    assert tags(place) == {"v1", "v4"}


def test_a_guard_that_objects_is_exit_code_6_with_the_plan(place: Path) -> None:
    called = cleanup(place, "--older-than", "17d", "--max-delete", "1", "--output", "json")
    assert called.code == 6
    assert called.document["error"]["code"] == "refused"
    assert called.document["totals"]["planned_tags"] == 2
    assert called.document["applied"] is False
    assert tags(place) == {"v1", "v2", "v3", "v4"}
    text = cleanup(place, "--older-than", "17d", "--max-delete", "1")
    assert "Reading repositories: 1 of 1" in text.err
    assert "moorage cleanup: the plan deletes 2 tags" in text.err


def test_a_time_budget_that_ends_before_anything_is_seen_is_part_of_the_work_left(place: Path) -> None:
    def answer(_: Request) -> Reply:
        time.sleep(1.2)
        return Reply()

    with ScriptedServer(answer) as server:
        where = ("--images-repo", f"{server.host}/shop", "--repository", "app", "--older-than", "1d", "--without-kube")
        called = call("cleanup", *where, "--time-budget", "1s", "--output", "json", environ={"HOME": str(place)})
    assert called.code == 5, called.err
    assert called.document["error"]["message"] == "1 repository could not be looked at"
    assert "Raise --time-budget" in called.document["error"]["remedy"]


def test_everything_goes_only_when_that_is_meant(place: Path) -> None:
    shown = cleanup(place, "--delete-tags", "*", "--dry-run", "--output", "json")
    assert shown.code == 0, shown.err
    assert shown.document["totals"]["planned_tags"] == 4
    assert "would delete everything" in shown.document["objections"][0]
    assert cleanup(place, "--delete-tags", "*").code == 6
    assert tags(place) == {"v1", "v2", "v3", "v4"}
    assert cleanup(place, "--delete-tags", "*", "--delete-everything").code == 0
    assert tags(place) == set()


def test_a_repository_that_was_named_and_is_not_there_is_a_mistake(place: Path) -> None:
    rules = ("--older-than", "17d", "--output", "json", "--without-kube")
    alone = call("cleanup", "--images-repo", "oci:registry", *rules, "--repository", "wbe", environ={"HOME": str(place)})
    assert alone.code == 3
    assert "oci:registry/wbe is not there" in alone.document["error"]["message"]
    beside = cleanup(place, *rules, "--repository", "wbe")
    assert beside.code == 5
    assert beside.document["totals"]["deleted_tags"] == 2
    assert "oci:registry/wbe is not there" in beside.document["error"]["problems"][0]


@pytest.mark.parametrize("command", ["names", "publish"])
def test_wrong_tags_and_wrong_names_are_told_together(place: Path, command: str) -> None:
    images = ("--image", "Bad" if command == "names" else "Bad=oci:registry/app:v1")
    told = refused(command, "--images-repo", "oci:out", *images, "--tag-custom", "a b", environ={"HOME": str(place)})
    assert len(told) == 2
    assert "'a b'" in told[0]
    assert "write 'bad'" in told[1]


def test_reports_and_outputs(place: Path) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(place / "output"), "GITHUB_STEP_SUMMARY": str(place / "summary")}
    called = cleanup(place, "--older-than", "17d", "--report", "r.html", "--report", "r.json", "--dotenv", "m.env", **environ)
    assert called.code == 0, called.err
    assert (place / "r.html").read_text(encoding="utf-8").startswith("<!")
    report = json.loads((place / "r.json").read_text(encoding="utf-8"))
    assert report["totals"]["deleted_tags"] == 2
    dotenv = dict(line.split("=", 1) for line in (place / "m.env").read_text(encoding="utf-8").splitlines())
    assert dotenv["MOORAGE_OUT_REPORT"] == f"{place}/r.html,{place}/r.json"
    assert dotenv["MOORAGE_OUT_KEPT_COUNT"] == "2"
    assert json.loads(dotenv["MOORAGE_OUT_DELETED"]) == ["oci:registry/app:v1", "oci:registry/app:v2"]
    assert dotenv["MOORAGE_OUT_DELETED_COUNT"] == "2"
    output = (place / "output").read_text(encoding="utf-8")
    assert all(
        f"{name}<<" in output for name in ("plan", "report", "deleted-count", "kept-count", "failed-count", "remaining-count")
    )
    assert {line.partition("<<")[0] for line in output.splitlines() if "<<moorage_" in line} <= OUTPUTS.keys()
    assert "v1" in (place / "summary").read_text(encoding="utf-8")


def test_a_publish_hands_over_what_is_up(place: Path) -> None:
    argv = ["--images-repo", "oci:out", "--image", "web=oci:registry/app:v4", "--tag-custom", "v1", "--tag-custom", "latest"]
    called = call("publish", *argv, "--report", "p.md", "--dotenv", "p.env", "--output", "json", environ={"HOME": str(place)})
    assert called.code == 0, called.err
    found = layout_reading.tags(place / "out/web")
    published = {tag: digest for tag, digest in found.items() if not is_record(Tag(tag))}
    assert {image["tag"]: image["digest"] for image in called.document["images"]} == published
    told = dict(line.split("=", 1) for line in (place / "p.env").read_text(encoding="utf-8").splitlines())
    assert told["MOORAGE_OUT_REFERENCES"] == "oci:out/web:v1,oci:out/web:latest"
    assert json.loads(told["MOORAGE_OUT_DIGESTS"]) == {f"oci:out/web:{tag}": digest for tag, digest in published.items()}
    assert (told["MOORAGE_OUT_DIGEST"], told["MOORAGE_OUT_TAGS"]) == (published["v1"], "v1,latest")
    assert told["MOORAGE_OUT_REPORT"] == f"{place}/p.md"
    assert {image["status"] for image in json.loads(told["MOORAGE_OUT_IMAGES"])} == {"published"}
    again = call("publish", *argv, "--output", "json", environ={"HOME": str(place)})
    assert {image["status"] for image in again.document["images"]} == {"up-to-date"}


def test_a_publish_whose_sources_are_missing_tells_all_of_them(place: Path) -> None:
    argv = ["--images-repo", "oci:out", "--image", "a=oci:gone", "--image", "b=docker-archive:gone.tar", "--tag-custom", "v1"]
    assert len(refused("publish", *argv, environ={"HOME": str(place)})) == 2
    assert not (place / "out").exists()


def test_no_summary_on_request(place: Path) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place / "summary")}
    cleanup(place, "--dry-run", "--summary=false", **environ)
    assert not (place / "summary").exists()


def test_what_was_deleted_comes_back_as_far_as_it_can(place: Path) -> None:
    name = Registry("oci:registry")
    push(
        LayoutRegistry(name, clock=lambda: datetime.now(UTC) - timedelta(weeks=4)),
        Repository(name, "app"),
        image(layer("4")),
        "old",
    )
    before = layout_reading.tags(place / "registry/app")
    assert cleanup(place, "--delete-tags", "v1", "--delete-tags", "v2", "--journal", "j.jsonl").code == 0
    assert tags(place) == {"old", "v3", "v4"}
    called = call("restore", "j.jsonl", "--images-repo", "oci:registry", "--output", "json", environ={"HOME": str(place)})
    outcomes = {item["tag"]: item["outcome"] for item in called.document["items"] if item["tag"]}
    # The manifest of v1 is still there, by its other tag; the blobs of v2 went with it.
    assert outcomes == {"v1": "restored", "v2": "lost"}
    assert (called.code, called.document["error"]["code"]) == (5, "partial")
    assert layout_reading.tags(place / "registry/app") == {tag: digest for tag, digest in before.items() if tag != "v2"}


def test_restore_needs_a_journal(place: Path) -> None:
    (problem,) = refused("restore", "--images-repo", "oci:registry")
    assert problem.startswith("a journal is needed")


def test_without_rules_everything_stays(place: Path) -> None:
    assert cleanup(place).code == 0
    assert tags(place) == {"v1", "v2", "v3", "v4"}


def test_ci_env_stops_the_shell_that_sources_it(place: Path) -> None:
    for argv in (["github"], ["gitlob"], ["gitlab", "--no-such-flag"], ["gitlab", "--output-file-path", "x"]):
        called = call("ci-env", *argv, environ={"HOME": str(place)})
        assert called.code == 2
        assert called.out == "exit 1\n"


def test_ci_env_sets_what_later_steps_understand(place: Path) -> None:
    environ = {"HOME": str(place), "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "XDG_RUNTIME_DIR": str(place)}
    lines = call("ci-env", "github", environ=environ).out.splitlines()
    told = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
    later = {name: value.strip('"') for name, value in told.items()}
    assert later["MOORAGE_IMAGES_REPO"] == "ghcr.io/acme/shop"
    called = call("names", "--image", "a", "--tag-custom", "v1", "--output", "json", environ={**environ, **later})
    assert called.problems == [
        "--tag-by-stages-signature gives tags that depend on content, which only `moorage publish` looks at"
    ]
    for command in ("publish", "cleanup"):
        assert requested(place, command, environ={**environ, **later}).problems.error() is None


def test_login_and_logout(place: Path) -> None:
    environ = {"HOME": str(place), "XDG_RUNTIME_DIR": str(place), "PATH": "/nowhere"}
    argv = ["--registry", "quay.example", "--username", "me"]
    called = call("login", *argv, "--output", "json", environ={**environ, "MOORAGE_PASSWORD": "pass-word"})
    assert called.code == 0, called.err
    directory = called.document["docker_config"]
    assert called.document["registries"] == ["quay.example"]
    again = {**environ, "DOCKER_CONFIG": directory}
    assert call("logout", "--output", "json", environ=again).document == {"docker_config": directory, "removed": True}
    assert call("logout", environ=again).out == "nothing to remove\n"
    assert call("logout", str(place), environ=environ).code == 2


@pytest.mark.parametrize(
    ("address", "registry"),
    [
        ("reg.example:5000", "reg.example:5000"),
        ("ghcr.io/acme/shop", "ghcr.io"),
        ("acme/shop", "index.docker.io"),
        ("oci:out", "docker.io"),
    ],
)
def test_a_login_without_a_registry_is_for_that_of_the_images_repo(place: Path, address: str, registry: str) -> None:
    environ = {"HOME": str(place), "XDG_RUNTIME_DIR": str(place), "PATH": "/nowhere", "MOORAGE_PASSWORD": "pass-word"}
    called = call("login", "--images-repo", address, "--username", "me", "--output", "json", environ=environ)
    assert called.code == 0, called.err
    assert called.document["registries"] == [registry]


def test_a_bad_tag_is_not_also_called_a_missing_one() -> None:
    assert len(refused("names", "--images-repo", "reg.example", "--image", "a", "--tag-custom", "-x")) == 1
