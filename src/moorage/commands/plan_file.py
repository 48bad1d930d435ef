"""Plans and reports out of JSON files, and the reports of several shards as one."""

import json
from collections.abc import Sequence
from pathlib import Path

from moorage.errors import ConfigurationError
from moorage.oci.reference import Registry, Repository
from moorage.policy.document import from_document
from moorage.policy.plan import Plan


def read_plan(path: Path, source: str, *registries: Registry) -> Plan:
    """The plan in a file. Raises what `from_document` raises, and ConfigurationError for a file that cannot be read."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{source} is not JSON: {error}") from None
    return from_document(document, source, *registries)


def merged_reports(paths: Sequence[Path]) -> Plan:
    """One report out of those of several shards, each of which looked at repositories of its own.

    Raises ConfigurationError for files that are no reports, for a repository that two of them are about, and for plans among
    results.
    """
    plans = {path: read_plan(path, str(path)) for path in dict.fromkeys(paths)}
    problems = []
    owners: dict[Repository, Path] = {}
    for path, plan in plans.items():
        for repository in plan.repositories:
            if repository in owners:
                problems.append(f"{repository} is in {owners[repository]} and in {path}, so they are not of different shards")
            owners.setdefault(repository, path)
    if len({plan.applied for plan in plans.values() if plan.items}) > 1:
        dry = ", ".join(str(path) for path, plan in plans.items() if plan.items and not plan.applied)
        problems.append(f"{dry}: only planned, and the others were carried out")
    if problems:
        raise ConfigurationError(*problems, remedy="Merge the reports of one run, one of each shard.")
    return Plan(
        created=min(plan.created for plan in plans.values()),
        items=tuple(item for plan in plans.values() for item in plan.items),
        notes=tuple(dict.fromkeys(note for plan in plans.values() for note in plan.notes)),
        applied=any(plan.applied for plan in plans.values()),
        freed={repository: freed for plan in plans.values() for repository, freed in plan.freed.items()},
        empties=tuple(item for plan in plans.values() for item in plan.empties),
    )
