"""References, and which of them reach the commits that matter: one walk over the history, whatever the number of branches.

Every commit carries one bit for each branch that reaches it and hands them on to its parents, so 2,000 branches over 100,000
commits cost one `git rev-list` and 100,000 bitwise ors (bench/git_history.py), not 2,000 walks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from moorage.errors import ConfigurationError
from moorage.git.repository import GitRepository
from moorage.policy.git_selection import Commit, GitReference, Met
from moorage.policy.keep_policies import ReferenceKind

_ORIGIN: Final = "refs/remotes/origin/"
_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"
_TAGS_OF_ORIGIN: Final = "refs/moorage/origin-tags/"
_FIELDS: Final = "%00".join(
    f"%({field})"
    for field in (
        "refname",
        "symref",
        "objecttype",
        "objectname",
        "*objecttype",
        "*objectname",
        "creatordate:unix",
        "*committerdate:unix",
    )
)
# A server that stalls for a minute is given up; nothing limits how long a transfer may take that goes on.
ASKING: Final = 30.0  # seconds for origin to name what it has; git itself would wait for minutes to be let in
_PATIENCE: Final = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")


@dataclass(frozen=True, slots=True)
class References:
    """Branches of origin and tags that lead to commits; `odd` names the tags that lead to something else."""

    found: tuple[GitReference, ...]
    odd: tuple[str, ...] = ()


def read_references(repository: GitRepository, *, synchronized: bool = False) -> References:
    """`refs/remotes/origin/*` (its symbolic HEAD aside) and `refs/tags/*`; local branches never count.

    `synchronized` takes the tags that `synchronize` saw at origin instead of the clone's own.
    A branch is as old as its head's committer date; an annotated tag as its tagger date, a lightweight one as its commit.
    """
    tags = _TAGS_OF_ORIGIN if synchronized else _TAGS
    found, odd = [], []
    for line in _lines(repository.run("for-each-ref", f"--format={_FIELDS}", _ORIGIN, tags)):
        name, symbolic, kind, commit, peeled_kind, peeled, said, peeled_date = line.split("\0")
        if symbolic:
            continue
        if peeled:
            kind, commit = peeled_kind, peeled
        if kind == "tag":  # a tag of a tag; git peels one level only before 2.45
            kind, commit = _peel(repository, commit)
        date = _moment(said or peeled_date)
        if kind != "commit" or date is None:
            odd.append(name)
            continue
        is_branch = name.startswith(_ORIGIN)
        reference_kind = ReferenceKind.BRANCH if is_branch else ReferenceKind.TAG
        found.append(GitReference(reference_kind, name.removeprefix(_ORIGIN if is_branch else tags), commit, date))
    return References(tuple(found), tuple(odd))


def meet(repository: GitRepository, tips: Iterable[tuple[int, Commit]], wanted: Collection[Commit]) -> Mapping[Commit, Met]:
    """Those of the wanted commits that exist in the clone, with the tips (a place and a commit each) that reach them.

    A commit that exists and that no tip reaches has no bits. Short and malformed hashes exist nowhere.
    """
    dates = existing(repository, wanted)
    pending: dict[Commit, int] = {}
    for place, tip in tips:
        pending[tip] = pending.get(tip, 0) | 1 << place
    reached = _walk(repository, pending, dates.keys()) if pending and dates else {}
    return {commit: Met(date, reached.get(commit, 0)) for commit, date in dates.items()}


def existing(repository: GitRepository, wanted: Collection[Commit]) -> dict[Commit, datetime]:
    """Committer dates of those of these full hashes that are commits here, in two calls."""
    asked = "".join(f"{commit}\n" for commit in sorted(wanted) if _is_full_hash(commit))
    if not asked:
        return {}
    checked = _lines(repository.run("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked))
    commits = [line.removeprefix("commit ") for line in checked if line.startswith("commit ")]
    if not commits:
        return {}
    listed = repository.run(
        "rev-list", "--no-walk=unsorted", "--timestamp", "--stdin", stdin="".join(f"{commit}\n" for commit in commits)
    )
    pairs = (line.split(" ") for line in _lines(listed))
    return {commit: date for seconds, commit in pairs if (date := _moment(seconds)) is not None}


def synchronize(repository: GitRepository) -> None:
    """Fetch all branches and tags of origin, and complete a shallow clone. Branches that are gone there go here too.

    What tags origin has is kept apart from the clone's own, so that tags which are gone there keep no image, and nobody's local
    tags are touched. (git's `--prune-tags` does nothing beside a refspec on the command line, seen with 2.39, and would delete
    local tags if it did.) Raises ConfigurationError where there is no origin or it does not answer.
    """
    if not repository.remote_url():
        raise ConfigurationError(
            "--git-history-synchronization needs a remote named origin, and this clone has none",
            remedy="Add it (git remote add origin URL), or leave the option out.",
        )
    deepen = ("--unshallow",) if repository.is_shallow else ()
    specifications = (f"+refs/heads/*:{_ORIGIN}*", f"+{_TAGS}*:{_TAGS_OF_ORIGIN}*")
    command = (*_PATIENCE, "fetch", "--quiet", "--prune", "--no-tags", "--no-recurse-submodules", *deepen, "origin")
    repository.run(*command, *specifications, failed=f"fetching from {repository.remote_url()} failed")


def names_at_origin(repository: GitRepository, seconds: float = ASKING) -> frozenset[tuple[ReferenceKind, str]]:
    """The branches and tags that origin has right now. Raises ConfigurationError where it does not answer in time."""
    said = repository.run(
        *_PATIENCE, "ls-remote", "--heads", "--tags", "--refs", "origin", failed="asking origin failed", seconds=seconds
    )
    references = (line.partition("\t")[2] for line in _lines(said))
    return frozenset(
        (kind, reference.removeprefix(prefix))
        for reference in references
        for kind, prefix in ((ReferenceKind.BRANCH, _HEADS), (ReferenceKind.TAG, _TAGS))
        if reference.startswith(prefix)
    )


def _walk(repository: GitRepository, pending: dict[Commit, int], wanted: Collection[Commit]) -> Mapping[Commit, int]:
    """The bits of those wanted commits that are reached. Children come before parents: a commit's bits are final when it comes.

    `pending` are the bits of commits that are still to come; commits that hand on all they have share one number in memory.
    """
    reached: dict[Commit, int] = {}
    missing = len(wanted)
    with repository.lines("rev-list", "--topo-order", "--parents", "--stdin", stdin="\n".join(pending) + "\n") as lines:
        for line in lines:
            commit, *parents = line.split(" ")
            bits = pending.pop(commit, 0)
            if commit in wanted:
                reached[commit] = bits
                missing -= 1
                if not missing:
                    break
            for parent in parents:
                known = pending.get(parent)
                pending[parent] = bits if known is None else known | bits
    return reached


def _lines(text: str) -> Iterator[str]:
    """Split at line feeds alone: names of references may hold other characters that Python takes for line ends."""
    return (line for line in text.split("\n") if line)


def _is_full_hash(commit: Commit) -> bool:
    return len(commit) in {40, 64} and all(character in "0123456789abcdef" for character in commit)


def _moment(seconds: str) -> datetime | None:
    """None for what is no date, or one beyond any calendar, as broken tools write."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _peel(repository: GitRepository, tag_object: str) -> tuple[str, str]:
    commit = repository.run("rev-parse", "--verify", "--quiet", f"{tag_object}^{{commit}}", empty_is_fine=True).strip()
    return ("commit", commit) if commit else ("other", tag_object)
