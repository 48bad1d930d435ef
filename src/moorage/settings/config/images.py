"""The `images:` part of the config file."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from moorage.oci.labels import OWN
from moorage.oci.naming import NAMELESS, image_name, shown
from moorage.option import boolean, items, lines
from moorage.settings.config.document import Items, Section
from moorage.settings.config.reading import Reading
from moorage.settings.image_source import source_of
from moorage.settings.settings import BuildContext, ImageSetting, SourceText

_BUILD_KEYS: Final = (
    "dockerfile", "target", "buildArgs", "platforms", "secrets", "ssh", "cacheFrom", "cacheTo", "labels", "provenance", "sbom",
)  # fmt: skip
KEYS: Final = ("image", "source", "context", *_BUILD_KEYS)


def read_images(document: Reading, directory: Path) -> tuple[ImageSetting, ...]:
    """The images, their paths made absolute from `directory`. Mistakes go to the document's problems."""
    found: dict[str, ImageSetting] = {}
    for reading in document.sections("images", KEYS):
        name = _name(reading)
        if name is None:
            continue
        if name in found:
            reading.problems.add(f"{reading.place}: {shown(name)} is listed twice")
        found[name] = ImageSetting(name, tuple(_sources(reading, directory)))
    return tuple(found.values())


def _name(reading: Reading) -> str | None:
    if "image" not in reading.section.entries:
        reading.problems.add(f"{reading.place}: an image needs its name under `image`; ~ is the nameless image")
        return None
    if not reading.has("image"):
        return NAMELESS
    text = reading.text("image")
    return image_name(text) if text is not None else None


def _sources(reading: Reading, directory: Path) -> Iterator[BuildContext | SourceText]:
    context = reading.text("context")
    stray = [key for key in _BUILD_KEYS if reading.has(key)]
    if context is None:
        if stray:
            reading.problems.add(f"{reading.place_of(stray[0])}: only an image with a context is built")
        for text, source_place in reading.texts("source", items):
            with reading.problems.gather():
                yield source_of(text, directory, str(source_place))
        return
    if reading.has("source"):
        reading.problems.add(f"{reading.place}: an image has a context or a source, not both")
    place = directory / context
    dockerfile = reading.text("dockerfile")
    yield BuildContext(
        directory=place,
        dockerfile=place / dockerfile if dockerfile else None,
        target=reading.text("target") or "",
        build_args=tuple(_build_args(reading)),
        platforms=tuple(text for text, _ in reading.texts("platforms", items)),
        secrets=tuple(_placed(text, {"src", "source"}, directory) for text in _listed(reading, "secrets")),
        ssh=tuple(_ssh(text, directory) for text in _listed(reading, "ssh")),
        cache_from=tuple(_cache(text, directory) for text in _listed(reading, "cacheFrom")),
        cache_to=tuple(_cache(text, directory) for text in _listed(reading, "cacheTo")),
        labels=tuple(_labels(reading)),
        attestations=tuple(_attestations(reading)),
    )


def _listed(reading: Reading, key: str) -> tuple[str, ...]:
    """Lines, since commas are part of what buildx takes."""
    return tuple(text for text, _ in reading.texts(key, lines))


def _attestations(reading: Reading) -> Iterator[str]:
    """As docker's compose files have them: true, false, or what is to follow after the type."""
    for kind in ("provenance", "sbom"):
        attributes = reading.parsed(kind, _attributes, "true, false or a text")
        if attributes is not None:
            yield ",".join([f"type={kind}", *attributes])


def _attributes(text: str) -> tuple[str, ...] | None:
    """Those of an attestation; None for one that is not wanted. Raises ValueError."""
    if "=" not in text:
        try:
            return () if boolean(text) else None
        except ValueError:
            raise ValueError("true, false or KEY=VALUE[,KEY=VALUE] is needed, such as mode=max or generator=IMAGE") from None
    found = tuple(part.strip() for part in text.split(","))
    if any(not name or not separator for name, separator, _ in (part.partition("=") for part in found)):
        raise ValueError("KEY=VALUE[,KEY=VALUE] is needed")
    return found


def _labels(reading: Reading) -> Iterator[tuple[str, str]]:
    for name, content in reading.pairs("labels").items():
        if name.startswith(OWN):
            reading.problems.add(f"{reading.place_of('labels')} {name!r}: what begins with {OWN} is written by Moorage alone")
        yield name, content


def _build_args(reading: Reading) -> Iterator[tuple[str, str]]:
    value = reading.section.entries.get("buildArgs")
    if isinstance(value, Section):
        yield from reading.pairs("buildArgs").items()
        return
    if value is not None and not isinstance(value, Items):
        reading.problems.add(f"{value.place}: a mapping, or a list of NAME=VALUE, is needed here")
        return
    for text, place in reading.texts("buildArgs", lines):
        name, separator, content = text.partition("=")
        if separator:
            yield name, content
        else:
            reading.problems.add(f"{place} {text!r}: NAME=VALUE is needed")


def _placed(text: str, keys: Collection[str], directory: Path) -> str:
    """Attributes as docker takes them, the paths behind these keys made absolute."""
    parts = [part.partition("=") for part in text.split(",")]
    return ",".join(f"{key}={directory / value}" if key in keys else f"{key}{sep}{value}" for key, sep, value in parts)


def _ssh(text: str, directory: Path) -> str:
    """`default`, or ID=PATH[,PATH] of keys or an agent's socket."""
    name, separator, paths = text.partition("=")
    return f"{name}={','.join(str(directory / path) for path in paths.split(','))}" if separator else text


def _cache(text: str, directory: Path) -> str:
    return _placed(text, {"src", "dest"}, directory) if "type=local" in text.split(",") else text
