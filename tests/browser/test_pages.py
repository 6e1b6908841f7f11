"""Comparison of two cards and decision sheet in a real Chromium: nothing requested, nothing that axe objects to."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))
import card_examples

from nbdeploy.report.assemble import assemble
from nbdeploy.report.comparing.compare import compare
from nbdeploy.report.decision import DecisionTold, Sheet, decision_html
from nbdeploy.report.pages import comparison_html

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


def card(name: str):
    return assemble(getattr(card_examples, name)(), card_examples.digest("e"))


DECISIONS = tuple(
    DecisionTold(
        request="r-0123abcd",
        subject="churn/2",
        environment="production",
        word=word,
        tone=tone,
        until="2026-12-18 12:00 UTC",
        attempt=2,
        card="../0002/card.html",
        assurance=("Signed by Vera with a key of their own; Ana asked, and did not sign",),
        lines=("asked by Ana", "<script>alert(1)</script> signed", "a-name-that-never-ends-" * 12),
        deployed=("Started at 20 % of the traffic",),
    )
    for word, tone in (("in force", "pass"), ("rejected", "fail"), ("waiting for a signature", "inconclusive"))
)
PAGES = {
    "comparison": lambda: comparison_html(compare(card("passing"), card("failing"))),
    "comparison of hostile cards": lambda: comparison_html(compare(card("hostile"), card("sixty_groups"))),
    "sheet": lambda: decision_html(Sheet("churn", "2026-11-18 12:00 UTC", 9, "ab" * 8, DECISIONS, ("entry 3",))),
    "broken sheet": lambda: decision_html(Sheet("churn", "2026-11-18 12:00 UTC", 0, "", broken="entry 2 was edited")),
}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_broken_a_phone_never_scrolls_and_nothing_is_requested(browser, tmp_path, name):
    """WCAG 2.2 AA as far as axe-core can see."""
    script = pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT
    file = tmp_path / "page.html"
    file.write_text(PAGES[name](), "utf-8")
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    for scheme, width in (("light", 1280), ("dark", 390)):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, offline=True
        )
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelectorAll('script').length") == 0
        page.evaluate(script)
        found = page.evaluate("options => axe.run(document, options)", options)["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found] == []
        context.close()
