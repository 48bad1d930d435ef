"""Cleaning up without a config file: one rule for tags, one for manifests without tags."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, duration, patterns, text, whole_number
from moorage.policy.patterns import TagPattern

_THEME: Final = "Cleanup"
_CLEANUP = frozenset({Command.CLEANUP, Command.EXPLAIN})


def _pattern(value: str) -> str:
    TagPattern(value.removeprefix("!"))
    return value


DELETE_TAGS = Option(
    name="delete-tags",
    help="Tags to delete: globs or /regular expressions/ that match in full, ! excludes.",
    parse=_pattern,
    shape=Shape.MANY,
    split=patterns,
    metavar="PATTERN",
    commands=_CLEANUP,
    other_words=("image-tags", "prune-tags-regexes", "filter"),
    theme=_THEME,
)
EXCLUDE_TAGS = Option(
    name="exclude-tags",
    help="Tags that stay, whatever the rules say.",
    parse=_pattern,
    shape=Shape.MANY,
    split=patterns,
    metavar="PATTERN",
    commands=_CLEANUP,
    other_words=("skip-tags", "keep-tags", "ignore-versions", "keep-tags-regexes"),
    theme=_THEME,
)
PROTECT = Option(
    name="protect",
    help="Tags that stay and keep everything that they reach. Adds to `protect` of the config file.",
    parse=_pattern,
    shape=Shape.MANY,
    split=patterns,
    metavar="PATTERN",
    commands=_CLEANUP | {Command.PURGE},
    theme=_THEME,
)
DELETE_UNTAGGED = Option(
    name="delete-untagged",
    help="Delete manifests without tags that nothing kept needs.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_CLEANUP,
    other_words=("prune-untagged", "untagged", "delete-only-untagged-versions"),
    theme=_THEME,
)
OLDER_THAN = Option(
    name="older-than",
    help="Delete only what is older than this: 7d, 2w 3d, 168h.",
    parse=duration,
    metavar="DURATION",
    commands=_CLEANUP,
    other_words=("cut-off", "ago", "keep-younger-than", "retention"),
    theme=_THEME,
)
KEEP_N_TAGGED = Option(
    name="keep-n-tagged",
    help="Keep this many of the newest images among the tags that are covered, in each repository.",
    parse=whole_number(0),
    metavar="N",
    commands=_CLEANUP,
    other_words=("keep-n-most-recent", "min-versions-to-keep", "keep-last", "keep"),
    theme=_THEME,
)
KEEP_N_UNTAGGED = Option(
    name="keep-n-untagged",
    help="Keep this many of the newest manifests without tags, in each repository.",
    parse=whole_number(0),
    metavar="N",
    commands=_CLEANUP,
    theme=_THEME,
)
REPOSITORY = Option(
    name="repository",
    help="Clean this repository, not the project's images: a path below the images repo, or a full address on the same host.",
    parse=text,
    shape=Shape.MANY,
    metavar="PATH",
    commands=_CLEANUP,
    other_words=("repositories", "package", "packages", "package-name", "container"),
    theme=_THEME,
)
ALL_REPOSITORIES = Option(
    name="all-repositories",
    help="Clean every repository at or below the images repo.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_CLEANUP,
    theme=_THEME,
)
DELETE_EVERYTHING = Option(
    name="delete-everything",
    help="Yes, a rule that covers every tag and has neither an age nor a number is meant.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_CLEANUP,
    theme=_THEME,
)
DELETE_UNKNOWN_AGE = Option(
    name="delete-unknown-age",
    help="Let rules without an age delete images that nothing gives a date.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_CLEANUP,
    theme=_THEME,
)
DELETE_EMPTY_REPOSITORIES = Option(
    name="delete-empty-repositories",
    help="Delete a repository in which nothing is left, too, where the registry can. Its settings go with it.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_CLEANUP | {Command.PURGE},
    other_words=("delete-empty", "prune-repositories", "delete-package"),
    theme=_THEME,
)

OPTIONS = (
    DELETE_TAGS, EXCLUDE_TAGS, PROTECT, DELETE_UNTAGGED, OLDER_THAN, KEEP_N_TAGGED, KEEP_N_UNTAGGED,
    REPOSITORY, ALL_REPOSITORIES, DELETE_EVERYTHING, DELETE_UNKNOWN_AGE, DELETE_EMPTY_REPOSITORIES,
)  # fmt: skip
