"""What is to be published, and how: decided and checked as a whole before anything is asked of docker or the network."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from moorage.commands.targets import shared_places
from moorage.errors import ConfigurationError
from moorage.oci.labels import OWN
from moorage.oci.naming import NAMELESS, FinalName, shown
from moorage.oci.reference import BadReference, Repository, parse_reference
from moorage.oci.tagging import no_tags
from moorage.registries.images_repo import final_names
from moorage.settings.image_source import OTHER_REGISTRY
from moorage.settings.settings import BuildContext, Engine, ImageSetting, PublishSettings, SourceText

ENGINE_SCHEME: Final = "docker-daemon:"
_STRAIGHT: Final = re.compile(r"(?:docker-archive|oci|oci-archive):|docker://")  # sources that need no docker


_ANY_SIGNATURE: Final = "0" * 56  # as long as any, to see whether names with one fit

Source = BuildContext | SourceText


class Way(StrEnum):
    """How one image reaches its repository."""

    PUSHED = "pushed"  # from the engine, by docker
    SAVED = "saved"  # from the engine, by us: into layouts, by --engine registry, and as one platform of several
    STRAIGHT = "straight"  # from files or another registry, by us


@dataclass(frozen=True, slots=True)
class Job:
    """One image: where it comes from, and every name that it gets but for its signature. All names lie in one repository.

    Several sources are the platforms of one image, which becomes an index.
    """

    image: str
    sources: tuple[Source, ...]
    way: Way
    repository: Repository
    names: tuple[FinalName, ...]


def plan(settings: PublishSettings) -> tuple[Job, ...]:
    """One job per image. Raises one ConfigurationError with everything that is wrong with what was asked for."""
    problems = [*_request_problems(settings), *_source_problems(settings)]
    tags = [_ANY_SIGNATURE if request.value is None else request.value for request in settings.tags]
    names: Sequence[FinalName] = ()
    try:
        names = final_names(settings.storage.repo, [image.name for image in settings.images], tags)
    except ConfigurationError as error:
        problems.extend(error.problems)
    if problems:
        raise ConfigurationError(*dict.fromkeys(problems))
    return tuple(_job(settings, image, names) for image in settings.images)


def _job(settings: PublishSettings, image: ImageSetting, names: Iterable[FinalName]) -> Job:
    repo = settings.storage.repo
    own = tuple(name for name in names if name.image == image.name and name.meta_tag != _ANY_SIGNATURE)
    sources = tuple(single for source in image.sources for single in _by_platform(source))
    return Job(image.name, sources, _way(sources, settings), repo.repository(image.name), own)


def _by_platform(source: Source) -> Iterator[Source]:
    """A directory for several platforms is built once for each: engines keep no index, so we join what they built."""
    if isinstance(source, BuildContext) and len(source.platforms) > 1:
        yield from (replace(source, platforms=(platform,)) for platform in dict.fromkeys(source.platforms))
    else:
        yield source


def _way(sources: Sequence[Source], settings: PublishSettings) -> Way:
    if not any(map(needs_docker, sources)):
        return Way.STRAIGHT
    staged = settings.stages is not None and any(isinstance(source, BuildContext) for source in sources)
    by_us = settings.engine is Engine.REGISTRY or settings.storage.repo.registry.is_layout or len(sources) > 1 or staged
    by_us = by_us or any(map(is_attested, sources))  # which few engines can hold, and none relabels
    return Way.SAVED if by_us else Way.PUSHED


def is_attested(source: Source) -> bool:
    """Whether it is built together with attestations."""
    return isinstance(source, BuildContext) and bool(source.attestations)


def needs_docker(source: Source) -> bool:
    """Whether it is built, or lies in the engine."""
    return isinstance(source, BuildContext) or _STRAIGHT.match(source.text) is None


def _request_problems(settings: PublishSettings) -> Iterator[str]:
    if not settings.images:
        yield "no image is given: add --image NAME=SOURCE (~ for the nameless image), or list `images` in the config file"
    if not settings.tags:
        yield from no_tags().problems
    if settings.stages is not None:
        stages = settings.stages.repo.repository(NAMELESS)
        yield from shared_places(settings.storage.repo, stages, [image.name for image in settings.images])
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
        elif settings.engine is Engine.DOCKER and sum(1 for source in image.sources for _ in _by_platform(source)) > 1:
            yield f"{shown(image.name)} has several platforms, which docker does not join here: leave --engine docker out"
        elif settings.engine is Engine.DOCKER and any(map(is_attested, image.sources)):
            yield f"{shown(image.name)} has attestations, which docker does not push from here: leave --engine docker out"
        for source in image.sources:
            yield from (f"{shown(image.name)}: {problem}" for problem in _problems_of(source, settings.engine))


def _problems_of(source: Source, engine: Engine) -> Iterator[str]:
    if isinstance(source, BuildContext):
        yield from _context_problems(source)
    elif source.text in {"", ENGINE_SCHEME}:
        yield "the source is empty"
    elif source.text.startswith(OTHER_REGISTRY):
        yield from _reference_problems(source.text.removeprefix(OTHER_REGISTRY))
    if engine is Engine.DOCKER and not needs_docker(source):
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


def _told(source: Source) -> str:
    return f"the directory {source.directory}" if isinstance(source, BuildContext) else f"{source.text!r}"
