"""Area under the curve and Brier score are held to the bins of scores that the evidence tells."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from tests.audit.kept import RATIO, ROC, evidence_with_tallies

from nbdeploy.audit.recompute import Recomputed, recompute_evidence
from nbdeploy.documents.evidence import ScoreTable
from nbdeploy.documents.finding import Finding
from nbdeploy.stats.tally import ScoreTally
from nbdeploy.stats.tally.histogram import score_table


@pytest.fixture(scope="module")
def told() -> tuple[ScoreTable, dict[str, float]]:
    random = np.random.default_rng(1)
    label = random.integers(0, 2, 4_000)
    score = np.clip(random.normal(0.4 + 0.2 * label, 0.2), 0, 1)
    table = score_table(ScoreTally.from_arrow(pa.table({"y": label, "s": score}), label="y", score="s"), 5)
    assert table is not None
    return table, {"roc_auc": roc_auc_score(label, score), "brier_score": brier_score_loss(label, score)}


def found(table: ScoreTable | None, **values: float | None) -> Recomputed:
    findings = tuple(
        Finding(id=f"performance.{name}", section="performance", metric=name, value=value)
        for name, value in values.items()
    )
    result = Recomputed()
    recompute_evidence(
        evidence_with_tallies("sha256:" + "0" * 64, {ROC: "pass", RATIO: "pass"}).model_copy(
            update={"scores": table, "findings": findings, "tallies": ()}
        ),
        result,
    )
    return result


def test_numbers_within_what_the_bins_allow_are_said_to_be(told):
    table, values = told
    result = found(table, **values)
    assert (result.problems, result.bounded, result.untold) == ([], 2, {})
    assert "2 more lie within what the bins of scores allow." in result.lines


@pytest.mark.parametrize("metric", ["roc_auc", "brier_score"])
@pytest.mark.parametrize("by", [-0.05, 0.05])
def test_one_that_was_changed_is_found(told, metric, by):
    table, values = told
    (problem,) = found(table, **{metric: values[metric] + by}).problems
    assert problem.startswith(f"performance.{metric} is told as ")


def test_one_that_was_not_evaluated_accuses_nobody(told):
    """A kernel died: its gates are not evaluated, and the scores are there all the same."""
    result = found(told[0], roc_auc=None, brier_score=None)
    assert (result.problems, result.bounded) == ([], 0)
    assert set(result.untold) == {"performance.roc_auc", "performance.brier_score"}


def test_of_logits_there_is_an_area_and_no_brier_score():
    random = np.random.default_rng(2)
    label = random.integers(0, 2, 2_000)
    score = random.normal(label, 2.0)
    table = score_table(ScoreTally.from_arrow(pa.table({"y": label, "s": score}), label="y", score="s"), 5)
    result = found(table, roc_auc=roc_auc_score(label, score), brier_score=None)
    assert (result.problems, result.bounded) == ([], 1)


def test_bins_that_do_not_add_up_or_overlap_are_a_problem_and_bound_nothing(told):
    table, values = told
    less = found(table.model_copy(update={"bins": table.bins[1:]}), **values)
    assert less.problems == ["the bins of scores do not add up to their rows"]
    turned = found(table.model_copy(update={"bins": table.bins[::-1]}), **values)
    assert turned.problems == ["the bins of scores overlap"]
    assert set(turned.untold) == {"performance.roc_auc", "performance.brier_score"}


def test_without_bins_nothing_is_bounded(told):
    result = found(None, **told[1])
    assert (result.problems, result.bounded) == ([], 0)
    assert "performance.roc_auc" in result.untold
