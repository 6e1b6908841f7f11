from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.documents.objective import Column
from nbdeploy.validate.checks import data as check
from nbdeploy.validate.checks.data.contract import violations


def people(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, rows).astype(float),
            "income": rng.normal(100, 10, rows),
            "town": rng.choice(["A", "B", "C"], rows),
            "sex": rng.integers(1, 3, rows),
            "age_band": rng.choice(["young", "old"], rows),
            "progressed": rng.integers(0, 2, rows),
            "predicted": rng.integers(0, 2, rows),
        }
    )


def test_missing_cells_are_counted_by_column(from_predictions, objective, recorded):
    frame = people()
    frame.loc[:19, "age"] = np.nan
    context = from_predictions(frame, objective()).context("data")
    check.missing_values(context)
    found = recorded(context)["data.missing_share"]
    assert found.value == pytest.approx(20 / context.data.size)
    assert found.data["columns"][0] == {"column": "age", "missing": 20, "n": 200}


def test_a_repeated_row_counts_once_for_each_repetition(from_predictions, objective, recorded):
    frame = people()
    context = from_predictions(pd.concat([frame, frame.iloc[:10], frame.iloc[:5]]), objective()).context("data")
    check.duplicates(context)
    assert recorded(context)["data.duplicate_share"].data["duplicates"] == 15


def test_leakage_compares_numbers_as_numbers_whatever_their_type(from_predictions, objective, recorded):
    frame = people()
    train = pd.concat([people(seed=1), frame.iloc[:8]]).astype({"sex": float})
    context = from_predictions(frame, objective(), train).context("data")
    check.leakage(context)
    assert recorded(context)["data.leakage"].data["matches"] == 8


def test_without_training_data_leakage_is_undefined_and_says_why(from_predictions, objective, recorded):
    context = from_predictions(people(), objective()).context("data")
    check.leakage(context)
    found = recorded(context)["data.leakage"]
    assert found.value is None
    assert "no training data" in (found.undefined or "")


def test_a_row_that_breaks_two_rules_is_one_violation():
    frame = pd.DataFrame({"age": [20.0, 200.5, None], "sex": [1, 3, 2], "id": ["a", "b", "b"]})
    declared = {
        "age": Column(type="int", range=(18, 110), nullable=False),
        "sex": Column(allowed=(1, 2)),
        "id": Column(unique=True),
    }
    rules, rows = violations(frame, declared)
    assert rows == {1, 2}
    told = {(one["column"], one["rule"]): one["rows"] for one in rules}
    assert told["age", "lies between 18 and 110"] == 1
    assert told["age", "is of type int"] == 1
    assert told["age", "is never empty"] == 1
    assert told["sex", "is one of 1, 2"] == 1
    assert told["id", "is never repeated"] == 2


def test_a_declared_column_that_is_not_there_is_broken_in_every_row():
    rules, rows = violations(pd.DataFrame({"a": [1, 2]}), {"b": Column()})
    assert rows == {0, 1}
    assert rules[0] == {"column": "b", "rule": "the column is there", "rows": 2}


def test_outliers_lie_beyond_three_interquartile_ranges(from_predictions, objective, recorded):
    frame = people()
    frame["income"] = [float(value % 4) for value in range(199)] + [
        1000.5
    ]  # quartiles 0.75 and 2.25, fences −3.75 and 6.75
    context = from_predictions(frame, objective()).context("data")
    check.outliers(context)
    found = recorded(context)["data.outlier_share"].data["columns"][0]
    assert (found["column"], found["outliers"]) == ("income", 1)


def test_a_shifted_column_is_named_and_a_steady_one_is_not(from_predictions, objective, recorded):
    moved = people(2000)
    moved["income"] += 15
    moved["town"] = np.where(np.arange(2000) % 2, "D", moved["town"])
    context = from_predictions(moved, objective(), people(2000, seed=1)).context("data")
    check.drift(context)
    found = recorded(context)
    drifted = {one["column"] for one in found["data.drifted_columns"].data["columns"] if one["drifted"]}
    assert drifted == {"income", "town"}
    low, high = found["data.max_psi"].interval or (None, None)
    assert low is not None
    assert high is not None
    assert 0.2 < low < (found["data.max_psi"].value or 0) < high


def test_samples_of_one_population_rarely_count_as_drifted(from_predictions, objective, recorded):
    context = from_predictions(people(300), objective(), people(300, seed=5)).context("data")
    check.drift(context)
    found = recorded(context)
    assert found["data.drifted_columns"].value == 0
    assert (found["data.max_psi"].interval or (1,))[0] == 0


def test_the_rarest_class_is_found_with_the_training_counts(run, recorded):
    context = run.context("data")
    check.class_balance(context)
    found = recorded(context)["data.minority_share"]
    counts = context.data["progressed"].value_counts()
    assert found.value == pytest.approx(counts.min() / counts.sum())
    assert sum(one["train_n"] for one in found.data["classes"]) == 221
