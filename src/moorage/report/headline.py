"""The sentences on top of every format: what this is, and how it ended."""

from collections import Counter
from collections.abc import Sequence

from moorage.policy.plan import DONE, Item, Kind, Outcome, Plan
from moorage.report.emptied import sentence
from moorage.report.figures import counted, number, size


def heading(plan: Plan, title: str) -> str:
    """Before the run "Cleanup plan", after it "Cleanup result"."""
    return f"{title} {'result' if plan.applied else 'plan'}"


def goes(item: Item, *, applied: bool) -> bool:
    """Before the run: is to go. After it: is gone, whoever removed it."""
    return item.goes and (item.outcome in DONE if applied else item.outcome is not Outcome.CHANGED)


def verb(plan: Plan) -> str:
    """What `goes` counts, in a word that reads well after "12 tags"."""
    return "gone" if plan.applied else "to go"


def status(plan: Plan) -> str:
    """What the plan would do or the run has done, in a sentence or two."""
    counts = Counter(item.kind for item in plan.items if goes(item, applied=plan.applied))
    tags = sum(1 for item in plan.items if item.kind is Kind.TAG)
    freed = sum(plan.freed.values())
    repositories = sentence(plan)
    if not plan.items:
        said = "There are no images."
        if not plan.empties:
            return said
    elif not counts:
        stay = "stays" if tags == 1 else "stay"
        said = f"Nothing {'was deleted' if plan.applied else 'is to go'}: {counted(tags, 'tag')} {stay}."
    else:
        what = tally(counts[Kind.TAG], counts[Kind.MANIFEST], of=tags)
        said = f"{what} {'are gone' if plan.applied else 'are to go'}{f', {size(freed)}' if freed else ''}."
    said = f"{said} {repositories}" if repositories else said
    return f"{said} {_troubles(plan)}" if plan.applied else f"{said} Nothing has been changed yet."


def _troubles(plan: Plan) -> str:
    """What did not go as planned; says so too when there was none of it."""
    outcomes = Counter(item.outcome for item in plan.deletions)
    outcomes.update(item.outcome for item in plan.empties if item.goes)
    parts = [
        f"{number(outcomes[outcome])} {words}"
        for outcome, words in (
            (Outcome.FAILED, "failed"),
            (Outcome.PLANNED, "not done"),
            (Outcome.CHANGED, "changed since the plan, and left alone"),
            (Outcome.ALREADY_GONE, "already gone before"),
        )
        if outcomes[outcome]
    ]
    return f"{'; '.join(parts)}." if parts else "Everything went as planned."


def tally(tags: int, manifests: int, *, of: int | None = None) -> str:
    """As in "12 of 30 tags and 14 manifests"; the manifests only where there are some."""
    said = counted(tags, "tag") if of is None else f"{number(tags)} of {counted(of, 'tag')}"
    return f"{said} and {counted(manifests, 'manifest')}" if manifests else said


def tally_of(items: Sequence[Item]) -> str:
    """What the items are, counted: "5 tags", "2 manifests" or both."""
    tags = sum(1 for item in items if item.kind is Kind.TAG)
    return tally(tags, len(items) - tags) if tags else counted(len(items), "manifest")
