"""The page as a document: what it holds, what it may load, and that text from outside stays text. How it behaves: tests/e2e."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.report.plans import NOW, hostile, item, realistic

from moorage.policy.plan import Plan
from moorage.policy.reason import Code
from moorage.report import plan_html
from moorage.report.plots import Bar, ages, histogram
from moorage.report.wording import plain

_VOID = {"meta", "input", "rect", "line", "path"}


class Reader(HTMLParser):
    """Collects elements and text, and insists that every element is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def test_every_item_has_its_row_with_all_its_reasons() -> None:
    plan = realistic(applied=True)
    page = Reader(plan_html(plan))
    assert len([row for row in page.named("tr") if "data-kind" in row]) == len(plan.items)
    assert all(reason.detail in page.text for one in plan.items for reason in one.reasons)
    assert all(one.error in page.text for one in plan.items if one.error)


def test_the_title_tells_a_plan_from_a_result() -> None:
    assert "<h1>Cleanup plan</h1>" in plan_html(realistic())
    assert "<h1>Purge result</h1>" in plan_html(realistic(applied=True), title="Purge")


def test_every_reason_that_occurs_is_explained() -> None:
    page = plan_html(realistic())
    assert all(f"<dt><code>{code}</code></dt>" in page for code in Code)


def test_repositories_without_images_stand_above_the_images() -> None:
    page = Reader(plan_html(realistic())).text
    assert page.index("registry.example.com/acme/spike: goes [nothing-left]: it holds nothing") < page.index("pr-310")


def test_nothing_is_loaded_from_anywhere() -> None:
    page = Reader(plan_html(realistic()))
    assert [attributes for _, attributes in page.elements if {"src", "action", "srcset", "data"} & attributes.keys()] == []
    assert [attributes["href"] for _, attributes in page.elements if "href" in attributes] == ["#images"]
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_the_policy_admits_the_own_style_and_scripts_and_nothing_else() -> None:
    page = plan_html(realistic())
    [policy] = [
        str(meta["content"]) for meta in Reader(page).named("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    blocks = re.findall(r"<(style|script)>(.*?)</\1>", page, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'" for _, text in blocks]
    assert policy.startswith("default-src 'none'; ")
    assert re.findall(r"'sha256-[^']+'", policy) == hashes
    assert "unsafe" not in policy


def test_text_from_outside_stays_text() -> None:
    page = Reader(plan_html(hostile(), objections=["<b>bold</b>"], title="<i>"))
    assert {"img", "b", "i"} & {tag for tag, _ in page.elements} <= {"b"}  # the counts in the filters are our own b
    assert len(page.named("script")) == 2
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "</script><img src=x onerror=alert(1)>" in page.text
    assert "\x1b" not in page.text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_text_becomes_markup(text: str) -> None:
    benign = Reader(plan_html(Plan(created=NOW, items=(item("v1", Code.RULE, "x", goes=True),), notes=("x",))))
    page = Reader(plan_html(Plan(created=NOW, items=(item("v1", Code.RULE, text, goes=True),), notes=(text,))))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in benign.elements]
    assert plain(text) in "".join(page.texts)


def test_exact_numbers_are_behind_the_rounded_ones() -> None:
    assert '<data value="2961004002">2.96 GB</data>' in plan_html(realistic())


def test_a_plan_without_items_is_a_page_too() -> None:
    assert "There are no images." in Reader(plan_html(Plan(created=NOW))).text


def test_the_plot_counts_each_tag_once_by_its_age() -> None:
    plan = Plan(
        created=NOW,
        items=(
            item("a", Code.RULE, goes=True, days=0.5),
            item("b", Code.PROTECTED, days=6),
            item("c", Code.RULE, goes=True, days=8),
            item("d", Code.PROTECTED, days=5000),
            item("e", Code.UNKNOWN_AGE, days=None),
            item("@a", Code.LAST_TAG_GONE, goes=True, days=0.5),
        ),
    )
    assert [(bar.label, bar.stays, bar.goes) for bar in ages(plan) if bar.total] == [
        ("1d", 0, 1),
        ("1w", 1, 0),
        ("1mo", 0, 1),
        ("older", 1, 0),
        ("?", 1, 0),
    ]


def test_bars_are_as_long_as_their_numbers_say() -> None:
    drawn = Reader(histogram([Bar("1d", stays=10, goes=5), Bar("1w", stays=20)], gone="to go")).named("rect")
    heights = {(rect["class"], float(str(rect["height"]))) for rect in drawn}
    unit = next(height for kind, height in heights if kind == "goes") / 5
    assert {(kind, round(height / unit)) for kind, height in heights} == {("stays", 10), ("goes", 5), ("stays", 20)}
