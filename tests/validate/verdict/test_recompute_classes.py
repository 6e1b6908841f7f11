"""Averages over several classes by sensitive group, held to scikit-learn on each group's rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from nbdeploy.documents import catalog
from nbdeploy.validate.verdict.recomputable import AVERAGES_OVER_CLASSES, standard_fairness
from nbdeploy.validate.verdict.recompute import recompute


@pytest.fixture
def several(people):
    """Three levels of pay, told rightly more often of one sex."""
    rng = np.random.default_rng(1)
    pay = rng.choice(["low", "middle", "high"], len(people), p=[0.5, 0.3, 0.2])
    right = rng.random(len(people)) < np.where(people["sex"] == "male", 0.9, 0.6)
    return people.assign(pay=pay, predicted=np.where(right, pay, rng.permutation(pay))).drop(columns=["score", "hired"])


@pytest.fixture
def objective(declare):
    return declare(
        task="multiclass", target="pay", threshold=None, gates={"fairness": {"accuracy_difference": "<= 0.5"}}
    )


@pytest.mark.parametrize("metric", [*AVERAGES_OVER_CLASSES, "recall_weighted"])
def test_averages_over_classes_by_group_are_scikit_learns(objective, tally, several, metric):
    found = recompute(tally(objective, several), "fairness", metric, ("sex",))
    name, _, average = metric.rpartition("_")
    function = getattr(sk, f"{name}_score")
    assert found.value == pytest.approx(function(several["pay"], several["predicted"], average=average), abs=1e-12)
    for group in found.by_group:
        mine = several[several["sex"] == group.group["sex"]]
        assert group.value == pytest.approx(function(mine["pay"], mine["predicted"], average=average), abs=1e-12)
        assert group.interval[0] < group.value < group.interval[1]
    women, men = found.by_group
    assert women.interval[1] < men.interval[0]


def test_they_are_told_whether_or_not_a_gate_asks(objective):
    told = {metric for metric, _ in standard_fairness(objective)}
    assert told >= set(AVERAGES_OVER_CLASSES)
    assert all(catalog.measure("fairness", metric).tasks == ("multiclass",) for metric in AVERAGES_OVER_CLASSES)


def test_a_difference_that_nobody_computes_is_no_measure():
    assert catalog.measure("fairness", "f1_macro_difference") is None
    assert catalog.measure("fairness", "mitigated_disparity_difference") is None
    assert catalog.measure("fairness", "mean_absolute_error_difference") is not None
