"""What a notebook and a terminal show of a run."""

from __future__ import annotations

import re

import card_examples
import pytest

from nbdeploy.report import views
from nbdeploy.report.assemble import assemble

# The elements that JupyterLab's sanitiser keeps in an untrusted notebook and that a view may therefore use.
KEPT = {
    "p",
    "strong",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "br",
    "code",
    "h3",
    "ol",
    "li",
    "details",
    "summary",
    "div",
    "a",
    "wbr",
    "ul",
}
ATTRIBUTES = {
    'style="text-align:left"',
    'style="margin-bottom:1em"',
    'style="white-space:nowrap"',
    "open",
    'href="cards/mine.html"',
    'target="_blank"',
}


@pytest.mark.parametrize("name", card_examples.ALL)
def test_the_html_uses_only_what_the_sanitiser_keeps(name):
    card = assemble(card_examples.ALL[name](), card_examples.digest("e"))
    html = views.card_html(card, "card.html", "cards/mine.html")
    html = re.sub(r'<img alt="[^"<>]*" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]+">', "", html)
    tags = re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)\s*([^>]*)>", html)
    assert {name for name, _ in tags} <= KEPT
    assert {attribute for _, attributes in tags for attribute in attributes.split()} <= ATTRIBUTES


def test_rows_are_worst_first_and_say_what_to_do():
    rows = views.verdict_rows(card_examples.failing())
    assert [row.verdict for row in rows] == sorted(
        (row.verdict for row in rows), key=["fail", "not_evaluated", "inconclusive", "pass"].index
    )
    assert rows[0].cells[5].startswith("The gap to the bound")
    assert rows[-1].cells[5] == ""


def test_plain_text_tells_all_that_the_html_tells():
    card = assemble(card_examples.mostly_missing(), card_examples.digest("e"))
    text = views.card_text(card, "card.html")
    for row in views.verdict_rows(card):
        assert row.gate in text
        assert row.word in text
        assert row.value in text
    assert "The model itself was not seen" in text


def test_evidence_and_its_card_show_the_same_rows():
    evidence = card_examples.failing()
    assert views.verdict_rows(evidence) == views.verdict_rows(assemble(evidence, card_examples.digest("e")))


def test_markdown_is_one_table():
    evidence = card_examples.failing()
    lines = views.verdict_markdown(evidence).splitlines()
    assert len(lines) == 2 + 2 + len(evidence.verdict.gates)
