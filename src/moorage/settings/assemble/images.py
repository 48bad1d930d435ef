"""Which images, and what they are made of: `--image` flags, else those of the config file."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from moorage.oci.naming import image_name, shown
from moorage.oci.reference import BadReference, parse_reference
from moorage.settings.assemble.storage import origin_storage
from moorage.settings.image_source import OTHER_REGISTRY, source_of
from moorage.settings.options import images
from moorage.settings.request import Request
from moorage.settings.settings import BuildContext, ImageSetting, SourceText, Storage

NO_IMAGES: Final = "no image is named: give --image NAME (~ for the nameless image), or list `images` in the config file"


def image_names(request: Request) -> tuple[str, ...]:
    """The names alone, for commands that publish nothing; a source that is given all the same is not looked at."""
    texts = request.options.values(images.IMAGE)
    if texts:
        return tuple(dict.fromkeys(image_name(text.partition("=")[0]) for text in texts))
    return tuple(image.name for image in _configured(request))


def unnamed_images(request: Request) -> tuple[str, ...]:
    """The images of the config file that --image leaves out."""
    named = image_names(request)
    return tuple(image.name for image in _configured(request) if image.name not in named)


def image_settings(request: Request) -> tuple[ImageSetting, ...]:
    """Every image with its sources. An image that is given without one has those of the config file."""
    texts = request.options.values(images.IMAGE)
    configured = {image.name: image for image in _configured(request)}
    if not texts and not configured:
        request.problems.add(NO_IMAGES)
    if not texts:
        return _with_sources(configured.values(), request)
    found: dict[str, tuple[BuildContext | SourceText, ...]] = {}
    for text in texts:
        name, separator, source = text.partition("=")
        name = image_name(name)
        if separator and not source:
            request.problems.add(f"bad --image {text!r}: a source is needed after =")
        elif separator:
            with request.problems.gather():
                found[name] = (*found.get(name, ()), source_of(source, request.directory, "--image"))
        else:
            found.setdefault(name, configured[name].sources if name in configured else ())
    return _with_sources((ImageSetting(name, sources) for name, sources in found.items()), request)


def origins_of(request: Request, found: Iterable[ImageSetting]) -> Mapping[str, Storage]:
    """The registry of each `docker://` source that is a reference; what is none, the plan of the publish says."""
    origins: dict[str, Storage] = {}
    for image in found:
        for source in image.sources:
            if isinstance(source, SourceText) and source.text.startswith(OTHER_REGISTRY):
                with suppress(BadReference), request.problems.gather():
                    repository = parse_reference(source.text.removeprefix(OTHER_REGISTRY)).repository
                    origins[source.text] = origin_storage(request, str(repository))
    return origins


def _configured(request: Request) -> tuple[ImageSetting, ...]:
    return request.config.images if request.config else ()


def _with_sources(found: Iterable[ImageSetting], request: Request) -> tuple[ImageSetting, ...]:
    settings = tuple(found)
    for image in settings:
        if not image.sources:
            request.problems.add(f"{shown(image.name)} has no source: give --image {image.name or '~'}=SOURCE, or its context")
    return settings
