"""Cleaning by what tags were made from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moorage.oci.reference import Tag
from moorage.oci.tagging import TagStrategy
from moorage.policy.tag_strategies import GitNames, StrategyLimit, StrategyLimits, StrategyTag, outlived

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BRANCH, TAG, COMMIT, CUSTOM = TagStrategy.GIT_BRANCH, TagStrategy.GIT_TAG, TagStrategy.GIT_COMMIT, TagStrategy.CUSTOM
GIT = GitNames(tags=frozenset({"v1", "v/2"}), branches=frozenset({"main"}), commits=frozenset({"a" * 40}))


def tagged(name: str, strategy: TagStrategy, hours: int | None = 1) -> StrategyTag:
    return StrategyTag(Tag(f"app-{name}"), name, strategy, None if hours is None else NOW - timedelta(hours=hours))


def gone(*tags: StrategyTag, git: GitNames | None = GIT, limits: StrategyLimits | None = None) -> dict[str, str]:
    found = outlived(tags, git, limits or StrategyLimits(), NOW)
    return {tag.text.removeprefix("app-"): reasons[0].detail for tag, reasons in found.items()}


@pytest.mark.parametrize(
    ("name", "strategy", "why"),
    [
        ("main", BRANCH, None),
        ("v1", BRANCH, "no branch of origin is called v1"),
        ("v1", TAG, None),
        ("v-2-" + "5ec4a8f8", TAG, "no git tag is called v-2-5ec4a8f8"),
        ("a" * 40, COMMIT, None),
        ("b" * 40, COMMIT, f"no commit is called {'b' * 40}"),
        ("aaaaaaa", COMMIT, "no commit is called aaaaaaa"),
        ("main2", CUSTOM, None),
        ("x", TagStrategy.STAGES_SIGNATURE, None),
    ],
)
def test_a_tag_goes_with_what_it_was_made_from(name: str, strategy: TagStrategy, why: str | None) -> None:
    assert gone(tagged(name, strategy)) == ({name: why} if why else {})


def test_names_are_compared_by_their_slugs() -> None:
    from moorage.oci.slug import slug

    assert gone(tagged(slug("v/2"), TAG)) == {}


def test_without_git_only_the_limits_count() -> None:
    tags = [tagged("v1", TAG, 1), tagged("v9", TAG, 2), tagged("x", BRANCH, 3)]
    assert gone(*tags, git=None) == {}
    assert set(gone(*tags, git=None, limits=StrategyLimits(git_tag=StrategyLimit(last=1)))) == {"v9"}


def test_age_comes_first_and_the_number_is_of_the_rest() -> None:
    tags = [tagged(str(days), TAG, 24 * days) for days in (10, 20, 30, 40)]
    limits = StrategyLimits(git_tag=StrategyLimit(2, timedelta(days=35)))
    found = gone(*tags, git=None, limits=limits)
    assert found == {
        "30": "not among the newest 2 of --git-tag-strategy-limit",
        "40": "5w 5d old, --git-tag-strategy-expiry-days says 35 days",
    }


def test_each_strategy_has_limits_of_its_own() -> None:
    tags = [
        tagged("v1", TAG, 5),
        tagged("c1", COMMIT, 5),
        tagged("c2", COMMIT, 6),
        tagged("main", BRANCH, 99),
        tagged("x", CUSTOM, 99),
    ]
    limits = StrategyLimits(git_tag=StrategyLimit(last=1), git_commit=StrategyLimit(last=0))
    assert set(gone(*tags, git=None, limits=limits)) == {"c1", "c2"}


def test_what_has_no_date_is_never_old_and_has_no_rank() -> None:
    limits = StrategyLimits(git_tag=StrategyLimit(1, timedelta()))
    assert gone(tagged("v1", TAG, None), git=None, limits=limits) == {}
    limits = StrategyLimits(git_tag=StrategyLimit(last=1))
    assert gone(tagged("v1", TAG, None), tagged("v2", TAG, 1), git=None, limits=limits) == {}
