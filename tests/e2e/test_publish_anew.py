"""--no-cache and --pull: what was built before is not trusted, and base images are those that their registries have now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.calling import call
from tests.publishing import ONE_TAG, context, digest_at, names_in, settings, statuses

from moorage.commands.publish import publish
from moorage.oci.tagging import tag_requests
from moorage.registries.addressing import resolve
from moorage.settings.settings import BuildContext, SourceText, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.build_counter import BuildCounter
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry


MOVED = tag_requests(custom=["1"])


@pytest.fixture(autouse=True)
def _no_stages_left(docker_engine: DockerEngine) -> Iterator[None]:
    yield
    for name in names_in(docker_engine, "moorage-stages/"):
        docker_engine.run("rmi", name, check=False)


def fetching(folder: Path, base: str) -> BuildContext:
    """An image that is another one each time it is really built, as one that installs packages may be."""
    built = context(folder, base=base)
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY file /file\nRUN head -c 16 /dev/urandom > /fetched\n")
    return built


def test_no_cache_builds_and_publishes_what_came_out(
    counter: BuildCounter, registry: RunningRegistry, base_image: str, tmp_path: Path
) -> None:
    wanted = settings(f"{registry.host}/uncached", {"app": fetching(tmp_path / "app", base_image)}, ONE_TAG)
    (first,) = publish(wanted, counter.world).images
    (same,) = publish(wanted, counter.world).images
    assert (same.status, same.digest) == ("up-to-date", first.digest)
    counter.builds()
    (anew,) = publish(replace(wanted, no_cache=True), counter.world).images
    assert anew.status == "published"
    assert anew.digest != first.digest
    assert counter.builds() == 1


def test_what_comes_out_the_same_is_not_sent_again(
    counter: BuildCounter, registry: RunningRegistry, base_image: str, tmp_path: Path
) -> None:
    app = context(tmp_path / "app")
    (app.directory / "Dockerfile").write_text(f"FROM {base_image}\nENV MODE=production\n")
    wanted = settings(f"{registry.host}/uncached-same", {"app": app}, ONE_TAG)
    publish(wanted, counter.world)
    counter.builds()
    assert statuses(publish(replace(wanted, no_cache=True), counter.world)) == ["up-to-date"]
    assert counter.builds() == 1, "but it was built"


def test_a_stage_is_replaced(counter: BuildCounter, registry: RunningRegistry, base_image: str, tmp_path: Path) -> None:
    images = {"app": fetching(tmp_path / "app", base_image)}
    stages = Storage(resolve(f"{registry.host}/uncached-kept/stages", "default"), option_prefix="stages-storage")
    targets = (replace(settings(f"{registry.host}/uncached-{name}", images, ONE_TAG), stages=stages) for name in "abc")
    first, again, last = targets
    publish(first, counter.world)
    publish(replace(again, no_cache=True), counter.world)
    assert counter.builds() == 2
    publish(last, counter.world)
    assert counter.builds() == 0
    a, b, c = (digest_at(registry, f"uncached-{name}/app", "v1") for name in "abc")
    assert a != b
    assert b == c, "who comes later finds what was built anew"


def test_the_engines_stage_is_replaced_too(
    counter: BuildCounter, registry: RunningRegistry, base_image: str, tmp_path: Path
) -> None:
    images = {"app": fetching(tmp_path / "app", base_image)}
    ids = []
    for number, no_cache in ((1, False), (2, True), (3, False)):
        wanted = replace(settings(f"{registry.host}/uncached-engine/{number}", images, ONE_TAG), local_stages=True)
        assert statuses(publish(replace(wanted, no_cache=no_cache), counter.world)) == ["published"]
        ids.append(digest_at(registry, f"uncached-engine/{number}/app", "v1"))
    assert counter.builds() == 2
    assert ids[0] != ids[1] == ids[2]


def test_an_image_of_the_project_is_built_anew_before_what_is_built_from_it(
    counter: BuildCounter, registry: RunningRegistry, base_image: str, tmp_path: Path
) -> None:
    images = {"top": context(tmp_path / "top", base="bottom"), "bottom": fetching(tmp_path / "bottom", base_image)}
    wanted = settings(f"{registry.host}/uncached-chain", images, ONE_TAG)
    publish(wanted, counter.world)
    counter.builds()
    assert statuses(publish(replace(wanted, no_cache=True), counter.world)) == ["published"] * 2
    assert counter.builds() == 2


def test_pull_builds_from_what_the_registry_has_now(
    counter: BuildCounter, docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path
) -> None:
    base = f"{registry.host}/bases/moving:1"
    docker_engine.import_tiny(base, "old")
    docker_engine.run("push", base)
    newer = f"{registry.host}/bases/newer:1"
    argv = ["--images-repo", f"{registry.host}/pulled", "--images-repo-implementation", "default", "--tag-custom", "v1"]
    argv += ["--image", f"app={context(tmp_path / 'app', base=base).directory}", "--output", "json"]

    def published(*more: str) -> tuple[str, int]:
        called = call("publish", *argv, *more, environ=counter.world.environ)
        assert called.code == 0, called.out
        return called.document["images"][0]["status"], counter.builds()

    assert published() == ("published", 1)
    assert published("--pull") == ("up-to-date", 0), "the engine's is what the registry has"
    docker_engine.import_tiny(newer, "new")
    docker_engine.run("push", newer)
    bases = settings(f"{registry.host}/bases", {"moving": SourceText(f"docker://{newer}")}, MOVED, add_labels=False)
    assert statuses(publish(bases, counter.world)) == ["published"]
    assert published() == ("up-to-date", 0), "docker builds from what the engine has"
    assert published("--pull") == ("published", 1)
    docker_engine.run("rmi", base, newer, check=False)


def test_a_base_that_cannot_be_asked_for_fails_its_image(
    counter: BuildCounter, registry: RunningRegistry, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    base = f"{registry.host}/bases/here-alone:1"
    docker_engine.import_tiny(base)
    wanted = settings(f"{registry.host}/unpulled", {"app": context(tmp_path / "app", base=base)}, ONE_TAG)
    (only,) = publish(replace(wanted, pull=True), counter.world).images
    assert only.error is not None
    assert only.error.code == "not-found"
    assert counter.builds() == 0
    docker_engine.run("rmi", base, check=False)
