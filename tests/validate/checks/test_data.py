from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.documents import catalog
from nbdeploy.documents.objective import Column
from nbdeploy.validate.checks import data as check
from nbdeploy.validate.checks import robustness
from nbdeploy.validate.checks.data.contract import violations
from nbdeploy.validate.checks.data.distribution import Distribution
from nbdeploy.validate.checks.data.shifts import cramer, smirnov
from nbdeploy.validate.checks.data.suspects import confident_class
from nbdeploy.validate.checks.data.telling import bins_of, halves, strength
from nbdeploy.validate.checks.uncertainty import clustered_rate_interval
from nbdeploy.validate.holding import hold, hold_beside


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


def in_parts(frame: pd.DataFrame, rows: int):
    """Return what gives all rows again and again, so many at a time."""
    return lambda columns: (frame[columns].iloc[at : at + rows] for at in range(0, len(frame), rows))


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
    rules, rows = violations(in_parts(frame, 2), declared, set(frame.columns), len(frame), at_once=1)
    assert rows == 2
    told = {(one["column"], one["rule"]): one["rows"] for one in rules}
    assert told["age", "lies between 18 and 110"] == 1
    assert told["age", "is of type int"] == 1
    assert told["age", "is never empty"] == 1
    assert told["sex", "is one of 1, 2"] == 1
    assert told["id", "is never repeated"] == 2


def test_a_declared_column_that_is_not_there_is_broken_in_every_row():
    rules, rows = violations(in_parts(pd.DataFrame({"a": [1, 2]}), 1), {"b": Column()}, {"a"}, 2)
    assert rows == 2
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


@settings(max_examples=20, deadline=None)  # each part is a call of pandera, which takes its time
@given(
    values=st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=20),
    rows=st.integers(3, 20),
    at_once=st.integers(4, 20),
)
def test_any_parts_and_any_number_of_passes_count_the_same_violations(values, rows, at_once):
    frame = pd.DataFrame({"id": pd.array(values, dtype="Int64")})
    declared = {"id": Column(unique=True, range=(2, 10), nullable=False)}
    rules, broken = violations(in_parts(frame, rows), declared, {"id"}, len(frame), at_once=at_once)
    known = [value for value in values if value is not None]
    repeated = {value for value in known if known.count(value) > 1}
    want = {
        "is never empty": len(values) - len(known),
        "is never repeated": sum(value in repeated for value in known),
        "lies between 2 and 10": sum(not 2 <= value <= 10 for value in known),
    }
    assert {one["rule"]: one["rows"] for one in rules} == {rule: count for rule, count in want.items() if count}
    assert broken == sum(value is None or value in repeated or not 2 <= value <= 10 for value in values)


def test_a_group_that_misses_values_more_often_is_named(from_predictions, objective, recorded):
    frame = people(2000)
    frame.loc[(frame["sex"] == 2) & (np.arange(2000) % 3 == 0), "income"] = np.nan
    context = from_predictions(frame, objective()).context("data")
    check.missing_values(context)
    found = recorded(context)["data.missing_gap"]
    assert found.data["features"][0]["most"] == "2"
    assert found.interval is not None
    assert found.interval[0] <= 1 / 3 <= found.interval[1]
    assert found.interval[0] > 0.2


def test_a_near_twin_is_found_and_an_exact_one_is_left_to_leakage(from_predictions, objective, recorded):
    frame = people(150)
    train = people(300, seed=1).assign(town="abroad")  # near nobody
    train.loc[:19] = frame.loc[:19]  # exact
    train.loc[20:49] = frame.loc[20:49]
    train.loc[20:49, "income"] += 0.02  # two thousandths of a spread
    train.loc[50:59] = frame.loc[50:59]
    train.loc[50:59, "town"] = "elsewhere"  # near in every number and of another kind
    context = from_predictions(frame, objective(), train).context("data")
    check.near_duplicates(context)
    found = recorded(context)
    assert found["data.near_leakage"].data["near"] == 30
    assert found["data.near_leakage"].interval is None  # all rows were asked
    assert found["data.near_duplicate_share"].value == 0


def test_near_twins_agree_with_all_pairs(from_predictions, objective, recorded):
    rng = np.random.default_rng(3)
    frame = people(120)
    frame["income"] = rng.normal(size=120)
    frame["age"] = rng.integers(18, 30, 120).astype(float)
    frame.loc[rng.choice(120, 15, replace=False), "income"] = np.nan
    context = from_predictions(frame, objective()).context("data")
    check.near_duplicates(context)
    inputs = list(context.features)
    limit = 0.01 * np.nanstd(frame["income"]) * (1 + 1e-9)

    def near(a, b) -> bool:
        income = (np.isnan(a.income) and np.isnan(b.income)) or abs(a.income - b.income) <= limit
        return income and all(getattr(a, name) == getattr(b, name) for name in inputs if name != "income")

    rows = list(context.data.itertuples(index=False))
    want = sum(any(near(a, b) for j, b in enumerate(rows) if i != j) for i, a in enumerate(rows))
    whole = sum(any(repr(a) == repr(b) for j, b in enumerate(rows) if i != j) for i, a in enumerate(rows))
    assert recorded(context)["data.near_duplicate_share"].data["near"] == want - whole


def test_an_input_that_is_the_outcome_in_disguise_is_pointed_out(from_predictions, objective, recorded):
    frame = people(600)
    frame["paid"] = np.where(frame["progressed"] == 1, 100.0 + np.arange(600), np.nan)
    context = from_predictions(frame, objective()).context("data")
    shown = check.target_leakage(context)
    found = recorded(context)["data.single_feature_auc"]
    assert found.data["telling"] == ["paid"]
    assert found.value is not None
    assert found.value > 0.99
    assert "paid tells the target" in repr(shown)


def test_idle_inputs_seem_to_tell_something_no_more_often_than_the_level_says():
    rng = np.random.default_rng(1)
    told = []
    for _ in range(400):
        outcome = (rng.random(300) < 0.3).astype(float)
        learnt = halves(pd.Series(outcome), rng, stratified=True)
        bins = bins_of(pd.Series(rng.normal(size=300)), quantity=True)
        told.append(strength("idle", bins, {"1": outcome}, learnt, 0.9, regression=False)["interval"])
    assert np.mean([low > 0.5 for low, _ in told]) <= 0.08
    assert np.mean([high < 0.5 for _, high in told]) <= 0.08


def test_a_number_told_by_one_input_has_its_squared_correlation(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)
    frame = people(2000)
    frame["progressed"] = frame["income"] / 10 + rng.normal(size=2000)  # both of variance 1: R² is a half
    frame["predicted"] = frame["progressed"]
    plain = objective(task="regression", positive=None, favourable=None, gates={"performance": {"r2": ">= 0"}})
    context = from_predictions(frame, plain).context("data")
    check.target_leakage(context)
    found = recorded(context)["data.single_feature_r2"]
    assert found.data["columns"][0]["column"] == "income"
    assert found.interval is not None
    assert found.interval[0] <= 0.5 <= found.interval[1]


def test_the_confident_class_is_that_of_the_papers_example():
    # Northcutt, Jiang and Chuang (2021), equation 1: thresholds are the mean self-confidence of each label.
    chance = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.45, 0.55], [0.1, 0.9], [0.3, 0.7]])
    codes = np.array([0, 0, 0, 1, 1, 1])
    # thresholds: (0.9 + 0.7 + 0.2)/3 = 0.6 for class 0 and (0.55 + 0.9 + 0.7)/3 = 0.7167 for class 1
    assert confident_class(chance, codes).tolist() == [0, 0, 1, -1, 1, -1]


def test_flipped_labels_are_suspects_and_clean_ones_hardly(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)
    frame = people(2000)
    truth = ((frame["age"] > 50) ^ (frame["income"] > 100)).astype(int)
    flipped = rng.random(2000) < 0.05
    frame["progressed"] = np.where(flipped, 1 - truth, truth)
    frame["predicted"] = truth
    context = from_predictions(frame, objective()).context("data")
    check.suspect_labels(context)
    found = recorded(context)["data.suspect_label_share"]
    assert found.value == pytest.approx(flipped.mean(), abs=0.02)
    assert found.data["model_errs_on"] >= 0.75 * flipped.sum()
    assert found.data["model_errs"] == flipped.sum()


def test_labels_of_true_and_false_are_looked_over_like_others(from_predictions, objective, recorded):
    frame = people(1000)
    frame["progressed"] = frame["predicted"] = (frame["age"] > 50) ^ (frame["income"] > 100)
    context = from_predictions(frame, objective()).context("data")
    check.suspect_labels(context)
    assert recorded(context)["data.suspect_label_share"].value < 0.03


def test_copied_rows_are_said_to_be_copies_and_coarse_ones_are_not(from_predictions, objective, recorded):
    frame, train = people(400), people(1000, seed=1)
    copied = pd.concat([frame[:360], train.iloc[:40]], ignore_index=True)
    told = check.leakage(from_predictions(copied, objective(), train).context("data")).text
    assert told.startswith(
        "10.00% of the rows stand in the training data too, of which 0.00% repeat another: rows were"
    )

    near = copied.assign(income=copied["income"] + 1e-4)
    told = check.near_duplicates(from_predictions(near, objective(), train).context("data")).text
    assert told.endswith("of the evaluated rows 10.5%: many are copies.")

    kept = ["sex", "age_band", "progressed", "predicted"]
    coarse = from_predictions(frame[kept], objective(), train[kept]).context("data")
    assert check.leakage(coarse).text.endswith("repeat another.")
    assert recorded(coarse)["data.leakage"].data["usual"] == 1.0


def test_a_target_that_moved_counts_as_drift_and_is_told_with_its_effect(from_predictions, objective, recorded):
    frame, train = people(1000), people(1000, seed=1)
    train["progressed"] = (np.random.default_rng(2).random(1000) < 0.2).astype(int)
    context = from_predictions(frame, objective(), train).context("data")
    said = check.drift(context).text
    (moved,) = [one for one in recorded(context)["data.drifted_columns"].data["columns"] if one["drifted"]]
    assert moved["column"] == "progressed"
    assert said.startswith("Drifted: progressed, which is to be told, (Cramér's V 0.297")


def test_columns_that_stayed_are_said_to_have(from_predictions, objective):
    context = from_predictions(people(1000), objective(), people(1000, seed=1)).context("data")
    assert check.drift(context).text.startswith("No column of 6 drifted; ")


def test_texts_written_for_a_missing_value_are_told_and_not_counted(from_predictions, objective, recorded):
    frame = people()
    frame.loc[:49, "town"] = "?"
    frame.loc[50:59, "town"] = "Unknown"
    context = from_predictions(frame, objective()).context("data")
    said = check.missing_values(context).text
    assert "“?” in town (50 rows), “Unknown” in town (10 rows)" in said
    found = recorded(context)["data.missing_share"]
    assert found.value == 0
    assert [one["rows"] for one in found.data["stand_ins"]] == [50, 10]


def test_a_column_without_fences_is_named_instead_of_passed_over(from_predictions, objective):
    frame = people()
    frame["gain"] = np.where(np.arange(200) < 180, 0.0, np.linspace(1, 99_999, 200))
    said = check.outliers(from_predictions(frame, objective()).context("data")).text
    assert "half of their values are one and the same: gain." in said


def test_an_input_that_tells_one_of_several_classes_is_said_to_tell_that_one(from_predictions, objective):
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame.rename(columns={"target": "progressed"})
    frame["predicted"] = frame["progressed"]
    flowers = objective(
        task="multiclass", positive=None, favourable=None, sensitive=[], gates={"performance": {"accuracy": ">= 0"}}
    )
    said = check.target_leakage(from_predictions(frame, flowers).context("data")).text
    assert "tell one class of 3, 0, almost alone" in said


def test_outcomes_that_can_hardly_be_told_are_no_suspects(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)
    frame = people(2000)
    chance = np.where(frame["age"] > 50, 0.35, 0.15)
    frame["progressed"] = (rng.random(2000) < chance).astype(int)  # right labels of a risk, none of them a mistake
    context = from_predictions(frame, objective()).context("data")
    check.suspect_labels(context)
    assert recorded(context)["data.suspect_label_share"].value < 0.05  # 0.4 by the confident joint alone


def test_labels_flipped_in_training_alone_are_told_beside_the_evaluated_ones(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)

    def told(rows: pd.DataFrame) -> pd.Series:
        return ((rows["age"] > 50) ^ (rows["income"] > 100)).astype(int)

    frame, train = people(1000), people(1000, seed=1)
    frame["progressed"], train["progressed"] = told(frame), told(train) ^ (rng.random(1000) < 0.1)
    context = from_predictions(frame, objective(), train).context("data")
    said = check.suspect_labels(context).text
    assert "more than chance explains" in said
    found = recorded(context)["data.suspect_label_share"]
    assert found.value < 0.03
    assert found.data["train"]["suspects"] > 50

    swapped = frame.assign(progressed=told(frame) ^ (rng.random(1000) < 0.1))
    train["progressed"] = told(train)
    said = check.suspect_labels(from_predictions(swapped, objective(), train).context("data")).text
    assert "fewer than chance explains" in said

    again = from_predictions(frame, objective(), train).context("data")
    assert "than chance" not in check.suspect_labels(again).text


def test_values_of_a_regression_far_from_their_like_are_suspects(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)
    frame = people(1000)
    frame["progressed"] = frame["income"] + rng.normal(size=1000)
    frame["predicted"] = frame["income"]
    frame.loc[:29, "progressed"] += 80.0
    plain = objective(task="regression", positive=None, favourable=None, gates={"performance": {"r2": ">= 0"}})
    context = from_predictions(frame, plain).context("data")
    check.suspect_labels(context)
    assert recorded(context)["data.suspect_label_share"].data["suspects"] == pytest.approx(30, abs=8)


def test_cramers_limits_cover_the_true_association_as_often_as_they_say():
    rng = np.random.default_rng(0)
    first, second = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    pooled = (first + second) / 2
    truth = np.sqrt((((first - pooled) ** 2 + (second - pooled) ** 2) / pooled).sum() / 2)
    drawn = [cramer(rng.multinomial(300, first), rng.multinomial(300, second), 0.9) for _ in range(1500)]
    inside = np.mean([low <= truth <= high for low, high in (one.interval for one in drawn)])
    assert 0.88 <= inside <= 0.93


def test_the_chi_squared_test_agrees_with_scipy_and_v_with_its_association():
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    now, before = np.array([30.0, 12, 8]), np.array([20.0, 25, 9])
    found = cramer(now, before, 0.95)
    test = chi2_contingency(np.vstack([now, before]))
    assert (found.statistic, found.p_value) == pytest.approx((test.statistic, test.pvalue))
    assert found.value == pytest.approx(association(np.vstack([now, before]).astype(int)))


def numbers(values: np.ndarray) -> Distribution:
    ordered = np.sort(values)
    return Distribution(ordered, len(ordered), 0, float(ordered[0]), float(ordered[-1]), 0.0)


def test_the_gap_and_its_test_agree_with_scipy():
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(0)
    now, before = rng.normal(0.1, 1, 800), np.round(rng.normal(size=700), 1)
    found = smirnov(numbers(now), numbers(before), 0.95)
    test = ks_2samp(now, before, method="asymp")
    assert (found.statistic, found.p_value) == pytest.approx((test.statistic, test.pvalue))


def test_limits_of_the_gap_hold_the_true_gap_at_least_as_often_as_they_say():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    truth = 2 * norm.cdf(0.2) - 1  # between N(0, 1) and N(0.4, 1), at their middle
    drawn = [smirnov(numbers(rng.normal(0.4, 1, 200)), numbers(rng.normal(size=300)), 0.9) for _ in range(300)]
    assert np.mean([one.interval[0] <= truth <= one.interval[1] for one in drawn]) >= 0.9


def test_a_sketch_of_many_rows_tells_the_same_shift_as_the_rows(from_predictions, objective, recorded):
    moved = people(6000)
    moved["income"] += 5
    run = from_predictions(moved, objective(), people(7000, seed=1))

    def found() -> dict:
        context = run.context("data")
        for name in ("drift", "outliers", "duplicates", "leakage", "missing_values", "class_balance"):
            getattr(check, name)(context)
        return recorded(context)

    whole = found()
    for name in ("data", "train"):
        hold(run.workspace, name, 1500)
    hold_beside(run.workspace, "predictions")
    sketched = found()
    assert run.context("data").held == 1500
    assert sketched["data.max_psi"].value == pytest.approx(whole["data.max_psi"].value, rel=0.05)
    assert "sketches" in sketched["data.max_psi"].method
    assert "sketches" not in whole["data.max_psi"].method
    assert sketched["data.drifted_columns"].value == whole["data.drifted_columns"].value == 1
    assert sketched["data.outlier_share"].value == pytest.approx(whole["data.outlier_share"].value, abs=5e-4)
    for name in ("duplicate_share", "leakage", "missing_share", "minority_share"):
        assert sketched[f"data.{name}"] == whole[f"data.{name}"]


def test_rows_of_which_only_a_sample_is_kept_give_limits_that_hold_the_truth():
    rng = np.random.default_rng(0)
    rows = rng.choice([1, 1, 1, 5], 20_000)  # copies of each distinct row
    truth = (rows - 1).sum() / rows.sum()
    inside = 0
    for _ in range(400):
        kept = rng.choice(rows, 300, replace=False)
        low, high = clustered_rate_interval(kept - 1, kept, 0.9)
        inside += low <= truth <= high
    assert inside / 400 >= 0.87
    assert clustered_rate_interval([0, 0], [1, 1], 0.95)[1] > 0.5


def awkward(rows: int, seed: int) -> pd.DataFrame:
    """Return rows with a name each, dates, truth values, a column of nothing, infinities, gaps and 45 groups."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"p{place:06d}" for place in rng.permutation(rows)],
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), unit="h"),
            "flag": rng.random(rows) < 0.3,
            "nothing": np.full(rows, np.nan),
            "constant": 1.0,
            "infinite": np.where(rng.random(rows) < 0.02, np.inf, rng.normal(size=rows)),
            "large": rng.integers(10**17, 10**18, rows),
            "kind": pd.Categorical(rng.choice(["x", "y", None], rows)),
            "a column with a name that is far too long for any chart to show": rng.choice(list("abcdef"), rows),
            "gaps": pd.array(np.where(rng.random(rows) < 0.2, None, rng.integers(0, 500, rows)), dtype="Int64"),
            "sex": rng.integers(1, 3, rows),
            "age_band": rng.choice([f"group {number:02d}" for number in range(45)], rows),
            "progressed": rng.integers(0, 2, rows),
            "predicted": rng.integers(0, 2, rows),
        }
    )


def test_no_kind_of_column_stops_a_check(from_predictions, objective, recorded):
    contract = {"id": {"unique": True, "type": "str"}, "flag": {"type": "bool"}, "when": {"type": "date"}}
    run = from_predictions(awkward(1500, 0), objective(contract=contract, min_group_size=20), awkward(1200, 1))
    context = run.context("data")
    for name in check.__all__:
        assert getattr(check, name)(context).bundles(), name
    found = recorded(context)
    assert found["data.contract_violations"].value == 0
    assert found["data.drifted_columns"].value == 0
    assert found["data.drifted_columns"].data["uncounted"] == ["id", "when"]
    assert set(catalog.names("data", context.objective)) <= {one.metric for one in found.values()}
    context = run.context("robustness")
    for name in robustness.__all__:
        assert getattr(robustness, name)(context).bundles(), name
    names = catalog.names("robustness", context.objective)
    assert set(names) <= {one.metric for one in recorded(context).values()}
