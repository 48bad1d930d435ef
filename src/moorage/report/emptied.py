"""Repositories in which nothing is left, as every format tells of them: what becomes of each, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from moorage.policy.plan import DONE, Outcome, Plan, RepositoryItem
from moorage.report.figures import counted
from moorage.report.wording import outcome, plain, why

TITLE = "Repositories without images"


@dataclass(frozen=True, slots=True)
class Row:
    """One repository. `fate` is two or three words, `code` that of the reason that decided."""

    name: str
    fate: str
    why: str
    code: str
    is_bad: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.fate} [{self.code}]: {self.why}"


def rows(plan: Plan) -> Sequence[Row]:
    """In the plan's order."""
    return [_row(item, applied=plan.applied) for item in plan.empties]


def sentence(plan: Plan) -> str:
    """What to add to a sentence about images; empty where there is nothing to add."""
    count = sum(1 for item in plan.empties if item.goes and (item.outcome in DONE or not plan.applied))
    if not count:
        return ""
    return f"{counted(count, 'repository')} {'is' if count == 1 else 'are'} {'gone' if plan.applied else 'to go'} as well."


def _row(item: RepositoryItem, *, applied: bool) -> Row:
    return Row(
        name=plain(str(item.repository)),
        fate=outcome(item, applied=applied),
        why=why(item),
        code=item.reasons[0].code.value,
        is_bad=item.goes and item.outcome is not Outcome.CHANGED,
    )
