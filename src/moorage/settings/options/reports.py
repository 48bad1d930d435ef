"""What is written about a run, and for the steps after it."""

from typing import Final

from moorage.option import Command, Option, Shape, boolean, one_of, text

_THEME: Final = "Reports and CI"

_SUFFIXES = (".json", ".md", ".html")


def _report(value: str) -> str:
    if not value.endswith(_SUFFIXES):
        raise ValueError(f"the file's suffix says what to write: {', '.join(_SUFFIXES)}")
    return value


REPORT = Option(
    name="report",
    help="Write a report to this file: .json, .md or .html by its suffix; repeatable.",
    parse=_report,
    shape=Shape.MANY,
    metavar="FILE",
    commands=frozenset({Command.PUBLISH, Command.CLEANUP, Command.PURGE, Command.REPORT}),
    other_words=("cleanup-report-path", "publish-report-path", "save-cleanup-report"),
    theme=_THEME,
)
WERF_REPORT = Option(
    name="werf-report",
    help="Also write what was published in the form of werf 1.1's publish report (JSON with `Images`), to this file.",
    parse=text,
    metavar="FILE",
    commands=frozenset({Command.PUBLISH}),
    other_words=("publish-report-format",),
    theme=_THEME,
)
SHELL = Option(
    name="shell",
    help="Whose syntax `ci-env` writes.",
    parse=one_of("default", "cmdexe", "powershell"),
    choices=("default", "cmdexe", "powershell"),
    default="default",
    metavar="SHELL",
    commands=frozenset({Command.CI_ENV}),
    theme=_THEME,
)
AS_FILE = Option(
    name="as-file",
    help="Write a script to source and print its path.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=frozenset({Command.CI_ENV}),
    theme=_THEME,
)
AS_ENV_FILE = Option(
    name="as-env-file",
    help="Write lines of KEY=VALUE and print the path of their file.",
    parse=boolean,
    shape=Shape.FLAG,
    default=False,
    commands=frozenset({Command.CI_ENV}),
    theme=_THEME,
)
OUTPUT_FILE_PATH = Option(
    name="output-file-path",
    help="The file that --as-file or --as-env-file write.",
    parse=text,
    metavar="FILE",
    commands=frozenset({Command.CI_ENV}),
    theme=_THEME,
)

OPTIONS = (REPORT, WERF_REPORT, SHELL, AS_FILE, AS_ENV_FILE, OUTPUT_FILE_PATH)
