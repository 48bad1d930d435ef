"""Nothing is built or sent twice: signatures, stages, and images that are built from each other. Builds are counted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.build_counter import BuildCounter, blob_uploads, manifests_put
from tests.calling import call
from tests.publishing import ONE_TAG, context, labels_at, names_in, settings, statuses

from moorage.commands.publish import publish
from moorage.errors import ConfigurationError
from moorage.oci.records import is_record
from moorage.oci.reference import Tag
from moorage.oci.tagging import TagRequest, TagStrategy
from moorage.registries.addressing import resolve
from moorage.settings.settings import Access, BuildContext, SourceText, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

    from moorage.settings.settings import PublishSettings

SIGNED = (*ONE_TAG, TagRequest(TagStrategy.STAGES_SIGNATURE))


@pytest.fixture(autouse=True)
def _no_stages_left(docker_engine: DockerEngine) -> Iterator[None]:
    yield
    for name in names_in(docker_engine, "moorage-stages/"):
        docker_engine.run("rmi", name, check=False)


def staged(wanted: PublishSettings, address: str) -> PublishSettings:
    return replace(wanted, stages=Storage(resolve(address, "default"), option_prefix="stages-storage"))


def test_the_same_at_another_commit_is_neither_built_nor_sent(
    counter: BuildCounter, watched: ScriptedServer, tmp_path: Path
) -> None:
    images = {"app": context(tmp_path / "app"), "web": context(tmp_path / "web")}
    first = publish(settings(f"{watched.host}/signed", images, SIGNED, revision="1" * 40), counter.world)
    assert statuses(first) == ["published"] * 4, first
    assert counter.builds() == 2
    tags = [tag.tag for tag in first.images]
    assert tags[0] == tags[2] == "v1"
    assert re.fullmatch("[0-9a-f]{56}", tags[1])
    assert tags[1] != tags[3]
    watched.requests.clear()
    second = publish(settings(f"{watched.host}/signed", images, SIGNED, revision="2" * 40), counter.world)
    assert statuses(second) == ["up-to-date"] * 4
    assert [tag.digest for tag in second.images] == [tag.digest for tag in first.images]
    assert counter.builds() == 0
    written = manifests_put(watched.requests)
    assert len(written) == 2, "one record for each image"
    assert all(is_record(Tag(tag)) for tag in written)
    (tmp_path / "app/file").write_text("changed")
    third = publish(settings(f"{watched.host}/signed", images, SIGNED, revision="3" * 40), counter.world)
    assert statuses(third) == ["published"] * 2 + ["up-to-date"] * 2
    assert counter.builds() == 1
    assert third.images[1].tag != tags[1]


def test_a_new_tag_of_the_same_needs_no_build(counter: BuildCounter, watched: ScriptedServer, tmp_path: Path) -> None:
    images = {"app": context(tmp_path / "app")}
    publish(settings(f"{watched.host}/more-signed", images, SIGNED), counter.world)
    counter.builds()
    watched.requests.clear()
    tags = (TagRequest(TagStrategy.CUSTOM, "v2"), TagRequest(TagStrategy.STAGES_SIGNATURE))
    assert statuses(publish(settings(f"{watched.host}/more-signed", images, tags), counter.world)) == ["published", "up-to-date"]
    assert counter.builds() == 0
    assert blob_uploads(watched.requests) == []


def test_another_runner_finds_stages_and_only_mounts(
    counter: BuildCounter, watched: ScriptedServer, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    images = {"app": context(tmp_path / "app"), "web": context(tmp_path / "web")}
    stages = f"{watched.host}/kept/stages"
    first = publish(staged(settings(f"{watched.host}/staged/one", images, SIGNED), stages), counter.world)
    assert statuses(first) == ["published"] * 4, first
    assert counter.builds() == 2
    watched.requests.clear()
    second = publish(staged(settings(f"{watched.host}/staged/two", images, SIGNED), stages), counter.world)
    assert statuses(second) == ["published"] * 4
    assert counter.builds() == 0
    assert [tag.tag for tag in second.images] == [tag.tag for tag in first.images]
    layers = [path for path in blob_uploads(watched.requests) if "/kept/stages/" not in path]
    assert len(layers) == 2, "a config with other labels for each image, and no layer"
    assert names_in(docker_engine, stages) == []


def test_another_projects_stage_is_not_used(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    images, stages = {"app": context(tmp_path / "app")}, f"{registry.host}/shared/stages"
    wanted = staged(settings(f"{registry.host}/mixed/shop", images, SIGNED), stages)
    publish(wanted, counter.world)
    other = staged(settings(f"{registry.host}/mixed/other", images, SIGNED), stages)
    result = publish(replace(other, project=replace(other.project, name="other")), counter.world)
    assert statuses(result) == ["published"] * 2
    assert counter.builds() == 2
    assert labels_at(registry, "shared/stages", result.images[1].tag)["dev.moorage.project"] == "shop"
    assert labels_at(registry, "mixed/other/app", "v1")["dev.moorage.project"] == "other"


def test_stages_are_no_images_repo(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    wanted = settings(f"{registry.host}/same", {"app": context(tmp_path / "app")}, ONE_TAG)
    with pytest.raises(ConfigurationError, match="is the stages storage"):
        publish(staged(wanted, f"{registry.host}/same/app"), counter.world)


def test_the_engine_can_be_the_stages_storage(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    images = {"app": context(tmp_path / "app")}
    for number, expected in ((1, 1), (2, 0)):
        wanted = replace(settings(f"{registry.host}/engine/{number}", images, SIGNED), local_stages=True)
        assert statuses(publish(wanted, counter.world)) == ["published"] * 2
        assert counter.builds() == expected


def based(folder: Path, base: str) -> BuildContext:
    context(folder)
    (folder / "Dockerfile").write_text(f"ARG BASE={base}\nFROM ${{BASE}} AS base\nFROM base\nCOPY file /{folder.name}\n")
    return BuildContext(folder)


def test_an_image_is_built_after_the_one_it_is_built_from(
    counter: BuildCounter, registry: RunningRegistry, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    images = {"top": based(tmp_path / "top", "middle"), "middle": based(tmp_path / "middle", "bottom"),
              "bottom": context(tmp_path / "bottom")}  # fmt: skip
    first = publish(settings(f"{registry.host}/chain", images, SIGNED), counter.world)
    assert statuses(first) == ["published"] * 6, first
    assert counter.builds() == 3, "each once, although two need it"
    (tmp_path / "bottom/file").write_text("changed")
    second = publish(settings(f"{registry.host}/chain", images, SIGNED), counter.world)
    assert statuses(second) == ["published"] * 6, "what is built from something else is something else"
    (tmp_path / "top/file").write_text("changed")
    counter.builds()
    third = publish(settings(f"{registry.host}/chain", images, SIGNED), counter.world)
    assert statuses(third) == ["published"] * 2 + ["up-to-date"] * 4
    assert names_in(docker_engine, "moorage-run") == []


def test_images_built_from_each_other_are_refused(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    images = {"egg": based(tmp_path / "egg", "hen"), "hen": based(tmp_path / "hen", "egg")}
    with pytest.raises(ConfigurationError, match="built from itself"):
        publish(settings(f"{registry.host}/circle", images, ONE_TAG), counter.world)


def test_a_failed_base_is_built_once_and_fails_both(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    images = {"top": based(tmp_path / "top", "bottom"), "bottom": context(tmp_path / "bottom")}
    (tmp_path / "bottom/Dockerfile").write_text("FROM scratch\nCOPY nothing /here\n")
    result = publish(settings(f"{registry.host}/broken-base", images, ONE_TAG), counter.world)
    assert statuses(result) == ["failed"] * 2
    assert counter.builds() == 1


def test_by_its_option_and_without_any_other_tag(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    context(tmp_path / "app")
    argv = ["--images-repo", f"{registry.host}/flagged", "--images-repo-implementation", "default", "--output", "json"]
    argv += ["--image", f"app={tmp_path / 'app'}", "--tag-by-stages-signature", "--stages-storage", ":local"]
    for status in ("published", "up-to-date"):
        called = call("publish", *argv, environ=counter.world.environ)
        assert called.code == 0, called.out
        (only,) = called.document["images"]
        assert only["status"] == status
        assert labels_at(registry, "flagged/app", only["tag"])["dev.moorage.signature"] == only["tag"]


def test_a_failed_build_says_its_line_where_people_look(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    context(tmp_path / "app")
    (tmp_path / "app/Dockerfile").write_text("FROM scratch\n\nCOPY nothing /here\n")
    argv = ["--images-repo", f"{registry.host}/placed", "--images-repo-implementation", "default", "--tag-custom", "v1"]
    environ = {**counter.world.environ, "GITHUB_ACTIONS": "true"}
    called = call("publish", *argv, "--image", f"app={tmp_path / 'app'}", environ=environ)
    assert called.code == 4
    assert f"::error file={tmp_path / 'app/Dockerfile'},line=3::" in called.err
    assert "COPY nothing /here" in called.err


def test_an_images_own_labels_and_cache_go_to_its_build(counter: BuildCounter, registry: RunningRegistry, tmp_path: Path) -> None:
    built = replace(context(tmp_path / "app"), labels=(("team", "web"),), cache_to=("type=inline",))
    assert statuses(publish(settings(f"{registry.host}/own-labels", {"app": built}, ONE_TAG), counter.world)) == ["published"]
    assert "--cache-to type=inline" in counter.log.read_text()
    assert labels_at(registry, "own-labels/app", "v1")["team"] == "web"


def test_what_only_the_engine_has_is_not_looked_for_by_another_builder(
    counter: BuildCounter, registry: RunningRegistry, docker_engine: DockerEngine, local_image: str, tmp_path: Path
) -> None:
    """As after docker/setup-buildx-action, whose builder lives in a container; here it does not even answer."""
    config = docker_engine.with_config(tmp_path / "config")
    config.run("buildx", "create", "--name", "elsewhere", "--driver", "remote", "--use", "tcp://127.0.0.1:1")
    bottom = SourceText(local_image)
    images: dict[str, BuildContext | SourceText] = {"top": context(tmp_path / "top", base="bottom"), "bottom": bottom}
    access = Access(docker_config=tmp_path / "config")
    result = publish(settings(f"{registry.host}/elsewhere", images, ONE_TAG, access=access), counter.world)
    assert statuses(result) == ["published"] * 2, result
