"""Tags that stay, runs that only look, and a daemon that pushes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.archives import write_layout
from tests.calling import call, refused
from tests.images import Image, image, layer
from tests.publishing import ONE_TAG, WRITES, context, digest_at, names_in, settings, statuses, world
from tests.scripted_server import Reply, Request, forward, oci_error

from moorage.auth.secret import Secret
from moorage.commands.publish import publish
from moorage.errors import ItemRefused
from moorage.oci.tagging import tag_requests
from moorage.settings.settings import Access, BuildContext, Engine, Login, SourceText

if TYPE_CHECKING:
    from pathlib import Path

    from tests.publishing import Target
    from tests.realparts.engine import DockerEngine
    from tests.realparts.registry import RunningRegistry
    from tests.scripted_server import ScriptedServer

OLD, NEW = image(layer("old")), image(layer("new"))


def source(folder: Path, what: Image) -> str:
    return f"oci:{write_layout(folder / what.digest.hex, {'it': what})}"


def arguments(address: str, *images: str, tags: tuple[str, ...] = ("v1",)) -> list[str]:
    given = [*(part for one in images for part in ("--image", one)), *(part for tag in tags for part in ("--tag-custom", tag))]
    return ["publish", "--images-repo", address, "--images-repo-implementation", "default", *given]


def test_immutable_tags_are_refused_together_before_anything_is_sent(watched: ScriptedServer, tmp_path: Path) -> None:
    old = [f"{name}={source(tmp_path / name, OLD)}" for name in ("app", "web")]
    new = [f"{name}={source(tmp_path / name, NEW)}" for name in ("app", "web", "job")]
    assert call(*arguments(f"{watched.host}/fixed", *old)).code == 0
    watched.requests.clear()
    (problem,) = refused(*arguments(f"{watched.host}/fixed", *new, tags=("v1", "v2")), "--immutable-tags", code=6)
    for reference in ("fixed/app:v1", "fixed/web:v1"):
        assert reference in problem
    assert "v2" not in problem
    assert [request for request in watched.requests if request.method in WRITES] == []


def test_immutable_tags_let_through_what_is_new_or_the_same(registry: RunningRegistry, tmp_path: Path) -> None:
    argv = arguments(f"{registry.host}/fixed/same", f"app={source(tmp_path, OLD)}", tags=("v1", "v2"))
    assert call(*argv[:-2], "--immutable-tags").code == 0
    called = call(*argv, "--immutable-tags", "--output", "json")
    assert [tag["status"] for tag in called.document["images"]] == ["up-to-date", "published"]


def test_a_tag_that_appears_meanwhile_stays_too(watched: ScriptedServer, registry: RunningRegistry, tmp_path: Path) -> None:
    """Somebody else publishes between our look and our push."""
    looked: list[Request] = []

    def answer(request: Request) -> Reply:
        if request.method == "GET" and request.path.endswith("/manifests/v1") and not looked:
            looked.append(request)
            reply = forward(request, registry.host)
            assert call(*arguments(f"{registry.host}/raced", f"app={source(tmp_path / 'other', OLD)}")).code == 0
            return reply
        return forward(request, registry.host)

    watched.answer = answer
    wanted = settings(f"{watched.host}/raced", {"app": SourceText(source(tmp_path, NEW))}, ONE_TAG)
    (only,) = publish(replace(wanted, immutable_tags=True), world()).images
    assert isinstance(only.error, ItemRefused)
    assert digest_at(registry, "raced/app", "v1") != ""


def test_a_dry_run_tells_everything_and_writes_nothing(
    docker_engine: DockerEngine, watched: ScriptedServer, tmp_path: Path
) -> None:
    images: dict[str, BuildContext | SourceText] = {"app": context(tmp_path / "app"), "web": SourceText(source(tmp_path, OLD))}
    address = f"{watched.host}/dry"
    publish(settings(address, images, tag_requests(custom=["v1"])), world(docker_engine))
    watched.requests.clear()
    (tmp_path / "app" / "file").write_text("changed")
    wanted = replace(settings(address, images, tag_requests(custom=["v1", "v2"])), dry_run=True)
    result = publish(wanted, world(docker_engine))
    assert result.failure is None
    assert [(tag.image, tag.tag, tag.status.value) for tag in result.images] == [
        ("app", "v1", "planned"),
        ("app", "v2", "planned"),
        ("web", "v1", "up-to-date"),
        ("web", "v2", "planned"),
    ]
    assert result.as_json()["dry_run"] is True
    assert [request for request in watched.requests if request.method in WRITES] == []
    assert names_in(docker_engine, "moorage-run") == []


def test_a_dry_run_shows_what_immutable_tags_would_refuse(registry: RunningRegistry, tmp_path: Path) -> None:
    argv = arguments(f"{registry.host}/fixed/dry", f"app={source(tmp_path, OLD)}")
    assert call(*argv).code == 0
    argv = arguments(f"{registry.host}/fixed/dry", f"app={source(tmp_path, NEW)}", tags=("v1", "v2"))
    called = call(*argv, "--immutable-tags", "--dry-run", "--output", "json")
    assert called.code == 0, called.out
    first, second = called.document["images"]
    assert (first["status"], first["error"]["code"]) == ("failed", "refused")
    assert second["status"] == "planned"


def test_a_dry_run_into_nothing_makes_nothing(tmp_path: Path) -> None:
    argv = [
        "publish",
        "--images-repo",
        f"oci:{tmp_path / 'out'}",
        "--image",
        f"app={source(tmp_path, OLD)}",
        "--tag-custom",
        "v1",
    ]
    called = call(*argv, "--dry-run")
    assert called.code == 0, called.err
    assert "would be published" in called.out
    assert not (tmp_path / "out").exists()


def test_engine_registry_builds_with_docker_and_pushes_itself(target: Target, tmp_path: Path) -> None:
    """The daemon is told nothing about the registry: it does not know it under this name, or not at all."""
    images = {"app": context(tmp_path / "app")}
    wanted = settings(f"{target.host}/ours", images, access=target.access, engine=Engine.REGISTRY)
    result = publish(wanted, world(target.engine))
    assert statuses(result) == ["published"] * 3, result
    assert target.pulled(result.images[0].reference) == str(result.images[0].digest)
    assert statuses(publish(wanted, world(target.engine))) == ["up-to-date"] * 3


def test_a_registry_that_docker_cannot_reach_is_no_matter_to_it(
    docker_engine: DockerEngine, watched: ScriptedServer, registry: RunningRegistry, tmp_path: Path
) -> None:
    """Logging in fails for docker, and is needed by nobody."""

    def answer(request: Request) -> Reply:
        if request.headers.get("user-agent", "").lower().startswith("docker/"):
            return oci_error(403, "DENIED")
        return forward(request, registry.host)

    watched.answer = answer
    access = Access(logins=(Login(watched.host, "user", Secret("a-password"), "--password"),))
    images = {"app": context(tmp_path / "app")}
    wanted = settings(f"{watched.host}/alone", images, ONE_TAG, access=access, engine=Engine.REGISTRY)
    assert statuses(publish(wanted, world(docker_engine))) == ["published"]


@pytest.mark.parametrize("labels", [True, False])
def test_both_engines_know_each_others_images(
    docker_engine: DockerEngine, registry: RunningRegistry, tmp_path: Path, labels: bool
) -> None:
    images = {"app": context(tmp_path / "app")}
    ways = [settings(f"{registry.host}/both/{labels}".lower(), images, ONE_TAG, engine=engine, add_labels=labels)
            for engine in (Engine.REGISTRY, Engine.AUTO)]  # fmt: skip
    assert [statuses(publish(wanted, world(docker_engine))) for wanted in ways] == [["published"], ["up-to-date"]]


def test_bytes_are_read_before_they_are_sent_and_not_where_nothing_is(watched: ScriptedServer, tmp_path: Path) -> None:
    sources = [f"{name}={source(tmp_path / name, what)}" for name, what in (("app", OLD), ("web", NEW))]
    argv = arguments(f"{watched.host}/read", *sources)
    assert call(*argv).code == 0
    (blob,) = (tmp_path / "app").rglob(f"blobs/sha256/{OLD.layers[0].digest.hex}")
    blob.write_bytes(bytes(len(OLD.layers[0].stored)))
    called = call(*argv, "--output", "json")
    assert [tag["status"] for tag in called.document["images"]] == ["up-to-date", "up-to-date"]
    watched.requests.clear()
    (problem,) = refused(*arguments(f"{watched.host}/read/again", *sources))
    assert OLD.layers[0].digest.text in problem
    assert [request for request in watched.requests if request.method in WRITES] == []
