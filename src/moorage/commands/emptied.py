"""Repositories that were deleted themselves, as the journal tells of them: made again before their images are put back."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from moorage.commands.journal import EMPTIED, whole_lines
from moorage.errors import ConfigurationError, RegistryError
from moorage.oci.reference import Registry, Repository
from moorage.policy.document import read_repository
from moorage.policy.plan import Outcome
from moorage.registries.interface import Registry as Port
from moorage.registries.interface import RepositoryCreator, Restorer

_GONE = frozenset({None, Outcome.DELETED, Outcome.FAILED})  # or may be: whoever reads it has to look


def emptied_in_journal(path: Path, registry: Registry) -> tuple[Repository, ...]:
    """The repositories that went, or may have. The file was read as a journal of this registry before.

    Raises ConfigurationError for a line that no run has written.
    """
    found: dict[Repository, Outcome | None] = {}
    for _, line in whole_lines(path):
        row = json.loads(line)
        if row.get("event") != EMPTIED:
            continue
        try:
            outcome = row["outcome"]
            found[read_repository(row["repository"], registry)] = Outcome(outcome) if outcome is not None else None
        except (ValueError, KeyError, AttributeError) as error:
            raise ConfigurationError(f"{path}: it does not say which repository was deleted: {error}") from None
    return tuple(repository for repository, outcome in found.items() if outcome in _GONE)


def made_again(port: Port, repositories: Iterable[Repository], *, dry_run: bool) -> Iterator[str]:
    """Make repositories anew where pushing alone would not; says of each, in a sentence, what does not come back with it.

    One that cannot be made is said, too; then its images say why they are lost.
    """
    for repository in repositories:
        try:
            if isinstance(port, RepositoryCreator) and not dry_run:
                port.create_repository(repository)
        except RegistryError as error:
            yield f"{repository} was deleted itself and could not be made anew: {error.message}"
            continue
        if isinstance(port, Restorer):
            yield f"{repository} was deleted itself; it comes back with its images, as far as the registry still can"
        else:
            lost = "what was set up for it (description, permissions, retention) does not come back"
            yield f"{repository} was deleted itself: {lost}"
