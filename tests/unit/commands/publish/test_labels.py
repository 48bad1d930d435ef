"""Which labels an image gets, and from whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from moorage.commands.publish.content import Content
from moorage.commands.publish.labels import labels_for, main_name
from moorage.oci.labels import recorded_image
from moorage.oci.manifest import parse_time
from moorage.oci.reference import Digest
from moorage.oci.tagging import TagRequest, TagStrategy, tag_requests
from moorage.registries.addressing import resolve
from moorage.registries.images_repo import final_names
from moorage.settings.settings import Access, ImageSetting, Project, PublishSettings, Storage

CONTENT = Content(Digest.of(b"content"), {"team": "shop"}, parse_time("2024-05-06T07:08:09.5+02:00"))


def settings(
    *tags: TagRequest,
    mode: str = "multirepo",
    image: str = "app",
    labels: tuple[tuple[str, str], ...] = (),
    add_labels: bool = True,
    source_url: str = "https://example.com/acme/shop",
) -> PublishSettings:
    return PublishSettings(
        Access(),
        Storage(resolve("registry.example.com/shop", "default", mode)),
        Project("shop", Path("/shop"), source_url=source_url, revision="c0ffee"),
        (ImageSetting(image),),
        tags,
        labels=labels,
        add_labels=add_labels,
    )


def written(wanted: PublishSettings, content: Content = CONTENT) -> dict[str, str]:
    tags = [request.value for request in wanted.tags if request.value is not None]
    return dict(labels_for(wanted, final_names(wanted.storage.repo, [wanted.images[0].name], tags), content))


def test_standard_labels_and_ours() -> None:
    found = written(settings(*tag_requests(custom=["v1"]), mode="monorepo"))
    assert found == {
        "org.opencontainers.image.title": "app",
        "org.opencontainers.image.source": "https://example.com/acme/shop",
        "org.opencontainers.image.revision": "c0ffee",
        "org.opencontainers.image.created": "2024-05-06T05:08:09Z",
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.ref.name": "app-v1",
        "dev.moorage.image": "app",
        "dev.moorage.project": "shop",
        "dev.moorage.content": CONTENT.digest.text,
    }


def test_the_nameless_image_is_recorded_as_such_and_titled_by_the_project() -> None:
    found = written(settings(*tag_requests(custom=["v1"]), image=""))
    assert found["org.opencontainers.image.title"] == "shop"
    assert recorded_image(found) == ""


def test_the_users_labels_win_and_are_part_of_the_content() -> None:
    found = written(settings(*tag_requests(custom=["v1"]), labels=(("org.opencontainers.image.title", "The shop"), ("a", "b"))))
    assert found["org.opencontainers.image.title"] == "The shop"
    assert found["dev.moorage.content"] == CONTENT.labelled({"a": "b"}).digest.text != CONTENT.digest.text


def test_without_labels_only_the_users_own() -> None:
    assert written(settings(*tag_requests(custom=["v1"]), add_labels=False, labels=(("a", "b"),))) == {"a": "b"}


def test_what_is_not_known_is_not_said() -> None:
    nothing_known = Content(Digest.of(b"content"), {}, parse_time("0001-01-01T00:00:00Z"))
    found = written(settings(*tag_requests(custom=["v1"]), source_url=""), nothing_known)
    assert "org.opencontainers.image.created" not in found
    assert "org.opencontainers.image.source" not in found


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://gitlab-ci-token:glcbt-64@gitlab.com/acme/shop.git", "https://gitlab.com/acme/shop.git"),
        ("ssh://git@example.com:22/acme/shop", "ssh://example.com:22/acme/shop"),
        ("git@example.com:acme/shop", "git@example.com:acme/shop"),
    ],
)
def test_credentials_of_the_remote_are_not_published(given: str, shown: str) -> None:
    assert written(settings(*tag_requests(custom=["v1"]), source_url=given))["org.opencontainers.image.source"] == shown


@pytest.mark.parametrize(
    ("tags", "main"),
    [
        (tag_requests(custom=["c1", "c2"], git_branch="b", git_tag="t", git_commit="abc"), "t"),
        (tag_requests(custom=["latest", "c1"], git_branch="b"), "c1"),
        (tag_requests(custom=["latest"], git_commit="abc"), "abc"),
        (tag_requests(custom=["latest"]), "latest"),
        ((TagRequest(TagStrategy.GIT_BRANCH, "b"), TagRequest(TagStrategy.GIT_COMMIT, "abc")), "b"),
    ],
)
def test_the_tag_that_stands_for_the_others(tags: tuple[TagRequest, ...], main: str) -> None:
    wanted = settings(*tags)
    names = final_names(wanted.storage.repo, ["app"], [request.value for request in tags if request.value is not None])
    assert main_name(names, tags).meta_tag == main


def staged(content: Content = CONTENT, *stages: str, kept: bool = False) -> dict[str, str]:
    """Only what is said about stages."""
    wanted = settings(*tag_requests(custom=["v1"]))
    if kept:
        wanted = replace(wanted, stages=Storage(resolve("registry.example.com/stages", "default")))
    names = final_names(wanted.storage.repo, ["app"], ["v1"])
    found = labels_for(wanted, names, content, "own", stages)
    return {name: found[name] for name in ("dev.moorage.stages", "dev.moorage.kept") if name in found}


def test_the_stages_of_an_image_are_said_where_its_signature_alone_does_not() -> None:
    assert staged() == staged(CONTENT, "own") == {}
    assert staged(CONTENT, "own", "base", "arm") == {"dev.moorage.stages": "arm base own"}


def test_what_is_published_is_no_stage_though_it_was_made_from_one() -> None:
    assert staged(CONTENT, kept=True) == {"dev.moorage.kept": ""}
    stage = CONTENT.labelled({"dev.moorage.kept": "2026-11-25T12:00:00+00:00", "dev.moorage.stages": "below"})
    assert staged(stage, "own") == {"dev.moorage.stages": "own", "dev.moorage.kept": ""}
