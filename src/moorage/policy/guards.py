"""Guards: how much one run may delete before a person has to look. They stop a run as a whole, before anything is changed."""

from moorage.oci.reference import Repository
from moorage.policy.plan import Kind, Plan
from moorage.policy.rules import SMALL_REPOSITORY, Guards


def objections(plan: Plan, guards: Guards) -> tuple[str, ...]:
    """Every reason why this plan must not be carried out as it stands, one sentence each; none when it may."""
    found = []
    tags = sum(1 for item in plan.deletions if item.kind is Kind.TAG)
    if guards.max_delete is not None and tags > guards.max_delete:
        found.append(f"the plan deletes {tags} tags, --max-delete allows {guards.max_delete} per run")
    if guards.max_delete_percent is not None:
        found += [
            f"the plan deletes {gone} of {total} tags of {repository} ({gone * 100 / total:.0f} %), "
            f"--max-delete-percent allows {guards.max_delete_percent} %"
            for repository in plan.repositories
            for gone, total in [_tags(plan, repository)]
            if total >= SMALL_REPOSITORY and gone * 100 > guards.max_delete_percent * total
        ]
    return tuple(found)


def _tags(plan: Plan, repository: Repository) -> tuple[int, int]:
    """Tags that go, and all tags, of one repository."""
    tags = [item for item in plan.of(repository) if item.kind is Kind.TAG]
    return sum(1 for item in tags if item.goes), len(tags)
