"""References, and which of them reach the commits that matter: one walk over the history, whatever the number of branches.

Every commit carries one bit for each branch that reaches it and hands them on to its parents, so 2,000 branches over 100,000
commits cost one `git log` and 100,000 bitwise ors (measured in bench/), not 2,000 walks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moorage.errors import ConfigurationError
from moorage.git.repository import GitRepository
from moorage.policy.git_selection import GitReference, Met
from moorage.policy.keep_policies import ReferenceKind

_ORIGIN = "refs/remotes/origin/"
_TAGS = "refs/tags/"
_FIELDS = "%(refname)%00%(symref)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00%(creatordate:unix)"


@dataclass(frozen=True, slots=True)
class References:
    """Branches of origin and tags that lead to commits; `odd` names the tags that lead to something else."""

    found: tuple[GitReference, ...]
    odd: tuple[str, ...] = ()


def read_references(repository: GitRepository) -> References:
    """`refs/remotes/origin/*` (its symbolic HEAD aside) and `refs/tags/*`; local branches never count.

    A branch is as old as its head's committer date; an annotated tag as its tagger date, a lightweight one as its commit.
    """
    found, odd = [], []
    for line in repository.run("for-each-ref", f"--format={_FIELDS}", _ORIGIN, _TAGS).splitlines():
        name, symbolic, kind, commit, peeled_kind, peeled, seconds = line.split("\0")
        if symbolic:
            continue
        if peeled:
            kind, commit = peeled_kind, peeled
        if kind == "tag":  # a tag of a tag; git peels one level only before 2.45
            kind, commit = _peel(repository, commit)
        if kind != "commit" or not seconds:
            odd.append(name)
            continue
        is_branch = name.startswith(_ORIGIN)
        reference_kind = ReferenceKind.BRANCH if is_branch else ReferenceKind.TAG
        short = name.removeprefix(_ORIGIN if is_branch else _TAGS)
        found.append(GitReference(reference_kind, short, commit, datetime.fromtimestamp(int(seconds), UTC)))
    return References(tuple(found), tuple(odd))


def meet(repository: GitRepository, tips: Sequence[str], wanted: Collection[str]) -> Mapping[str, Met]:
    """Those of the wanted commits that exist in the clone, with the tips (by their places) that reach them.

    A commit that exists and that no tip reaches has no bits. Short and malformed hashes exist nowhere.
    """
    dates = _existing(repository, wanted)
    reach = dict.fromkeys(dates, 0)
    pending: dict[str, int] = {}
    for place, tip in enumerate(tips):
        pending[tip] = pending.get(tip, 0) | 1 << place
    if pending and reach:
        with repository.lines("log", "--topo-order", "--format=%H %P", "--stdin", stdin="\n".join(pending) + "\n") as lines:
            for commit, parents in _commits(lines):
                bits = pending.pop(commit, 0)
                if commit in reach:
                    reach[commit] = bits
                for parent in parents:
                    pending[parent] = pending.get(parent, 0) | bits
    return {commit: Met(dates[commit], bits) for commit, bits in reach.items()}


def synchronize(repository: GitRepository) -> None:
    """Fetch all branches and tags of origin, drop those that are gone there, and complete a shallow clone.

    Two explicit refspecs, since git's `--prune-tags` does nothing beside a refspec on the command line (seen with 2.39): tags
    deleted at origin would keep images for ever. Raises ConfigurationError where there is no origin or it does not answer.
    """
    if not repository.remote_url():
        raise ConfigurationError(
            "--git-history-synchronization needs a remote named origin, and this clone has none",
            remedy="Add it (git remote add origin URL), or leave the option out.",
        )
    deepen = ("--unshallow",) if repository.is_shallow else ()
    specifications = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    repository.run(
        "fetch", "--quiet", "--prune", "--no-tags", *deepen, "origin", *specifications, failed="fetching from origin failed"
    )


def _commits(lines: Iterator[str]) -> Iterator[tuple[str, list[str]]]:
    for line in lines:
        commit, *parents = line.split(" ")
        yield commit, [parent for parent in parents if parent]


def _existing(repository: GitRepository, wanted: Collection[str]) -> dict[str, datetime]:
    """Committer dates of those of these full hashes that are commits here, in one call."""
    asked = "".join(f"{commit}\n" for commit in sorted(wanted) if len(commit) == 40 and commit.isalnum())
    if not asked:
        return {}
    checked = repository.run("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked).splitlines()
    commits = [line.removeprefix("commit ") for line in checked if line.startswith("commit ")]
    if not commits:
        return {}
    log = repository.run(
        "log", "--no-walk=unsorted", "--format=%H %ct", "--stdin", stdin="".join(f"{commit}\n" for commit in commits)
    )
    pairs = (line.split(" ") for line in log.splitlines())
    return {commit: datetime.fromtimestamp(int(seconds), UTC) for commit, seconds in pairs}


def _peel(repository: GitRepository, tag_object: str) -> tuple[str, str]:
    commit = repository.run("rev-parse", "--verify", "--quiet", f"{tag_object}^{{commit}}", empty_is_fine=True).strip()
    return ("commit", commit) if commit else ("other", tag_object)
