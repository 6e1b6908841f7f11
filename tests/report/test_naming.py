"""A number that was changed after the fact is named, wherever it was changed."""

from __future__ import annotations

import json
from pathlib import Path

import card_examples
import pytest

from nbdeploy.errors import CardError
from nbdeploy.report.write import verify_card, verify_page, write_card

GATED = "fairness.demographic_parity_ratio:sex"


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("card")
    stored = card_examples.failing().to_bytes()
    (folder / "evidence.json").write_bytes(stored)
    write_card(stored, folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def folder(sound, tmp_path) -> Path:
    for name, data in sound.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def tampered(folder: Path, name: str, marker: str, old: str, new: str) -> tuple[str, ...]:
    """Change the first `old` behind `marker`, and return what is told of the page by itself."""
    page = folder / name
    before, found, after = page.read_text("utf-8").partition(marker)
    assert found
    assert old in after
    page.write_text(before + found + after.replace(old, new, 1), "utf-8")
    return verify_page(page)


def html_of(name: str) -> str:
    return f'data-finding="{name}"'


def test_a_page_as_it_was_written_is_sound(folder):
    assert [verify_page(folder / name) for name in ("card.html", "card.md", "card.json")] == [(), (), ()]


def test_every_number_in_tables_stands_under_its_finding(sound):
    page = sound["card.html"].decode()
    card = json.loads(sound["card.json"])
    for finding in card["findings"]:
        if finding["verdict"]:
            assert html_of(finding["id"]) in page


def test_a_number_in_html_is_named_with_both_values(folder):
    problems = tampered(folder, "card.html", html_of("performance.recall"), "87.8", "97.8")
    told = "card.html tells performance.recall otherwise: “97.8\u00a0%”, the evidence gives “87.8\u00a0%”"
    assert told.replace("\u00a0", " ") in [problem.replace("\u00a0", " ") for problem in problems]
    assert len(problems) == 2


def test_an_interval_and_a_verdict_word_in_html_are_named(folder):
    problems = tampered(folder, "card.html", f'class="is-inconclusive" {html_of(GATED)}', " Inconclusive", " Pass")
    assert any(f"tells {GATED} otherwise: “Pass”, the evidence gives “Inconclusive”" in one for one in problems)
    problems = tampered(folder, "card.html", html_of("performance.recall"), "78.5 to", "86.5 to")
    assert any("performance.recall otherwise: “86.5 to" in one for one in problems)


def test_a_row_that_is_gone_and_one_that_is_hidden_are_named(folder, sound):
    page = sound["card.html"].decode()
    start = page.index(f'  <tbody class="is-inconclusive" {html_of(GATED)}')
    (folder / "card.html").write_text(page[:start] + page[page.index("</tbody>", start) + 8 :], "utf-8")
    assert any(
        f"tells {GATED} otherwise: left out, the evidence gives" in one for one in verify_page(folder / "card.html")
    )
    (folder / "card.html").write_bytes(sound["card.html"])
    marker = f'class="is-inconclusive" {html_of(GATED)}'
    (folder / "card.html").write_text(page.replace(marker, f"{marker} hidden", 1), "utf-8")
    assert f"card.html tells {GATED} otherwise: the same words are hidden or set otherwise" in verify_page(
        folder / "card.html"
    )


def test_a_number_in_markdown_is_named(folder):
    problems = tampered(folder, "card.md", "(performance.recall)", "87.8", "97.8")
    assert any("card.md tells performance.recall otherwise: “97.8" in one for one in problems)


def test_two_numbers_that_changed_places_are_both_named(folder, sound):
    page = sound["card.md"].decode()
    rows = [line for line in page.split("\n") if line.startswith("| ") and "(performance." in line]
    first, second = (next(row for row in rows if f"(performance.{name})" in row) for name in ("recall", "accuracy"))
    values = [row.split(" | ")[-5] if row == second else row.split(" | ")[2] for row in (first, second)]
    swapped = page.replace(first, first.replace(values[0], values[1])).replace(
        second, second.replace(values[1], values[0])
    )
    (folder / "card.md").write_text(swapped, "utf-8")
    told = " ".join(verify_page(folder / "card.md"))
    assert "performance.recall otherwise" in told
    assert "performance.accuracy otherwise" in told


def test_a_groups_number_in_markdown_is_named_by_its_column(folder, sound):
    page = sound["card.md"].decode()
    head = page.index("(fairness.selection\\_rate:sex)")
    row = page.index("\n| 1 |", head)
    (folder / "card.md").write_text(
        page[:row] + page[row:].replace(" %", "1 %", 1).replace("\u00a0%", "1\u00a0%", 1), "utf-8"
    )
    problems = verify_page(folder / "card.md")
    assert any(problem.startswith("card.md tells fairness.") and ":sex otherwise" in problem for problem in problems)


def test_an_interval_in_json_is_named_with_both(folder):
    content = json.loads((folder / "card.json").read_bytes())
    next(f for f in content["findings"] if f["id"] == "performance.roc_auc")["interval"] = [0.9, 0.95]
    (folder / "card.json").write_text(json.dumps(content), "utf-8")
    problems = verify_page(folder / "card.json")
    assert any("performance.roc_auc otherwise" in one and "interval (0.9, 0.95) instead of" in one for one in problems)


def test_a_page_changed_together_with_its_json_is_held_to_the_evidence(folder):
    content = json.loads((folder / "card.json").read_bytes())
    next(f for f in content["findings"] if f["id"] == "performance.recall")["value"] = 0.978
    (folder / "card.json").write_text(json.dumps(content), "utf-8")
    tampered(folder, "card.html", html_of("performance.recall"), "87.8", "97.8")
    assert any("card.html tells performance.recall otherwise" in one for one in verify_card(folder))


def test_a_page_of_another_kind_is_refused_in_words(folder):
    with pytest.raises(CardError, match="is no page of a card"):
        verify_page(folder / "junit.xml")
