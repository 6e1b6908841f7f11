"""Tallies that count rows by a weight give scikit-learn's metrics with `sample_weight`."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from nbdeploy.stats.metrics import values
from nbdeploy.stats.tally import ClassTally, ErrorTally, ScoreTally

EXACT = 1e-9


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    random = np.random.default_rng(12)
    truth = random.integers(0, 2, 700)
    score = np.clip(random.normal(0.4 + 0.25 * truth, 0.2), 0.001, 0.999).round(2)
    amount = random.normal(50, 9, 700)
    return {
        "truth": truth,
        "decision": (score >= 0.5).astype(int),
        "score": score,
        "amount": amount,
        "said": amount + random.standard_t(4, 700),
        "weight": random.gamma(0.7, 2, 700) * (random.random(700) > 0.1),
    }


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("accuracy", sk.accuracy_score),
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
        ("f1", sk.f1_score),
        ("matthews_corrcoef", sk.matthews_corrcoef),
        ("balanced_accuracy", sk.balanced_accuracy_score),
    ],
)
def test_decisions(rows, metric, theirs):
    tally = ClassTally.from_arrow(rows, label="truth", predicted="decision", weight="weight")
    expected = theirs(rows["truth"], rows["decision"], sample_weight=rows["weight"])
    assert values(tally, metric)[0] == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("roc_auc", sk.roc_auc_score),
        ("average_precision", sk.average_precision_score),
        ("log_loss", sk.log_loss),
        ("brier_score", sk.brier_score_loss),
    ],
)
def test_scores(rows, metric, theirs):
    tally = ScoreTally.from_arrow(rows, label="truth", score="score", weight="weight")
    expected = theirs(rows["truth"], rows["score"], sample_weight=rows["weight"])
    assert values(tally, metric)[0] == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("mean_absolute_error", sk.mean_absolute_error),
        ("root_mean_squared_error", sk.root_mean_squared_error),
        ("r2", sk.r2_score),
    ],
)
def test_errors(rows, metric, theirs):
    tally = ErrorTally.from_arrow(rows, label="amount", predicted="said", weight="weight")
    expected = theirs(rows["amount"], rows["said"], sample_weight=rows["weight"])
    assert values(tally, metric)[0] == pytest.approx(expected, abs=EXACT)


def test_quantiles_of_errors_are_numpys_weighted_ones(rows):
    tally = ErrorTally.from_arrow(rows, label="amount", predicted="said", weight="weight")
    error = rows["said"] - rows["amount"]
    expected = np.quantile(error, 0.75, weights=rows["weight"], method="inverted_cdf")
    assert values(tally, "residual_quantile_75")[0] == pytest.approx(expected, abs=EXACT)
