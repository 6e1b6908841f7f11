"""Comparison of two cards and decision sheet in a real Chromium: nothing requested, nothing that axe objects to."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))
import card_examples

from nbdeploy.documents.decision_sheet import ConditionTold, DecisionSaid, DecisionTold, GateTold, Sheet
from nbdeploy.report.assemble import assemble
from nbdeploy.report.comparing.compare import compare
from nbdeploy.report.decision import decision_html, gate_words
from nbdeploy.report.pages import comparison_html

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


def card(name: str):
    return assemble(getattr(card_examples, name)(), card_examples.digest("e"))


DECISIONS = tuple(
    DecisionTold(
        request="r-0123abcd",
        subject="churn/2",
        endpoint="churn",
        environment="production",
        word=word,
        tone=tone,
        asked="Asked by Ana on 2026-11-17 12:00 UTC",
        until="2026-12-18 12:00 UTC, which is 27 days after this was drawn",
        attempt=2,
        verdict="fail",
        card="../0002/card.html",
        gates=(
            GateTold(
                gate="fairness.demographic_parity_ratio:sex",
                words=gate_words("fairness.demographic_parity_ratio:sex"),
                found="fail",
                asked="to be waived",
                answers=("Waived by Rita until 2026-12-20: <b>the old model fails it too</b>",),
            ),
            GateTold(
                gate="scan:unknown:" + "package." * 30,
                words=gate_words("scan:unknown:" + "package." * 30),
                found="found in the model's files",
                asked="to be waived",
                is_open=True,
            ),
        ),
        said=(
            DecisionSaid(decision="Question", by="Vera", at="2026-11-17 13:00 UTC", entry=4, reason="<script>alert(1)"),
            DecisionSaid(
                decision="Approval",
                by="a-name-that-never-ends-" * 12,
                at="2026-11-18 12:00 UTC",
                entry=5,
                notes=("Signed unattended: nobody sat at the terminal",),
                counts_not="E-SELF Ana asked for this deployment.",
            ),
        ),
        conditions=(
            ConditionTold(
                text="watch the error rate",
                owner="Nobody",
                by=date(2026, 12, 1),
                asked_by="Vera",
                state="overdue for 3 days",
                overdue=True,
                owner_known=False,
            ),
        ),
        revoked=("Revoked by Vera on 2026-11-19 12:00 UTC: drift",) * (word == "revoked"),
        missing=("Missing: 1 signature by Vera or Otto",) * (word == "waiting for a signature"),
        facts=(("Signed", "Vera"), ("Assurance of the log", "Local: whoever holds the key could rewrite the log")),
        deployed=("Started at 20 % of the traffic",),
    )
    for word, tone in (("in force", "pass"), ("revoked", "fail"), ("waiting for a signature", "inconclusive"))
)
SHEET = Sheet(
    name="churn", drawn="2026-11-18 12:00 UTC", size=9, root="ab" * 8, decisions=DECISIONS, ignored=("entry 3",)
)
PAGES = {
    "comparison": lambda: comparison_html(compare(card("passing"), card("failing"))),
    "comparison of hostile cards": lambda: comparison_html(compare(card("hostile"), card("sixty_groups"))),
    "sheet": lambda: decision_html(SHEET),
    "broken sheet": lambda: decision_html(
        Sheet(name="churn", drawn="2026-11-18 12:00 UTC", broken="entry 2 was edited")
    ),
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
