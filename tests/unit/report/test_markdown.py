"""The plan in Markdown, read back by a real Markdown parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.unit.report.plans import NOW, hostile, item, long, realistic

from moorage.policy.plan import Plan
from moorage.policy.reason import Code
from moorage.report import plan_markdown
from moorage.report.markup import code, escape

PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
OURS = {"h1", "h2", "h3", "p", "strong", "em", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


def elements(markdown: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", PARSER.render(markdown)))


def test_every_deletion_and_its_reason_is_there() -> None:
    plan = realistic(applied=True)
    page = PARSER.render(plan_markdown(plan))
    assert all(f"<code>{gone.tag}</code>" in page for gone in plan.deletions if gone.tag)
    assert "<td>already gone</td>" in page
    assert "the registry refused it (403)" in page


def test_what_stays_is_summed_up_by_reason() -> None:
    assert "| `among-newest` | 10 tags |" in plan_markdown(realistic())


def test_surprises_and_failures_come_before_the_rest() -> None:
    shown = plan_markdown(realistic(applied=True))
    places = [
        shown.index(title) for title in ("What was not known", "### Failed", "### Gone", "### Stays, worth a look", "### Stays (")
    ]
    assert places == sorted(places)


def test_text_from_outside_stays_text() -> None:
    shown = plan_markdown(hostile())
    assert elements(shown) <= OURS
    assert "onerror" in shown
    assert "\x1b" not in shown
    # GitHub and GitLab make links and mentions of bare text.
    assert "https://evil" not in shown
    assert "@all" not in shown


@given(st.text(max_size=40))
def test_no_text_becomes_markup_or_breaks_a_table(text: str) -> None:
    html = PARSER.render(f"| a | b |\n|---|---|\n| {escape(text)} | {code(text)} |\n\n- {escape(text)}\n")
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= {"table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
    assert html.count("<td>") == 2


def test_the_longest_tables_are_cut_to_the_limit_and_say_by_how_much() -> None:
    whole = plan_markdown(long(20_000))
    cut = plan_markdown(long(20_000), limit_bytes=200_000)
    assert 190_000 < len(cut.encode()) <= 200_000
    shown = cut.count("| `pr-")
    assert f"*{10_000 - shown:,} rows left out here; `--report FILE.html` has them all.*" in cut
    assert "| `protected` | 10,000 tags |" in cut
    assert len(whole.encode()) > 200_000


def test_short_tables_stay_whole_when_a_long_one_is_cut() -> None:
    few = tuple(item(f"odd{number}", Code.UNREADABLE, "cannot be read") for number in range(5))
    plan = Plan(created=NOW, items=(*long(2_000).items, *few))
    assert plan_markdown(plan, limit_bytes=20_000).count("`odd") == 5


@pytest.mark.parametrize("limit", [150, 300, 1000])
def test_even_a_tiny_limit_holds(limit: int) -> None:
    shown = plan_markdown(realistic(), limit_bytes=limit)
    assert len(shown.encode()) <= limit
    assert "has it all" in shown


def test_what_fits_is_not_cut() -> None:
    whole = plan_markdown(realistic())
    assert plan_markdown(realistic(), limit_bytes=len(whole.encode())) == whole


def test_a_repository_that_goes_itself_has_a_row() -> None:
    shown = plan_markdown(realistic())
    assert "## Repositories without images" in shown
    assert "| `registry.example.com/acme/spike` | goes | `nothing-left` | it holds nothing |" in shown
