"""The grammar of keep policies as values: names, limits, defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moorage.policy.git_selection import GitReference, select_references
from moorage.policy.keep_policies import (
    EVERYTHING,
    KeepPolicy,
    Limit,
    NamePattern,
    Operator,
    ReferenceKind,
    default_keep_policies,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DATES = {name: NOW - timedelta(hours=hours) for name, hours in {"new": 1, "recent": 5, "old": 20, "ancient": 9999}.items()}


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


# Names


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("feature/x", "feature/x", True),
        ("/a|b/", "a", True),
        ("/a|b/", "ab", False),
        ("/release/", "old-release-2", False),
        ("/.*release.*/", "old-release-2", True),
        ("/^v.*$/", "v1", True),
        ("/foo", "/foo", True),
        ("/foo", "foo", False),
        ("a.b", "axb", False),
    ],
)
def test_a_name_matches_as_a_whole(pattern: str, name: str, matches: bool) -> None:
    assert NamePattern(pattern).matches(name) is matches


def test_what_a_search_would_find_besides_is_known() -> None:
    pattern = NamePattern("/release/")
    assert pattern.matched_by_search_alone("old-release-2")
    assert not pattern.matched_by_search_alone("release")
    assert not pattern.matched_by_search_alone("main")
    assert not NamePattern("release").matched_by_search_alone("old-release-2")


@pytest.mark.parametrize("text", ["", "/", "//", "/(?!x)y/", "/(/", r"/(a)\1/"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|expression"):
        NamePattern(text)


# Limits


@pytest.mark.parametrize(
    ("limit", "passes", "words"),
    [
        (EVERYTHING, ["new", "recent", "old", "ancient"], "all"),
        (Limit(last=2), ["new", "recent"], "the last 2"),
        (Limit(last=0), [], "the last 0"),
        (Limit(last=9), ["new", "recent", "old", "ancient"], "the last 9"),
        (Limit(within=hours(6)), ["new", "recent"], "those younger than 6h"),
        (Limit(within=hours(5)), ["new"], "those younger than 5h"),
        (Limit(1, hours(6)), ["new"], "the last 1 and those younger than 6h"),
        (Limit(3, hours(6), Operator.AND), ["new", "recent"], "the last 3 and those younger than 6h"),
        (Limit(1, hours(6), Operator.OR), ["new", "recent"], "the last 1 or those younger than 6h"),
        (Limit(3, hours(2), Operator.OR), ["new", "recent", "old"], "the last 3 or those younger than 2h"),
        (Limit(-1, hours(6), Operator.OR), ["new", "recent", "old", "ancient"], "all"),
        (Limit(-1, hours(6), Operator.AND), ["new", "recent"], "those younger than 6h"),
        (Limit(0, hours(6), Operator.OR), ["new", "recent"], "the last 0 or those younger than 6h"),
        (Limit(within=hours(6), operator=Operator.OR), ["new", "recent"], "those younger than 6h"),
        (Limit(last=1, operator=Operator.OR), ["new"], "the last 1"),
        (Limit(within=timedelta.max), ["new", "recent", "old", "ancient"], None),
    ],
)
def test_a_limit_lets_the_newest_pass(limit: Limit, passes: list[str], words: str | None) -> None:
    assert list(limit.select(DATES, NOW)) == passes
    assert words is None or str(limit) == words


def test_equal_dates_are_told_apart_by_name() -> None:
    dates = dict.fromkeys("bca", NOW)
    assert Limit(last=2).select(dates, NOW) == ("c", "b")


def test_the_future_is_young() -> None:
    assert Limit(within=hours(1)).select({"tomorrow": NOW + hours(24)}, NOW) == ("tomorrow",)


# References


def branch(name: str, age: int) -> GitReference:
    return GitReference(ReferenceKind.BRANCH, name, f"commit of {name}", NOW - hours(age))


def tag(name: str, age: int) -> GitReference:
    return GitReference(ReferenceKind.TAG, name, f"commit of {name}", NOW - hours(age))


def test_the_default_policies() -> None:
    references = [
        branch("feature", 1),
        branch("master", 48),
        branch("main", 240),
        branch("old", 240),
        tag("v1", 240),
        tag("v2", 48),
    ]
    selected = {str(one.reference): one.images for one in select_references(default_keep_policies(), references, NOW)}
    assert selected == {
        "branch feature": Limit(2, hours(168)),
        "branch master": Limit(last=10),
        "branch main": Limit(last=10),
        "tag v1": EVERYTHING,
        "tag v2": EVERYTHING,
    }


def test_the_last_policy_that_still_selects_a_reference_says_how_many_images() -> None:
    policies = [
        KeepPolicy(ReferenceKind.BRANCH, NamePattern("/.*/"), images=Limit(last=1)),
        KeepPolicy(ReferenceKind.BRANCH, NamePattern("/m.*/"), limit=Limit(last=1), images=Limit(last=5)),
        KeepPolicy(ReferenceKind.TAG, NamePattern("main")),
    ]
    references = [branch("main", 1), branch("mist", 9), branch("x", 2), tag("main", 1)]
    selected = {str(one.reference): one.images.last for one in select_references(policies, references, NOW)}
    assert selected == {"branch main": 5, "branch mist": 1, "branch x": 1, "tag main": -1}
