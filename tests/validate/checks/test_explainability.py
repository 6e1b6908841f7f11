"""Explanations of single rows: lime's own numbers, the quality of them, and whose values are shown."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from nbdeploy.validate.checks import explainability
from nbdeploy.validate.checks.explainability.answer import answer
from nbdeploy.validate.checks.explainability.attributions import attributions
from nbdeploy.validate.checks.explainability.cases import extremes
from nbdeploy.validate.checks.explainability.identifiers import identifying
from nbdeploy.validate.checks.explainability.local import quality, same_order
from nbdeploy.validate.checks.explainability.neighbourhoods import Lime, Weights


def applicants(count: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "applicant_id": [f"A{at:05}" for at in range(count)],
            "sex": rng.integers(1, 3, count),
            "age_band": rng.choice(["under 50", "50 and over"], count),
            "town": rng.choice(["north", "south", "east"], count),
            "income": rng.gamma(3, 900, count).round(2),
            "years": rng.integers(0, 40, count),
        }
    )
    frame["shoe"] = 36 + 4 * frame["sex"] + rng.normal(0, 1, count)
    pull = frame["income"] / 2700 + (frame["town"] == "north") + rng.normal(0, 0.6, count)
    frame["progressed"] = (pull > 1.4).astype(int)
    return frame


INPUTS = ["sex", "town", "income", "years", "shoe"]


def fitted(final, frame: pd.DataFrame, target: str = "progressed"):
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]),
        (StandardScaler(), ["income", "years", "shoe"]),
        ("passthrough", ["sex"]),
    )
    return make_pipeline(encode, final).fit(frame[INPUTS], frame[target])


@pytest.fixture(scope="module")
def boosted(of_model, objective):
    """A run of boosted trees behind a column transformer, on people who consented to be shown."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = applicants()
    return of_model(
        fitted(HistGradientBoostingClassifier(max_iter=20, random_state=0), frame),
        INPUTS,
        frame,
        objective(examples="consented"),
    )


def test_many_rows_at_once_have_the_numbers_that_lime_gives_each(boosted):
    from lime.lime_tabular import LimeTabularExplainer

    context = boosted.context("explainability")
    asked = answer(context)
    lime = Lime.of(context, asked)
    rows = context.sample(3, "rows")
    seeds = [[1, 2], [3], [4, 5, 6]]
    ours = lime.explain(rows, seeds, samples=300)

    def ask(matrix):
        score = asked.call(lime.coding.decode(matrix))
        return np.column_stack([1 - score, score])

    for row, known, found in zip(lime.coding.encode(rows), seeds, ours, strict=True):
        for seed, one in zip(known, found, strict=True):
            explainer = LimeTabularExplainer(lime.behind, **lime.options, random_state=np.random.RandomState(seed))
            theirs = explainer.explain_instance(row, ask, num_features=5, num_samples=300)
            assert list(one.pairs) == [(int(place), float(weight)) for place, weight in theirs.as_map()[1]]
            assert one.fit == theirs.score


def test_the_short_way_to_answers_is_taken_and_gives_the_pipelines_answers(boosted):
    context = boosted.context("explainability")
    asked = answer(context)
    lime = Lime.of(context, asked)
    assert lime.ask.__name__ == "short"
    matrix = lime.coding.encode(context.data)
    np.testing.assert_array_equal(lime.ask(matrix), asked.call(context.data))


def test_a_pipeline_that_wants_frames_between_its_steps_is_asked_the_long_way(of_model, objective):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import FunctionTransformer

    frame = applicants(120)
    model = fitted(HistGradientBoostingClassifier(max_iter=3), frame)
    model.steps.insert(1, ("named", FunctionTransformer(lambda made: made.assign(more=1.0).drop(columns="more"))))
    model.steps[0][1].set_output(transform="pandas")
    context = of_model(model, INPUTS, frame, objective()).context("explainability")
    asked = answer(context)
    lime = Lime.of(context, asked)
    assert lime.ask.__name__ == "long"
    np.testing.assert_array_equal(lime.ask(lime.coding.encode(context.data)), asked.call(context.data))


def test_repeatability_is_one_for_equal_runs_and_less_for_others():
    one = Weights(((0, 0.5), (1, -0.3), (2, 0.1)), 0.8)
    turned = Weights(((2, 0.5), (1, -0.3), (0, 0.1)), 0.8)
    other = Weights(((3, 0.5), (4, -0.3), (2, 0.1)), -0.2)
    shares = np.array([[2.0, 1.0, 0.0, 0.0, 0.0]])
    same = quality([[one, one, one]], shares, 5)
    assert same["lime_jaccard_at_5"] == [1]
    assert same["lime_kendall_tau"] == [pytest.approx(1)]
    assert same["lime_local_fit"] == [pytest.approx(0.8)]
    assert same["lime_shap_agreement"] == [pytest.approx(2 / 3)]  # SHAP gives the third feature nothing
    assert same["lime_shap_sign_agreement"] == [0.5]
    assert same_order(one, turned) == pytest.approx(-1)
    mixed = quality([[one, other]], shares, 5)
    assert mixed["lime_jaccard_at_5"] == [1 / 5]
    assert mixed["lime_local_fit"] == [pytest.approx(0.4)]


def test_kendalls_tau_is_scipys_over_the_features_that_either_run_names():
    from scipy.stats import kendalltau

    a = Weights(((0, 0.5), (1, 0.3), (2, 0.1)), 1.0)
    b = Weights(((0, -0.6), (3, 0.2), (1, 0.1)), 1.0)
    assert same_order(a, b) == kendalltau([0.5, 0.3, 0.1, 0], [0.6, 0.1, 0, 0.2]).statistic


def test_rows_at_the_ends_are_chosen_by_score_and_error(boosted):
    context = boosted.context("explainability")
    score = context.predictions["score"]
    found = {case.why: case.at for case in extremes(context)}
    wrong = context.predictions[context.predictions["predicted"] != context.predictions["label"]]
    assert found["surest and wrong"] == (wrong["score"] - 0.5).abs().idxmax()
    assert score[found["nearest the threshold"]] == min(score, key=lambda one: abs(one - 0.5))
    assert score[found["the lowest score"]] == score.min()


def test_columns_that_tell_who_a_row_is_are_known_by_their_values():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "case": [f"{at}/2024" for at in range(200)],
            "number": rng.permutation(200),
            "education-num": rng.integers(0, 9, 200),
            "paid": rng.random(200) < 0.5,
            "ratio": rng.normal(size=200),
        }
    )
    assert identifying(frame, list(frame)) == {"case", "number"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Customer ID", range(60)),
        ("customerId", [f"C{at}" for at in range(60)]),
        ("patient_nbr", range(1000, 1060)),
        ("policyNumber", range(60)),
        ("Case No.", range(60)),
        ("first_name", [f"name {at}" for at in range(60)]),
        ("zip", range(10_001, 10_061)),
        # Few, and yet they say who it is.
        ("email", ["ana@example.org", "ben@example.org"]),
        ("ssn", ["078-05-1120", "219-09-9999"]),
        ("social_security", [780_511_20, 219_099_99]),
        ("date_of_birth", ["1980-01-01", "1990-12-31"]),
        ("DOB", list(pd.to_datetime(["1980-01-01", "1990-12-31"]))),
        ("mobile", ["+44 20 7946 0000", "(555) 010-9999"]),
        ("IBAN", ["GB82 WEST 1234 5698 7654 32"]),
    ],
)
def test_a_name_and_values_that_are_no_kinds_make_an_identifier(name, values):
    frame = pd.DataFrame({name: list(values) * (600 // len(values))})  # ten rows and more of each: a household, visits
    assert identifying(frame, [name]) == {name}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("PhoneService", ["Yes", "No"]),
        ("phone_type", ["mobile", "landline", None]),
        ("EmailOptIn", [0, 1]),
        ("email_verified", [True, False]),
        ("IDType", ["passport", "driving licence", "none"]),
        ("admission_type_id", range(1, 9)),
        ("AddressChange", ["never", "this year", "earlier"]),
        ("birth_region", ["north", "south"]),
        ("number_of_loans", range(9)),
        ("num_procedures", range(7)),
        ("filename_length", range(60)),
        ("no_account", range(60)),
    ],
)
def test_kinds_are_no_identifiers_whatever_they_are_called(name, values):
    frame = pd.DataFrame({name: list(values) * (600 // len(values))})
    assert identifying(frame, [name]) == set()


def test_a_name_counts_where_hardly_two_rows_share_a_value():
    frame = pd.DataFrame({"surname": ["Ash", "Birch", "Cedar", "Ash", "Elm"]})
    assert identifying(frame, ["surname"]) == {"surname"}


def test_examples_tell_why_a_row_is_shown_and_suppress_identifiers(of_model, objective, recorded):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = applicants().rename(columns={"years": "account_id"})
    inputs = ["income", "account_id", "shoe"]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[inputs], frame["progressed"])
    context = of_model(model, inputs, frame, objective(examples="consented")).context("explainability")
    explainability.local_explanations(context)
    examples = recorded(context)["explainability.lime_jaccard_at_5"].data["examples"]
    assert [one["why"] for one in examples][-2:] == ["an ordinary row"] * 2
    assert {"the highest score", "nearest the threshold"} <= {one["why"] for one in examples}
    assert all(one["row"]["account_id"] == "(suppressed)" for one in examples)
    assert all(float(one["row"]["income"]) > 0 for one in examples)


def test_an_input_that_tells_a_sensitive_feature_is_its_best_proxy(boosted, recorded):
    context = boosted.context("explainability")
    shown = explainability.proxy_strength(context)
    assert "of single inputs by shoe (" in shown.text
    assert len(shown.table.rows) == 2  # the strongest is not told twice
    found = recorded(context)
    sex = found["explainability.proxy_strength:sex"]
    # Shoes differ by four sizes at a spread of one: the area is Φ(4 / √2) = 0.9977.
    assert sex.value > 0.97
    assert sex.data["single"][0]["feature"] == "shoe"
    assert sex.data["single"][0]["area"] > 0.97
    assert sex.data["is_input"]
    assert sex.interval[0] <= sex.value <= sex.interval[1]
    age = found["explainability.proxy_strength:age_band"]
    assert age.interval[0] < 0.5 < age.interval[1]  # nothing tells it
    assert not age.data["is_input"]
    strongest = found["explainability.proxy_strength"]
    assert strongest.value == sex.value
    assert [one["feature"] for one in strongest.data["features"]] == ["sex", "age_band"]


def test_a_gate_on_proxies_is_judged_with_and_without_a_group(boosted, objective, recorded):
    from nbdeploy.validate.verdict.findings import find

    context = boosted.context("explainability")
    explainability.proxy_strength(context)
    for gate, expected in (
        ({"max": 0.8, "group": "sex"}, "fail"),
        ({"max": 0.8, "group": "age_band"}, "pass"),
        ("<= 0.8", "fail"),
    ):
        wanted = objective(gates={"explainability": {"proxy_strength": gate}})
        judged = find(wanted, {"explainability": tuple(recorded(context).values())}, context.tallies, seed=0)
        assert [one.verdict for one in judged if one.gate] == [expected]


def test_groups_of_few_rows_have_no_proxy_strength(of_model, objective, recorded):
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = applicants(60).assign(sex=[1] * 55 + [2] * 5)
    model = fitted(HistGradientBoostingClassifier(max_iter=3), frame)
    context = of_model(model, INPUTS, frame, objective(sensitive=["sex"])).context("explainability")
    explainability.proxy_strength(context)
    assert "fewer than two groups" in recorded(context)["explainability.proxy_strength:sex"].undefined
    assert recorded(context)["explainability.proxy_strength"].undefined


def test_shuffled_codes_give_the_importance_that_shuffled_rows_give(boosted):
    from sklearn.inspection import permutation_importance

    from nbdeploy.validate.checks.explainability.importance import importances

    context = boosted.context("explainability")
    ours = {one.feature: one for one in importances(context).features}
    frame = context.data
    theirs = permutation_importance(
        context.model.estimator, frame[INPUTS], frame["progressed"], scoring="roc_auc", n_repeats=20, random_state=0
    )
    for name, mean in zip(INPUTS, theirs.importances_mean, strict=True):
        assert ours[name].low - 0.01 <= mean <= ours[name].high + 0.01, name


def of_library(name: str):
    """Return a small boosted classifier of a library."""
    if name == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=15, max_depth=3, n_jobs=1, random_state=0)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=15, max_depth=3, n_jobs=1, random_state=0, verbose=-1)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("several", [False, True], ids=["two classes", "three classes"])
def test_boosted_trees_of_other_libraries_are_explained_exactly(library, several, of_model, objective, recorded):
    frame = applicants(300)
    more = {}
    if several:
        frame["progressed"] = frame["progressed"] + (frame["income"] > 4000)
        more = {
            "task": "multiclass",
            "positive": None,
            "favourable": None,
            "gates": {"performance": {"accuracy": ">= 0"}},
        }
    run = of_model(fitted(of_library(library), frame), INPUTS, frame, objective(**more))
    context = run.context("explainability")
    explainability.shap_importance(context)
    found = recorded(context)["explainability.shap_additivity_residual"]
    assert found.data["explainer"] == "tree"
    assert found.data["scale"] == "log-odds"
    assert found.value < 1e-4  # these libraries add in single precision
    assert found.data["features"][0]["feature"] == "income"


@pytest.fixture
def of_booster(objective, tmp_path):
    """Return a context of a model that was saved with its library's own flavour."""
    import importlib

    from mlflow.models import infer_signature
    from tests.validate.checks.conftest import Run

    from nbdeploy.validate.data.inputs import read_dataset
    from nbdeploy.validate.prepare import Inputs

    def made(library, native, frame, **wanted):
        folder = tmp_path / "model"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's hints on whole numbers and on saving
            shown = infer_signature(frame[BOOSTED])
            flavour = importlib.import_module(f"mlflow.{library}")
            flavour.save_model(native, str(folder), signature=shown, pip_requirements=[library])
        inputs = Inputs(evaluation=read_dataset(frame))
        return Run(tmp_path / "w", objective(**wanted), inputs, folder).context("explainability")

    return made


BOOSTED = ["sex", "income", "years", "shoe"]


def test_an_xgboost_flavour_is_explained_exactly(of_booster, recorded):
    frame = applicants(300)
    context = of_booster("xgboost", of_library("xgboost").fit(frame[BOOSTED].astype(float), frame["progressed"]), frame)
    explainability.shap_importance(context)
    assert recorded(context)["explainability.shap_additivity_residual"].data["explainer"] == "tree"


@pytest.mark.parametrize("positive", [1, 0])
def test_a_native_booster_is_explained_by_its_own_trees_for_the_class_that_is_asked_for(positive, of_booster):
    import shap
    import xgboost
    from scipy.special import logit

    frame = applicants(300)
    matrix = xgboost.DMatrix(frame[BOOSTED], frame["progressed"])
    native = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, matrix, 20)
    context = of_booster("xgboost", native, frame, positive=positive, favourable=positive)
    asked = answer(context)
    found = attributions(context, context.data, asked, seed=0)
    sign = 1 if positive else -1
    assert (found.explainer, found.scale) == ("tree", "log-odds")
    assert np.allclose(found.shares, sign * shap.TreeExplainer(native).shap_values(frame[BOOSTED]), atol=1e-4)
    assert found.residual < 1e-4
    assert np.allclose(found.output, logit(asked.call(context.data)), atol=1e-3)


def test_a_native_booster_of_many_classes_is_explained_for_one(of_booster):
    import lightgbm

    frame = applicants(300)
    frame["progressed"] = frame["progressed"] + (frame["income"] > 4000)
    options = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}
    native = lightgbm.train(options, lightgbm.Dataset(frame[BOOSTED], frame["progressed"]), 10)
    gates = {"performance": {"accuracy": ">= 0"}}
    context = of_booster("lightgbm", native, frame, task="multiclass", positive=2, favourable=None, gates=gates)
    found = attributions(context, context.data, answer(context), seed=0)
    assert found.explainer == "tree"
    assert np.allclose(found.output, native.predict(frame[BOOSTED], raw_score=True)[:, 2])
    assert found.residual < 1e-6


@pytest.mark.parametrize(("kind", "scale"), [("reg:squarederror", "target"), ("count:poisson", "raw")])
def test_a_boosted_regression_tells_whether_shares_are_of_the_target_or_of_its_logarithm(kind, scale, of_booster):
    import xgboost

    frame = applicants(300)
    frame["progressed"] = frame["income"].abs() / 100
    native = xgboost.train({"objective": kind}, xgboost.DMatrix(frame[BOOSTED], frame["progressed"]), 5)
    wanted = {"task": "regression", "positive": None, "favourable": None, "threshold": None, "score": None}
    context = of_booster("xgboost", native, frame, gates={"performance": {"mae": "<= 1000"}}, **wanted)
    found = attributions(context, context.data, answer(context), seed=0)
    assert (found.explainer, found.scale) == ("tree", scale)
    assert found.residual < 1e-3


def test_many_classes_are_explained_by_the_probability_of_the_commonest_answer(of_model, objective):
    from sklearn.ensemble import RandomForestClassifier

    frame = applicants(300)
    frame["progressed"] = frame["progressed"] + (frame["income"] > 4000)
    wanted = objective(task="multiclass", positive=None, favourable=None, gates={"performance": {"accuracy": ">= 0"}})
    model = fitted(RandomForestClassifier(20, max_depth=4, random_state=0), frame)
    context = of_model(model, INPUTS, frame, wanted).context("explainability")
    asked = answer(context)
    commonest = context.predictions["predicted"].mode().iloc[0]
    assert asked.name == f"probability of {commonest}"
    given = asked.call(context.data)
    np.testing.assert_allclose(given, model.predict_proba(frame[INPUTS])[:, list(model.classes_).index(commonest)])
    for name in explainability.__all__:
        getattr(explainability, name)(context)


def test_shap_shares_of_a_regression_line_are_its_terms(of_model, objective, recorded):
    """φ_j = β_j (x_j − E x_j) with independent features (Štrumbelj and Kononenko 2014; Lundberg and Lee 2017)."""
    from sklearn.linear_model import LinearRegression

    from nbdeploy.validate.checks.explainability.shapley import explained_rows

    frame = applicants(300)
    inputs = ["income", "years", "shoe"]
    frame["progressed"] = 0.01 * frame["income"] + 2.0 * frame["years"] - frame["shoe"]
    model = LinearRegression().fit(frame[inputs], frame["progressed"])
    wanted = objective(task="regression", positive=None, favourable=None, gates={"performance": {"r2": ">= 0"}})
    context = of_model(model, inputs, frame, wanted).context("explainability")
    rows, shares = explained_rows(context)
    behind = context.sample(100, "background")[inputs].to_numpy(float)
    np.testing.assert_allclose(shares.shares, model.coef_ * (rows[inputs].to_numpy(float) - behind.mean(axis=0)))
    assert shares.residual < 1e-9


def shapley(ask, row, behind):
    """Return Shapley's values from the definition: every set of other features, weighted by its size."""
    from itertools import combinations
    from math import factorial

    d = len(row)

    def worth(present):
        mixed = behind.copy()
        mixed[:, list(present)] = row[list(present)]
        return ask(mixed).mean()

    found = []
    for place in range(d):
        others = [one for one in range(d) if one != place]
        sets = [part for size in range(d) for part in combinations(others, size)]
        weight = [factorial(len(part)) * factorial(d - len(part) - 1) / factorial(d) for part in sets]
        gain = [worth((*part, place)) - worth(part) for part in sets]
        found.append(np.dot(weight, gain))
    return np.array(found)


def test_shares_by_every_order_are_shapleys_values():
    from itertools import permutations

    from nbdeploy.validate.checks.explainability.sampled import sampled_shares

    rng = np.random.default_rng(0)
    rows, behind = rng.normal(size=(3, 4)), rng.normal(size=(7, 4))

    def ask(matrix):
        a, b, c, d = matrix.T
        return np.where(a > 0, b * c, d) + np.exp(a * b * d)

    shares, base = sampled_shares(ask, rows, behind, np.array(list(permutations(range(4)))))
    for row, mine in zip(rows, shares, strict=True):
        np.testing.assert_allclose(mine, shapley(ask, row, behind), atol=1e-12)
    few, _ = sampled_shares(ask, rows, behind, np.array([[2, 0, 3, 1]]))
    np.testing.assert_allclose(base + few.sum(axis=1), ask(rows))  # whatever the orders


def test_a_model_of_no_known_kind_is_explained_by_sampled_orders(of_model, objective, recorded):
    from sklearn.neighbors import KNeighborsClassifier

    frame = applicants(200)
    context = of_model(fitted(KNeighborsClassifier(15), frame), INPUTS, frame, objective()).context("explainability")
    explainability.shap_importance(context)
    found = recorded(context)["explainability.shap_additivity_residual"]
    assert found.data["explainer"] == "permutation"
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.n == 24


def test_levels_of_an_identifier_stand_in_no_curve_and_no_tree(of_model, objective, recorded):
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.tree import DecisionTreeClassifier

    frame = applicants(120)
    inputs = ["applicant_id", "town"]
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore", sparse_output=False), inputs))
    model = make_pipeline(encode, DecisionTreeClassifier(random_state=0)).fit(frame[inputs], frame["progressed"])
    context = of_model(model, inputs, frame, objective()).context("explainability")
    explainability.partial_dependence(context)
    explainability.surrogate_tree(context)
    found = recorded(context)
    curves = found["explainability.partial_dependence"].data["features"]
    assert [one["feature"] for one in curves] == ["town"]
    assert "applicant_id" not in found["explainability.surrogate_fidelity"].data["tree"]


def test_all_inputs_tell_a_group_no_worse_than_one_of_many_levels_among_them(of_model, objective, recorded):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(7)
    frame = applicants(900)
    towns = rng.integers(0, 60, 900)
    frame["town"] = [f"town {one}" for one in towns]
    frame["sex"] = 1 + (rng.random(900) < rng.permutation(np.repeat([0.02, 0.5], [50, 10]))[towns])
    frame["shoe"] = rng.normal(40, 3, 900)
    run = of_model(fitted(LogisticRegression(), frame), INPUTS, frame, objective(sensitive=["sex"]))
    context = run.context("explainability")
    explainability.proxy_strength(context)
    found = recorded(context)["explainability.proxy_strength:sex"]
    best = found.data["single"][0]
    assert best["feature"] == "town"
    assert best["area"] > 0.8
    assert found.value > best["area"] - 0.05  # numbers of levels split as if they had an order lose twice as much


def test_a_quantity_that_is_mostly_nought_is_followed_along_the_rest(of_model, objective, recorded):
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(1)
    frame = applicants(600)
    frame["income"] = np.where(rng.random(600) < 0.15, rng.uniform(1000, 9000, 600), 0.0)
    frame["progressed"] = (frame["income"] > 5000).astype(int)
    context = of_model(
        DecisionTreeClassifier(max_depth=1).fit(frame[["income", "shoe"]], frame["progressed"]),
        ["income", "shoe"],
        frame,
        objective(),
    ).context("explainability")
    explainability.partial_dependence(context)
    curve = recorded(context)["explainability.partial_dependence"].data["features"][0]
    assert curve["feature"] == "income"
    assert curve["grid"][0] == 0
    below = [at for at in curve["grid"] if at < 5000]
    assert len(below) > 3
    assert curve["average"] == [0] * len(below) + [1] * (len(curve["grid"]) - len(below))


def test_limits_of_ranks_hold_for_all_features_at_once():
    from nbdeploy.validate.checks.explainability.importance import Importance
    from nbdeploy.validate.checks.explainability.ranks import ranks

    rng = np.random.default_rng(5)
    truth = np.array([0.9, 0.3, 0.3, 0.05, 0.04, 0.0, 0.0])
    names = list("abcdefg")
    held = sure = 0
    for _ in range(400):
        error = rng.uniform(0.01, 0.06, len(truth))
        drawn = rng.normal(truth, error)
        given = [
            Importance(name, mean, mean - 1.96 * e, mean + 1.96 * e)
            for name, mean, e in zip(names, drawn, error, strict=True)
        ]
        found = ranks(sorted(given, key=lambda one: -one.mean), 0.95)
        above = {name: int((truth > value).sum()) for name, value in zip(names, truth, strict=True)}
        alike = {name: int((truth == value).sum()) for name, value in zip(names, truth, strict=True)}
        # Features of equal importance share their places: any of them is right.
        held += all(
            one.first <= above[name] + alike[name] and one.last >= above[name] + 1 for name, one in found.items()
        )
        sure += found["a"].surely_within(1)
        assert all(one.first <= one.place <= one.last for one in found.values())
    assert held >= 0.95 * 400
    assert sure >= 0.95 * 400  # a clear leader is told as one


def test_a_forbidden_feature_that_may_be_in_the_top_is_told_by_the_interval(of_model, objective, recorded):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(2)
    frame = applicants(200)
    frame["progressed"] = (frame["income"] / 1500 + 0.7 * frame["sex"] + rng.normal(0, 1, 200) > 2.8).astype(int)
    inputs = ["sex", "income", "years"]
    model = LogisticRegression(max_iter=5000).fit(frame[inputs], frame["progressed"])
    gate = {"explainability": {"forbidden_in_top": {"features": ["income", "sex", "shoe"], "n": 2}}}
    context = of_model(model, inputs, frame, objective(gates=gate)).context("explainability")
    explainability.forbidden_features(context)
    one = recorded(context)["explainability.forbidden_in_top"]
    assert one.interval == (1, 2)  # income surely is among the two; sex is second, and years may be
    ranks = {told["feature"]: told["rank_interval"] for told in one.data["ranks"]}
    assert ranks == {"income": [1, 1], "sex": [2, 3], "shoe": None, "age_band": None}
