"""What is to be published, and how: decided and checked as a whole before anything is asked of docker or the network."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from moorage.errors import ConfigurationError
from moorage.oci.labels import OWN
from moorage.oci.naming import FinalName, shown
from moorage.oci.reference import BadReference, Repository, parse_reference
from moorage.oci.tagging import no_tags
from moorage.registries.images_repo import final_names
from moorage.settings.settings import BuildContext, Engine, ImageSetting, PublishSettings, SourceText

ENGINE_SCHEME: Final = "docker-daemon:"
OTHER_REGISTRY: Final = "docker://"
_STRAIGHT: Final = re.compile(r"(?:docker-archive|oci|oci-archive):|docker://")  # sources that need no docker


class Way(StrEnum):
    """How one image reaches its repository."""

    PUSHED = "pushed"  # from the engine, by docker
    SAVED = "saved"  # from the engine, by us: docker cannot push into a directory of layouts
    STRAIGHT = "straight"  # from files or another registry, by us


@dataclass(frozen=True, slots=True)
class Job:
    """One image: where it comes from, and every name that it gets. All names lie in one repository."""

    image: str
    source: BuildContext | SourceText
    way: Way
    repository: Repository
    names: tuple[FinalName, ...]

    @property
    def text(self) -> str:
        """The source as its user wrote it; empty for one that is built."""
        return self.source.text if isinstance(self.source, SourceText) else ""


def plan(settings: PublishSettings) -> tuple[Job, ...]:
    """One job per image. Raises one ConfigurationError with everything that is wrong with what was asked for."""
    problems = [*_request_problems(settings), *_source_problems(settings)]
    tags = [request.value for request in settings.tags if request.value is not None]
    names: Sequence[FinalName] = ()
    try:
        names = final_names(settings.storage.repo, [image.name for image in settings.images], tags)
    except ConfigurationError as error:
        problems.extend(error.problems)
    if problems:
        raise ConfigurationError(*dict.fromkeys(problems))
    return tuple(_job(settings, image, names) for image in settings.images)


def _job(settings: PublishSettings, image: ImageSetting, names: Iterable[FinalName]) -> Job:
    repo, source = settings.storage.repo, image.sources[0]
    own = tuple(name for name in names if name.image == image.name)
    return Job(image.name, source, _way(source, into_layout=repo.registry.is_layout), repo.repository(image.name), own)


def _way(source: BuildContext | SourceText, *, into_layout: bool) -> Way:
    if not _needs_docker(source):
        return Way.STRAIGHT
    return Way.SAVED if into_layout else Way.PUSHED


def _needs_docker(source: BuildContext | SourceText) -> bool:
    return isinstance(source, BuildContext) or _STRAIGHT.match(source.text) is None


def _request_problems(settings: PublishSettings) -> Iterator[str]:
    if not settings.images:
        yield "no image is given: add --image NAME=SOURCE (~ for the nameless image), or list `images` in the config file"
    if not settings.tags:
        yield from no_tags().problems
    if any(request.value is None for request in settings.tags):
        yield "--tag-by-stages-signature is not built yet: give --tag-custom, --tag-git-tag, --tag-git-branch or --tag-git-commit"
    for name, count in Counter(image.name for image in settings.images).items():
        if count > 1:
            yield f"{shown(name)} is given {count} times"
    for label, _ in settings.labels:
        if label.startswith(OWN):
            yield f"label {label!r}: what begins with {OWN} is written by Moorage alone"


def _source_problems(settings: PublishSettings) -> Iterator[str]:
    for image in settings.images:
        if not image.sources:
            name = image.name or "~"
            yield f"{shown(image.name)} has no source: give --image {name}=SOURCE, or a `context` in the config file"
        elif len(image.sources) > 1:
            yield f"{shown(image.name)} has {len(image.sources)} sources; joining them to a multi-platform image is not built yet"
        for source in image.sources:
            yield from (f"{shown(image.name)}: {problem}" for problem in _problems_of(source, settings.engine))


def _problems_of(source: BuildContext | SourceText, engine: Engine) -> Iterator[str]:
    if isinstance(source, BuildContext):
        yield from _context_problems(source)
    elif source.text in {"", ENGINE_SCHEME}:
        yield "the source is empty"
    elif source.text.startswith(OTHER_REGISTRY):
        yield from _reference_problems(source.text.removeprefix(OTHER_REGISTRY))
    if engine is Engine.REGISTRY and _needs_docker(source):
        yield f"{_told(source)} has to go through docker, which --engine registry forbids: {_way_out(source)}"
    if engine is Engine.DOCKER and not _needs_docker(source):
        yield (
            f"{_told(source)} goes straight to the registry, which --engine docker forbids: leave --engine out, "
            "or load it into the engine first and name the image that it becomes"
        )


def _reference_problems(text: str) -> Iterator[str]:
    try:
        parse_reference(text)
    except BadReference as error:
        yield f"{OTHER_REGISTRY}{text} is no reference: {error}"


def _context_problems(context: BuildContext) -> Iterator[str]:
    dockerfile = context.directory / (context.dockerfile or "Dockerfile")
    if not context.directory.is_dir():
        yield f"the build context {context.directory} is no directory"
    elif not dockerfile.is_file():
        yield f"there is no Dockerfile at {dockerfile}"


def _told(source: BuildContext | SourceText) -> str:
    return f"the directory {source.directory}" if isinstance(source, BuildContext) else f"{source.text!r}"


def _way_out(source: BuildContext | SourceText) -> str:
    if isinstance(source, BuildContext):
        return "build it elsewhere and give the result as oci-archive:FILE or docker-archive:FILE, or leave --engine out"
    return "write it to a file with `docker save` and give docker-archive:FILE, or leave --engine out"
