"""The card in a real Chromium: hostile names stay text, nothing is fetched, it fits a phone and prints whole."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report"))
import card_examples

from nbdeploy.report.assemble import assemble
from nbdeploy.report.render import render_html

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a card and the list of requests and dialogues that it caused."""
    contexts = []

    def open_card(name: str, **options):
        file = tmp_path / f"{name}.html"
        file.write_text(render_html(assemble(getattr(card_examples, name)(), card_examples.digest("e"))), "utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        caused: list[str] = []
        page.on("request", lambda request: caused.append(request.url))
        page.on("dialog", lambda dialog: caused.append(dialog.message))
        page.on("console", lambda message: caused.append(message.text) if message.type == "error" else None)
        page.goto(file.as_uri())
        return page, [line for line in caused if line != file.as_uri()]

    yield open_card
    for context in contexts:
        context.close()


def test_hostile_names_are_text_and_nothing_is_requested(opened):
    page, caused = opened("hostile")
    page.wait_for_timeout(300)
    assert page.title().startswith("Model card: ")
    assert page.title() != "owned"
    assert page.evaluate("document.querySelectorAll('script, img, iframe, form, base').length") == 0
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert caused == []


@pytest.mark.parametrize("name", ["failing", "forty_groups", "hostile"])
def test_a_phone_never_scrolls_sideways(opened, name):
    page, _ = opened(name, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(opened, scheme):
    """Contrast of at least 4.5 : 1 (WCAG 2.2, 1.4.3) for text, verdicts and secondary text alike."""
    page, _ = opened("failing", color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const channel = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
          const light = colour => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => channel(v / 255));
            return .2126 * r + .7152 * g + .0722 * b;
          };
          const ground = e => {
            for (; e; e = e.parentElement) {
              const colour = getComputedStyle(e).backgroundColor;
              if (!colour.endsWith(', 0)')) return colour;
            }
            return 'rgb(255, 255, 255)';
          };
          const read = '.badge, .word, .told, small, .interval, .lead, .refs, .eyebrow, dt, dd, h2, .id';
          return [...document.querySelectorAll(read)].map(e => {
            const a = light(getComputedStyle(e).color), b = light(ground(e));
            return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.className + ' ' + e.tagName];
          });
        }"""
    )
    assert min(ratios)[0] >= 4.5, min(ratios)


def test_folded_tables_are_printed_whole(opened):
    page, _ = opened("failing")
    page.emulate_media(media="print")
    hidden = page.evaluate(
        "[...document.querySelectorAll('details.fold table, details.fold dl')]"
        ".filter(e => e.getBoundingClientRect().height === 0).length"
    )
    assert hidden == 0


CHECKED = ["passing", "failing", "mostly_missing", "sixty_groups", "hostile", "regulated"]


ONE_OF_EACH_KIND = """() => {
  const seen = new Map();
  for (const one of document.body.querySelectorAll('*')) {
    if (![...one.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    let kind = '';
    for (let e = one; e !== document.body; e = e.parentElement) kind += `${e.tagName}.${e.getAttribute('class')} `;
    if (!seen.has(kind)) seen.set(kind, one);
  }
  window.kinds = [...seen.values()];
  return window.kinds.length;
}"""
"""Colours follow from tags and classes alone, so axe measures one text of each kind: a tenth of the time of all."""


def broken_rules(page, where: str, run_only: dict, **rules) -> list[str]:
    """Return what axe finds broken, one line each: rule, how grave, and the first element."""
    options = {"runOnly": run_only, "rules": rules, "resultTypes": ["violations"], "iframes": False}
    found = page.evaluate(f"options => axe.run({where}, options)", options)["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("name", CHECKED)
def test_axe_finds_nothing_broken_in_light_dark_and_on_a_phone(opened, name):
    """WCAG 2.2 AA as far as axe-core can see, folds open."""
    script = pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT
    every = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    colours = {"type": "rule", "values": ["color-contrast"]}
    # Structure is looked at on the phone, where tables scroll; colours on the wide page, where nothing is hidden.
    page, _ = opened(name, viewport={"width": 390, "height": 844}, bypass_csp=True)
    page.evaluate(script)
    if name != "sixty_groups":  # its folds hold the tables of the others, only longer, which takes axe ten seconds
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert broken_rules(page, "document", every, **{"color-contrast": {"enabled": False}}) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(ONE_OF_EACH_KIND) > 40
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert broken_rules(page, "{include: window.kinds}", colours) == []


@pytest.mark.parametrize("name", CHECKED)
def test_a_card_opens_at_once_offline_and_is_small(opened, name, tmp_path):
    page, caused = opened(name, offline=True)
    times = []
    for _ in range(3):  # the quickest: a busy machine makes any one of them wait
        times.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        page.reload()
    assert min(times) < 1000
    assert caused == []
    assert (tmp_path / f"{name}.html").stat().st_size < 2_000_000


def test_a_link_to_a_regulation_opens_its_fold(opened):
    page, _ = opened("regulated")
    assert page.locator("details.crosswalk[open]").count() == 0
    page.locator(".glance a").first.click()
    assert page.locator("details.crosswalk[open]").count() == 1
    assert page.locator("details.crosswalk[open] tbody tr").first.is_visible()


def test_everything_is_reached_with_the_keyboard_in_the_order_of_reading(opened):
    page, _ = opened("failing", viewport={"width": 390, "height": 844})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the gates"
    reached = []
    for _ in range(600):
        page.keyboard.press("Tab")
        top = page.evaluate(
            "document.activeElement === document.body ? null"
            " : document.activeElement.getBoundingClientRect().top + scrollY"
        )
        if top is None:
            break
        reached.append(top)
    waiting = page.evaluate(
        "[...document.querySelectorAll('a[href], summary, [tabindex]')].filter(e => e.checkVisibility()).length"
    )
    assert len(reached) >= waiting - 1
    headings = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(e => +e.tagName[1])")
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('table')].filter(e => !e.caption || !e.caption.textContent.trim()).length"
    )
    assert unnamed == 0
    assert page.evaluate("[...document.querySelectorAll('svg')].every(e => e.ariaHidden || e.ariaLabel)")
