"""What is published: images, their sources and labels."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, lines, one_of

_THEME: Final = "Images"
_PUBLISH = frozenset({Command.PUBLISH})
ENGINES = ("auto", "docker", "registry")


def _not_empty(value: str) -> str:
    if not value.strip():
        raise ValueError("a name is needed; ~ is the nameless image")
    return value


def _label(value: str) -> tuple[str, str]:
    name, separator, content = value.partition("=")
    if not separator or not name.strip():
        raise ValueError("a label is KEY=VALUE")
    return name.strip(), content


IMAGE = Option(
    name="image",
    help=(
        "An image and what it is made of; ~ is the nameless image. SOURCE is a directory with a Dockerfile, a local image, "
        "docker-archive:FILE, oci:DIR[:TAG], oci-archive:FILE or docker://REFERENCE. The name alone where nothing is published."
    ),
    parse=_not_empty,
    shape=Shape.MANY,
    metavar="NAME=SOURCE",
    commands=frozenset({Command.NAMES, Command.PUBLISH, Command.CLEANUP, Command.PURGE, Command.EXPLAIN, Command.DOCTOR}),
    other_words=("images", "image-name"),
    theme=_THEME,
)
ENGINE = Option(
    name="engine",
    help="How images reach the registry: through the docker daemon, or straight.",
    parse=one_of(*ENGINES),
    choices=ENGINES,
    default="auto",
    metavar="ENGINE",
    commands=_PUBLISH,
    theme=_THEME,
)
LABEL = Option(
    name="label",
    help="A label to add to every image, beside the standard ones.",
    parse=_label,
    shape=Shape.MANY,
    split=lines,
    metavar="KEY=VALUE",
    commands=_PUBLISH,
    other_words=("labels",),
    theme=_THEME,
)
NO_LABELS = Option(
    name="no-labels",
    help="Add no labels: what is published is byte for byte its source.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_PUBLISH,
    theme=_THEME,
)
IMMUTABLE_TAGS = Option(
    name="immutable-tags",
    help="Never move a tag that already stands for other content.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_PUBLISH,
    theme=_THEME,
)

NO_CACHE = Option(
    name="no-cache",
    help=(
        "Build every image that has a directory, without docker's cache, even if the registry or the stages storage has what was "
        "built from the same."
    ),
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_PUBLISH,
    other_words=("rebuild", "force-rebuild"),
    theme=_THEME,
)
PULL = Option(
    name="pull",
    help=(
        "Build from base images as their registries have them now, even if the engine has others under these names: a tag that "
        "moved builds anew."
    ),
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_PUBLISH,
    theme=_THEME,
)

OPTIONS = (IMAGE, ENGINE, LABEL, NO_LABELS, IMMUTABLE_TAGS, NO_CACHE, PULL)
