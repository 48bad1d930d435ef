"""Building images and giving them labels, with whichever builder the docker command has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory

from moorage.auth.secret import MASK, blank
from moorage.docker.attestation import can_attest, told_secrets
from moorage.docker.engine import Docker
from moorage.docker.local_image import LocalImage
from moorage.errors import ConfigurationError, DockerError

_TELLING = 12  # characters from which on a secret in a label is no coincidence: a password may be a word, a token is not
_RESERVED = ("DOCKER_", "BUILDX_", "BUILDKIT_", "PATH", "HOME")  # variables that would change docker itself


class Builder(Enum):
    """How images can be built here."""

    BUILDX = auto()  # the plugin, which newer clients need for BuildKit
    BUILDKIT = auto()  # built into clients before 23.0
    CLASSIC = auto()  # the engine's own; deprecated, but all that a 28.x client without buildx has


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What to build. A relative `dockerfile` lies below the context; texts are as docker's options of these names take them."""

    context: Path
    dockerfile: Path = Path("Dockerfile")
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    attestations: tuple[str, ...] = ()
    no_cache: bool = False
    from_engine: bool = False  # whether it starts from images that only the engine has, so that no other builder can build it

    @property
    def dockerfile_path(self) -> Path:
        return self.context / self.dockerfile

    def problems(self, builder: Builder) -> list[str]:
        """Every reason for which this cannot be built, before anything is tried."""
        found = []
        if not self.context.is_dir():
            found.append(f"the build context {self.context} is no directory")
        elif not self.dockerfile_path.is_file():
            found.append(f"there is no Dockerfile at {self.dockerfile_path}")
        if builder is Builder.CLASSIC and (self.secrets or len(self.platforms) > 1):
            found.append(f"{self.context}: build secrets and several platforms need BuildKit; install docker's buildx plugin")
        if builder is Builder.CLASSIC and self.ssh:
            found.append(f"{self.context}: ssh needs BuildKit; install docker's buildx plugin")
        if builder is not Builder.BUILDX and self.cache_to:
            found.append(f"{self.context}: writing a cache (cacheTo) needs docker's buildx plugin")
        if builder is not Builder.BUILDX and self.attestations:
            found.append(f"{self.context}: provenance and sbom need docker's buildx plugin")
        for name, value in self.build_args.items():
            if blank(value) != value and name.startswith(_RESERVED):
                found.append(f"build argument {name} holds a secret and has the name of a variable that docker reads itself")
        found += [
            f"build argument {name} holds a secret, which provenance would publish: say `provenance: mode=min`"
            for name in told_secrets(self.attestations, self.build_args)
        ]
        return [*found, *_secrets_in(self.labels)]


def available_builder(docker: Docker) -> Builder:
    """The buildx plugin if it answers; else BuildKit where the client has it built in; else the classic builder."""
    return docker.once("builder", lambda: _found_builder(docker))


def _found_builder(docker: Docker) -> Builder:
    if docker.attempt(["buildx", "version"], timeout=30).exit_code == 0:
        return Builder.BUILDX
    # Since 23.0 the client leaves BuildKit to the plugin, and DOCKER_BUILDKIT=1 without it is an error (seen 2026-11, 28.2).
    return Builder.BUILDKIT if 0 < docker.version().client_major < 23 else Builder.CLASSIC


def build(docker: Docker, request: Build, reference: str) -> LocalImage:
    """Build an image, name it `reference` in the engine, and return it. Attestations are left out: few engines could hold them.

    Raises ConfigurationError for a request that cannot be built, DockerError for a build that fails.
    """
    builder = _checked(docker, replace(request, attestations=()))
    # `buildx build` honours the builder that the user chose with `buildx create --use`; its result has to be loaded then.
    start = ["buildx", "build", "--load"] if builder is Builder.BUILDX else ["build"]
    _run(docker, request, builder, [*start, "--tag", reference])
    return _built(docker, reference)


def build_archive(docker: Docker, request: Build, file: Path) -> None:
    """Build an image with its attestations, and write them all to `file` as an OCI layout in a tar.

    Without a name: an attestation's statement would have it in its subject, and the image is yet to get its names. So the index
    alone says which image an attestation is about. Raises ConfigurationError and DockerError as `build` does.
    """
    builder = _checked(docker, request)
    if not can_attest(docker, _settings(docker, builder, from_engine=request.from_engine)):
        own = "the engine's own builder"
        own += ", which alone has the image that it starts from," if request.from_engine else ""
        raise ConfigurationError(
            f"{request.context}: provenance and sbom cannot be made by {own} without a containerd image store",
            remedy=_CONTAINERD_STORE if request.from_engine else _ANOTHER_BUILDER,
        )
    destination = str(file).replace('"', '""')  # these attributes are CSV, where a path may have commas in quotes
    output = f'type=oci,"dest={destination}"'
    start = ["buildx", "build", "--output", output, *_each("--attest", request.attestations)]
    _run(docker, request, builder, start)


def _checked(docker: Docker, request: Build) -> Builder:
    """The builder to use. Raises ConfigurationError with every reason for which it cannot be done."""
    builder = available_builder(docker)
    problems = request.problems(builder)
    if problems:
        raise ConfigurationError(*problems)
    return builder


def _run(docker: Docker, request: Build, builder: Builder, start: list[str]) -> None:
    arguments = [*start, *_progress(builder), "--file", str(request.dockerfile_path)]
    arguments += ["--no-cache"] if request.no_cache else []
    arguments += ["--target", request.target] if request.target else []
    arguments += ["--platform", ",".join(request.platforms)] if request.platforms else []
    settings = _settings(docker, builder, from_engine=request.from_engine)
    for name, value in request.build_args.items():
        if blank(value) == value:
            arguments += ["--build-arg", f"{name}={value}"]
        else:  # without a value docker takes it from its environment, which other users of the machine cannot see
            arguments += ["--build-arg", name]
            settings[name] = value
    arguments += [*_each("--secret", request.secrets), *_each("--ssh", request.ssh)]
    arguments += [*_each("--cache-from", request.cache_from), *_each("--cache-to", request.cache_to)]
    docker.follow([*arguments, *_labels(request.labels), str(request.context)], settings=settings)


def relabelled(docker: Docker, image: str, labels: Mapping[str, str], reference: str) -> LocalImage:
    """The same image with more labels, named `reference` in the engine: same layers, same dates, another config.

    Done by a build without files and steps. BuildKit takes the new image's dates from the old one's history, so the same image
    and labels give the same id on every machine; the classic builder writes the time of the first such build instead, and repeats
    it only as long as its cache remembers (seen 2026-11, engine 20.10). An image that has these labels already is only named.

    Raises ConfigurationError for a missing image and for labels that hold a secret; DockerError for an image with ONBUILD steps,
    which such a build would run, and if the layers should ever come out different.
    """
    source = docker.image(image)
    problems = [*_secrets_in(labels), *([] if source else [f"there is no local image {image}"])]
    if problems or source is None:
        raise ConfigurationError(*problems, remedy="Build or pull the image first; `docker image ls` lists what is there.")
    if labels.items() <= source.labels.items():
        docker.tag(str(source.id), reference)
        return source
    if source.on_build:
        message = f"{image} has ONBUILD instructions, which adding labels would run"
        raise DockerError(message, remedy="Publish an image built from it, or publish it as it is with --engine registry.")
    # A context of its own below our configuration, which goes at the end: buildx leaves a Dockerfile from stdin behind in /tmp.
    with TemporaryDirectory(prefix="relabel-", dir=docker.config.directory) as context:
        (Path(context) / "Dockerfile").write_text(f"FROM {_name_of(docker, source)}\n", encoding="utf-8")
        _add_labels(docker, source, labels, reference, context)
    result = _built(docker, reference)
    if result.layers != source.layers:
        raise DockerError(f"adding labels to {image} changed its layers; was it tagged anew meanwhile?", remedy="Run again.")
    return result


def _add_labels(docker: Docker, source: LocalImage, labels: Mapping[str, str], reference: str, context: str) -> None:
    """BuildKit is tried before anybody asks whether it is there: a client without it says so at once, and most have it."""
    for builder in (Builder.BUILDKIT, Builder.CLASSIC):
        arguments = ["build", *_progress(builder), "--pull=false", "--network", "none", "--tag", reference, *_labels(labels)]
        if builder is not Builder.CLASSIC:  # the classic one takes --platform from experimental engines only, and needs none here
            arguments += ["--platform", source.platform]
        arguments.append(context)
        finished = docker.attempt(arguments, settings=_settings(docker, builder, from_engine=True))
        if builder is Builder.CLASSIC or not finished.exit_code or available_builder(docker) is not Builder.CLASSIC:
            docker.check(arguments, finished)
            return


def _name_of(docker: Docker, image: LocalImage) -> str:
    """A name that a FROM line can use: BuildKit looks for an image id in Docker Hub (seen 2026-11, buildx 0.13).

    A nameless image gets one and keeps it: taking an image's only name away deletes it.
    """
    if image.tags:
        return image.tags[0]
    name = f"moorage-source:{image.id.hex}"
    docker.tag(str(image.id), name)
    return name


def _built(docker: Docker, reference: str) -> LocalImage:
    found = docker.image(reference)
    if found is None:
        raise DockerError(f"docker build of {reference} ended well but the engine has no such image", remedy=_CHECK_BUILDER)
    return found


_CHECK_BUILDER = "Look at `docker buildx ls`: the builder in use has to be able to load its result into the engine."


_CONTAINERD_STORE = "Turn on the engine's containerd image store, or leave provenance and sbom out."
_ANOTHER_BUILDER = (
    "Choose one that works outside of the engine (`docker buildx create --use --driver docker-container`, as "
    "docker/setup-buildx-action does), turn on the engine's containerd image store, or leave provenance and sbom out."
)


def _progress(builder: Builder) -> list[str]:
    return [] if builder is Builder.CLASSIC else ["--progress", "plain"]


def _settings(docker: Docker, builder: Builder, *, from_engine: bool) -> dict[str, str]:
    # An attestation turns a plain image into an index of two, with a date in it: unchanged content would look changed.
    settings = {"DOCKER_BUILDKIT": "0" if builder is Builder.CLASSIC else "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    # The engine's own builder, whatever builder is chosen: one in a container of its own does not see the engine's images.
    return {**settings, "BUILDX_BUILDER": docker.context} if from_engine else settings


def _labels(labels: Mapping[str, str]) -> list[str]:
    """As arguments and not as LABEL lines: these hold any text, line breaks and quotes included, for every builder alike."""
    return [argument for name, value in sorted(labels.items()) for argument in ("--label", f"{name}={value}")]


def _each(option: str, texts: Iterable[str]) -> list[str]:
    return [word for text in texts for word in (option, text)]


def _secrets_in(labels: Mapping[str, str]) -> list[str]:
    return [
        f"label {name} holds a secret, which everybody who can pull the image could read"
        for name, value in labels.items()
        if len(value) - len(blank(value)) >= _TELLING - len(MASK)
    ]
