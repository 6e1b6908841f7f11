"""A project's own templates stand for ours, and a card made with them can still be checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import card_examples
import pytest

from nbdeploy.documents.card import Card
from nbdeploy.errors import CardError
from nbdeploy.report.overrides import check_templates
from nbdeploy.report.write import verify_card, write_card
from nbdeploy.templates import path

OURS = path("card", "card.css").read_text("utf-8")


@pytest.fixture
def templates(tmp_path) -> Path:
    folder = tmp_path / "project" / "templates" / "card"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder with evidence and objective, and no card yet."""
    made = tmp_path / "run"
    made.mkdir()
    objective = b"name: progression-risk\n"
    evidence = card_examples.passing()
    named = evidence.objective.model_copy(update={"digest": f"sha256:{hashlib.sha256(objective).hexdigest()}"})
    (made / "objective.yaml").write_bytes(objective)
    (made / "evidence.json").write_bytes(evidence.model_copy(update={"objective": named}).to_bytes())
    return made


def write(folder: Path, templates: Path | None) -> Card:
    return write_card((folder / "evidence.json").read_bytes(), folder, templates)


def test_a_projects_style_is_used_named_by_digest_and_verified(folder, templates):
    (templates / "card.css").write_text("/* house style */\n" + OURS)
    card = write(folder, templates)
    digest = f"sha256:{hashlib.sha256((templates / 'card.css').read_bytes()).hexdigest()}"
    page = (folder / "card.html").read_text("utf-8")
    assert card.templates == {"card.css": digest}
    assert "/* house style */" in page
    assert digest in page
    assert verify_card(folder, templates) == ()


def test_a_projects_template_includes_ours_that_it_does_not_replace(folder, templates):
    ours = path("card", "card.html.j2").read_text("utf-8")
    (templates / "card.html.j2").write_text(ours.replace("<footer>", "<footer><p>Property of the bank.</p>"))
    write(folder, templates)
    assert "Property of the bank." in (folder / "card.html").read_text("utf-8")
    assert verify_card(folder, templates) == ()


def test_templates_that_are_missing_or_changed_are_named(folder, templates):
    (templates / "card.css").write_text("/* house style */\n" + OURS)
    write(folder, templates)
    assert "own template card.css" in verify_card(folder)[0]
    assert "which is not here" in verify_card(folder)[0]
    (templates / "card.css").write_text("/* new style */\n" + OURS)
    assert "is another by now" in verify_card(folder, templates)[0]


def test_templates_that_came_later_do_not_touch_an_older_card(folder, templates):
    write(folder, templates)
    (templates / "card.css").write_text("body { display: none }")
    assert verify_card(folder, templates) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{% for %}", r"card\.md\.j2, line 1 is broken"),
        ("{{ nothing }}", "nothing"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_broken_template_is_one_sentence_and_leaves_nothing_half_written(folder, templates, text, says):
    (templates / "card.md.j2").write_text(text)
    with pytest.raises(CardError, match=says):
        write(folder, templates)
    assert not (folder / "card.json").exists()


def test_a_broken_template_is_found_before_anything_is_measured(templates):
    (templates / "card.css").write_text(OURS)
    check_templates(templates)
    (templates / "card.md.j2").write_text("fine\n{% for %}")
    with pytest.raises(CardError, match=r"card\.md\.j2, line 2 is broken"):
        check_templates(templates)


def test_a_template_reaches_nothing_of_python(folder, templates):
    (templates / "card.md.j2").write_text("{{ card.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(CardError, match="broken"):
        write(folder, templates)


def test_a_file_that_stands_for_no_template_is_named(folder, templates):
    (templates / "cards.css").write_text("")
    with pytest.raises(CardError, match=r"cards\.css, which stands for no template"):
        write(folder, templates)
