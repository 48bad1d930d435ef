"""The HTML report in a real browser: what people can do with it, with the script and without."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import expect, sync_playwright
from tests.realparts.fixtures import CHROMIUM_FLAGS
from tests.unit.report.plans import hostile, long, realistic

from moorage.policy.reason import Code
from moorage.report import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from moorage.policy.plan import Plan


class Opener(Protocol):
    """Opens a plan's page. Whatever it logs, throws or asks of the network fails the test."""

    def __call__(self, plan: Plan, *, fragment: str = "", **context: Any) -> AbstractContextManager[Page]: ...


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        yield running
        running.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Opener:
    @contextmanager
    def open_plan(plan: Plan, *, fragment: str = "", **context: Any) -> Iterator[Page]:
        report = tmp_path / "report.html"
        write_report(plan, report)
        complaints: list[str] = []
        requests: set[str] = set()
        with browser.new_context(**context) as session:
            page = session.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: requests.add(request.url.partition("#")[0]))
            page.goto(report.as_uri() + fragment)
            yield page
        assert complaints == []
        assert requests == {report.as_uri()}

    return open_plan


def rows(page: Page) -> Locator:
    return page.locator("#rows tbody tr")


def shown(page: Page) -> list[str]:
    return page.locator("#rows tbody th code").all_inner_texts()


def test_search_narrows_the_rows_by_name_reason_and_digest(opened: Opener) -> None:
    plan = realistic()
    with opened(plan) as page:
        expect(rows(page)).to_have_count(len(plan.items))
        search = page.get_by_label("Search")
        search.fill("canary")
        expect(rows(page)).to_have_count(1)
        search.fill("BACKEND newest")
        assert set(page.locator("#rows tbody small").all_inner_texts()) != set()
        assert all("acme/shop/backend" in line for line in page.locator("#rows tbody small").all_inner_texts())
        search.fill(str(plan.items[0].digest))
        assert sorted(shown(page)) == sorted(["v2.0.0", f"@{plan.items[0].digest.short}"] if plan.items[0].digest else [])
        search.fill("nothing is called so")
        expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()
        expect(page.locator("#count")).to_have_text(f"0 of {len(plan.items)} items")


def test_filters_combine(opened: Opener) -> None:
    plan = realistic(applied=True)
    with opened(plan) as page:
        page.get_by_role("radio", name="Gone").check()
        page.get_by_label("Kind").select_option("tag")
        page.get_by_label("Repository", exact=True).select_option("registry.example.com/acme/shop/backend")
        page.get_by_label("Reason").select_option(Code.NOT_KEPT.value)
        assert shown(page) == ["feature-cart"]


def test_each_state_has_a_filter_that_shows_as_many_as_it_says(opened: Opener) -> None:
    with opened(realistic(applied=True)) as page:
        labels = page.locator(".states label").all_inner_texts()
        assert [label.rsplit(maxsplit=1)[0] for label in labels] == [
            "All", "Failed", "Not done", "Changed", "Gone", "Worth a look", "Stays",
        ]  # fmt: skip
        for place, label in enumerate(labels):
            page.locator(".states label").nth(place).click()
            expect(rows(page)).to_have_count(int(label.split()[-1]))


def test_a_repository_of_the_overview_filters_by_itself(opened: Opener) -> None:
    plan = realistic()
    with opened(plan) as page:
        page.get_by_role("button", name="acme/legacy").click()
        own = {item.tag.text for item in plan.items if item.repository.path == "acme/legacy" and item.tag is not None}
        assert {name for name in shown(page) if name[0] != "@"} == own


def test_columns_sort_and_the_unknown_comes_last(opened: Opener) -> None:
    with opened(realistic()) as page:
        page.get_by_role("button", name="Age", exact=True).click()
        assert shown(page)[0] == "2018-final"
        assert page.locator("#rows tbody tr").last.locator("td").nth(2).inner_text() == "?"
        expect(page.get_by_role("columnheader", name="Age", exact=True)).to_have_attribute("aria-sort", "descending")
        page.get_by_role("button", name="Age", exact=True).click()
        assert shown(page)[0] == "pr-433"
        assert page.locator("#rows tbody tr").last.locator("td").nth(2).inner_text() == "?"
        page.get_by_role("button", name="Image").click()
        names = [name for name in shown(page) if name.startswith("pr-3")]
        assert names == sorted(names)


def test_a_view_can_be_shared_by_its_address(opened: Opener) -> None:
    with opened(realistic(), fragment="#state=look&q=imported") as page:
        assert shown(page) == ["imported"]
        page.get_by_label("Search").fill("canary")
        expect(page).to_have_url(re.compile("#q=canary&state=look$"))


def test_it_can_be_used_from_the_keyboard(opened: Opener) -> None:
    with opened(realistic()) as page:
        page.keyboard.press("/")
        page.keyboard.type("pr-32")
        assert set(shown(page)) == {f"pr-32{digit}" for digit in range(10)}
        page.keyboard.press("/")
        assert page.get_by_label("Search").input_value() == "pr-32/"
        page.get_by_label("Search").fill("")
        page.get_by_label("All").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_label("Goes")).to_be_checked()


def colours(page: Page) -> list[str]:
    return [page.evaluate(f"getComputedStyle(document.querySelector('{one}')).backgroundColor") for one in ("body", ".card")]


def test_dark_follows_the_system_and_the_button(opened: Opener) -> None:
    with opened(realistic(), color_scheme="light") as page:
        light = colours(page)
        page.emulate_media(color_scheme="dark")
        dark = colours(page)
        assert light != dark
        button = page.get_by_role("button", name="Dark")
        expect(button).to_have_attribute("aria-pressed", "true")
        button.click()
        assert colours(page) == light
        page.reload()
        assert colours(page) == light


# WCAG 2.2, 1.4.3: 4.5 to 1 for text of this size. Transparent backgrounds show what lies behind them.
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => { for (let one = element; one; one = one.parentElement) {
    const found = rgba(getComputedStyle(one).backgroundColor); if (found[3] === 255) return found; } return [255, 255, 255]; };
  const faint = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = light(rgba(element.closest("svg") ? style.fill : style.color)), paper = light(behind(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName} ${ratio.toFixed(2)} ${element.textContent.slice(0, 30)}`);
  }
  return [...new Set(faint)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(opened: Opener, scheme: str) -> None:
    with opened(realistic(applied=True), color_scheme=scheme, reduced_motion="reduce") as page:
        assert page.evaluate(CONTRASTS) == []


@pytest.mark.parametrize("width", [360, 400, 768, 1280])
def test_it_never_scrolls_sideways(opened: Opener, width: int) -> None:
    with opened(realistic(applied=True), viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_the_script_everything_is_there(opened: Opener) -> None:
    plan = realistic(applied=True)
    with opened(plan, java_script_enabled=False) as page:
        expect(rows(page)).to_have_count(len(plan.items))
        expect(page.get_by_text("the registry refused it (403)")).to_be_visible()
        expect(page.locator(".histogram")).to_be_visible()
        expect(page.get_by_label("Search")).to_be_hidden()
        expect(page.get_by_role("button")).to_have_count(0)


def test_of_twenty_thousand_rows_only_those_in_view_are_laid_out(opened: Opener) -> None:
    with opened(long(20_000)) as page:
        assert rows(page).count() <= 400
        page.get_by_label("Search").fill("v1999")
        expect(rows(page)).to_have_count(5)
        page.get_by_label("Search").fill("")
        page.locator("#more").scroll_into_view_if_needed()
        expect(rows(page)).not_to_have_count(200)


def test_paper_gets_every_row_that_the_filters_let_through(opened: Opener) -> None:
    with opened(long(1_000)) as page:
        page.get_by_role("radio", name="Goes").check()
        page.pdf()
        expect(rows(page)).to_have_count(500)


def test_what_a_registry_wrote_never_runs(opened: Opener) -> None:
    with opened(hostile()) as page:
        expect(rows(page)).to_have_count(2)
        assert page.locator("img").count() == 0
        page.get_by_label("Search").fill("<img")
        expect(rows(page)).to_have_count(2)


def test_the_policy_stops_what_would_slip_through(browser: Browser, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    write_report(realistic(), report)
    slipped = '<main><img src="https://example.invalid/x" onerror="window.ran = 1"><script>window.ran = 1</script>'
    report.write_text(report.read_text(encoding="utf-8").replace("<main>", slipped), encoding="utf-8")
    page = browser.new_page()
    failures: list[str | None] = []
    page.on("requestfailed", lambda request: failures.append(request.failure))
    page.goto(report.as_uri())
    expect(rows(page)).to_have_count(len(realistic().items))
    assert page.evaluate("window.ran") is None
    assert failures == ["csp"]
    page.close()
