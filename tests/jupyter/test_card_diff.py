"""``%card --diff`` in a real IPython shell: which two cards it compares, what the notebook keeps, how it refuses."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError
from IPython.utils.capture import capture_output
from tests.flow.cards.test_comparing import record
from tests.report import card_examples

import nbdeploy
from nbdeploy import flow
from nbdeploy.errors import ProjectError


@pytest.fixture
def runs(project):
    """Stand in a project with three recorded runs: the first and the third pass, the second fails."""
    made = (card_examples.passing, card_examples.failing, card_examples.passing)
    return [record(project, evidence(), at, str(at)) for at, evidence in enumerate(made, 1)]


def test_none_one_or_two_runs_are_named(shell, runs):
    for words, before, after in (("", 2, 3), ("1", 1, 3), ("risk/2", 2, 3), ("1 2", 1, 2), ("2 1", 2, 1)):
        found = shell.run_line_magic("card", f"progression-risk --diff {words}")
        assert isinstance(found, flow.CardsCompared)
        assert found.html == flow.compare_cards(str(runs[before - 1]), str(runs[after - 1])).html, words


def test_the_notebook_keeps_the_worst_first_in_html_markdown_and_text(shell, runs, project):
    with capture_output():
        done = shell.run_cell("%card progression-risk --diff 1 2 --out diff.html")
    data, _ = shell.display_formatter.format(done.result)
    worst = "The verdict on the whole went from pass to fail."
    for kind in ("text/html", "text/markdown", "text/plain"):
        assert worst in data[kind], kind
    for never in ("<script", "<style", "<svg"):
        assert never not in data["text/html"]
    assert worst in (project / "diff.html").read_text("utf-8")


def test_refusals_are_one_sentence(shell, runs):
    with pytest.raises(UsageError, match="name none, one or two"):
        shell.run_line_magic("card", "progression-risk --diff 1 2 3")
    with pytest.raises(ProjectError, match="9"):
        shell.run_line_magic("card", "progression-risk --diff 9")
    with capture_output() as captured:
        shell.run_cell("%card progression-risk --diff 9")
    assert "Traceback" not in captured.stdout + captured.stderr


def test_the_first_run_has_nothing_to_be_compared_with(shell, project):
    record(project, card_examples.passing(), 1, "1")
    with pytest.raises(ProjectError, match="nothing before it to compare with"):
        shell.run_line_magic("card", "progression-risk --diff")


def test_python_exports_what_the_magic_exports(shell, runs, project):
    assert nbdeploy.export_card is flow.export_card
    nbdeploy.export_card("progression-risk", "csv", out=project / "python.csv")
    shell.run_line_magic("card", "progression-risk --export csv --out magic.csv")
    assert (project / "python.csv").read_bytes() == (project / "magic.csv").read_bytes()
