"""The plan in a terminal: the most interesting first, long lists cut, nothing wider than the window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.report.plans import NOW, hostile, item, long, realistic, repository

from moorage.policy.plan import Outcome, Plan
from moorage.policy.reason import Code
from moorage.report import plan_text
from moorage.report.text import SHOWN


def text(plan: Plan, width: int = 100) -> str:
    return plan_text(plan, width=width, colour=False)


def titles(shown: str) -> list[str]:
    return [line.strip() for line in shown.splitlines() if line.startswith("  ") and line.strip().isupper()]


def of(*items: tuple[str, Code, bool]) -> Plan:
    return Plan(created=NOW, items=tuple(item(name, code, f"why {name}", goes=goes) for name, code, goes in items))


def test_what_goes_stands_before_surprises_and_these_before_the_rest() -> None:
    shown = text(of(("a", Code.PROTECTED, False), ("b", Code.CANNOT_UNTAG, False), ("c", Code.RULE, True)))
    assert titles(shown) == ["GOES", "STAYS, WORTH A LOOK", "STAYS"]
    assert shown.index("why c") < shown.index("why b") < shown.index("why a")


@pytest.mark.parametrize("code", [Code.UNREADABLE, Code.MAY_BE_NEEDED, Code.CANNOT_UNTAG, Code.UNKNOWN_AGE, Code.NO_RECORD])
def test_what_people_would_not_expect_to_stay_is_listed_one_by_one(code: Code) -> None:
    shown = text(of(*((f"t{number}", code, False) for number in range(9))))
    assert all(f"why t{number} [{code}]" in shown for number in range(9))


def test_a_result_puts_failures_first_and_says_what_became_of_each() -> None:
    shown = text(realistic(applied=True), width=140)
    assert titles(shown)[:4] == ["FAILED", "NOT DONE", "CHANGED SINCE THE PLAN, STAYS", "GONE"]
    assert "the registry refused it (403)" in shown
    assert "already gone  cleanup.rules[0]" in shown
    said = " ".join(shown.split())
    assert "1 failed; 2 not done; 1 changed since the plan, and left alone; 1 already gone before." in said


def test_a_plan_never_sounds_like_a_result() -> None:
    shown = text(realistic())
    assert "Cleanup plan" in shown
    assert "Nothing has been changed yet." in " ".join(shown.split())
    assert "deleted " not in shown


def test_an_empty_run_says_so() -> None:
    assert "There are no images." in text(Plan(created=NOW))
    assert "Nothing is to go: 1 tag stays." in text(of(("a", Code.PROTECTED, False)))
    assert "Nothing is to go: 2 tags stay." in text(of(("a", Code.PROTECTED, False), ("b", Code.PROTECTED, False)))


def test_manifests_that_only_follow_are_counted_and_not_listed() -> None:
    shown = text(of(("a", Code.RULE, True), ("@a", Code.LAST_TAG_GONE, True), ("@a-arm", Code.PARENT_GONE, True)))
    assert "and 2 manifests: 1 whose last tag goes, 1 from indexes that go" in shown
    assert "why @a" not in shown


def test_a_manifest_that_failed_is_listed_even_though_it_follows() -> None:
    follower = item("@a", Code.LAST_TAG_GONE, "why", goes=True, outcome=Outcome.FAILED, error="409 conflict")
    assert "409 conflict" in text(Plan(created=NOW, items=(follower,), applied=True))


def test_long_lists_of_one_reason_are_cut_and_counted() -> None:
    shown = text(long(20_000))
    assert shown.count("cleanup.rules[0]") == SHOWN
    assert f"… {10_000 - SHOWN:,} more [rule], see --report FILE.html" in shown
    assert "10,000 tags [protected] matches v* under protect: v0, v2, v4, v6, v8 and 9,995 more" in shown


def test_repositories_where_nothing_happens_take_one_line_each() -> None:
    busy = of(("a", Code.RULE, True))
    calm = tuple(replace(item(f"t{n}", Code.PROTECTED), repository=repository(f"calm/r{n}")) for n in range(30))
    shown = text(replace(busy, items=busy.items + calm))
    assert "Nothing goes in 30 repositories, 30 tags in all" in shown
    assert "registry.example.com/calm/r0: 1 tag [protected]" in shown
    assert "… 10 more, see --report FILE.html" in shown
    assert shown.index("why a") < shown.index("calm/r0")


@pytest.mark.parametrize("width", [40, 72, 100, 200])
@pytest.mark.parametrize("applied", [False, True])
def test_lines_fit_the_window(width: int, *, applied: bool) -> None:
    longest_word = max(len(word) for word in text(realistic(applied=applied), 1000).split())
    lines = text(realistic(applied=applied), width).splitlines()
    assert [line for line in lines if len(line) > max(width, longest_word + 8)] == []


def test_columns_line_up() -> None:
    rows = [line for line in text(realistic(), 140).splitlines() if "cleanup.rules[1]: matches" in line]
    assert len(rows) > 10
    assert len({line.index("cleanup.rules") for line in rows}) == 1


def test_what_was_not_known_and_guards_stand_on_top() -> None:
    shown = plan_text(realistic(), width=100, colour=False, objections=["the plan deletes 42 tags, --max-delete allows 10"])
    assert shown.index("A guard objects: the plan deletes 42 tags") < shown.index("NOT KNOWN") < shown.index("GOES")
    assert "broken cannot be resolved" in shown


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b" not in text(realistic(applied=True))
    assert "\x1b[31mpr-318\x1b[0m" in plan_text(realistic(), width=100, colour=True)


def test_a_registry_cannot_steer_the_terminal() -> None:
    shown = text(hostile())
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "onerror" in shown


def test_a_repository_that_goes_itself_is_told_before_its_images() -> None:
    shown = text(realistic())
    assert "1 repository is to go as well" in " ".join(shown.split())
    assert shown.index("REPOSITORIES WITHOUT IMAGES") < shown.index("GOES")
    assert "acme/spike: goes [nothing-left]: it holds nothing" in shown
    assert "acme/locked: stays [cannot-delete-repository]: the repository is locked" in shown
    done = text(realistic(applied=True))
    assert "1 repository is gone as well" in " ".join(done.split())
    assert "acme/spike: deleted [nothing-left]" in done


def test_what_kept_a_repository_is_told_and_a_failure_counts() -> None:
    gone, *others = realistic().empties
    plan = replace(of(), applied=True, empties=(replace(gone, outcome=Outcome.FAILED, error="403: not yours"), *others))
    shown = " ".join(text(plan).split())
    assert "1 failed." in shown
    assert "acme/spike: failed [nothing-left]: 403: not yours (it holds nothing)" in shown
    assert "There are no images. 1 failed." in shown
    changed = replace(plan, empties=(replace(gone, outcome=Outcome.CHANGED, error="it holds new"),))
    assert "changed since plan [nothing-left]: it holds new" in " ".join(text(changed).split())
