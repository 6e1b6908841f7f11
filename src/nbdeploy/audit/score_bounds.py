"""Numbers of scores, held to what the bins of scores in the evidence allow: they bound what they do not give."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.evidence import Evidence
from nbdeploy.stats.tally.histogram import area_bounds, brier_bounds

Bounds = tuple[float, float]


def score_bounds(evidence: Evidence) -> tuple[Mapping[str, Bounds], tuple[str, ...]]:
    """Return the bounds of findings about the scores of all rows, by finding id, and what is wrong with the bins."""
    table = evidence.scores
    if table is None:
        return {}, ()
    problems = []
    if sum(one.negatives + one.positives for one in table.bins) != table.rows:
        problems.append("the bins of scores do not add up to their rows")
    edges = [edge for one in table.bins for edge in (one.low, one.high)]
    if edges != sorted(edges):
        problems.append("the bins of scores overlap")
    if problems:
        return {}, tuple(problems)
    found = {}
    area = area_bounds(table)
    if area is not None:
        found["performance.roc_auc"] = area
    if edges and edges[0] >= 0 and edges[-1] <= 1:  # of other scores, such as logits, there is no Brier score
        found["performance.brier_score"] = brier_bounds(table)
    return found, ()
