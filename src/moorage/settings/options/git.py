"""The project's git repository, and cleaning by its history."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, text, whole_number

_THEME: Final = "Git"
_REASONING = frozenset({Command.CLEANUP, Command.EXPLAIN})
OFF: Final = -1

GIT_DIR = Option(
    name="git-dir",
    help="The git directory of the project.",
    parse=text,
    metavar="DIR",
    default_text="found from --dir",
    commands=_REASONING | {Command.PUBLISH, Command.PURGE},
    theme=_THEME,
)
GIT_HISTORY_SYNCHRONIZATION = Option(
    name="git-history-synchronization",
    help="Fetch the history from origin first.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    other_words=("git-unshallow",),
    theme=_THEME,
)
ALLOW_GIT_SHALLOW_CLONE = Option(
    name="allow-git-shallow-clone",
    help="Go on with a clone that is shallow, or lacks branches and tags of origin.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_REASONING,
    theme=_THEME,
)
GIT_HISTORY_BASED_CLEANUP = Option(
    name="git-history-based-cleanup",
    help="Clean the project's images by git history; false: by tagging strategies and their limits.",
    parse=boolean,
    shape=Shape.FLAG,
    default=True,
    commands=_REASONING,
    theme=_THEME,
)
GIT_TAG_STRATEGY_LIMIT = Option(
    name="git-tag-strategy-limit",
    help="Images by git tag to keep; -1 is no limit.",
    parse=whole_number(OFF),
    default=OFF,
    metavar="N",
    commands=_REASONING,
    theme=_THEME,
)
GIT_TAG_STRATEGY_EXPIRY_DAYS = Option(
    name="git-tag-strategy-expiry-days",
    help="Days after which images by git tag go; -1 is never.",
    parse=whole_number(OFF),
    default=OFF,
    metavar="DAYS",
    commands=_REASONING,
    theme=_THEME,
)
GIT_COMMIT_STRATEGY_LIMIT = Option(
    name="git-commit-strategy-limit",
    help="Images by git commit to keep; -1 is no limit.",
    parse=whole_number(OFF),
    default=OFF,
    metavar="N",
    commands=_REASONING,
    theme=_THEME,
)
GIT_COMMIT_STRATEGY_EXPIRY_DAYS = Option(
    name="git-commit-strategy-expiry-days",
    help="Days after which images by git commit go; -1 is never.",
    parse=whole_number(OFF),
    default=OFF,
    metavar="DAYS",
    commands=_REASONING,
    theme=_THEME,
)

OPTIONS = (
    GIT_DIR, GIT_HISTORY_SYNCHRONIZATION, ALLOW_GIT_SHALLOW_CLONE, GIT_HISTORY_BASED_CLEANUP,
    GIT_TAG_STRATEGY_LIMIT, GIT_TAG_STRATEGY_EXPIRY_DAYS, GIT_COMMIT_STRATEGY_LIMIT, GIT_COMMIT_STRATEGY_EXPIRY_DAYS,
)  # fmt: skip
