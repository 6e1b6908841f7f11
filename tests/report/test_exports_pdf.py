"""The printed card: made by the browser that is there, the same every time, or one sentence on what to install."""

from __future__ import annotations

import shutil
import subprocess

import card_examples
import pytest

from nbdeploy.errors import CardError
from nbdeploy.report.assemble import assemble
from nbdeploy.report.exports import export
from nbdeploy.report.exports.pdf import BROWSERS

printed = pytest.mark.skipif(
    not any(shutil.which(name) for name in BROWSERS) or shutil.which("pdftotext") is None,
    reason="no browser to print with, or no poppler to read with",
)


def card(name: str):
    return assemble(card_examples.ALL[name](), card_examples.digest("e"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("pdf") / "card.pdf"
    file.write_bytes(export(card("hostile"), "pdf"))
    return file


def read(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@printed
@pytest.mark.browser
def test_a_printed_card_is_dated_as_the_card_and_runs_nothing(made):
    told = dict(line.split(":", 1) for line in read("pdfinfo", "-isodates", str(made)).splitlines() if ":" in line)
    assert told["CreationDate"].strip().startswith(f"{card_examples.FINISHED:%Y-%m-%dT%H:%M:%S}")
    assert told["JavaScript"].strip() == "no"
    assert told["Tagged"].strip() == "yes"
    assert "A4" in told["Page size"]
    assert "evil.example" not in read("pdfinfo", "-url", str(made))


@printed
@pytest.mark.browser
def test_every_page_has_its_number_and_no_heading_stands_alone(made):
    pages = read("pdftotext", "-layout", str(made), "-").split("\f")[:-1]
    assert len(pages) > 5
    titles = {section.title for section in card("hostile").sections}
    for number, page in enumerate(pages, 1):
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        assert lines[-1] == f"{number} of {len(pages)}"
        assert lines[-2] not in titles


@printed
@pytest.mark.browser
def test_the_same_card_gives_the_same_pdf(made):
    assert export(card("hostile"), "pdf") == made.read_bytes()


def test_without_a_browser_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CardError, match=r"none is installed.*install Chromium or Chrome"):
        export(card("passing"), "pdf")


def test_a_browser_that_makes_nothing_is_told_with_its_last_words(monkeypatch, tmp_path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display here' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CardError, match=r"made no PDF \(no display here\)"):
        export(card("passing"), "pdf")
