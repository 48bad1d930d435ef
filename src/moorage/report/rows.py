"""The table of an HTML report: every tag and manifest, and the controls that search it.

The script takes all it knows from this markup; tests/e2e/test_html_report.py holds the two together.
"""

from collections import Counter
from collections.abc import Iterable

from moorage.policy.plan import Item, Kind
from moorage.report.figures import age, moment, number, size
from moorage.report.page import escape
from moorage.report.sections import Interest, name
from moorage.report.view import View
from moorage.report.wording import outcome

# The class of a row, which is also what the filter by state looks for.
_STATES = {
    Interest.FAILED: "failed",
    Interest.NOT_DONE: "left",
    Interest.CHANGED: "changed",
    Interest.GOES: "goes",
    Interest.SURPRISE: "look stays",
    Interest.STAYS: "stays",
}


def images(view: View) -> str:
    """The section with the controls and the table."""
    fate = "Outcome" if view.applied else "Action"
    rows = "".join(_row(view, rank, item) for rank, item in view.ranked)
    return (
        f'<section class="images" id="images"><h2>Images</h2>{_controls(view, fate)}<table id="rows" class="list">'
        '<caption class="unseen">Every tag and manifest, what becomes of it, and why</caption><thead><tr>'
        f'<th scope="col" class="image" data-key="image">Image</th><th scope="col" class="fate" data-key="fate">{fate}</th>'
        '<th scope="col">Why</th><th scope="col" class="age" data-key="age">Age</th>'
        f'<th scope="col" class="size" data-key="size">Size</th></tr></thead><tbody>\n{rows}</tbody></table>'
        '<p class="empty card" id="none" hidden>Nothing matches these filters.</p>'
        '<button type="button" class="quiet" id="more" hidden>Show more</button></section>'
    )


def _row(view: View, rank: Interest, item: Item) -> str:
    error = f'<p class="error">{escape(item.error)}</p>' if item.error else ""
    why = "".join(f"<p><code>{reason.code}</code> {escape(reason.detail)}</p>" for reason in item.reasons)
    codes = " ".join(dict.fromkeys(reason.code.value for reason in item.reasons))
    weight = "?" if item.size is None else f'<data value="{item.size}">{size(item.size)}</data>'
    return (
        f'<tr class="{_STATES[rank]}" data-kind="{item.kind}" data-reasons="{codes}" '
        f'data-repository="{escape(str(item.repository))}">'
        f'<th scope="row"><code title="{item.digest or ""}">{name(item)}</code>{_place(view, item)}</th>'
        f"<td>{outcome(item, applied=view.applied)}</td><td>{error}{why}</td><td>{_age(view, item)}</td><td>{weight}</td></tr>\n"
    )


def _place(view: View, item: Item) -> str:
    """The small print under a name: the repository where there are several, and what the name stands for."""
    parts = [escape(view.short(item.repository))] if len(view.by_repository) > 1 else []
    if item.kind is Kind.MANIFEST:
        parts.append("manifest")
    elif item.digest:
        parts.append(f"@{item.digest.short}")
    return f"<small>{' · '.join(parts)}</small>" if parts else ""


def _age(view: View, item: Item) -> str:
    if item.pushed_at is None:
        return "?"
    seconds = int((view.plan.created - item.pushed_at).total_seconds())
    return f'<data value="{seconds}" title="{moment(item.pushed_at)}">{age(item.pushed_at, view.plan.created)}</data>'


def _controls(view: View, fate: str) -> str:
    reasons = Counter(reason.code.value for item in view.plan.items for reason in item.reasons)
    return (
        '<div class="controls" role="search" aria-label="Filter the images"><div>'
        '<input type="search" id="search" aria-label="Search" autocomplete="off" '
        'placeholder="Search images, digests, reasons ( / )">'
        f"{_select('kind', 'Tags and manifests', ((kind, f'{kind.capitalize()}s', count) for kind, count in view.kinds.items()))}"
        f"{_select('reason', 'Every reason', ((code, code, count) for code, count in sorted(reasons.items())))}"
        f"{_select('repository', 'Every repository', _repositories(view))}</div>"
        f'<div><fieldset class="states"><legend class="unseen">{fate}</legend>{_radios(view)}</fieldset>'
        '<output id="count" aria-live="polite"></output></div></div>'
    )


def _radios(view: View) -> str:
    """One per state that occurs. What is worth a look stays too, so it counts twice."""
    states = [
        ("", "All", len(view.plan.items)),
        ("failed", "Failed", view.ranks[Interest.FAILED]),
        ("left", "Not done", view.ranks[Interest.NOT_DONE]),
        ("changed", "Changed", view.ranks[Interest.CHANGED]),
        ("goes", Interest.GOES.title(applied=view.applied), view.ranks[Interest.GOES]),
        ("look", "Worth a look", view.ranks[Interest.SURPRISE]),
        ("stays", "Stays", view.ranks[Interest.STAYS] + view.ranks[Interest.SURPRISE]),
    ]
    return "".join(
        f'<label><input type="radio" name="state" value="{value}"{"" if value else " checked"}>'
        f"<span>{label} <b>{number(count)}</b></span></label>"
        for value, label, count in states
        if count or not value
    )


def _repositories(view: View) -> Iterable[tuple[str, str, int]]:
    return ((str(repository), view.short(repository), len(items)) for repository, items in view.by_repository.items())


def _select(identity: str, everything: str, choices: Iterable[tuple[str, str, int]]) -> str:
    options = "".join(
        f'<option value="{escape(value)}">{escape(label)} ({number(count)})</option>' for value, label, count in choices
    )
    return (
        f'<select id="{identity}" aria-label="{identity.capitalize()}"><option value="">{everything}</option>{options}</select>'
    )
