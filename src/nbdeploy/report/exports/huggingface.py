"""A card as the README of a Hugging Face model repository: YAML front matter with a ``model-index``, then the card.

The fields are those of https://github.com/huggingface/hub-docs/blob/main/modelcard.md. What is not known is left out:
the licence is, and ``datasets``, which are names on the Hub and would link to whatever a stranger keeps there under
the name of our file. Datasets are told inside the results instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import Finding
from nbdeploy.report import wording
from nbdeploy.report.inert import visible
from nbdeploy.report.render import render_markdown

_PIPELINES = {
    "binary": "tabular-classification",
    "multiclass": "tabular-classification",
    "regression": "tabular-regression",
}
_SECTIONS = ("performance", "fairness")


def huggingface(card: Card, templates: Path | None = None) -> str:
    """Return a card as a README for a Hugging Face repository."""
    told = yaml.safe_dump(_front(card), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{told}---\n\n{render_markdown(card, templates)}"


def _front(card: Card) -> dict[str, Any]:
    model, pipeline = card.subject.model, _PIPELINES[card.objective.content.task]
    whole = (wording.of_all_rows(finding) for finding in card.findings if finding.section in _SECTIONS)
    told = [finding for finding in whole if finding.value is not None and finding.metric != "count"]
    front: dict[str, Any] = {}
    if model is not None and model.flavor:
        front["library_name"] = visible(model.flavor, 80)
    front["pipeline_tag"] = pipeline
    front["tags"] = [pipeline, "model-card", "nbdeploy", f"verdict-{card.verdict.overall.replace('_', '-')}"]
    front["metrics"] = list(dict.fromkeys(visible(finding.metric, 80) for finding in told))
    results = list(_results(card, pipeline, told))
    if results:
        front["model-index"] = [{"name": visible(card.title, 96), "results": results}]
    return {name: value for name, value in front.items() if value}


def _results(card: Card, pipeline: str, told: list[Finding]) -> Iterator[dict[str, Any]]:
    evaluated = next((data for data in card.subject.data if data.role in ("evaluation", "predictions")), None)
    if evaluated is None or not told:
        return
    yield {
        "task": {"type": pipeline},
        "dataset": {
            "name": visible(evaluated.name, 200),
            "type": "tabular",  # the field wants a name on the Hub; this data has none there
            "revision": evaluated.digest,
        },
        "metrics": [_metric(finding) for finding in told],
    }


def _metric(finding: Finding) -> dict[str, Any]:
    """Return a value as the model index holds it; it has no field for an interval, so the name says it."""
    interval = wording.interval(finding)
    name = wording.name(finding)
    if interval:
        name += f" ({wording.level(finding)} interval {interval})" if wording.level(finding) else f" ({interval})"
    return {
        "type": visible(finding.metric, 80),
        "name": visible(name, 300),
        "value": finding.value,
        # The mark of results that the Hub's evaluation service checked. Ours are checked by digest.
        "verified": False,
    }
