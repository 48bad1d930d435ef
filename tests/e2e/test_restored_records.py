"""What comes back from a journal comes back with what was recorded of it, so that git judges it as before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.history import git

from moorage.oci.records import IMAGE_PREFIX, LedgerTag, RecordTag, is_record

if TYPE_CHECKING:
    from tests.e2e.recorded_project import Project
    from tests.realparts.fixtures import RegistryFactory

JOURNAL = "--journal"


@pytest.fixture
def published(project: Project) -> Project:
    """One content, published at two commits: the image itself names the first, whose branch is gone; a record the second."""
    project.commit("old")
    project.publish("app", "a", "v1")
    git(project.clone, "checkout", "--quiet", "--orphan", "main")
    project.commit("main")
    project.publish("app", "a", "v2")
    project.forget("old")
    project.cleanup()
    assert project.images() == {"app-v1", "app-v2"}
    return project


def purge(project: Project, *argv: str) -> str:
    journal = str(project.folder / "journal.jsonl")
    project.purge(JOURNAL, journal, *argv)
    assert project.images() == set()
    return journal


def restored(project: Project, journal: str, *argv: str, code: int = 0) -> dict[str, list[str]]:
    called = project.call("restore", journal, "--output", "json", *argv)
    assert called.code == code, called.err
    document: dict[str, list[str]] = called.document
    return document


def test_a_cleanup_keeps_what_it_kept_before(published: Project) -> None:
    journal = purge(published)
    assert published.tags() == frozenset()
    notes = restored(published, journal)["notes"]
    assert notes == [
        f"the name of image 'app' is recorded again in {published.repository}",
        f"what was published at which commit is recorded again in {published.repository}: 2",
    ]
    published.cleanup()
    assert published.images() == {"app-v1", "app-v2"}
    assert any(tag.text.startswith(IMAGE_PREFIX) for tag in published.tags())


def test_a_second_restore_records_nothing_twice(published: Project) -> None:
    journal = purge(published)
    restored(published, journal)
    before = published.tags()
    assert restored(published, journal)["notes"] == []
    assert published.tags() == before


def test_images_that_are_not_wanted_go_again_and_their_records_with_them(published: Project) -> None:
    journal = purge(published)
    restored(published, journal)
    published.forget("main")
    published.cleanup()
    assert published.images() == set()
    left = [tag for tag in published.tags() if is_record(tag)]
    assert all(LedgerTag.parse(tag) for tag in left), "it is as young as the restore, and goes when it no longer is"


def test_a_plan_that_is_carried_out_later_holds_the_way_back_of_its_records(published: Project) -> None:
    plan = str(published.folder / "plan.json")
    published.forget("main")
    published.cleanup("--plan-out", plan, "--dry-run")
    assert {one["image"] for one in json.loads((published.folder / "plan.json").read_text())["recorded"]} == {"app"}
    journal = str(published.folder / "journal.jsonl")
    published.cleanup("--plan", plan, JOURNAL, journal)
    published.cleanup()  # the records of what is gone go
    assert not [tag for tag in published.tags() if RecordTag.parse(tag)]
    restored(published, journal)
    git(published.clone, "push", "--quiet", "origin", "main")
    published.cleanup()
    assert published.images() == {"app-v1", "app-v2"}


def test_of_what_is_lost_nothing_is_recorded(published: Project) -> None:
    journal = purge(published)
    lines = (published.folder / "journal.jsonl").read_text().splitlines(keepends=True)
    without = [line for line in lines if json.loads(line).get("event") != "about-to"]
    (published.folder / "journal.jsonl").write_text("".join(line for line in without if '"deleted"' not in line))
    assert restored(published, journal) == {"items": [], "notes": []}
    assert published.tags() == frozenset()


def test_records_in_a_stages_storage_come_back_there(project: Project) -> None:
    project.stages = ("--stages-storage", f"{project.server.host}/{project.name}-stages")
    project.commit("main")
    project.publish("app", "a", "v1")
    journal = purge(project)
    project.stages = ()  # it is in the same registry: the journal knows where
    restored(project, journal)
    assert [tag for tag in project.tags(f"{project.name}-stages") if LedgerTag.parse(tag)]
    assert project.images() == {"app-v1"}


def test_records_in_a_stages_storage_of_another_registry_need_its_name(
    project: Project, registry_factory: RegistryFactory
) -> None:
    stages = ("--stages-storage", f"{registry_factory().host}/{project.name}-stages")
    project.stages = stages
    project.commit("main")
    project.publish("app", "a", "v1")
    journal = purge(project)
    project.stages = ()
    called = project.call("restore", journal, "--output", "json")
    assert called.code == 5
    assert "this run does not speak to it (--stages-storage)" in called.problems[0]
    assert project.images() == {"app-v1"}
    project.stages = stages
    assert restored(project, journal)["notes"]
    assert project.call("managed-images", "ls").out == "app\n"
    project.cleanup()
    assert project.images() == {"app-v1"}
