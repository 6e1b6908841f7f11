"""The sections that need a model, on the diabetes study with a logistic regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.documents import catalog
from nbdeploy.validate.checks import explainability, fairness, operations, performance, robustness
from nbdeploy.validate.checks.explainability.importance import importances, placements


@pytest.fixture(scope="module")
def explained(run):
    """The explainability notebook's checks, run once."""
    context = run.context("explainability")
    for name in explainability.__all__:
        getattr(explainability, name)(context)
    return context


def test_every_headline_measure_of_a_section_is_recorded(run, recorded, explained):
    for section, module in (
        ("performance", performance),
        ("robustness", robustness),
        ("operations", operations),
        ("explainability", None),
    ):
        context = explained if module is None else run.context(section)
        for name in () if module is None else module.__all__:
            getattr(module, name)(context)
        found = {one.metric for one in recorded(context).values()}
        # Of costs where none are declared, and of a version before where there is none, nothing is said.
        told = {name for name in catalog.names(section, context.objective) if "previous" not in name}
        assert told - {"expected_cost_per_1000", "cost_saving_over_dummy", "cheapest_threshold"} <= found, section


def test_contributions_average_to_the_area_and_vary_as_delong_says():
    from sklearn.metrics import roc_auc_score

    from nbdeploy.stats.ranking import delong

    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.3
    scores = np.round(rng.normal(positive * 1.0), 1)  # with ties
    each = placements(positive, scores)
    assert each.mean() == pytest.approx(roc_auc_score(positive, scores))
    levels = np.unique(scores)
    counts = [[(scores[positive == side] == level).sum() for level in levels] for side in (False, True)]
    assert each.var() / len(each) == pytest.approx(delong(np.array(counts[0]), np.array(counts[1])).variance, rel=0.02)


def test_permutation_importance_agrees_with_scikit_learns(explained):
    from sklearn.inspection import permutation_importance

    ours = {one.feature: one for one in importances(explained).features}
    frame = explained.data
    model = explained.model.estimator
    theirs = permutation_importance(
        model, frame[list(explained.features)], frame["progressed"], scoring="roc_auc", n_repeats=20, random_state=0
    )
    for name, mean in zip(explained.features, theirs.importances_mean, strict=True):
        assert ours[name].low - 0.01 <= mean <= ours[name].high + 0.01, name


def test_shap_shares_of_a_linear_model_are_its_terms(explained, recorded):
    found = recorded(explained)["explainability.shap_additivity_residual"]
    assert found.data["explainer"] == "linear"
    assert found.value == pytest.approx(0, abs=1e-9)
    model = explained.model.estimator
    scaled = model[:-1].transform(explained.data[list(explained.features)])
    terms = np.abs((scaled - scaled.mean(axis=0)) * model[-1].coef_[0]).mean(axis=0)
    largest = explained.features[int(terms.argmax())]
    assert largest in {one["feature"] for one in found.data["features"][:2]}


def test_a_forbidden_feature_in_the_top_is_found_by_name(explained, recorded):
    found = recorded(explained)["explainability.forbidden_in_top"]
    assert found.value == 1
    assert found.data["found"] == ["sex"]
    band = next(one for one in found.data["ranks"] if one["feature"] == "age_band")
    assert band["rank"] is None


def test_a_feature_that_tells_a_sensitive_one_is_named_as_its_proxy(from_predictions, objective):
    from nbdeploy.validate.checks.explainability.forbidden import cramers_v

    rng = np.random.default_rng(0)
    sex = pd.Series(rng.integers(1, 3, 500).astype(str))
    height = pd.Series(np.where(sex == "1", "tall", "short"))
    assert cramers_v(sex, height) == pytest.approx(1, abs=0.01)
    assert cramers_v(sex, pd.Series(rng.integers(0, 60, 500).astype(str))) < 0.2


def test_single_rows_are_only_told_with_consent(explained, recorded):
    assert "examples" not in recorded(explained)["explainability.lime_jaccard_at_5"].data


def test_explanations_are_the_same_for_the_same_seed(run, recorded, explained):
    again = run.context("explainability")
    explainability.local_explanations(again)
    name = "explainability.lime_jaccard_at_5"
    assert recorded(again)[name] == recorded(explained)[name]


def test_noise_moves_quantities_and_nothing_else(run):
    from nbdeploy.validate.checks.robustness.noise import moved_rows

    seen = pd.DataFrame(
        {"age": range(20, 120), "gain": [0] * 80 + list(range(100, 120)), "ratio": np.linspace(0, 1, 100), "town": "A"}
    )
    moved = moved_rows(seen, ["age", "gain", "ratio"], 0.5, seen, np.random.default_rng(0))
    assert (moved["age"] != seen["age"]).mean() > 0.8
    assert moved["age"].dtype == seen["age"].dtype
    assert moved["age"].between(20, 119).all()
    assert (moved["gain"][:80] == 0).all()
    assert moved["ratio"].between(0, 1).all()
    assert (moved["town"] == "A").all()


def test_a_package_that_is_not_installed_is_a_mismatch(run, recorded):
    context = run.context("operations")
    operations.environment(context)
    found = recorded(context)["operations.environment_mismatches"]
    assert found.data["packages"] == [{"package": "definitely-absent", "asked": "==9.9", "here": None}]


def test_a_model_that_does_not_load_is_told_and_the_rest_is_undefined(run, recorded, tmp_path):
    context = run.context("operations")
    context._workspace._about["model"] = str(tmp_path)  # a folder without any model
    operations.clean_process(context)
    operations.latency(context)
    found = recorded(context)
    assert found["operations.loads_in_clean_process"].value == 0
    assert "MLmodel" in (found["operations.latency_p95_ms"].undefined or "")


def test_curves_have_at_most_two_hundred_points(run, recorded):
    context = run.context("performance")
    performance.discrimination(context)
    performance.thresholds(context)
    for one in recorded(context).values():
        assert all(len(points) <= 200 for points in one.data["curve"].values())


def test_the_four_fifths_rule_stands_with_the_parity_ratio(run, recorded):
    context = run.context("fairness")
    for name in fairness.__all__:
        getattr(fairness, name)(context)
    found = recorded(context)
    for features in ("sex", "age_band", "sex,age_band"):
        told = found[f"fairness.demographic_parity_ratio:{features}"].data["eighty_percent"]
        assert all({"ratio", "p_value", "test", "n", "below"} <= set(one) for one in told["groups"])
    metrics = {one.metric for one in found.values() if one.features == ("sex", "age_band")}
    assert {*catalog.STANDARD_GROUP_METRICS, *catalog.STANDARD_DISPARITIES, "favourable_rate"} <= metrics


def test_without_a_model_every_measure_that_needs_it_says_so(from_predictions, objective, recorded, split):
    frame = split[1].assign(score=0.5 + 0.4 * np.sin(np.arange(len(split[1]))))
    run = from_predictions(frame, objective(score="score"))
    for section, module in (("explainability", explainability), ("operations", operations)):
        context = run.context(section)
        for name in module.__all__:
            getattr(module, name)(context)
        found = recorded(context)
        assert set(catalog.names(section, context.objective)) <= {one.metric for one in found.values()}
        assert all(one.undefined == "needs the model; only its predictions were given" for one in found.values())


def test_the_weakest_slice_is_judged_on_rows_that_it_was_not_found_on(from_predictions, objective, recorded):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(18, 90, 4000), "sex": 1, "age_band": "a", "noise": rng.normal(size=4000)})
    frame["progressed"] = rng.integers(0, 2, 4000)
    wrong = np.where(frame["age"] > 65, rng.random(4000) < 0.4, rng.random(4000) < 0.1)
    frame["predicted"] = np.where(wrong, 1 - frame["progressed"], frame["progressed"])
    context = from_predictions(frame, objective()).context("robustness")
    robustness.weakest_slices(context)
    found = recorded(context)["robustness.worst_slice_accuracy"]
    assert "age > 65" in found.data["slices"][0]["slice"]
    assert found.interval is not None
    assert found.interval[0] <= 0.6 <= found.interval[1]


def test_the_four_fifths_rule_needs_a_declared_outcome_where_there_are_many_classes(from_predictions, objective):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": rng.integers(1, 3, 300), "age_band": "a", "progressed": rng.integers(0, 3, 300)})
    frame["predicted"] = frame["progressed"]
    several = objective(task="multiclass", positive=None, favourable=None, gates={"performance": {"accuracy": ">= 0"}})
    shown = fairness.four_fifths(from_predictions(frame, several).context("fairness"))
    assert "Does not apply" in repr(shown)
