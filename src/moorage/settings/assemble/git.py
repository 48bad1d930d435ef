"""How git decides about the project's own images: history or tag strategies, and how whole the clone has to be."""

from datetime import timedelta

from moorage.option import Option
from moorage.policy.tag_strategies import StrategyLimit, StrategyLimits
from moorage.settings.options import git
from moorage.settings.request import Request
from moorage.settings.settings import GitCleanup


def git_cleanup_of(request: Request) -> GitCleanup:
    """The limits of tag strategies count only where history does not: `moorage ci-env` sets them for everybody."""
    options = request.options
    return GitCleanup(
        by_history=options.flag(git.GIT_HISTORY_BASED_CLEANUP),
        keep_policies=request.config.cleanup.keep_policies if request.config else (),
        synchronize=options.flag(git.GIT_HISTORY_SYNCHRONIZATION),
        allow_shallow=options.flag(git.ALLOW_GIT_SHALLOW_CLONE),
        limits=StrategyLimits(
            git_tag=_limit(request, git.GIT_TAG_STRATEGY_LIMIT, git.GIT_TAG_STRATEGY_EXPIRY_DAYS),
            git_commit=_limit(request, git.GIT_COMMIT_STRATEGY_LIMIT, git.GIT_COMMIT_STRATEGY_EXPIRY_DAYS),
        ),
    )


def _limit(request: Request, number: Option[int], days: Option[int]) -> StrategyLimit:
    last, expiry = request.options.known(number), request.options.known(days)
    return StrategyLimit(
        last=None if last == git.OFF else last,
        within=None if expiry == git.OFF else timedelta(days=min(expiry, timedelta.max.days)),
    )
