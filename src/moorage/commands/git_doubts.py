"""Whether a clone knows enough of origin to judge images by.

What CI checks out is often one branch, or none, and no tags: every image of the others would pass for one of no branch. A clone
that is shallow gives itself away; one of a short history does not. So where git knows at most one branch of origin, origin is
asked for the names that it has.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from moorage.errors import ConfigurationError
from moorage.git.history import names_at_origin
from moorage.git.repository import GitRepository
from moorage.policy.git_selection import GitReference
from moorage.policy.keep_policies import ReferenceKind

_SHOWN: Final = 3  # names in a sentence; of the others it gives the number
_REMEDY: Final = (
    "--git-history-synchronization fetches them (as does fetch-depth: 0 in GitHub, GIT_DEPTH: 0 in GitLab); "
    "--allow-git-shallow-clone goes on with what is there"
)


@dataclass(frozen=True, slots=True)
class Doubts:
    """`objections` are why nothing may be deleted by what this clone says, `notes` what could not be made sure of."""

    objections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def doubts(git: GitRepository, known: Sequence[GitReference], wanted: Callable[[ReferenceKind, str], bool]) -> Doubts:
    """`known` are the branches of origin and the tags of the clone; `wanted` says which names have a say in what stays.

    A clone that has no origin is all that there is. Costs a request to origin where no more than one branch is known.
    """
    branches = [one.name for one in known if one.kind is ReferenceKind.BRANCH]
    if len(branches) > 1 or not git.remote_url():
        return Doubts()
    try:
        there = names_at_origin(git)
    except ConfigurationError as error:
        if known:
            return Doubts(notes=(f"whether origin has more branches and tags than this clone is not known: {error}",))
        knows = "the clone knows no branch of origin and no tag, so everything would go"
        return Doubts((f"{knows}, and whether origin has any it does not say: {error}. {_REMEDY}",))
    names = {(one.kind, one.name) for one in known}
    missing = sorted(f"{kind} {name}" for kind, name in there - names if wanted(kind, name))
    if not missing:
        return Doubts()
    knows = f"one branch of origin ({branches[0]})" if branches else "no branch of origin"
    return Doubts(
        (f"the clone knows {knows} and lacks {_some(missing)}, whose images would pass for images of no branch. {_REMEDY}",)
    )


def _some(names: Collection[str]) -> str:
    first = list(names)[:_SHOWN]
    return ", ".join(first) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
