"""Guards: how much one run may delete before a person has to look. They stop a run as a whole, before anything is changed."""

from collections.abc import Mapping

from moorage.oci.reference import Repository
from moorage.policy.plan import Kind, Plan
from moorage.policy.rules import SMALL_REPOSITORY, Guards, Rule


def objections(plan: Plan, guards: Guards) -> tuple[str, ...]:
    """Every reason why this plan must not be carried out as it stands, one sentence each; none when it may."""
    found = []
    tags = sum(1 for item in plan.deletions if item.kind is Kind.TAG)
    if guards.max_delete is not None and tags > guards.max_delete:
        found.append(f"the plan deletes {tags} tags, --max-delete allows {guards.max_delete} per run")
    if tags:
        found += [_too_much(rule) for rule in guards.boundless]
    percent = guards.max_delete_percent
    for repository, (gone, total) in _tags(plan).items():
        if percent is not None and total >= SMALL_REPOSITORY and gone * 100 > percent * total:
            share = f"{gone} of {total} tags of {repository} ({gone * 100 / total:.3g} %)"
            found.append(f"the plan deletes {share}, --max-delete-percent allows {percent} %")
    return tuple(found)


def _too_much(rule: Rule) -> str:
    covers = f"covers every tag ({rule.tags})" if rule.tags else "covers every tag"
    return (
        f"{rule.name} {covers} and has neither an age nor a number, so it would delete everything: "
        "add --older-than or --keep-n-tagged (olderThan, keepNewest), or say --delete-everything (everything: true)"
    )


def _tags(plan: Plan) -> Mapping[Repository, tuple[int, int]]:
    """Tags that go, and all tags, of each repository."""
    found: dict[Repository, tuple[int, int]] = {}
    for item in plan.items:
        if item.kind is Kind.TAG:
            gone, total = found.get(item.repository, (0, 0))
            found[item.repository] = (gone + item.goes, total + 1)
    return found
