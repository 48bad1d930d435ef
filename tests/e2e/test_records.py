"""Records in a real registry: what they cost to read, how they are kept few, and where they live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.history import git
from tests.images import image, layer, push
from tests.scripted_server import Reply, Request

from moorage.commands.record_home import Home
from moorage.commands.record_tidying import TAKEN_IN_FROM
from moorage.commands.records import Publication, write_record
from moorage.oci.records import LedgerTag, RecordTag
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

if TYPE_CHECKING:
    from tests.e2e.recorded_project import Project


def test_two_images_of_one_repository_are_told_apart_by_what_they_recorded(project: Project) -> None:
    project.commit("old")
    project.publish("app", "a", "worker-v1")
    project.commit("main")
    project.publish("app-worker", "b", "v2")
    assert project.images() == {"app-worker-v1", "app-worker-v2"}
    git(project.folder / "shop.git", "update-ref", "-d", "refs/heads/main")
    git(project.clone, "fetch", "--quiet", "--prune")
    project.cleanup("--image", "app", "--image", "app-worker")
    assert project.images() == {"app-worker-v1"}


def test_single_records_cost_no_request(project: Project) -> None:
    commit = project.commit("main")
    project.publish("app", "a", "v1")
    project.cleanup("--dry-run")
    before = len(project.asked())
    record(project, [commit] * 20)
    project.cleanup("--dry-run")
    assert len(project.asked()) == before
    assert project.asked("moorage-record") == []


def test_many_records_become_a_ledger_that_costs_two_requests_and_then_none(project: Project) -> None:
    commits = [project.commit("main") for _ in range(3)]
    project.publish("app", "a", "v1")
    project.cleanup("--dry-run")
    before = len(project.asked())
    record(project, commits * TAKEN_IN_FROM)
    project.cleanup()  # writes the ledger
    (ledger,) = (tag for tag in project.tags() if LedgerTag.parse(tag))
    assert len([tag for tag in project.tags() if RecordTag.parse(tag)]) > TAKEN_IN_FROM, "what it took in goes in the next run"
    project.cleanup()  # reads it, and believes it
    assert len(project.asked("GET .*/blobs/")) == 2, "a config of the image, and the ledger"
    assert [tag for tag in project.tags() if RecordTag.parse(tag)] == []
    project.cleanup("--dry-run")
    assert len(project.asked()) == before, "it is in the cache"
    assert project.images() == {"app-v1"}
    assert ledger in project.tags()


def test_a_ledger_that_cannot_be_understood_saves_every_image(project: Project) -> None:
    commits = [project.commit("main") for _ in range(2)]
    project.publish("app", "a", "v1")
    record(project, commits * TAKEN_IN_FROM)
    project.cleanup()
    (ledger,) = (tag for tag in project.tags() if LedgerTag.parse(tag))
    project.port.put_manifest(project.repository, ledger, *project.port.manifest(project.repository, Tag("app-v1")))
    git(project.folder / "shop.git", "update-ref", "-d", "refs/heads/main")
    git(project.clone, "fetch", "--quiet", "--prune")
    called = project.call("cleanup", "--keep-images-built-within-last-n-hours", "0", "--without-kube")
    assert called.code == 5
    assert "does not hold the ledger that it is named after" in called.err
    assert project.images() == {"app-v1"}


def test_with_a_stages_storage_records_live_there(project: Project) -> None:
    project.stages = ("--stages-storage", f"{project.server.host}/{project.name}-stages")
    project.commit("main")
    project.publish("app", "a", "v1")
    project.commit("main")
    assert {tag.text.partition(".")[0] for tag in project.tags(f"{project.name}-stages")} == {"moorage-record", "moorage-image"}
    assert project.tags() == {Tag("app-v1")}
    assert project.call("managed-images", "ls").out == "app\n"
    project.cleanup()
    assert project.images() == {"app-v1"}
    git(project.folder / "shop.git", "update-ref", "-d", "refs/heads/main")
    git(project.clone, "fetch", "--quiet", "--prune")
    project.cleanup()
    assert project.tags() == frozenset()
    assert project.tags(f"{project.name}-stages") == frozenset()


def test_a_purge_leaves_no_record_not_even_of_the_name_of_a_configured_image(project: Project) -> None:
    project.commit("main")
    project.publish("app", "a", "v1")
    grace = ("--keep-images-built-within-last-n-hours", "0", "--without-kube")
    called = project.call("purge", "--yes", "--image", "app", *grace)
    assert called.code == 0, called.err
    assert project.tags() == frozenset()


def test_a_record_that_somebody_gave_another_name_stays_with_it(project: Project) -> None:
    project.commit("main")
    project.publish("app", "a", "v1")
    (record,) = (tag for tag in project.tags() if RecordTag.parse(tag))
    project.port.put_manifest(project.repository, Tag("by-hand"), *project.port.manifest(project.repository, record))
    git(project.folder / "shop.git", "update-ref", "-d", "refs/heads/main")
    git(project.clone, "fetch", "--quiet", "--prune")
    project.cleanup()
    assert project.tags() == {Tag("by-hand"), record, Tag("moorage-image.app")}


def test_a_record_that_cannot_be_written_is_told_and_the_image_is_up(project: Project) -> None:
    project.commit("main")
    real = project.server.answer

    def refuse(asked: Request) -> Reply:
        return Reply(403) if asked.method == "PUT" and "moorage-record" in asked.path else real(asked)

    project.server.answer = refuse
    source = Registry(f"oci:{project.folder / 'built'}")
    push(LayoutRegistry(source), Repository(source, "image"), image(layer("a")), "built")
    argv = ("--image", f"app=oci:{project.folder / 'built'}/image:built", "--tag-custom", "v1", "--output", "json")
    called = project.call("publish", *argv)
    assert called.code == 5
    assert called.document["images"][0]["status"] == "published"
    assert "is up, but that commit" in called.document["error"]["problems"][0]
    assert project.images() == {"app-v1"}
    project.server.answer = real
    assert project.call("publish", *argv).code == 0
    assert [tag for tag in project.tags() if RecordTag.parse(tag)]


def record(project: Project, commits: list[str]) -> None:
    """Records of the image's own content at these commits, an hour ago and earlier."""
    found = [one for tag in project.tags() if (one := RecordTag.parse(tag))]
    home, moment = Home(project.port, project.repository), datetime.now(UTC) - timedelta(hours=1)
    for number, commit in enumerate(commits):
        content = f"sha256:{found[0].content}{'0' * 48}"
        write_record(home, Publication("app", commit, content, moment - timedelta(seconds=number)))
