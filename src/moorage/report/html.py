"""A plan as one HTML page: works offline, is searched and sorted by a small script, and is whole without it."""

from collections.abc import Sequence

from moorage.policy.plan import Plan
from moorage.report import emptied
from moorage.report.figures import moment
from moorage.report.headline import heading, status
from moorage.report.page import page
from moorage.report.panels import glossary, pictures, sentences, tiles
from moorage.report.rows import images
from moorage.report.view import View


def plan_html(plan: Plan, *, title: str = "Cleanup", objections: Sequence[str] = ()) -> str:
    """The plan, or its result once it was carried out. `objections` are the guards that would stop, or did stop, the plan."""
    view = View(plan)
    parts = [
        tiles(view),
        sentences("A guard objects", objections, "note card failed"),
        sentences("What was not known", plan.notes, "note card"),
        sentences(emptied.TITLE, [str(row) for row in emptied.rows(plan)], "note card"),
    ]
    if plan.items:
        parts += [pictures(view), images(view), glossary(view)]
    return page(heading(plan, title), f"Planned {moment(plan.created)}", status(plan), "\n".join(filter(None, parts)))
