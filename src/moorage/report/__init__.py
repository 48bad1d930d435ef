"""How a plan or a result reads: for terminals, for people on a web page, for CI summaries, and for machines.

A format is one function per kind of report and one line in each table below; `--report FILE` finds it by the file's suffix.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from moorage.commands.atomic import write_atomically
from moorage.errors import ConfigurationError
from moorage.policy.document import to_document
from moorage.policy.plan import Plan
from moorage.report.html import plan_html
from moorage.report.markdown import plan_markdown
from moorage.report.published import Published, published_html, published_markdown, published_text
from moorage.report.text import plan_text
from moorage.report.werf import published_werf

__all__ = [
    "Published",
    "check_report_path",
    "plan_html",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "published_html",
    "published_json",
    "published_markdown",
    "published_text",
    "published_werf",
    "write_published",
    "write_report",
    "write_werf",
]


def plan_json(plan: Plan, objections: Sequence[str] = ()) -> str:
    """The document of docs/plan.md, for a file."""
    return _json(to_document(plan, objections))


def published_json(published: Published) -> str:
    """The document that `publish --output json` prints, for a file."""
    return _json(published.as_json())


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


_PLAN: Mapping[str, Callable[[Plan, str, Sequence[str]], str]] = {
    ".json": lambda plan, _title, objections: plan_json(plan, objections),
    ".md": lambda plan, title, objections: plan_markdown(plan, title=title, objections=objections),
    ".html": lambda plan, title, objections: plan_html(plan, title=title, objections=objections),
}
_PUBLISHED: Mapping[str, Callable[[Published], str]] = {
    ".json": published_json,
    ".md": published_markdown,
    ".html": published_html,
}


def check_report_path(path: Path) -> None:
    """Raises ConfigurationError for a suffix that no format has; to be asked before any work, so that the work is not lost."""
    if path.suffix.lower() not in _PLAN:
        *first, last = sorted(_PLAN)
        raise ConfigurationError(
            f"--report {path}: the format is told by the suffix, which is {', '.join(first)} or {last}",
            remedy="Give the file one of these suffixes; --report may be given several times.",
        )


def write_report(plan: Plan, path: Path, *, title: str = "Cleanup", objections: Sequence[str] = ()) -> None:
    """Write the plan or its result in the format of the path's suffix, in one step; the folder is created.

    Raises ConfigurationError for an unknown suffix, and for a path that cannot be written to.
    """
    check_report_path(path)
    write_atomically(path, _PLAN[path.suffix.lower()](plan, title, objections))


def write_published(published: Published, path: Path) -> None:
    """The same for what a publish did."""
    check_report_path(path)
    write_atomically(path, _PUBLISHED[path.suffix.lower()](published))


def write_werf(published: Published, path: Path) -> None:
    """The same in the form of werf 1.1, whatever the path's suffix."""
    write_atomically(path, published_werf(published))
