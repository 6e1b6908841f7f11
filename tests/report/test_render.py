"""The pages: offline, inert, complete, the same bytes every time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import card_examples
import pytest

from nbdeploy.report.assemble import assemble
from nbdeploy.report.render import render_html, render_markdown

DIGEST = card_examples.digest("evidence")
VOID = {"wbr", "meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects tags and attributes and checks that every tag is closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: render_html(assemble(make(), DIGEST)) for name, make in card_examples.ALL.items()}


@pytest.mark.parametrize("name", card_examples.ALL)
def test_the_page_is_well_formed_and_within_two_megabytes(pages, name):
    page = Page(pages[name])
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert len(pages[name].encode()) < 2_000_000


@pytest.mark.parametrize("name", card_examples.ALL)
def test_the_page_has_no_script_and_loads_nothing(pages, name):
    page = Page(pages[name])
    assert not {"script", "img", "iframe", "object", "embed", "base", "form", "link", "foreignobject"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    links = [value for _, name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert page.tags.count("style") == 1
    assert not re.search(r"url\(|@import", pages[name].split("</style>")[0])


def test_the_content_policy_is_the_first_thing_in_the_head(pages):
    assert re.search(
        r"<head>\s*<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';", pages["failing"]
    )


@pytest.mark.parametrize("name", card_examples.ALL)
def test_every_link_of_the_page_arrives(pages, name):
    page = Page(pages[name])
    targets = {
        value.removeprefix("#") for tag, attribute, value in page.attributes if tag == "a" and attribute == "href"
    }
    assert targets <= set(page.ids)


@pytest.mark.parametrize("name", ["failing", "forty_groups"])
def test_the_page_is_the_same_bytes_every_time(pages, name):
    assert render_html(assemble(card_examples.ALL[name](), DIGEST)) == pages[name]


def test_every_verdict_is_a_word(pages):
    for word in ("Fail", "Inconclusive", "Pass"):
        assert f"</span> {word}</span>" in pages["failing"]
    assert "</span> Not evaluated</span>" in pages["mostly_missing"]


def test_forty_groups_are_all_told(pages):
    for number in range(1, 21):
        assert pages["forty_groups"].replace("<wbr>", "").count(f"sex=female, age_band=Region {number:02d}") >= 2
    assert "not compared" in pages["forty_groups"]


@pytest.mark.parametrize(
    "title",
    [
        "Found against false alarms",
        "Found against right",
        "Are its probabilities honest?",
        "Right and wrong decisions",
        "Scores by truth",
        "What another threshold would give",
        "What drives the model",
        "How answers follow the leading features",
        "Decisions under noise",
        "The columns that moved most",
        "Time for one answer",
        "Ratios between groups, with intervals",
    ],
)
def test_the_chart_is_drawn(pages, title):
    figure = re.search(rf"<h3>{re.escape(title)}</h3>.*?</figure>", pages["failing"], re.DOTALL)
    assert figure is not None
    assert figure[0].count("<svg") >= 1


def test_points_that_cannot_be_drawn_leave_the_number_standing(pages):
    assert "Found against false alarms" not in pages["hostile"]
    assert "ROC AUC" in pages["hostile"]


def test_markdown_tells_every_gate_and_stays_a_table():
    evidence = card_examples.failing()
    text = render_markdown(assemble(evidence, DIGEST))
    table = text.split("## Every gate")[1].split("## Model details")[0].strip().splitlines()
    assert len(table) == 2 + len(evidence.verdict.gates)
    assert {line.count("|") - line.count("\\|") for line in table} == {7}


def test_hostile_names_make_no_markup_in_markdown():
    text = render_markdown(assemble(card_examples.hostile(), DIGEST))
    assert "<" not in "".join(line for line in text.splitlines() if not line.startswith("    "))
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "http://" not in text
    assert "\u202e" not in text
