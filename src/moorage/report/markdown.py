"""A plan in Markdown, for a file or for the summary page of a CI system."""

from collections.abc import Iterator, Sequence

from moorage.policy.plan import Item, Plan
from moorage.report import emptied
from moorage.report.figures import age, counted, moment, number, size
from moorage.report.headline import heading, status, tally, tally_of, verb
from moorage.report.markup import Block, Rows, code, escape, fitted, table
from moorage.report.sections import MIRRORS, Group, Interest, Section, name, named, sections
from moorage.report.wording import OUTCOMES, why

_NUMBERS = frozenset({"Age", "Size", "Tags", "Count", "Frees"})
_EXAMPLES = 5


def plan_markdown(plan: Plan, *, limit_bytes: int | None = None, title: str = "Cleanup", objections: Sequence[str] = ()) -> str:
    """The plan, or its result once it was carried out.

    With `limit_bytes` (GitHub takes 1 MiB per step) the longest tables are cut, each with a sentence saying how much is missing.
    """
    return fitted(tuple(_blocks(plan, title, objections)), limit_bytes)


def _blocks(plan: Plan, title: str, objections: Sequence[str]) -> Iterator[Block]:
    yield f"# {escape(heading(plan, title))}"
    yield f"**{status(plan)}**"
    yield f"Planned {moment(plan.created)}."
    if objections:
        yield Rows([f"- A guard objects: {escape(objection)}" for objection in objections], noun="objection")
    found = sections(plan)
    if len(found) > 1:
        yield _overview(plan, found)
    if plan.notes:
        yield "## What was not known"
        yield Rows([f"- {escape(note)}" for note in plan.notes], noun="note")
    if plan.empties:
        yield f"## {emptied.TITLE}"
        rows = [(code(row.name), row.fate, f"`{row.code}`", escape(row.why)) for row in emptied.rows(plan)]
        yield table(("Repository", "Outcome", "Reason", "Why"), rows, right=_NUMBERS, noun="repository")
    for section in found:
        yield from _section(plan, section)


def _overview(plan: Plan, found: Sequence[Section]) -> Rows:
    columns = ("Repository", "Tags", verb(plan).capitalize(), "Frees")
    rows = [
        (
            code(str(section.repository)),
            number(section.tags),
            tally(section.tags_gone, section.manifests_gone),
            size(section.freed),
        )
        for section in found
    ]
    return table(columns, rows, right=_NUMBERS, noun="repository")


def _section(plan: Plan, section: Section) -> Iterator[Block]:
    yield f"## {code(str(section.repository))}"
    for rank, groups in section.groups.items():
        count = sum(len(group.items) + group.mirrors for group in groups)
        yield f"### {rank.title(applied=plan.applied)} ({number(count)})"
        items = [item for group in groups for item in group.items]
        if rank is Interest.STAYS:
            yield _summary(groups)
        elif items:
            yield _listing(plan, items, outcomes=plan.applied and rank is Interest.GOES)
        mirrors = [f"{number(group.mirrors)} {MIRRORS[group.code]}" for group in groups if group.mirrors]
        if mirrors and rank is not Interest.STAYS:
            yield f"And {counted(sum(group.mirrors for group in groups), 'manifest')}: {', '.join(mirrors)}."


def _listing(plan: Plan, items: Sequence[Item], *, outcomes: bool) -> Rows:
    """Every item with its own reason."""
    columns = ("Image", "Age", "Size", *(("Outcome",) if outcomes else ()), "Why")
    rows = [
        (
            code(name(item)),
            age(item.pushed_at, plan.created) if item.pushed_at else "?",
            size(item.size) if item.size is not None else "?",
            *((OUTCOMES[item.outcome],) if outcomes else ()),
            escape(why(item)),
        )
        for item in items
    ]
    return table(columns, rows, right=_NUMBERS)


def _summary(groups: Sequence[Group]) -> Rows:
    """What stays, by reason, with examples: nobody reads thousands of rows of what does not change."""
    rows = []
    for group in groups:
        details = {why(item) for item in group.items}
        detail = escape(details.pop()) if len(details) == 1 else ""
        if group.items:
            rows.append((f"`{group.code}`", tally_of(group.items), detail, escape(named(group.items, _EXAMPLES))))
        if group.mirrors:
            rows.append((f"`{group.code}`", counted(group.mirrors, "manifest"), MIRRORS[group.code], ""))
    return table(("Reason", "Count", "Why", "Images"), rows, right=_NUMBERS)
