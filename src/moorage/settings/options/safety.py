"""What keeps a cleanup from going too far, and what lets people look before and go back after."""

import re
from typing import Final

from moorage.option import Command, Option, Shape, boolean, text, whole_number

_THEME: Final = "Safety"
_DELETING = frozenset({Command.CLEANUP, Command.PURGE})
_REASONING = _DELETING | {Command.EXPLAIN}
NO_LIMIT: Final = -1


def _shard(value: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value.strip(), re.ASCII)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError("I/N is needed, with I from 1 to N")
    return int(match[1]), int(match[2])


DRY_RUN = Option(
    name="dry-run",
    help="Only show the plan; nothing is changed.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_DELETING | {Command.RESTORE, Command.PUBLISH},
    other_words=("validate", "plan-only", "noop"),
    theme=_THEME,
)
YES = Option(
    name="yes",
    help="Yes, delete all that this project published.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=frozenset({Command.PURGE}),
    other_words=("force",),
    theme=_THEME,
)
MAX_DELETE = Option(
    name="max-delete",
    help="Refuse to start if the plan deletes more tags than this in one run, of which each shard is one; -1 is no limit.",
    parse=whole_number(NO_LIMIT),
    default=1000,
    metavar="N",
    commands=_DELETING,
    theme=_THEME,
)
MAX_DELETE_PERCENT = Option(
    name="max-delete-percent",
    help="Refuse to start if the plan deletes a larger share of a repository's tags (of ten or more); -1 is no limit.",
    parse=whole_number(NO_LIMIT, 100),
    default=80,
    metavar="P",
    commands=_DELETING,
    theme=_THEME,
)
KEEP_IMAGES_BUILT_WITHIN_LAST_N_HOURS = Option(
    name="keep-images-built-within-last-n-hours",
    help="Whatever is younger stays, since it may still be on its way.",
    parse=whole_number(0),
    default=2,
    metavar="N",
    commands=_REASONING,
    other_words=("keep-younger-than-hours",),
    theme=_THEME,
)
KEEP_LIST = Option(
    name="keep-list",
    help="A file with references or digests that stay, one a line.",
    parse=text,
    shape=Shape.MANY,
    metavar="FILE",
    commands=_REASONING,
    theme=_THEME,
)
PLAN_OUT = Option(
    name="plan-out",
    help="Write the plan to this file, for review and for --plan.",
    parse=text,
    metavar="FILE",
    commands=_DELETING,
    theme=_THEME,
)
PLAN = Option(
    name="plan",
    help="Carry out exactly the plan in this file; each digest is read again first.",
    parse=text,
    metavar="FILE",
    commands=_DELETING,
    theme=_THEME,
)
JOURNAL = Option(
    name="journal",
    help="Write what is deleted to this file, so that `moorage restore` can put it back.",
    parse=text,
    metavar="FILE",
    commands=_DELETING | {Command.RESTORE},
    theme=_THEME,
)
SHARD = Option(
    name="shard",
    help="Do only this part of the repositories, the I-th of N.",
    parse=_shard,
    metavar="I/N",
    default_text="from $CI_NODE_INDEX and $CI_NODE_TOTAL, else $JOB_COMPLETION_INDEX and $JOB_COMPLETIONS",
    commands=_DELETING,
    theme=_THEME,
)
NO_STUB = Option(
    name="no-stub",
    help="Never remove one tag of several by moving it to a manifest made for the purpose and deleting that.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=_DELETING,
    theme=_THEME,
)

OPTIONS = (
    DRY_RUN, YES, MAX_DELETE, MAX_DELETE_PERCENT, KEEP_IMAGES_BUILT_WITHIN_LAST_N_HOURS, KEEP_LIST,
    PLAN_OUT, PLAN, JOURNAL, SHARD, NO_STUB,
)  # fmt: skip
