"""Our results in a real JupyterLab, in a notebook that nobody trusts: nothing is lost, nothing leaves the machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from nbdeploy import flow
from nbdeploy.documents.progress import Progress
from nbdeploy.errors import DraftError

sys.path.append(str(Path(__file__).parent))
import lab

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("jupyterlab") is None, reason="jupyterlab is not installed"),
]

OBJECTIVE = """
task: binary
target: repaid
positive: 1
score: score
threshold: 0.5
sensitive: [sex]
gates:
  performance: {roc_auc: ">= 0.70", recall: ">= 0.99", f1: ">= 0.76"}
  fairness: {demographic_parity_ratio: ">= 0.8"}
"""


@pytest.fixture(scope="module")
def loans() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    quality = rng.normal(size=400)
    return pd.DataFrame({
        "repaid": (quality + rng.normal(size=400) > 0).astype(int),
        "score": (1 / (1 + np.exp(-quality))).round(4),
        "sex": rng.choice(["f", "<b>m</b>"], 400),
    })  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Lab]:
    with lab.started(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def bundles(server, loans, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What the magics hand to the notebook: one validation of predictions, and what follows from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBDEPLOY_KEYS", str(tmp_path_factory.mktemp("keys")))
        root = tmp_path_factory.mktemp("project") / "loans"
        flow.init(root, preset="solo", person="Ana Author")
        patch.chdir(root)
        told = {
            "objective": flow.declare(OBJECTIVE.encode(), name="loans", rows=400),
            "validate": flow.validate("loans", predictions=loans, sections=("performance",)),
            "card": flow.card("loans"),
            "linked": flow.card("loans", out=server.root / "cards" / "loans 1.html", seen_from=server.root),
            "signoff": flow.pending(),
            "status": flow.status(),
            "log": flow.audit_log("loans"),
        }
        return {name: result._repr_mimebundle_() for name, result in told.items()} | {"progress": _progress()}


def _progress() -> dict[str, Any]:
    from nbdeploy.jupyter.progress import NotebookProgress

    with NotebookProgress() as watch:
        pass
    for part in ("model", "data"):
        watch._parts["validate", part] = Progress(stage="validate", part=part, state="done")
    return {"text/html": watch._html(), "text/plain": watch._text()}


@pytest.fixture(scope="module")
def opened(server, bundles):
    """Return the notebook's page and the addresses that were asked for while it was opened."""
    from playwright.sync_api import sync_playwright

    refusal = DraftError("of loans there is only a draft", next="record it: nbdeploy validate loans … without --draft")
    outputs = {name: nbformat.v4.new_output("display_data", data=data) for name, data in bundles.items()}
    outputs["refusal"] = nbformat.v4.new_output(
        "error", ename="DraftError", evalue=str(refusal), traceback=refusal._render_traceback_()
    )
    outputs["probe"] = nbformat.v4.new_output(
        "display_data", data={"text/html": "<p role='status' aria-label='x'>probe</p><script>window.ran = 1</script>"}
    )
    cells = [nbformat.v4.new_code_cell(f"# {name}", outputs=[output]) for name, output in outputs.items()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, server.root / "loans.ipynb")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        # Lab draws only the cells that are in sight, so the window is tall enough for all of them.
        page = browser.new_page(viewport={"width": 1000, "height": 6000})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address("loans.ipynb"))
        page.wait_for_selector(
            ".jp-OutputArea-output[data-mime-type$=error], .jp-OutputArea-output pre", timeout=60_000
        )
        page.wait_for_function(
            "n => document.querySelectorAll('.jp-OutputArea-output').length === n", arg=len(cells), timeout=60_000
        )
        yield page, dict(zip(outputs, page.query_selector_all(".jp-OutputArea-output"), strict=True)), asked
        browser.close()


def test_the_sanitiser_is_at_work(opened):
    page, shown, _ = opened
    assert page.evaluate("typeof window.ran") == "undefined"
    assert shown["probe"].inner_html().strip() == "<p>probe</p>"


@pytest.mark.parametrize("name", ["objective", "validate", "card", "linked", "signoff", "status", "log", "progress"])
def test_every_word_of_the_plain_text_is_in_the_html(opened, bundles, name):
    _, shown, _ = opened
    html = " ".join(shown[name].text_content().split()).replace(" ", "")
    words = re.findall(r"[^\s─→:]+", re.sub(r"^\d\. ", "", bundles[name]["text/plain"], flags=re.MULTILINE))
    assert len(words) >= 5
    assert [word for word in words if word not in html] == []


def test_verdicts_and_numbers_are_visible_cells(opened):
    _, shown, _ = opened
    rows = [
        [cell.inner_text().replace("\u00a0", " ") for cell in row.query_selector_all("td")]
        for row in shown["validate"].query_selector_all("tbody tr")
    ]
    verdicts = {gate: verdict for gate, verdict, *_ in rows}
    assert verdicts == {
        "Recall": "✕ fail",
        "Demographic parity ratio by sex": "– not evaluated",
        "F1": "≈ inconclusive",
        "ROC AUC": "✓ pass",
    }
    assert all(cell.is_visible() for cell in shown["validate"].query_selector_all("td"))
    assert re.fullmatch(r"0\.\d{3} to 0\.\d{3}", {row[0]: row[3] for row in rows}["ROC AUC"])


def test_what_failed_says_what_to_do_and_the_rest_opens_at_a_click(opened):
    _, shown, _ = opened
    failed, *others = shown["validate"].query_selector_all("details")
    assert failed.query_selector("p").is_visible()
    advice = others[0].query_selector("p")
    assert not advice.is_visible()
    others[0].query_selector("summary").click()
    assert advice.is_visible()


def test_text_stands_left_and_fits_its_cell(opened):
    page, shown, _ = opened
    for name in ("objective", "validate", "card", "log"):
        assert page.evaluate(
            "output => [...output.querySelectorAll('td, th')].every(e => getComputedStyle(e).textAlign === 'left')",
            shown[name],
        )
        assert page.evaluate("output => output.scrollWidth <= output.clientWidth", shown[name])


def test_a_narrow_window_shows_every_verdict(opened):
    page, shown, _ = opened
    wide = page.viewport_size
    page.set_viewport_size({"width": 560, "height": wide["height"]})
    page.wait_for_timeout(500)  # Lab lays the notebook out anew
    cut = [
        name
        for name in ("objective", "validate", "card", "signoff", "progress")
        for cell in shown[name].query_selector_all("tr > :nth-child(2)")
        if cell.bounding_box()["x"] + cell.bounding_box()["width"] > 560 - 30  # the bar at the right edge
    ]
    page.set_viewport_size(wide)
    assert cut == []


def test_a_card_beside_the_notebook_opens_from_it(opened):
    page, shown, _ = opened
    link = shown["linked"].query_selector("a")
    answer = page.request.get(link.get_attribute("href"))
    assert answer.status == 200
    assert "<title>Model card" in answer.text()
    assert shown["card"].query_selector("a") is None  # Jupyter serves nothing out of the project's hidden folder


def test_the_pictures_of_a_card_are_seen_and_fit(opened):
    page, shown, _ = opened
    pictures = page.evaluate(
        "output => [...output.querySelectorAll('img')].map(e => [e.naturalWidth, e.clientWidth, e.alt])", shown["card"]
    )
    assert pictures
    assert all(natural > 300 and 300 < width <= 1000 and alt for natural, width, alt in pictures)


def test_a_refusal_is_whole_words_without_a_traceback(opened):
    _, shown, _ = opened
    assert shown["refusal"].inner_text().splitlines() == [
        "DraftError: E-DRAFT of loans there is only a draft: a draft is fast and never requestable. Next:",
        "record it: %nbdeploy validate loans … without --draft",
    ]


def test_nothing_was_asked_of_another_machine(opened, server):
    _, _, asked = opened
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []
