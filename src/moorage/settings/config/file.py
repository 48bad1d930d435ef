"""Finding the config file, and what it says as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from moorage.errors import ConfigurationError
from moorage.settings.config.cleanup import KEYS as CLEANUP_KEYS
from moorage.settings.config.cleanup import CleanupConfig, read_cleanup
from moorage.settings.config.document import SIZE_LIMIT, Scalar, Section, Value, load
from moorage.settings.config.images import read_images
from moorage.settings.config.reading import Reading, kind_of, texts_of
from moorage.settings.config.werf import own_parts
from moorage.settings.options import general
from moorage.settings.problems import Problems
from moorage.settings.settings import ImageSetting
from moorage.settings.sources import Given, split
from moorage.settings.table import BY_NAME

NAMES: Final = ("moorage.yaml", ".moorage.yml", "werf.yaml")
_WERF: Final = frozenset({"werf.yaml", "werf.yml"})
_BEFORE: Final = frozenset({general.CONFIG.name, general.DIRECTORY.name, general.COMMAND.name})  # settled when the file is read
_KEYS: Final = ("project", "options", "images", "cleanup")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the file says. `options` holds texts by option name, those of the cleanup section and the project included."""

    path: Path | None = None
    options: Mapping[str, Given] = field(default_factory=dict)
    images: tuple[ImageSetting, ...] = ()
    cleanup: CleanupConfig = field(default_factory=CleanupConfig)


def find_config(directory: Path, named: str | None) -> Path | None:
    """The file that was named, else the first of the usual ones in the project's directory; None where there is none.

    Raises ConfigurationError for a named file that is not there.
    """
    if named is not None:
        path = Path(named)
        if not path.is_file():
            raise ConfigurationError(f"the config file {named} is not there")
        return path
    return next((path for name in NAMES if (path := directory / name).is_file()), None)


def read_config(path: Path, problems: Problems) -> Config:
    """What the file says; every mistake in it is among the problems, with file, line and key, and what is right is kept.

    Raises ConfigurationError for a file of which nothing can be read.
    """
    text = _content(path)
    if path.name in _WERF:
        text = own_parts(text, str(path))
    documents = [document for document in load(text, str(path)) if not (isinstance(document, Scalar) and document.is_null)]
    if len(documents) > 1:
        raise ConfigurationError(f"{documents[1].place}: one YAML document is enough; this is another")
    return _read(documents[0], path, problems) if documents else Config(path)


def _content(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT + 1)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 (byte {error.start})") from None


def _read(document: Value, path: Path, problems: Problems) -> Config:
    if not isinstance(document, Section):
        raise ConfigurationError(f"{document.place}: a mapping with {', '.join(_KEYS)} is needed, not {kind_of(document)}")
    reading = Reading(document, _KEYS, problems)
    section = reading.section_of("cleanup", CLEANUP_KEYS)
    cleanup = read_cleanup(section) if section else CleanupConfig()
    options = _options(reading)
    for name, given in cleanup.options.items():
        if name in options:
            problems.add(f"{options[name].origin} and {given.origin} are the same option; give one of them")
        options[name] = given
    project = reading.text("project")
    if project and general.PROJECT.name not in options:
        options[general.PROJECT.name] = Given((project,), str(reading.place_of("project")))
    return Config(path, options, read_images(reading, path.absolute().parent), cleanup)


def _options(reading: Reading) -> dict[str, Given]:
    section = reading.section_of("options", BY_NAME)
    if section is None:
        return {}
    found = {}
    for name, value in section.section.entries.items():
        option = BY_NAME.get(name)
        if option is None or not section.has(name):
            continue
        if name in _BEFORE:
            reading.problems.add(f"{value.place}: this is settled before the config file is read; give {option.flag}")
        texts = tuple(text for text, _ in texts_of(value, partial(split, option), reading.problems))
        if texts:
            found[name] = Given(texts, str(value.place))
    return found
