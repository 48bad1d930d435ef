"""Options that every command has, and those that choose the command where nobody types one."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, duration, lines, one_of, text, whole_number
from moorage.registries.vendor import OPENING

_THEME: Final = "General"

OUTPUT = Option(
    name="output",
    help="How the result is printed. With json it stands alone on stdout; everything else goes to stderr.",
    parse=one_of("text", "json"),
    choices=("text", "json"),
    default="text",
    metavar="FORM",
    theme=_THEME,
)
CONFIG = Option(
    name="config",
    help="The config file.",
    parse=text,
    metavar="FILE",
    default_text="moorage.yaml, .moorage.yml, then project and cleanup of werf.yaml",
    theme=_THEME,
)
DIRECTORY = Option(
    name="dir",
    help="The project's directory: relative paths of images and the config file are looked up in it.",
    parse=text,
    metavar="DIR",
    default_text="the current directory",
    theme=_THEME,
)
PROJECT = Option(
    name="project",
    help="Name of the project. `project:` in the config file is the same.",
    parse=text,
    metavar="NAME",
    default_text="the name of the git remote's repository, else of the directory",
    commands=OPENING,
    theme=_THEME,
)
LOG_LEVEL = Option(
    name="log-level",
    help="How much is told on stderr. debug also says where each option's value comes from.",
    parse=one_of("debug", "info", "warning", "error"),
    choices=("debug", "info", "warning", "error"),
    default="info",
    metavar="LEVEL",
    other_words=("verbosity", "log-verbose", "rust-log"),
    theme=_THEME,
)
PARALLEL = Option(
    name="parallel",
    help="How many requests or images are under way at the same time.",
    parse=whole_number(1, 64),
    default=8,
    metavar="N",
    commands=OPENING,
    other_words=("concurrency", "parallel-tasks-limit", "worker-count"),
    theme=_THEME,
)
TIME_BUDGET = Option(
    name="time-budget",
    help="Stop cleanly after this long (exit code 5): what is done is reported, the next run goes on from there.",
    parse=duration,
    metavar="DURATION",
    default_text="no limit",
    commands=OPENING,
    other_words=("timeout", "max-time"),
    theme=_THEME,
)
SUMMARY = Option(
    name="summary",
    help="Write a summary of the run where the CI system shows one (GitHub's job summary).",
    parse=boolean,
    shape=Shape.FLAG,
    default=True,
    commands=frozenset({Command.PUBLISH, Command.CLEANUP, Command.PURGE}),
    theme=_THEME,
)
DOTENV = Option(
    name="dotenv",
    help="Also write the outputs to this file, as MOORAGE_OUT_… lines for GitLab's `artifacts:reports:dotenv`.",
    parse=text,
    metavar="FILE",
    theme=_THEME,
)
COMMAND = Option(
    name="command",
    help="The command to run, for the container, the action and the component; a command that is typed comes first.",
    parse=one_of(*Command),
    choices=tuple(Command),
    default_text="publish in the container, the action and the component",
    metavar="COMMAND",
    theme=_THEME,
)
ARGUMENTS = Option(
    name="arguments",
    help="What would be typed after the command (TEXT of slug, REFERENCE of explain), one a line, where nobody types.",
    parse=text,
    shape=Shape.MANY,
    split=lines,
    metavar="TEXT",
    commands=frozenset(
        {Command.SLUG, Command.RESTORE, Command.EXPLAIN, Command.LOGOUT, Command.CI_ENV, Command.MANAGED_IMAGES, Command.REPORT}
    ),
    theme=_THEME,
)

OPTIONS = (
    COMMAND, ARGUMENTS, OUTPUT, CONFIG, DIRECTORY, PROJECT, LOG_LEVEL, PARALLEL, TIME_BUDGET, SUMMARY, DOTENV,
)  # fmt: skip
