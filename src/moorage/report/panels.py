"""What stands above the table of an HTML report: sums, what was not known, plots; and the glossary below it."""

import html
from collections.abc import Iterable, Iterator, Sequence

from moorage.oci.reference import Repository
from moorage.policy.plan import Item, Kind
from moorage.report import plots
from moorage.report.figures import counted, number, size
from moorage.report.headline import goes
from moorage.report.page import escape
from moorage.report.sections import Interest
from moorage.report.view import View
from moorage.report.wording import MEANINGS

_NOTES_OPEN = 12
_REPOSITORIES_OPEN = 8


def tiles(view: View) -> str:
    """The sums, the troubles among them only where there were any."""
    cells = (
        f'<div class="card {kind}"><dt>{label}</dt><dd>{value}{f" <small>{more}</small>" if more else ""}</dd></div>'
        for label, value, more, kind in _sums(view)
    )
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def _sums(view: View) -> Iterator[tuple[str, str, str, str]]:
    """Label, figure, what to say beside it, and the class that colours it."""
    for kind, colour in ((Kind.TAG, "goes"), (Kind.MANIFEST, "")):
        yield (
            f"{kind.value}s {view.gone}",
            number(view.kinds_gone[kind]),
            f"of {number(view.kinds[kind])}",
            colour if view.kinds_gone[kind] else "",
        )
    yield "freed" if view.applied else "to be freed", size(sum(view.plan.freed.values())), "", ""
    for rank, label, colour in (
        (Interest.FAILED, "failed", "failed"),
        (Interest.NOT_DONE, "not done", "look"),
        (Interest.SURPRISE, "stay, worth a look", "look"),
    ):
        if view.ranks[rank]:
            yield label, number(view.ranks[rank]), "", colour


def sentences(title: str, said: Sequence[str], kind: str) -> str:
    """A box with a list of sentences, or nothing."""
    if not said:
        return ""
    lines = [f"<li>{escape(sentence)}</li>" for sentence in said]
    rest = lines[_NOTES_OPEN:]
    folded = f"<details><summary>{number(len(rest))} more</summary><ul>{''.join(rest)}</ul></details>" if rest else ""
    return f'<section class="{kind}"><h2>{title}</h2><ul>{"".join(lines[:_NOTES_OPEN])}</ul>{folded}</section>'


def pictures(view: View) -> str:
    """The plots, side by side."""
    return f'<section class="plots" aria-label="Plots">{_ages(view)}{_sizes(view)}</section>'


def _ages(view: View) -> str:
    bars = plots.ages(view.plan)
    return (
        f'<figure class="card"><header><h2>Tags by age</h2>{plots.legend(view.gone)}</header>'
        f"{plots.histogram(bars, gone=view.gone)}"
        '<figcaption class="small">Each bar reaches from the age before it to its own, on the day of the plan.</figcaption>'
        "</figure>"
    )


def _sizes(view: View) -> str:
    """Every repository with its tags and bytes, those that free most first."""
    freed = view.plan.freed
    kept = {repository: _kept_bytes(items, applied=view.applied) for repository, items in view.by_repository.items()}
    order = sorted(kept, key=lambda repository: (-freed.get(repository, 0), -kept[repository], str(repository)))
    longest = max(kept[repository] + freed.get(repository, 0) for repository in order)
    rows = [_size_row(view, repository, kept[repository], longest) for repository in order]
    head = (
        f'<thead><tr><th scope="col">Repository</th><th scope="col" class="optional">tags {view.gone}</th>'
        '<th scope="col" class="bar"><span class="unseen">Share</span></th>'
        '<th scope="col">stays</th><th scope="col">frees</th></tr></thead>'
    )
    shown, rest = (f'<table class="sizes">{head}<tbody>{"".join(part)}</tbody></table>' for part in _split(rows))
    folded = f"<details><summary>{number(len(rows) - _REPOSITORIES_OPEN)} more</summary>{rest}</details>"
    place = f' <span class="soft">in {escape(view.registry)}</span>' if view.registry else ""
    return (
        f'<section class="card"><header><h2>{counted(len(rows), "repository")}{place}</h2>{plots.legend("frees")}</header>'
        f"{shown}{folded if len(rows) > _REPOSITORIES_OPEN else ''}"
        '<p class="small">What stays is at most this much: layers that several images share count each time. '
        "What is freed counts only what nothing else uses; registries give it back when they next collect garbage.</p></section>"
    )


def _split(rows: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    return rows[:_REPOSITORIES_OPEN], rows[_REPOSITORIES_OPEN:]


def _kept_bytes(items: Iterable[Item], *, applied: bool) -> int:
    return sum(item.size or 0 for item in items if item.kind is Kind.MANIFEST and not goes(item, applied=applied))


def _size_row(view: View, repository: Repository, kept: int, longest: int) -> str:
    tags = [item for item in view.by_repository[repository] if item.kind is Kind.TAG]
    gone = sum(1 for item in tags if goes(item, applied=view.applied))
    freed = view.plan.freed.get(repository, 0)
    return (
        f'<tr><th scope="row" data-repository="{escape(str(repository))}"><code>{escape(view.short(repository))}</code></th>'
        f'<td class="optional">{number(gone)} of {number(len(tags))}</td><td class="bar">{plots.share(kept, freed, longest)}</td>'
        f'<td><data value="{kept}">{size(kept)}</data></td><td class="freed"><data value="{freed}">{size(freed)}</data></td></tr>'
    )


def glossary(view: View) -> str:
    """The reasons that occur, and what each means."""
    used = {reason.code for item in view.plan.items for reason in item.reasons}
    used |= {reason.code for item in view.plan.empties for reason in item.reasons}
    entries = (
        f"<dt><code>{code}</code></dt><dd>{html.escape(meaning.replace('`', ''))}</dd>"
        for code, meaning in MEANINGS.items()
        if code in used
    )
    return f'<details class="glossary card"><summary>What the reasons mean</summary><dl>{"".join(entries)}</dl></details>'
