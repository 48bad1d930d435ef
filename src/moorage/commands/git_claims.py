"""What git says about the project's images: which it keeps and which it lets go, by history or by tag strategies.

All images of a run are judged together, so that the history is walked once however many repositories and branches there are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from moorage.commands.git_doubts import Doubts, doubts
from moorage.commands.world import Progress
from moorage.errors import ConfigurationError
from moorage.git.history import existing, meet, read_references, synchronize
from moorage.git.repository import GitRepository
from moorage.oci.naming import shown
from moorage.oci.tagging import TagStrategy
from moorage.policy.claims import Claims
from moorage.policy.git_selection import Commit, GitReference, Judgement, Records, Selected, judge, select_references
from moorage.policy.keep_policies import KeepPolicy, ReferenceKind, default_keep_policies
from moorage.policy.published import PublishedTag
from moorage.policy.reason import Code, Reason
from moorage.policy.tag_strategies import GitNames, StrategyTag, outlived
from moorage.settings.settings import GitCleanup, Project

_SHOWN = 3  # names in a note; of the others it gives the number


@dataclass(frozen=True, slots=True)
class ImageHistory:
    """One image: its tags, what was recorded at which commit (keys of contents), and the strategies recorded of its tags."""

    image: str
    tags: Sequence[PublishedTag]
    records: Records = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)

    def recorded(self) -> Records:
        """What is still published, by commit; the revision that an image itself names counts as a record."""
        published = {one.content for one in self.tags}
        found = {commit: contents & published for commit, contents in self.records.items() if contents & published}
        return _with(found, ((one.revision, one.content) for one in self.tags if one.revision))

    def guessed(self, recorded: Records) -> Records:
        """The same, and for contents without any record the commit that they were built at, which may keep them."""
        known = _contents(recorded)
        return _with(recorded, ((one.built_at, one.content) for one in self.tags if one.built_at and one.content not in known))


@dataclass(frozen=True, slots=True)
class GitVerdict:
    """Claims by image; `notes` are what people should know about how they came about."""

    claims: Mapping[str, Claims]
    notes: tuple[str, ...] = ()
    objections: tuple[str, ...] = ()  # why nothing may be deleted by this


def open_git(settings: GitCleanup, project: Project) -> GitRepository | None:
    """The project's clone, as whole as it has to be. None where there is none, and none is needed.

    Raises ConfigurationError where history is asked for and there is no clone, or a shallow one.
    """
    try:
        repository = GitRepository.find(project.git_directory or project.directory)
    except ConfigurationError:
        if settings.by_history or project.git_directory is not None:
            raise
        return None
    if settings.synchronize:
        synchronize(repository)
    if repository.is_shallow and not settings.allow_shallow:
        raise ConfigurationError(
            f"{repository.directory} is a shallow clone: images of commits that it lacks would be taken for images of no branch",
            remedy="Clone with the whole history (fetch-depth: 0 in GitHub, GIT_DEPTH: 0 in GitLab), "
            "or give --git-history-synchronization; --allow-git-shallow-clone goes on with what is there.",
        )
    return repository


def claims_by_history(
    settings: GitCleanup, git: GitRepository, images: Sequence[ImageHistory], now: datetime, progress: Progress
) -> GitVerdict:
    """By keep policies: what the branches and tags that they select still want stays, what none of them wants goes."""
    policies = settings.keep_policies or default_keep_policies()
    references = read_references(git, synchronized=settings.synchronize)
    selected = select_references(policies, references.found, now)
    recorded = {one.image: one.recorded() for one in images}
    guessed = {one.image: one.guessed(recorded[one.image]) for one in images}
    wanted = {commit for records in guessed.values() for commit in records}
    progress.note(f"{len(wanted)} recorded commits, {len(selected)} of {len(references.found)} branches and tags selected")
    tips = [(place, one.reference.commit) for place, one in enumerate(selected) if one.reference.kind is ReferenceKind.BRANCH]
    met = meet(git, tips, wanted)
    claims = {}
    notes = [*_reference_notes(references.found, references.odd, selected), *_search_notes(policies, references.found)]
    for one in images:
        judgement = judge(selected, guessed[one.image], met, now)
        claims[one.image] = _claims(one.tags, judgement, _contents(recorded[one.image]))
        unknown = sum(1 for reasons in claims[one.image].keep_tags.values() if reasons[0].code is Code.NO_RECORD)
        if unknown:
            notes.append(f"{unknown} tags of {shown(one.image)} stay because nothing records at which commit they were published")
    doubted = _doubts(settings, git, references.found, claims, lambda kind, name: any(one.names(kind, name) for one in policies))
    return GitVerdict(claims, (*notes, *doubted.notes), doubted.objections)


def claims_by_strategy(
    settings: GitCleanup, git: GitRepository | None, images: Sequence[ImageHistory], now: datetime
) -> GitVerdict:
    """By tag strategies: images whose git tag, branch or commit is gone, or that are beyond the limits. Nothing is kept by it."""
    tags = {one.image: list(_strategy_tags(one)) for one in images}
    names: GitNames | None = None
    references: Sequence[GitReference] = ()
    if git is not None:
        references = read_references(git, synchronized=settings.synchronize).found
        commits = {one.meta_tag for found in tags.values() for one in found if one.strategy is TagStrategy.GIT_COMMIT}
        names = GitNames(
            tags=frozenset(reference.name for reference in references if reference.kind is ReferenceKind.TAG),
            branches=frozenset(reference.name for reference in references if reference.kind is ReferenceKind.BRANCH),
            commits=frozenset(existing(git, commits)),
        )
    claims = {image: Claims(let_go=outlived(found, names, settings.limits, now)) for image, found in tags.items()}
    if git is None:
        return GitVerdict(claims, ("there is no git repository, so nobody knows which git tags, branches and commits are gone",))
    doubted = _doubts(settings, git, references, claims, lambda _kind, _name: True)
    return GitVerdict(claims, doubted.notes, doubted.objections)


def _doubts(
    settings: GitCleanup,
    git: GitRepository,
    references: Sequence[GitReference],
    claims: Mapping[str, Claims],
    wanted: Callable[[ReferenceKind, str], bool],
) -> Doubts:
    """None where git lets nothing go, or the user has seen to it."""
    if settings.synchronize or settings.allow_shallow or not any(one.let_go for one in claims.values()):
        return Doubts()
    return doubts(git, references, wanted)


def _claims(tags: Iterable[PublishedTag], judgement: Judgement, recorded: frozenset[str]) -> Claims:
    """`recorded` are the contents that something records: others are never let go of."""
    keep, let_go = {}, {}
    for one in tags:
        if one.content in judgement.kept:
            keep[one.tag] = judgement.kept[one.content]
        elif one.content in recorded:
            let_go[one.tag] = judgement.let_go[one.content]
        else:
            keep[one.tag] = (Reason(Code.NO_RECORD, "nothing records at which commit it was published, so git cannot tell"),)
    return Claims(keep_tags=keep, let_go=let_go)


def _with(records: Records, more: Iterable[tuple[Commit, str]]) -> Records:
    found = dict(records)
    for commit, content in more:
        found[commit] = found.get(commit, frozenset()) | {content}
    return found


def _contents(records: Records) -> frozenset[str]:
    return frozenset(content for contents in records.values() for content in contents)


def _strategy_tags(image: ImageHistory) -> Iterator[StrategyTag]:
    for one in image.tags:
        strategy = one.strategy or image.strategies.get(one.meta_tag, "")
        if strategy in set(TagStrategy):
            yield StrategyTag(one.tag, one.meta_tag, TagStrategy(strategy), one.date)


def _reference_notes(references: Sequence[GitReference], odd: Sequence[str], selected: Sequence[Selected]) -> Iterator[str]:
    if not references:
        yield "the clone has no tags and no branches of origin, so git keeps none of the project's images"
    elif not selected:
        yield "no branch or tag is selected by the keep policies, so git keeps none of the project's images"
    if odd:
        yield f"{_some(odd)} lead to no commit, and keep nothing"


def _search_notes(policies: Iterable[KeepPolicy], references: Sequence[GitReference]) -> Iterator[str]:
    for policy in policies:
        names = [one.name for one in references if one.kind is policy.kind and policy.pattern.matched_by_search_alone(one.name)]
        if names:
            inner = policy.pattern.text[1:-1]
            yield (
                f"keep policy {policy} is matched in full and does not select {_some(names)}, which contain it; "
                f"/.*({inner}).*/ would"
            )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
