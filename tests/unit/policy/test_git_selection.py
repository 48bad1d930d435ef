"""What selected references keep of recorded contents, and the words for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moorage.policy.git_selection import GitReference, Judgement, Met, Selected, judge, ordinal
from moorage.policy.keep_policies import EVERYTHING, KeepPolicy, Limit, NamePattern, ReferenceKind
from moorage.policy.reason import Code

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def selected(name: str, images: Limit = EVERYTHING, kind: ReferenceKind = ReferenceKind.BRANCH, commit: str = "") -> Selected:
    return Selected(GitReference(kind, name, commit or name, NOW), KeepPolicy(kind, NamePattern(name), images=images))


def met(age: int, branches: int = 0) -> Met:
    return Met(NOW - timedelta(hours=age), branches)


def records(**said: str) -> dict[str, frozenset[str]]:
    return {commit: frozenset(contents.split()) for commit, contents in said.items()}


def words(judgement: Judgement) -> dict[str, list[str]]:
    return {content: [reason.detail for reason in reasons] for content, reasons in judgement.kept.items()}


def why_not(judgement: Judgement, content: str) -> str:
    (reason,) = judgement.let_go[content]
    assert reason.code is Code.NOT_KEPT
    return reason.detail


def test_a_number_ranks_contents_by_their_newest_commit_on_the_branch() -> None:
    found = judge(
        [selected("main", Limit(last=2))],
        records(c1="X", c2="Y", c3="Z", c4="X"),
        {"c1": met(9, 1), "c2": met(8, 1), "c3": met(7, 1), "c4": met(6, 1)},
        NOW,
    )
    assert words(found) == {"X": ["branch main, 1st newest of 2"], "Z": ["branch main, 2nd newest of 2"]}
    assert why_not(found, "Y") == "published at commit c2; branch main keeps the last 2, and this is none of them"


def test_contents_that_share_a_commit_live_and_die_together_and_count_as_one() -> None:
    found = judge(
        [selected("main", Limit(last=2))],
        records(c1="old", c2="A B", c3="B C", c4="new"),
        {"c1": met(9, 1), "c2": met(8, 1), "c3": met(7, 0), "c4": met(6, 1)},
        NOW,
    )
    assert set(found.kept) == {"A", "B", "C", "new"}  # C hangs on B, which main reaches
    assert set(found.let_go) == {"old"}


def test_a_commit_that_is_not_here_binds_nothing_together() -> None:
    found = judge([selected("main")], records(c1="A", gone="A B"), {"c1": met(9, 1)}, NOW)
    assert set(found.kept) == {"A"}
    assert why_not(found, "B") == "published at commit gone; the clone has no such commit"


def test_a_tag_keeps_what_its_own_commit_has() -> None:
    release = selected("v1", kind=ReferenceKind.TAG, commit="c2")
    found = judge([release], records(c1="A", c2="B"), {"c1": met(9), "c2": met(8)}, NOW)
    assert words(found) == {"B": ["tag v1"]}
    assert why_not(found, "A") == "published at commit c1; no branch or tag that a keep policy selects leads there"


def test_a_tag_whose_policy_keeps_nothing_says_so() -> None:
    release = selected("v1", Limit(last=0), kind=ReferenceKind.TAG, commit="c1")
    found = judge([release], records(c1="A"), {"c1": met(9)}, NOW)
    assert why_not(found, "A") == "published at commit c1; tag v1 keeps the last 0, and this is none of them"


def test_one_branch_s_number_is_not_used_up_by_another() -> None:
    found = judge(
        [selected("a", Limit(last=1)), selected("b", Limit(last=1))],
        records(c1="X", c2="Y", c3="Z"),
        {"c1": met(9, 0b11), "c2": met(8, 0b11), "c3": met(7, 0b10)},
        NOW,
    )
    assert words(found) == {"Y": ["branch a"], "Z": ["branch b"]}


def test_many_keepers_are_counted_rather_than_listed() -> None:
    branches = [selected(f"b{number}") for number in range(6)]
    found = judge([*branches, selected("main", Limit(last=3))], records(c1="X"), {"c1": met(9, 0b1111111)}, NOW)
    assert words(found) == {"X": ["branch main", "branch b0", "branch b1", "and 4 more branches and tags"]}


def test_many_commits_are_counted_rather_than_listed() -> None:
    found = judge([], records(**{f"c{number}": "X" for number in range(5)}), {}, NOW)
    assert why_not(found, "X") == "published at c0, c1, c2 and 2 more commits; the clone has no such commit"


def test_a_branch_with_a_number_and_an_age_names_itself_once() -> None:
    from moorage.policy.keep_policies import Operator

    either = Limit(1, timedelta(hours=8), Operator.OR)
    found = judge([selected("main", either)], records(c1="X", c2="Y"), {"c1": met(7, 1), "c2": met(6, 1)}, NOW)
    assert words(found) == {"Y": ["branch main"], "X": ["branch main"]}


def test_nothing_recorded_nothing_judged() -> None:
    assert judge([selected("main")], {}, {}, NOW) == Judgement({}, {})


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th")]
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text
