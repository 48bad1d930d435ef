"""Everything that can be wrong with a request is said at once, before anything is asked of docker or the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.commands.publish.plan import Way, plan
from moorage.errors import ConfigurationError
from moorage.oci.tagging import TagRequest, TagStrategy, tag_requests
from moorage.registries.addressing import resolve
from moorage.settings.settings import (
    Access,
    BuildContext,
    Engine,
    ImageSetting,
    Project,
    PublishSettings,
    SourceText,
    Storage,
)

if TYPE_CHECKING:
    from pathlib import Path

V1 = tag_requests(custom=["v1"])


def settings(
    tmp_path: Path,
    *images: ImageSetting,
    address: str = "registry.example.com/shop",
    mode: str = "auto",
    tags: tuple[TagRequest, ...] = V1,
    engine: Engine = Engine.AUTO,
    labels: tuple[tuple[str, str], ...] = (),
) -> PublishSettings:
    repo = resolve(address, "auto", mode)
    return PublishSettings(Access(), Storage(repo), Project("shop", tmp_path), images, tags, engine, labels)


def from_text(text: str, name: str = "app") -> ImageSetting:
    return ImageSetting(name, (SourceText(text),))


def problems(wanted: PublishSettings) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        plan(wanted)
    return list(caught.value.problems)


def test_a_job_has_all_names_of_its_image(tmp_path: Path) -> None:
    wanted = settings(tmp_path, from_text("app:dev"), from_text("web:dev", "web"), tags=tag_requests(custom=["v1", "v2"]))
    app, web = plan(wanted)
    assert [name.reference for name in app.names] == ["registry.example.com/shop/app:v1", "registry.example.com/shop/app:v2"]
    assert str(web.repository) == "registry.example.com/shop/web"


@pytest.mark.parametrize(
    ("source", "address", "way"),
    [
        ("app:dev", "registry.example.com/shop", Way.PUSHED),
        ("docker-daemon:app:dev", "registry.example.com/shop", Way.PUSHED),
        ("docker-daemon:app:dev", "oci:/layouts", Way.SAVED),
        ("docker-archive:/app.tar", "registry.example.com/shop", Way.STRAIGHT),
        ("oci:/layout:dev", "oci:/layouts", Way.STRAIGHT),
        ("oci-archive:/app.tar", "registry.example.com/shop", Way.STRAIGHT),
        ("docker://example.com/app:dev", "registry.example.com/shop", Way.STRAIGHT),
    ],
)
def test_the_way_follows_from_source_and_registry(source: str, address: str, way: Way, tmp_path: Path) -> None:
    (job,) = plan(settings(tmp_path, from_text(source), address=address))
    assert job.way is way


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    wanted = settings(
        tmp_path,
        ImageSetting("app"),
        ImageSetting("Web", (BuildContext(tmp_path / "nowhere"),)),
        ImageSetting("api", (BuildContext(tmp_path),)),
        from_text("docker-daemon:", "job"),
        tags=(TagRequest(TagStrategy.CUSTOM, "-v1"), TagRequest(TagStrategy.STAGES_SIGNATURE)),
        labels=(("dev.moorage.image", "mine"),),
    )
    found = problems(wanted)
    for part in ["image 'app' has no source", "nowhere is no directory", "no Dockerfile at", "'job': the source is empty",
                 "bad tag '-v1'", "dev.moorage.image", "'Web'"]:  # fmt: skip
        assert [problem for problem in found if part in problem], part


def test_nothing_asked_for(tmp_path: Path) -> None:
    found = problems(settings(tmp_path, tags=()))
    assert [part for part in ("no image is given", "a tag is needed") if any(part in problem for problem in found)] == [
        "no image is given",
        "a tag is needed",
    ]


def test_one_image_twice(tmp_path: Path) -> None:
    assert problems(settings(tmp_path, from_text("a"), from_text("b"))) == ["image 'app' is given 2 times"]


@pytest.mark.parametrize(
    ("sources", "way"),
    [(("oci:/amd64", "docker://example.com/app:arm64"), Way.STRAIGHT), (("oci:/amd64", "app:arm64"), Way.SAVED)],
)
def test_several_sources_are_one_image_that_docker_does_not_push(sources: tuple[str, ...], way: Way, tmp_path: Path) -> None:
    (job,) = plan(settings(tmp_path, ImageSetting("app", tuple(map(SourceText, sources)))))
    assert (job.way, [source.text for source in job.sources if isinstance(source, SourceText)]) == (way, list(sources))


def test_colliding_names(tmp_path: Path) -> None:
    images = [from_text("a", "app"), from_text("b", "app-worker")]
    wanted = settings(tmp_path, *images, mode="monorepo", tags=tag_requests(custom=["worker-v1", "v1"]))
    assert "registry.example.com/shop:app-worker-v1" in problems(wanted)[0]


def test_engine_registry_saves_what_docker_has_or_makes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    built = ImageSetting("app", (BuildContext(tmp_path),))
    jobs = plan(settings(tmp_path, built, from_text("web:dev", "web"), engine=Engine.REGISTRY))
    assert [job.way for job in jobs] == [Way.SAVED, Way.SAVED]


def test_engine_docker_takes_no_archives(tmp_path: Path) -> None:
    (problem,) = problems(settings(tmp_path, from_text("docker-archive:/app.tar"), engine=Engine.DOCKER))
    assert "load it into the engine" in problem


def test_a_directory_for_several_platforms_is_built_for_each(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = ImageSetting("app", (BuildContext(tmp_path, platforms=("linux/amd64", "linux/arm64", "linux/amd64")),))
    (job,) = plan(settings(tmp_path, image))
    assert [source.platforms for source in job.sources if isinstance(source, BuildContext)] == [
        ("linux/amd64",),
        ("linux/arm64",),
    ]
    assert job.way is Way.SAVED
    (problem,) = problems(settings(tmp_path, image, engine=Engine.DOCKER))
    assert "leave --engine docker out" in problem


def test_what_has_attestations_is_put_by_us(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (job,) = plan(settings(tmp_path, ImageSetting("app", (BuildContext(tmp_path, attestations=("type=sbom",)),))))
    assert job.way is Way.SAVED


def test_a_dockerfile_outside_of_its_context(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "Dockerfile.app").write_text("FROM scratch\n")
    context = BuildContext(tmp_path / "context", dockerfile=tmp_path / "Dockerfile.app")
    assert plan(settings(tmp_path, ImageSetting("app", (context,))))[0].way is Way.PUSHED
