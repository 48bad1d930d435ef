"""Stages that stay: what is not known, what fails on the way, and what others have there. On a real registry, without docker."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.calling import Called, call
from tests.history import git
from tests.images import Image, image, index, layer, push
from tests.scripted_server import Reply, Request, ScriptedServer, forward, oci_error

from moorage.auth.keychain import LoginKeychain
from moorage.commands.record_home import Home
from moorage.commands.records import Publication, write_record
from moorage.oci import labels
from moorage.oci.reference import Digest, Registry, Repository, Tag
from moorage.registries.default.registry import DefaultRegistry
from moorage.registries.layout.registry import LayoutRegistry
from moorage.registries.vendor import Connection
from moorage.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.realparts.registry import RunningRegistry

OLD = "2024-01-01T00:00:00+00:00"


def signature(word: str) -> str:
    return Digest.of(word.encode()).hex[:56]


def stage(word: str, *below: str, kept: str = OLD, project: str = "shop") -> Image:
    said = {labels.PROJECT: project, labels.SIGNATURE: signature(word), labels.KEPT: kept}
    return image(layer(word), labels={**said, labels.STAGES: " ".join(map(signature, below))})


def published(word: str, *stages: str) -> Image:
    """An image of the project's, made from the stage of the same word, and from others."""
    said = {labels.IMAGE: "app", labels.PROJECT: "shop", labels.SIGNATURE: signature(word), labels.KEPT: ""}
    return image(layer(word), labels=said | ({labels.STAGES: " ".join(map(signature, stages))} if stages else {}))


@dataclass
class Yard:
    """Images of `app` in HOST/NAME/app and stages in HOST/NAME-stages; tags that begin with `old` are to go.

    `answer` may reply in the registry's place; None lets the registry do it.
    """

    folder: Path
    host: str
    name: str
    session: Session
    server: ScriptedServer
    behind: str
    answer: Callable[[Request], Reply | None] = field(default=lambda _: None)

    @property
    def port(self) -> DefaultRegistry:
        """The registry itself, past what a test makes of its answers."""
        return DefaultRegistry(Connection(Registry(self.behind), self.session, LoginKeychain({})))

    def at(self, place: str) -> Repository:
        return Repository(Registry(self.behind), self.name + place)

    def push(self, what: Image, tag: str, place: str = "/app") -> Digest:
        return push(self.port, self.at(place), what, tag)

    def keep(self, *words: str, **rest: Any) -> None:
        for word in words:
            self.push(stage(word, **rest), signature(word), "-stages")

    def stages(self) -> set[str]:
        """The tags that are left, those of stages by their words."""
        words = {signature(word): word for word in ("a", "b", "c", "base", "new")}
        return {words.get(tag.text, tag.text) for tag in self.port.tag_names(self.at("-stages"))}

    def images(self) -> set[str]:
        return {tag.text for tag in self.port.tag_names(self.at("/app"))}

    def call(
        self, command: str, *argv: str, stages: str | None = None, images: str = "", config: str = "images: [{image: app}]"
    ) -> Called:
        (self.folder / "moorage.yaml").write_text(f"project: shop\n{config}\n")
        where = ("--images-repo", images or f"{self.host}/{self.name}", "--dir", str(self.folder))
        stages = f"{self.host}/{self.name}-stages" if stages is None else stages
        there = ("--stages-storage", stages) if stages else ()
        environ = {"HOME": str(self.folder)}
        return call(command, *where, *there, *argv, "--output", "json", environ=environ)

    def cleanup(self, *argv: str, command: str = "cleanup", code: int = 0, **rest: Any) -> dict[str, Any]:
        rules: tuple[str, ...] = ("--delete-tags", "old*") if command == "cleanup" and "--plan" not in argv else ()
        rules += ("--git-history-based-cleanup=false",) if command == "cleanup" else ()
        limits = ("--keep-images-built-within-last-n-hours", "1", "--without-kube")
        called = self.call(command, *rules, *limits, *argv, **rest)
        assert called.code == code, called
        found: dict[str, Any] = called.document
        return found

    def refuse(self, method: str, part: str, status: int = 500) -> None:
        def answer(request: Request) -> Reply | None:
            return oci_error(status, "UNKNOWN") if request.method == method and part in request.path else None

        self.answer = answer


@pytest.fixture
def yard(registry: RunningRegistry, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Yard]:
    name = "yard/" + re.sub("[^a-z0-9]+", "-", request.node.name)[:60].strip("-")

    with ScriptedServer(lambda asked: forward(asked, registry.host)) as server, Session() as session:
        found = Yard(tmp_path, server.host, name, session, server, registry.host)
        server.answer = lambda asked: found.answer(asked) or forward(asked, registry.host)
        yield found


def reasons(document: dict[str, Any], tag: str) -> list[str]:
    return [reason["code"] for item in document["items"] if item["tag"] == tag for reason in item["reasons"]]


def test_a_stage_goes_when_no_image_is_left_that_was_made_from_it(yard: Yard) -> None:
    yard.keep("a", "b", "base")
    yard.push(published("a", "a", "base"), "v1")
    yard.push(published("b"), "old")
    done = yard.cleanup()
    assert yard.stages() == {"a", "base"}
    assert yard.images() == {"v1"}
    assert done["totals"]["deleted_tags"] == 2
    assert not [note for note in done["notes"] if "stage" in note]
    assert yard.cleanup()["totals"]["planned_tags"] == 0


def test_the_platforms_of_an_image_are_stages_of_their_own(yard: Yard) -> None:
    yard.keep("a", "b", "c")
    said = {labels.IMAGE: "app", labels.PROJECT: "shop", labels.SIGNATURE: signature("both"),
            labels.STAGES: f"{signature('a')} {signature('b')}"}  # fmt: skip
    both = index(image(layer("a"), labels=said), image(layer("b"), labels=said, platform="linux/arm64"))
    yard.push(both, "v1")
    yard.cleanup()
    assert yard.stages() == {"a", "b"}


def test_an_index_that_somebody_made_of_published_images_keeps_their_stages(yard: Yard) -> None:
    yard.keep("a", "b", "c")
    yard.push(index(published("a"), published("b")), "v1")
    yard.cleanup()
    assert yard.stages() == {"a", "b"}


def test_a_part_that_stays_without_its_index_keeps_what_the_index_was_made_from(yard: Yard) -> None:
    yard.keep("a", "b")
    part = published("a")
    yard.push(index(part, part), "old")
    (yard.folder / "keep").write_text(f"{part.digest}\n")
    yard.cleanup("--keep-list", str(yard.folder / "keep"))
    assert yard.stages() == {"a"}


def test_what_others_keep_there_stays_and_is_told(yard: Yard) -> None:
    yard.keep("a")
    yard.keep("b", project="other")
    yard.push(image(layer("no labels")), f"{'0' * 56}-1700000000000", "-stages")
    yard.push(published("v"), "v1")
    done = yard.cleanup()
    assert yard.stages() == {"b", f"{'0' * 56}-1700000000000"}
    assert f"1 stages in {yard.host}/{yard.name}-stages are of the project 'other', and are left to it" in done["notes"]
    assert yard.cleanup("--yes", command="purge")["totals"]["deleted_tags"] == 1
    assert yard.stages() == {"b", f"{'0' * 56}-1700000000000"}


def test_a_stage_is_as_young_as_its_time_in_the_storage(yard: Yard) -> None:
    yard.keep("a", kept="2999-01-01T00:00:00+00:00")
    yard.keep("b")
    yard.push(published("v"), "v1")
    assert reasons(yard.cleanup(), signature("a")) == ["too-young"]
    assert yard.stages() == {"a"}


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("--repository", "app"), "this run is about some repositories"),
        (("--shard", "1/2"), "each shard sees only its own images"),
        (("--image", "app"), "--image leaves out web"),
    ],
)
def test_who_sees_only_some_images_lets_no_stage_go(yard: Yard, argv: tuple[str, ...], why: str) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    done = yard.cleanup(*argv, config="images: [{image: app}, {image: web}]")
    assert yard.stages() == {"a"}
    assert any("no stage goes" in note and why in note for note in done["notes"]), done["notes"]


def test_where_nothing_was_built_yet_there_is_nothing_to_say(yard: Yard) -> None:
    yard.push(published("v"), "v1")
    yard.push(published("w"), "old")
    assert not [note for note in yard.cleanup()["notes"] if "stage" in note]
    assert yard.images() == {"v1"}


def test_a_repository_that_cannot_be_looked_at_keeps_every_stage(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    yard.push(published("w"), "v1", "/web")
    yard.refuse("GET", "/web/")
    yard.cleanup(config="images: [{image: app}, {image: web}]", code=5)
    assert yard.stages() == {"a"}


def test_an_image_that_cannot_be_read_keeps_every_stage(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    config = json.loads(published("w").content)["config"]["digest"]
    yard.push(published("w"), "v2")
    yard.refuse("GET", f"/blobs/{config}", 404)
    done = yard.cleanup()
    assert yard.stages() == {"a"}
    assert reasons(done, signature("a")) == ["may-be-needed"]
    assert any("does not say what it was made from" in note for note in done["notes"]), done["notes"]


def test_a_manifest_that_cannot_be_read_keeps_every_stage(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    digest = yard.push(published("w"), "v2")

    def damaged(request: Request) -> Reply | None:
        wanted = request.method == "GET" and request.path.endswith((f"/app/manifests/{digest}", "/app/manifests/v2"))
        return Reply(200, b"[]", {"content-type": published("w").media_type}) if wanted else None

    yard.answer = damaged
    done = yard.cleanup()
    assert yard.stages() == {"a"}
    assert any("could not be read" in note and "no stage goes" in note for note in done["notes"]), done["notes"]


def test_an_image_without_labels_is_no_doubt(yard: Yard) -> None:
    yard.keep("a")
    yard.push(image(layer("foreign"), created=None), "v1")
    yard.cleanup()
    assert yard.stages() == set()


def test_where_nothing_is_published_nothing_goes_but_in_a_purge(yard: Yard) -> None:
    yard.keep("a")
    done = yard.cleanup()
    assert yard.stages() == {"a"}
    assert any("no image is published at all" in note for note in done["notes"])
    yard.cleanup("--yes", command="purge")
    assert yard.stages() == set()


def test_a_repository_that_is_gone_while_records_tell_of_it_keeps_every_stage(yard: Yard) -> None:
    yard.push(published("v"), "v1")
    clone = yard.folder / "clone"
    git(yard.folder, "init", "--quiet", "clone")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "one")
    built = yard.folder / "built"

    push(LayoutRegistry(Registry(f"oci:{built}")), Repository(Registry(f"oci:{built}"), "web"), image(layer("web")), "v1")
    where = ("--images-repo", f"{yard.host}/{yard.name}", "--stages-storage", f"{yard.host}/{yard.name}-stages")
    argv = ("--dir", str(clone), "--project", "shop", "--image", f"web=oci:{built}/web:v1", "--tag-custom", "v1")
    assert call("publish", *where, *argv, environ={"HOME": str(yard.folder)}).code == 0
    yard.keep("a")
    yard.refuse("GET", "/web/", 404)
    done = yard.cleanup("--dry-run")
    assert any("web is not there, though it is recorded" in note for note in done["notes"]), done["notes"]
    assert reasons(done, signature("a")) == ["may-be-needed"]


def test_an_image_that_could_not_be_deleted_saves_its_stage(yard: Yard) -> None:
    yard.keep("a", "b")
    digest = yard.push(published("a"), "old-a")
    yard.push(published("b"), "old-b")
    yard.push(published("v"), "v1")
    yard.refuse("DELETE", f"/app/manifests/{digest}")
    done = yard.cleanup(code=5)
    assert yard.images() == {"v1", "old-a"}
    assert yard.stages() == {"a"}
    (item,) = (item for item in done["items"] if item["tag"] == signature("a"))
    assert item["outcome"] == "changed-since-plan"
    assert "old-a was made from it" in item["error"]


def test_an_image_that_was_published_meanwhile_saves_its_stage(yard: Yard) -> None:
    yard.keep("a", "b")
    yard.push(published("v"), "old")
    yard.push(published("w"), "v1")

    def publish_first(request: Request) -> None:
        if request.method == "DELETE" and "/app/" in request.path and "v2" not in yard.images():
            yard.push(published("a"), "v2")

    yard.answer = publish_first
    yard.cleanup()
    assert yard.images() == {"v1", "v2"}
    assert yard.stages() == {"a"}


def test_a_tag_that_was_moved_meanwhile_saves_its_stage(yard: Yard) -> None:
    yard.keep("a", "b")
    yard.push(published("v"), "old")
    yard.push(published("w"), "v1")
    home = Home(yard.port, yard.at("-stages"))

    def publish_first(request: Request) -> None:
        if request.method == "DELETE" and "/app/" in request.path and not [tag for tag in yard.stages() if "record" in tag]:
            yard.push(published("a"), "v1")
            write_record(home, Publication("app", "c" * 40, "sha256:" + "0" * 64, datetime.now(UTC)))

    yard.answer = publish_first
    yard.cleanup()
    assert {tag for tag in yard.stages() if len(tag) == 1} == {"a"}


def test_images_that_cannot_be_looked_at_again_save_every_stage(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "old")
    yard.push(published("w"), "v1")

    def break_after_deletion(request: Request) -> Reply | None:
        if any(asked.method == "DELETE" for asked in yard.server.requests) and request.path.endswith("/app/tags/list"):
            return oci_error(401, "UNAUTHORIZED")
        return None

    yard.answer = break_after_deletion
    yard.cleanup(code=5)
    assert yard.stages() == {"a"}


def test_a_storage_that_cannot_be_listed_is_a_failure(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")

    def one_time(request: Request) -> Reply | None:
        listed = "-stages/manifests/" in request.path
        return oci_error(401, "UNAUTHORIZED") if listed and request.method in {"GET", "HEAD"} else None

    yard.answer = one_time
    yard.cleanup(code=5)
    assert yard.stages() == {"a"}


def test_a_plan_that_was_reviewed_is_held_against_the_images_that_are_there_then(yard: Yard) -> None:
    yard.keep("a", "b")
    yard.push(published("v"), "v1")
    plan, config = str(yard.folder / "plan.json"), "images: [{image: app}, {image: never-published}]"
    yard.cleanup("--dry-run", "--plan-out", plan, config=config)
    yard.push(published("a"), "v2")
    refused = yard.cleanup("--plan", plan, stages="", code=2)
    assert "does not know it as the stages storage" in refused["error"]["message"]
    yard.cleanup("--plan", plan, config=config)
    assert yard.stages() == {"a"}


def test_a_reviewed_plan_without_stages_asks_for_none(yard: Yard) -> None:
    yard.push(published("v"), "old")
    yard.push(published("w"), "v1")
    plan = str(yard.folder / "plan.json")
    yard.cleanup("--dry-run", "--plan-out", plan)
    yard.keep("a")
    yard.cleanup("--plan", plan)
    assert (yard.images(), yard.stages()) == ({"v1"}, {"a"})


def test_a_reviewed_plan_lets_no_stage_go_where_images_cannot_be_read(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    yard.push(published("w"), "v1", "/web")
    plan, config = str(yard.folder / "plan.json"), "images: [{image: app}, {image: web}]"
    yard.cleanup("--dry-run", "--plan-out", plan, config=config)
    yard.refuse("GET", "/web/")
    yard.cleanup("--plan", plan, config=config)
    assert yard.stages() == {"a"}
    yard.refuse("GET", "-stages/tags/list", 401)
    yard.cleanup("--plan", plan, config=config, code=5)
    yard.refuse("GET", "/nothing/")
    yard.cleanup("--plan", plan, config=config)
    assert yard.stages() == set()


def test_restore_brings_stages_back(yard: Yard) -> None:
    yard.keep("a")
    yard.push(published("v"), "v1")
    journal = str(yard.folder / "journal")
    yard.cleanup("--journal", journal)
    assert yard.stages() == set()
    called = yard.call("restore", journal)
    assert called.code == 0, called
    assert yard.stages() == {"a"}


def test_restore_of_stages_on_another_registry(yard: Yard) -> None:
    yard.keep("a")

    images = f"oci:{yard.folder / 'images'}"
    push(LayoutRegistry(Registry(images)), Repository(Registry(images), "app"), published("v"), "v1")
    journal = str(yard.folder / "journal")
    yard.cleanup("--journal", journal, images=images)
    assert yard.stages() == set()
    called = yard.call("restore", journal, images=images, stages="")
    assert called.code == 5
    assert "give --stages-storage" in called.out
    assert yard.stages() == set()
    assert yard.call("restore", journal, images=images).code == 0
    assert yard.stages() == {"a"}


def test_explain_tells_why_a_stage_stays_or_goes(yard: Yard) -> None:
    yard.keep("a", "b")
    yard.push(published("a"), "v1")
    where = f"{yard.host}/{yard.name}-stages"
    limits = ("--without-kube", "--git-history-based-cleanup=false")
    kept = yard.call("explain", f"{where}:{signature('a')}", *limits).document
    assert (kept["action"], kept["items"][0]["reasons"][0]["code"]) == ("keep", "stage-of-kept-image")
    assert f"{yard.name}/app:v1 was made from it" in kept["items"][0]["reasons"][0]["detail"]
    gone = yard.call("explain", f"{where}:{signature('b')}", *limits).document
    assert [item["reasons"][0]["code"] for item in gone["items"]] == ["stage-unused", "last-tag-gone"]
    assert yard.call("explain", f"{where}:nothing", *limits).code == 3


def test_images_and_stages_in_one_repository_are_refused(yard: Yard) -> None:
    yard.push(published("v"), "v1")
    refused = yard.cleanup(stages=f"{yard.host}/{yard.name}/app", code=2)
    assert "is the stages storage, and the place of image 'app' as well" in refused["error"]["message"]
    assert yard.images() == {"v1"}
    refused = yard.cleanup(stages=f"{yard.host}/{yard.name}", code=2)
    assert "is the images repo" in refused["error"]["message"]


@dataclass
class Werf:
    """A stages storage that werf filled: stages that name each other by image ID."""

    yard: Yard
    ids: dict[str, str] = field(default_factory=dict)

    def stage(self, word: str, parent: str = "", project: str = "shop") -> tuple[str, Digest]:
        said = {"werf": project, "werf-image": "false", "werf-stage-signature": signature(word)}
        what = image(layer(word), labels=said, parent=self.ids.get(parent, ""), docker=True)
        self.ids[word] = Digest.of(what.config).text
        tag = f"{signature(word)}-1700000000000"
        return tag, self.yard.push(what, tag, "-stages")

    def published(self, word: str, tag: str) -> None:
        said = {"werf": "shop", "werf-image": "true", "werf-image-name": "app", "werf-image-tag": tag}
        self.yard.push(image(layer(word), labels=said, parent=self.ids[word], docker=True), tag)

    def mark(self, tag: str, content: str = "") -> str:
        mark = f"{tag}-rejected"
        self.yard.push(image(layer(content or mark), labels=None, docker=True), mark, "-stages")
        return mark


def test_stages_of_werf_are_followed_by_their_ids(yard: Yard) -> None:
    werf = Werf(yard)
    below, top = werf.stage("below")[0], werf.stage("top", "below")[0]
    werf.stage("other", "below")
    theirs = werf.stage("theirs", project="other")[0]
    werf.published("top", "v1")
    yard.cleanup()
    assert yard.stages() == {below, top, theirs}


@pytest.mark.parametrize(("status", "code"), [(404, 0), (401, 5)])
def test_a_stage_of_werf_that_does_not_say_what_it_was_built_on_keeps_all(yard: Yard, status: int, code: int) -> None:
    werf = Werf(yard)
    tags = {werf.stage("below")[0], werf.stage("top", "below")[0], werf.stage("other")[0]}
    werf.published("top", "v1")

    def once_labels_are_read(request: Request) -> Reply | None:
        asked = [one for one in yard.server.requests if one.path == request.path and one.method == "GET"]
        wanted = f"/blobs/{werf.ids['top']}" in request.path
        return oci_error(status, "UNKNOWN") if wanted and len(asked) > 1 else None

    yard.answer = once_labels_are_read
    done = yard.cleanup(code=code)
    assert yard.stages() == tags
    said = "do not say what they were built on" if status == 404 else "could not be looked at"
    assert any(said in note for note in done["notes"]), done["notes"]


def test_a_rejected_stage_goes_first_and_its_mark_last(yard: Yard) -> None:
    werf = Werf(yard)
    tag, digest = werf.stage("rejected")
    mark = werf.mark(tag)
    yard.push(published("v"), "v1")
    before = len(yard.server.requests)
    planned = yard.cleanup("--dry-run")
    assert {item["tag"] for item in planned["items"] if item["action"] == "delete" and item["tag"]} == {tag, mark}
    assert not [request for request in yard.server.requests[before:] if request.method == "DELETE"]
    mark_digest = yard.port.resolve(yard.at("-stages"), Tag(mark))
    yard.cleanup()
    deleted = [request.path.rpartition("/")[2] for request in yard.server.requests if request.method == "DELETE"]
    assert deleted == [digest.text, mark_digest.text]
    assert yard.stages() == set()


def test_a_mark_on_a_stage_that_is_needed_after_all_stays_with_it_and_nothing_remains_to_be_done(yard: Yard) -> None:
    werf = Werf(yard)
    tag, _ = werf.stage("rejected")
    mark = werf.mark(tag)
    yard.push(published("v"), "old")
    yard.push(published("w"), "v1")

    def publish_first(request: Request) -> None:
        if request.method == "DELETE" and "/app/" in request.path and "v2" not in yard.images():
            werf.published("rejected", "v2")

    yard.answer = publish_first
    done = yard.cleanup()
    assert yard.stages() == {tag, mark}
    assert {item["outcome"] for item in done["items"] if item["tag"] in {tag, mark}} == {"changed-since-plan"}
    assert done["totals"]["remaining"] == 0


def test_a_mark_goes_alone_where_it_is_one_manifest_with_that_of_a_stage_that_stays(yard: Yard) -> None:
    werf = Werf(yard)
    needed, unneeded = werf.stage("needed")[0], werf.stage("unneeded")[0]
    mark, _ = werf.mark(needed, "same"), werf.mark(unneeded, "same")
    werf.published("needed", "v1")
    yard.cleanup()
    assert yard.stages() == {needed, mark}


@pytest.mark.parametrize("what", ["the stage", "the mark"])
def test_a_mark_outlives_every_failure(yard: Yard, what: str) -> None:
    werf = Werf(yard)
    tag, digest = werf.stage("rejected")
    mark = werf.mark(tag)
    yard.push(published("v"), "v1")
    refused = digest if what == "the stage" else yard.port.resolve(yard.at("-stages"), Tag(mark))
    yard.refuse("DELETE", f"/manifests/{refused}")
    done = yard.cleanup(code=5)
    assert yard.stages() == ({tag, mark} if what == "the stage" else {mark})
    outcomes = {item["tag"]: item["outcome"] for item in done["items"] if item["tag"] in {tag, mark}}
    assert outcomes == ({tag: "failed", mark: "planned"} if what == "the stage" else {tag: "deleted", mark: "failed"})
    if what == "the stage":
        yard.refuse("DELETE", "/nothing/")
        yard.cleanup()
        assert yard.stages() == set(), "the next run goes on"
