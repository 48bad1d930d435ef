"""`moorage explain` of what is a tag in the registry and no image."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.images import image, layer, push

from moorage.commands.record_home import Home
from moorage.commands.records import Publication, put_marker, write_record
from moorage.oci.ledger import ImageRecords, Ledger
from moorage.oci.marker import marker
from moorage.oci.records import IMAGE_PREFIX, LedgerTag, RecordTag
from moorage.oci.reference import Digest, Tag

if TYPE_CHECKING:
    from tests.e2e.recorded_project import Project

LONG = "a-name/that-is/much-too-long-for-the-tag-of-a-record/and-goes-on"


@pytest.fixture
def published(project: Project) -> Project:
    project.commit("main")
    project.publish("app", "a", "v1")
    return project


def explained(project: Project, tag: Tag | str, *argv: str) -> str:
    where = f"{project.stages[1] if project.stages else project.repository}:{tag}"
    called = project.call("explain", where, "--image", "app", *argv)
    assert called.code == 0, called.err
    return called.out


def test_a_record(published: Project) -> None:
    (tag,) = (tag for tag in published.tags() if RecordTag.parse(tag))
    said = explained(published, tag)
    assert f"{tag} is in no plan\n" in said
    assert "it says that image 'app' was published" in said
    assert "It goes once the last tag of that content is gone" in said
    document = published.call("explain", f"{published.repository}:{tag}", "--image", "app", "--output", "json").document
    assert (document["action"], document["items"]) == ("keep", [])
    assert document["about"][0].startswith("It is a record, no image")


def test_a_record_of_a_long_name(published: Project) -> None:
    home = Home(published.port, published.repository)
    tag = write_record(home, Publication(LONG, "c" * 40, "sha256:" + "d" * 64, datetime.now(UTC) - timedelta(days=1)))
    assert f"image '{LONG}'" in explained(published, tag)


def test_the_name_of_an_image(published: Project) -> None:
    said = explained(published, f"{IMAGE_PREFIX}app")
    assert "the project has, or had, image 'app'" in said
    assert "managed-images rm" in said


def test_a_ledger(published: Project) -> None:
    records = ImageRecords()
    records.add("c" * 40, "0123456789abcdef", 1)
    records.add("d" * 40, "0123456789abcdef", 2)
    content = Ledger({"app": records}).content()
    tag = LedgerTag(Digest.of(content)).tag
    put_marker(Home(published.port, published.repository), tag, marker({}, content))
    said = explained(published, tag)
    assert "2 records of what was published at which commit" in said
    assert "of image 'app'" in said


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("managed-image-app", "It stays, since werf would not write it again"),
        (f"image-metadata-by-commit-app-{'c' * 40}", f"was published at commit {'c' * 40}"),
        ("client-id-6d2f-1600000000000", "werf keeps for its own use"),
    ],
)
def test_what_werf_wrote(published: Project, tag: str, said: str) -> None:
    push(published.port, published.repository, image(layer("werf")), tag)
    assert said in explained(published, tag)


def test_in_a_stages_storage(project: Project) -> None:
    project.stages = ("--stages-storage", f"{project.server.host}/{project.name}-stages")
    project.commit("main")
    project.publish("app", "a", "v1")
    (tag,) = (tag for tag in project.tags(f"{project.name}-stages") if RecordTag.parse(tag))
    assert "It is a record, no image" in explained(project, tag)


def test_one_that_is_not_there(published: Project) -> None:
    called = published.call("explain", f"{published.repository}:moorage-image.other", "--image", "app", "--output", "json")
    assert called.code == 3
    assert called.document["error"]["code"] == "not-found"


def test_by_its_digest_it_is_no_image(published: Project) -> None:
    digest = published.port.resolve(published.repository, Tag(f"{IMAGE_PREFIX}app"))
    called = published.call("explain", f"{published.repository}@{digest}", "--image", "app", "--output", "json")
    assert called.code == 3
    assert "name the tag of the record" in called.document["error"]["remedy"]
