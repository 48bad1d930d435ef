"""A plan for a terminal or a CI log: what goes and what stays, and why, with long lists of one reason cut short."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from moorage.policy.plan import Item, Plan
from moorage.report import emptied
from moorage.report.figures import age, counted, moment, number, size
from moorage.report.headline import heading, status, tally, tally_of, verb
from moorage.report.paint import Paint
from moorage.report.sections import MIRRORS, Group, Interest, Section, first_code, name, named, sections
from moorage.report.wording import OUTCOMES, meaning, plain, why

SHOWN = 20  # lines per reason; the rest is counted, and is in the report files
FEW = 3  # what stays for one reason is listed up to here, and summed up beyond
QUIET_SHOWN = 20  # repositories in which nothing happens
NOTES_SHOWN = 10

_NARROWEST = 40
_NAME_LIMIT = 40
_REASON_AT_LEAST = 36  # columns; with fewer left beside the name, the reason goes below it


def plan_text(plan: Plan, *, width: int, colour: bool, title: str = "Cleanup", objections: Sequence[str] = ()) -> str:
    """The plan, or its result once it was carried out, in lines of at most `width` columns (names and digests are never broken).

    `colour` adds ANSI colours. `objections` are the guards that would stop, or did stop, the plan.
    """
    writer = _Writer(plan, max(width, _NARROWEST), Paint(colour))
    return "\n".join(writer.document(title, objections)) + "\n"


@dataclass(frozen=True, slots=True)
class _Writer:
    plan: Plan
    width: int
    paint: Paint

    def document(self, title: str, objections: Sequence[str]) -> Iterator[str]:
        found = sections(self.plan)
        yield self.paint.strong(heading(self.plan, title)) + self.paint.faint(f"  {moment(self.plan.created)}")
        yield from self.wrapped(status(self.plan))
        for objection in objections:
            yield from self.wrapped(f"A guard objects: {plain(objection)}", paint=self.paint.bad)
        yield from self.unknown()
        yield from self.emptied()
        loud = [section for section in found if not section.is_quiet]
        for section in loud:
            yield ""
            yield from self.section(section)
        quiet = [section for section in found if section.is_quiet]
        if quiet and (loud or len(quiet) > 1):
            yield ""
            yield from self.quiet(quiet)
        elif quiet:
            yield ""
            yield from self.section(quiet[0])

    def unknown(self) -> Iterator[str]:
        if not self.plan.notes:
            return
        yield ""
        yield self.paint.notable("NOT KNOWN")
        for note in self.plan.notes[:NOTES_SHOWN]:
            yield from self.wrapped(plain(note), indent="  ")
        yield from self.rest(len(self.plan.notes) - NOTES_SHOWN, "")

    def emptied(self) -> Iterator[str]:
        found = emptied.rows(self.plan)
        if found:
            yield ""
            yield self.paint.strong(emptied.TITLE.upper())
        for row in found[:SHOWN]:
            paint = self.paint.bad if row.is_bad else self.paint.notable
            yield from self.wrapped(str(row), indent="  ", paint=paint)
        yield from self.rest(len(found) - SHOWN, "")

    def quiet(self, found: Sequence[Section]) -> Iterator[str]:
        tags = sum(section.tags for section in found)
        yield self.paint.strong(f"Nothing goes in {counted(len(found), 'repository')}, {counted(tags, 'tag')} in all")
        for section in found[:QUIET_SHOWN]:
            groups = section.groups.get(Interest.STAYS, ())
            kept = ", ".join(f"{tally_of(group.items)} [{group.code}]" for group in groups if group.items)
            yield from self.wrapped(f"{plain(str(section.repository))}: {kept or 'no tags'}", indent="  ")
        yield from self.rest(len(found) - QUIET_SHOWN, "")

    def section(self, section: Section) -> Iterator[str]:
        yield self.paint.strong(plain(str(section.repository)))
        freed = f", {size(section.freed)}" if section.freed else ""
        yield f"  {tally(section.tags_gone, section.manifests_gone, of=section.tags)} {verb(self.plan)}{freed}"
        for rank, groups in section.groups.items():
            yield ""
            yield "  " + self.coloured(rank, rank.title(applied=self.plan.applied).upper())
            column = min(max((len(name(item)) for group in groups for item in group.items[:SHOWN]), default=0), _NAME_LIMIT)
            for group in groups:
                yield from self.summary(group) if rank is Interest.STAYS else self.listing(rank, group, column)
            mirrors = [f"{number(group.mirrors)} {MIRRORS[group.code]}" for group in groups if group.mirrors]
            if mirrors:
                count = sum(group.mirrors for group in groups)
                yield from self.wrapped(f"and {counted(count, 'manifest')}: {', '.join(mirrors)}", indent="    ")

    def listing(self, rank: Interest, group: Group, column: int) -> Iterator[str]:
        """Every item with its own reason, up to a point."""
        for item in group.items[:SHOWN]:
            yield from self.row(rank, item, column)
        yield from self.rest(len(group.items) - SHOWN, f" [{group.code}]")

    def summary(self, group: Group) -> Iterator[str]:
        """One line for all that stays for one reason, unless there are only a few, each with a detail of its own."""
        details = {why(item) for item in group.items}
        if len(details) == len(group.items) <= FEW:
            for item in group.items:
                yield from self.wrapped(f"{name(item)} [{group.code}]: {why(item)}", indent="    ")
            return
        shared = details.pop() if len(details) == 1 else meaning(group.items[0])
        yield from self.wrapped(f"{tally_of(group.items)} [{group.code}] {shared}: {named(group.items, 5)}", indent="    ")

    def row(self, rank: Interest, item: Item, column: int) -> Iterator[str]:
        """Name, age, size and outcome in columns, the reason beside them, or below where the line is too short."""
        old = age(item.pushed_at, self.plan.created) if item.pushed_at else "age ?"
        facts = f"{old:>5}  {size(item.size) if item.size is not None else 'size ?':>7}"
        if self.plan.applied and rank is Interest.GOES:
            facts += f"  {OUTCOMES[item.outcome]:<12}"
        reason = why(item) if rank is Interest.GOES else f"{why(item)} [{first_code(item)}]"
        label = self.coloured(rank, name(item)) + " " * max(0, column - len(name(item)))
        used = 4 + max(column, len(name(item))) + 2 + len(facts) + 2
        if self.width - used >= _REASON_AT_LEAST:
            first, *others = self.broken(reason, self.width - used)
            yield f"    {label}  {self.paint.faint(facts)}  {first}"
            yield from (" " * used + other for other in others)
        else:
            yield f"    {label}  {self.paint.faint(facts.rstrip())}"
            yield from self.wrapped(reason, indent="      ")

    def rest(self, count: int, what: str) -> Iterator[str]:
        if count > 0:
            yield self.paint.faint(f"    … {number(count)} more{what}, see --report FILE.html")

    def coloured(self, rank: Interest, text: str) -> str:
        """Red for what goes or failed, yellow for what is worth a look."""
        if rank in {Interest.FAILED, Interest.GOES}:
            return self.paint.bad(text)
        return text if rank is Interest.STAYS else self.paint.notable(text)

    def wrapped(self, text: str, *, indent: str = "", paint: Callable[[str], str] = str) -> Iterator[str]:
        for line in self.broken(text, self.width - len(indent)):
            yield indent + paint(line)

    def broken(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
