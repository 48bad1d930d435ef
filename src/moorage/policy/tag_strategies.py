"""Cleaning by what tags were made from, without history: an image goes when its git tag, branch or commit is gone. Pure.

After that, images by git tag and by commit can be limited in age and number, age first, each image name on its own. Tags of other
strategies, and tags whose strategy nobody recorded, are never touched here; rules may cover them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moorage.oci.reference import Tag
from moorage.oci.slug import slug
from moorage.oci.tagging import TagStrategy
from moorage.policy.claims import Reasons
from moorage.policy.reason import Code, Reason
from moorage.policy.selection import spell


@dataclass(frozen=True, slots=True)
class StrategyLimit:
    """How many images of one strategy stay, and how long; None is no limit, `last` 0 keeps none."""

    last: int | None = None
    within: timedelta | None = None


NO_LIMIT = StrategyLimit()


@dataclass(frozen=True, slots=True)
class StrategyLimits:
    git_tag: StrategyLimit = NO_LIMIT
    git_commit: StrategyLimit = NO_LIMIT

    def of(self, strategy: TagStrategy) -> StrategyLimit:
        return {TagStrategy.GIT_TAG: self.git_tag, TagStrategy.GIT_COMMIT: self.git_commit}.get(strategy, NO_LIMIT)


@dataclass(frozen=True, slots=True)
class StrategyTag:
    """A published tag. `meta_tag` is the tag without the image's name in front; `date` that of its image, None where unknown."""

    tag: Tag
    meta_tag: str
    strategy: TagStrategy
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class GitNames:
    """What there is in git: tags and branches of origin by name, and those of the asked commits that exist."""

    tags: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    commits: frozenset[str] = frozenset()
    _slugs: Mapping[TagStrategy, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        slugs = {
            TagStrategy.GIT_TAG: frozenset(map(slug, self.tags)),
            TagStrategy.GIT_BRANCH: frozenset(map(slug, self.branches)),
            TagStrategy.GIT_COMMIT: self.commits,
        }
        object.__setattr__(self, "_slugs", slugs)

    def lack(self, published: StrategyTag) -> bool:
        """Whether a tag was made from something that is gone."""
        return published.strategy in self._slugs and published.meta_tag not in self._slugs[published.strategy]


_NOUNS = {TagStrategy.GIT_TAG: "git tag", TagStrategy.GIT_BRANCH: "branch of origin", TagStrategy.GIT_COMMIT: "commit"}


def outlived(
    published: Iterable[StrategyTag], git: GitNames | None, limits: StrategyLimits, now: datetime
) -> Mapping[Tag, Reasons]:
    """The tags of one image that nothing holds any more, each with why. Without `git` only the limits count."""
    let_go: dict[Tag, Reasons] = {}
    left: dict[TagStrategy, list[StrategyTag]] = defaultdict(list)
    for one in published:
        if git is not None and git.lack(one):
            let_go[one.tag] = _because(f"no {_NOUNS[one.strategy]} is called {one.meta_tag}")
        else:
            left[one.strategy].append(one)
    for strategy, tags in left.items():
        let_go |= _beyond(limits.of(strategy), tags, strategy, now)
    return let_go


def _beyond(limit: StrategyLimit, tags: Iterable[StrategyTag], strategy: TagStrategy, now: datetime) -> Mapping[Tag, Reasons]:
    """What is too old goes first, then what is not among the newest of the rest. What has no date is never old, and no rank."""
    let_go: dict[Tag, Reasons] = {}
    dated = [(one.date, one) for one in tags if one.date is not None]
    fresh: list[tuple[datetime, StrategyTag]] = []
    for date, one in dated:
        if limit.within is not None and now - date > limit.within:
            let_go[one.tag] = _because(
                f"{spell(now - date)} old, --{strategy}-strategy-expiry-days says {limit.within.days} days"
            )
        else:
            fresh.append((date, one))
    fresh.sort(key=lambda pair: (pair[0], pair[1].tag), reverse=True)
    for _, one in fresh[limit.last :] if limit.last is not None else ():
        let_go[one.tag] = _because(f"not among the newest {limit.last} of --{strategy}-strategy-limit")
    return let_go


def _because(detail: str) -> Reasons:
    return (Reason(Code.NOT_KEPT, detail),)
