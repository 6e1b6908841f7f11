"""Strata and mitigations: shapes that the card draws, and what must hold whatever the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbdeploy.validate.checks import fairness

N = 1_200


@pytest.fixture(scope="module")
def lending():
    """Women are rarer where decisions are easy, and earn less: a blind model then treats the sexes differently."""
    rng = np.random.default_rng(11)
    sex = rng.choice(["f", "m"], N)
    branch = np.where(rng.random(N) < np.where(sex == "f", 0.25, 0.75), "easy", "strict")
    income = rng.normal(0, 1, N) + 0.9 * (sex == "m")
    progressed = (income + 0.6 * (branch == "easy") + rng.normal(0, 0.7, N) > 0.6).astype(int)
    age_band = rng.choice(["under 50", "50 and over"], N)
    return pd.DataFrame(
        {"income": income, "branch": branch, "sex": sex, "age_band": age_band, "progressed": progressed}
    )


GATES = {"fairness": {"demographic_parity_difference": "<= 0.05"}}


def wanted(objective, **more):
    return objective(favourable=1, sensitive=["sex"], gates=GATES, **more)


@pytest.fixture(scope="module")
def lent(lending, objective, of_model):
    estimator = LogisticRegression().fit(lending[["income"]][: N // 2], lending["progressed"][: N // 2])
    rows = lending[N // 2 :].reset_index(drop=True)
    train = lending[: N // 2]
    return of_model(estimator, ["income"], rows, wanted(objective, control=["branch"]), train)


def test_mitigations_are_judged_on_other_rows_and_bring_groups_together(lent, recorded):
    context = lent.context("fairness")
    shown = fairness.mitigation(context)
    found = recorded(context)["fairness.mitigated_disparity"]
    points = {one["kind"]: one for one in found.data["points"]}
    again = "trained again without parity"  # what parity costs is told beside the same training without it
    assert {"as it is", "another threshold", "thresholds by group", "trained for parity", again} == set(points)
    assert found.data["learnt_from"] == "training rows"
    assert found.value < points["as it is"]["disparity"] / 2
    assert points["thresholds by group"]["by_group"]
    assert not points["trained for parity"]["by_group"]
    for one in found.data["points"]:
        assert one["accuracy_interval"][0] < one["accuracy"] < one["accuracy_interval"][1]
        assert one["interval"][0] <= one["disparity"] <= one["interval"][1]
    assert "the law may forbid" in shown.text


def test_a_mitigation_of_who_looks_for_the_rare_does_not_stop_looking(lending, objective, of_model, recorded):
    rng = np.random.default_rng(3)
    rows = lending.assign(progressed=(rng.random(N) < 0.04 + 0.16 * (lending["income"] > 1)).astype(int))
    estimator = LogisticRegression().fit(rows[["income"]][: N // 2], rows["progressed"][: N // 2])
    asked = wanted(objective, threshold=0.1)
    context = of_model(estimator, ["income"], rows[N // 2 :].reset_index(drop=True), asked, rows[: N // 2])
    shown = fairness.mitigation(context.context("fairness"))
    found = {line[0]: line for line in shown.table.rows}
    recall = shown.table.heads.index("Recall")
    assert float(found["one threshold a group"][recall].rstrip("%")) > 30  # by accuracy alone it would find nobody
    assert float(found["trained for parity on 600 rows"][recall].rstrip("%")) > 30


def test_the_same_seed_gives_the_same_mitigations(lent, recorded):
    first, again = (lent.context("fairness") for _ in range(2))
    values = []
    for context in (first, again):
        fairness.mitigation(context)
        values.append(recorded(context)["fairness.mitigated_disparity"].data["points"])
    assert values[0] == values[1]


def test_strata_are_told_with_the_pooled_difference(lent, recorded):
    context = lent.context("fairness")
    shown = fairness.conditional_disparities(context)
    found = recorded(context)["fairness.conditional_demographic_parity_difference:sex"]
    assert {one["stratum"]["branch"] for one in found.data["strata"]} == {"easy", "strict"}
    assert found.data["pooled"]["strata"] == 2
    assert shown.figure is not None


def test_without_a_model_only_thresholds_are_tried_and_on_halves(lending, objective, from_predictions, recorded):
    rows = lending.assign(score=1 / (1 + np.exp(-lending["income"]))).drop(columns="income")
    run = from_predictions(rows, wanted(objective, score="score", threshold=0.5))
    context = run.context("fairness")
    fairness.mitigation(context)
    found = recorded(context)["fairness.mitigated_disparity"]
    assert "trained for parity" not in {one["kind"] for one in found.data["points"]}
    assert found.data["learnt_from"].startswith("one half")
    assert found.n <= N // 2


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"gates": {"fairness": {"demographic_parity_difference": "<= 1"}}}, "every fairness gate is passed"),
        ({"sensitive": []}, "no sensitive feature"),
        ({"predicted": "said", "threshold": None}, "need scores"),
    ],
)
def test_what_is_not_tried_says_why(  # noqa: PLR0917 - fixtures come by name
    lending, objective, from_predictions, recorded, more, says
):
    rows = lending.assign(said=(lending["income"] > 0).astype(int), score=1 / (1 + np.exp(-lending["income"])))
    content = {"favourable": 1, "sensitive": ["sex"], "gates": GATES, "score": "score", "threshold": 0.5} | more
    if "predicted" in more:
        rows = rows.drop(columns="score")
        content.pop("score")
    run = from_predictions(rows.drop(columns="income"), objective(**content))
    context = run.context("fairness")
    fairness.mitigation(context)
    assert says in recorded(context)["fairness.mitigated_disparity"].undefined
