from pathlib import Path

import pytest
from tests.calling import config_in, requested

from moorage.errors import ConfigurationError
from moorage.settings.assemble.stories import names_settings
from moorage.settings.config.file import find_config
from moorage.settings.options import general, where
from moorage.settings.settings import BuildContext, ImageSetting, SourceText


def written(tmp_path: Path, text: str, name: str = "moorage.yaml") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def problems_of(file: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        config_in(file)
    return [problem.removeprefix(f"{file.parent}/") for problem in caught.value.problems]


def test_which_file_it_is(tmp_path: Path) -> None:
    assert find_config(tmp_path, None) is None
    for name in ("werf.yaml", ".moorage.yml", "moorage.yaml"):
        written(tmp_path, "", name)
        assert find_config(tmp_path, None) == tmp_path / name
    other = written(tmp_path, "", "other.yml")
    assert find_config(tmp_path, str(other)) == other
    with pytest.raises(ConfigurationError, match=r"the config file gone\.yaml is not there"):
        find_config(tmp_path, "gone.yaml")


def test_a_named_file_and_its_directory(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    file = written(tmp_path / "ci", "project: shop\noptions: {images-repo: here}\n", "m.yml")
    options = requested(tmp_path, "publish", "--config", str(file)).options
    assert (options.value(where.IMAGES_REPO), options.value(general.PROJECT)) == ("here", "shop")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    config = config_in(written(tmp_path, text))
    assert (config.options, config.images, config.cleanup.rules) == ({}, (), ())


def test_images(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    text = """
images:
- image: web
  context: web
  dockerfile: ci/Dockerfile
  target: final
  buildArgs: {VERSION: 1.0, FLAG: yes}
  platforms: linux/amd64, linux/arm64
  secrets: ["id=npm,src=npmrc", "id=token,env=TOKEN"]
  ssh: default
  cacheFrom: ["type=registry,ref=example.com/cache"]
  cacheTo: "type=inline"
  labels: {team: web, tier: 1}
  provenance: mode=max
  sbom: yes
- image: ~
  source: docker-archive:out.tar
- image: api
  source: api
- image: multi
  source: ["oci:a", "docker://quay.io/x/y:1"]
- image: base
"""
    here = tmp_path
    assert config_in(written(tmp_path, text)).images == (
        ImageSetting(
            "web",
            (
                BuildContext(
                    here / "web",
                    here / "web/ci/Dockerfile",
                    "final",
                    (("VERSION", "1.0"), ("FLAG", "yes")),
                    ("linux/amd64", "linux/arm64"),
                    (f"id=npm,src={here}/npmrc", "id=token,env=TOKEN"),
                    ("default",),
                    ("type=registry,ref=example.com/cache",),
                    ("type=inline",),
                    (("team", "web"), ("tier", "1")),
                    ("type=provenance,mode=max", "type=sbom"),
                ),
            ),
        ),
        ImageSetting("", (SourceText(f"docker-archive:{here}/out.tar"),)),
        ImageSetting("api", (BuildContext(here / "api"),)),
        ImageSetting("multi", (SourceText(f"oci:{here}/a"), SourceText("docker://quay.io/x/y:1"))),
        ImageSetting("base"),
    )


def test_paths_lie_beside_the_config_file_wherever_docker_runs(tmp_path: Path) -> None:
    text = """
images:
- image: a
  context: .
  ssh: [default, "deploy=keys/one,/etc/two"]
  cacheFrom: ["type=local,src=.cache", "type=gha,scope=src"]
  cacheTo: ["type=local,dest=.cache,mode=max"]
"""
    ((source,),) = (image.sources for image in config_in(written(tmp_path, text)).images)
    assert isinstance(source, BuildContext)
    assert source.ssh == ("default", f"deploy={tmp_path}/keys/one,/etc/two")
    assert source.cache_from == (f"type=local,src={tmp_path}/.cache", "type=gha,scope=src")
    assert source.cache_to == (f"type=local,dest={tmp_path}/.cache,mode=max",)


def test_attestations_that_are_not_wanted(tmp_path: Path) -> None:
    text = "images: [{image: a, context: ., provenance: false, sbom: 'generator=example.com/scanner, level=2'}]"
    (image,) = config_in(written(tmp_path, text)).images
    (source,) = image.sources
    assert isinstance(source, BuildContext)
    assert source.attestations == ("type=sbom,generator=example.com/scanner,level=2",)


def test_build_arguments_may_be_a_list(tmp_path: Path) -> None:
    (image,) = config_in(written(tmp_path, "images: [{image: a, context: ., buildArgs: [A=1, B=x=y]}]")).images
    (source,) = image.sources
    assert isinstance(source, BuildContext)
    assert source.build_args == (("A", "1"), ("B", "x=y"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("images: [{context: a}]", "moorage.yaml:1: images[0]: an image needs its name"),
        ("images: [{image: [a]}]", "moorage.yaml:1: images[0].image: a text is needed here, not a list"),
        ("images: [{image: a}, {image: a}]", "moorage.yaml:1: images[1]: image 'a' is listed twice"),
        ("images: [{image: a, context: x, source: y}]", "moorage.yaml:1: images[0]: an image has a context or a source"),
        ("images: [{image: a, target: x}]", "moorage.yaml:1: images[0].target: only an image with a context is built"),
        (
            "images: [{image: a, context: x, dockerFile: y}]",
            "moorage.yaml:1: images[0].dockerFile: unknown key, did you mean dockerfile?",
        ),
        ("images: [{image: a, context: x, buildArgs: [A]}]", "moorage.yaml:1: images[0].buildArgs[0] 'A': NAME=VALUE"),
        ("images: [{image: a, context: x, buildArgs: A=1}]", "moorage.yaml:1: images[0].buildArgs: a mapping, or"),
        ("images: [{image: a, context: x, buildArgs: {A: [1]}}]", "moorage.yaml:1: images[0].buildArgs.A: a text is needed"),
        ("images: [{image: a, source: ./gone}]", "bad "),
        (
            "images: [{image: a, context: x, labels: {dev.moorage.image: b}}]",
            "moorage.yaml:1: images[0].labels 'dev.moorage.image'",
        ),
        (
            "images: [{image: a, context: x, provenance: max}]",
            "moorage.yaml:1: images[0].provenance 'max': true, false or KEY=VALUE",
        ),
        ("images: [{image: a, context: x, sbom: 'a=b,c'}]", "moorage.yaml:1: images[0].sbom 'a=b,c': KEY=VALUE[,KEY=VALUE]"),
        ("images: {image: a}", "moorage.yaml:1: images: a list is needed here, not a mapping"),
        ("options: [a]", "moorage.yaml:1: options: a mapping is needed here, not a list"),
        ("options: {image-repo: x}", "moorage.yaml:1: options.image-repo: unknown key, did you mean images-repo?"),
        ("options: {images-repo: {a: b}}", "moorage.yaml:1: options.images-repo: a list or a text is needed"),
        ("options: {max-delete: 1}\ncleanup: {guards: {maxDelete: 2}}", "{}/moorage.yaml:1: options.max-delete and "),
        ("options: {command: cleanup}", "moorage.yaml:1: options.command: this is settled before the config file is read"),
        ("project: [x]", "moorage.yaml:1: project: a text is needed here, not a list"),
        ("- a", "moorage.yaml:1: a mapping with project, options, images, cleanup is needed, not a list"),
        ("a: 1\n---\nb: 2", "moorage.yaml:3: one YAML document is enough"),
    ],
)
def test_mistakes_have_file_line_and_key(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems_of(written(tmp_path, text))
    assert found.startswith(problem.replace("{}", str(tmp_path)).removeprefix(f"{tmp_path}/"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"project: caf\xe9\n")
    assert problems_of(latin) == ["latin.yaml is not UTF-8 (byte 12)"]
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (1024 * 1024 + 1))
    assert problems_of(large) == ["large.yaml is larger than 1024 KiB"]


def test_a_project_may_be_an_option_too(tmp_path: Path) -> None:
    config = "project: one\noptions: {project: two}\n"
    assert requested(tmp_path, "publish", config=config).options.value(general.PROJECT) == "two"


def test_a_broken_file_does_not_stop_what_needs_none(tmp_path: Path) -> None:
    assert not requested(tmp_path, "slug", config="a: [").problems
    assert requested(tmp_path, "names", config="a: [").problems


def test_what_is_right_in_a_file_with_mistakes_counts(tmp_path: Path) -> None:
    text = 'options: {images-repo: "oci:reg", imges-repo-mode: monorepo}\nimages: [{image: web, contxt: .}]\n'
    request = requested(tmp_path, "names", "--tag-custom", "v1", config=text)
    with pytest.raises(ConfigurationError) as caught:
        names_settings(request)
    assert caught.value.problems == (
        f"{tmp_path}/moorage.yaml:1: options.imges-repo-mode: unknown key, did you mean images-repo-mode?",
        f"{tmp_path}/moorage.yaml:2: images[0].contxt: unknown key, did you mean context?",
    )
