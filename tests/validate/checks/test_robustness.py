"""Changed inputs, unlike rows and rows given away, where the answer is known by construction."""

from __future__ import annotations

import sys

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from nbdeploy.validate.checks import robustness as check
from nbdeploy.validate.checks.areas import separation
from nbdeploy.validate.checks.robustness.asking import Moved, ask
from nbdeploy.validate.checks.robustness.membership import _slightly, losses
from nbdeploy.validate.checks.robustness.moving import reach
from nbdeploy.validate.checks.robustness.typos import TYPOS, misspelt
from nbdeploy.validate.checks.robustness.units import slipped
from nbdeploy.validate.checks.space import Space


class Rule(ClassifierMixin, BaseEstimator):
    """Says yes with a chance that rises with the wage around 100, and only in towns that it knows; refuses others."""

    classes_ = np.array([0, 1])

    def __init__(self, *, strict: bool = False):
        self.strict = strict

    def check(self, frame):
        known = frame["town"].isin(["A", "B"])
        if self.strict and not known.all():
            raise ValueError("a town that was never seen")
        return known

    def predict_proba(self, frame):
        chance = np.where(self.check(frame), 1 / (1 + np.exp(-(frame["wage"] - 100) / 10)), 0.0)
        return np.column_stack([1 - chance, chance])

    def predict(self, frame):
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


class Line(RegressorMixin, BaseEstimator):
    """Returns the wage."""

    def predict(self, frame):
        return frame["wage"].to_numpy(dtype=float)


def workers(rows: int = 800, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"wage": rng.normal(100, 20, rows), "town": rng.choice(["A", "B"], rows)})
    frame["age"] = rng.integers(18, 65, rows)
    frame["progressed"] = (frame["wage"] + rng.normal(0, 5, rows) > 100).astype(int)
    return frame


@pytest.fixture(scope="module", autouse=True)
def _travelling():
    """Let the models below be stored whole: the process that scores does not know this module."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def asked(objective, of_model):
    """Return a maker of runs of a model on workers."""

    def make(model, train: pd.DataFrame | None = None, rows: pd.DataFrame | None = None, **declared):
        frame = workers() if rows is None else rows
        wanted = objective(**{"sensitive": [], "favourable": 1} | declared)
        return of_model(model, FEATURES, frame, wanted, train)

    return make


FEATURES = ["wage", "town", "age"]


@pytest.fixture(scope="module")
def rule(asked):
    """The rule, evaluated on rows of the population that its training rows are of."""
    return asked(Rule(), train=workers(2000, seed=1), contract={"wage": {"range": [0, 200]}})


@pytest.fixture(scope="module")
def two_inputs(asked):
    """A rule on two inputs that refuses towns it does not know."""

    class Sum(Rule):
        def predict_proba(self, frame):
            self.check(frame)
            chance = 1 / (1 + np.exp(-((frame["wage"] - 100) / 20 + (frame["age"] - 41) / 14)))
            return np.column_stack([1 - chance, chance])

    return asked(Sum(strict=True))


@pytest.fixture(scope="module")
def strange(asked):
    """The rule on rows of which 300 are of people centuries old and answered wrongly, and 500 stand in training."""
    frame = workers(2000)
    frame.loc[:299, "age"] += 300
    frame.loc[:299, "progressed"] = 1 - (frame.loc[:299, "wage"] >= 100).astype(int)
    return asked(Rule(), train=pd.concat([frame.iloc[300:800], workers(2000, seed=1)]), rows=frame)


REGRESSION = {"task": "regression", "positive": None, "favourable": None, "gates": {"performance": {"r2": ">= 0"}}}


def test_a_wage_in_the_wrong_unit_turns_those_round_that_the_rule_says(rule, recorded):
    context = rule.context("robustness")
    check.unit_slips(context)
    found = recorded(context)["robustness.unit_slip_flip_rate"]
    told = {(one["column"], one["change"]): one for one in found.data["columns"]}
    high = (context.data["wage"] >= 100).mean()
    assert told["wage", "÷ 10"]["rate"] == pytest.approx(high)
    assert told["wage", "× 10"]["rate"] == pytest.approx(1 - high)
    assert told["age", "× 100"]["rate"] == 0
    assert told["wage", "× 10"]["refused"] == pytest.approx((context.data["wage"] * 10 > 200).mean())
    assert told["age", "× 10"]["refused"] is None
    assert found.value == pytest.approx(max(high, 1 - high))


def test_a_misspelt_town_turns_every_yes_round(rule, recorded):
    context = rule.context("robustness")
    check.category_typos(context)
    found = recorded(context)["robustness.typo_flip_rate"]
    assert found.value == pytest.approx((context.data["wage"] >= 100).mean())
    assert {one["column"] for one in found.data["columns"]} == {"town"}


def test_a_model_that_refuses_misspelt_rows_is_told_and_not_blamed(two_inputs, recorded):
    context = two_inputs.context("robustness")
    assert "refuses every misspelt category" in repr(check.category_typos(context))
    assert "refuses" in (recorded(context)["robustness.typo_flip_rate"].undefined or "")


def test_typos_change_texts_and_leave_what_is_missing():
    rows = pd.DataFrame({"town": ["Ulm", None, "aa"]})
    assert misspelt(rows, "town", TYPOS["letters swapped"])["town"].tolist()[0] == "lUm"
    assert misspelt(rows, "town", TYPOS["in another case"])["town"].tolist()[2] == "AA"
    assert misspelt(rows, "town", TYPOS["with a blank"])["town"].isna().tolist() == [False, True, False]
    every = rows["town"].dropna()
    assert all((misspelt(rows, "town", change)["town"].dropna() != every).all() for change in TYPOS.values())


def test_a_slip_keeps_whole_numbers_whole_and_in_their_type():
    rows = pd.DataFrame({"a": pd.array([3, 120], dtype="int8"), "b": pd.array([7, None], dtype="Int64"), "c": 0.5})
    assert slipped(rows, "a", 10.0)["a"].tolist() == [30, 127]
    assert slipped(rows, "a", 0.1)["a"].dtype == "int8"
    assert slipped(rows, "b", 10.0)["b"].tolist()[0] == 70
    assert slipped(rows, "c", 100.0)["c"].tolist() == [50.0, 50.0]


def test_the_worst_small_change_turns_exactly_the_rows_within_its_reach(rule, recorded):
    context = rule.context("robustness")
    check.worst_case(context)
    found = recorded(context)["robustness.worst_case_flip_rate"]
    known = reach(context.data["wage"])
    rows = context.sample(500, "worst case")
    for one in found.data["strengths"]:
        moved = one["strength"] * known.spread
        yes = rows["wage"] >= 100
        within = np.where(yes, rows["wage"] - moved < 100, rows["wage"] + moved >= 100)
        assert one["rate"] == pytest.approx(within.mean())
    assert found.value == next(one["rate"] for one in found.data["strengths"] if one["strength"] == 0.1)


def test_two_inputs_reach_further_than_one(two_inputs, recorded):
    context = two_inputs.context("robustness")
    check.worst_case(context)
    found = recorded(context)["robustness.worst_case_flip_rate"]
    alone = next(one["rate"] for one in found.data["strengths"] if one["strength"] == 0.1)
    assert found.data["inputs"] == 2
    assert found.value > 1.5 * alone


def test_a_line_shifts_by_as_many_spreads_as_its_input_moves(asked, recorded):
    context = asked(Line(), **REGRESSION).context("robustness")
    for name in ("noise", "worst_case", "unit_slips", "category_typos", "missing_inputs"):
        getattr(check, name)(context)
    found = recorded(context)
    worst = found["robustness.worst_case_shift"]
    assert worst.value == pytest.approx(0.1, rel=0.05)
    # E|N(0, 0.1)| = 0.1·√(2/π); the sample is of all 800 rows
    assert found["robustness.prediction_shift"].value == pytest.approx(0.0798, rel=0.1)
    assert found["robustness.typo_shift"].value == 0
    wage = context.data["wage"]
    slipped_far = (wage * 99).abs().mean() / wage.std(ddof=0)
    assert found["robustness.unit_slip_shift"].value == pytest.approx(slipped_far)
    replaced = (wage - wage.quantile(0.5, interpolation="nearest")).abs().mean() / wage.std(ddof=0)
    assert found["robustness.missing_shift"].value == pytest.approx(replaced)


def test_the_weakest_slice_of_a_regression_is_judged_where_it_was_not_found(from_predictions, objective, recorded):
    frame = workers(4000)
    frame["progressed"] = frame["wage"]
    old = frame["age"] > 55
    frame["predicted"] = frame["wage"] + np.random.default_rng(5).normal(0, np.where(old, 10, 2))
    context = from_predictions(frame, objective(sensitive=[], **REGRESSION)).context("robustness")
    check.weakest_slices(context)
    found = recorded(context)["robustness.worst_slice_error"]
    assert "age > 55" in found.data["slices"][0]["slice"]
    assert found.interval is not None
    assert found.interval[0] <= 10 * np.sqrt(2 / np.pi) <= found.interval[1]  # E|N(0, 10)|


def test_rows_of_the_same_population_are_unlike_as_often_as_chance_says(rule, recorded):
    context = rule.context("robustness")
    check.unfamiliar_rows(context)
    found = recorded(context)["robustness.ood_share"]
    assert found.interval is not None
    assert found.interval[0] <= 0.01 <= found.interval[1]


def test_strange_rows_are_found_named_by_column_and_the_model_judged_on_them(strange, recorded):
    context = strange.context("robustness")
    check.unfamiliar_rows(context)
    found = recorded(context)
    assert found["robustness.ood_share"].value == pytest.approx(0.15, abs=0.015)
    assert found["robustness.ood_share"].data["columns"][0]["column"] == "age"
    drop = found["robustness.ood_accuracy_drop"]
    assert drop.interval is not None
    assert drop.interval[0] > 0.7
    assert drop.data["rows_outside"] == found["robustness.ood_share"].value * 2000


def test_unlike_rows_too_few_to_judge_on_are_said_to_be(rule, recorded):
    context = rule.context("robustness")
    check.unfamiliar_rows(context)
    assert "too few to judge the model on" in (recorded(context)["robustness.ood_accuracy_drop"].undefined or "")


def test_kinds_are_one_unit_apart_and_numbers_as_many_as_spreads():
    seen = pd.DataFrame({"wage": np.linspace(0, 100, 101), "town": ["A", "B", "C"] * 33 + ["A", "B"]})
    spread = seen["wage"].std(ddof=0)
    rows = pd.DataFrame({"wage": [50.0, 50.0, 50.0 + spread, None], "town": ["A", "B", "A", "A"]})
    points = Space(seen, ["wage", "town"]).place(rows)
    apart = np.linalg.norm(points - points[0], axis=1)
    assert apart == pytest.approx([0, 1, 1, 1], abs=1e-6)


def test_a_model_that_has_learnt_its_rows_by_heart_gives_them_away(asked, recorded):
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder
    from sklearn.tree import DecisionTreeClassifier

    train = workers(600, seed=1)
    train["progressed"] = np.random.default_rng(0).integers(0, 2, 600)  # nothing to learn but the rows themselves
    encoder = make_column_transformer((OrdinalEncoder(), ["town"]), remainder="passthrough")

    model = make_pipeline(encoder, DecisionTreeClassifier(random_state=0))
    model.fit(train[FEATURES], train["progressed"])
    context = asked(model, train=train).context("robustness")
    check.membership(context)
    found = recorded(context)["robustness.membership_inference_auc"]
    assert found.data["warns"]
    assert found.interval is not None
    assert found.interval[0] > 0.6
    assert "gives its training rows away" in (found.note or "")


def test_rows_given_away_a_little_are_not_called_safe_nor_given_away():
    assert "No sign" in _slightly(0.52, (0.49, 0.55))
    said = _slightly(0.531, (0.52, 0.542))
    assert said.startswith("The model is a little surer of its training rows than of others (0.531")
    assert "another time or place" in said


def test_a_rule_that_never_learnt_gives_nothing_away(rule, recorded):
    context = rule.context("robustness")
    assert check.membership(context).text == "No sign that the model gives its training rows away."
    found = recorded(context)["robustness.membership_inference_auc"]
    assert not found.data["warns"]
    assert found.interval is not None
    assert found.interval[0] <= 0.5 <= found.interval[1]


def test_rows_that_are_evaluated_and_trained_on_are_no_strangers(strange, recorded):
    context = strange.context("robustness")
    check.membership(context)
    assert recorded(context)["robustness.membership_inference_auc"].data["others"] == 1500


def test_losses_of_probabilities_agree_with_scikit_learns(rule):
    from sklearn.metrics import log_loss

    context = rule.context("robustness")
    chance = context.model.score(context.data)
    assert losses(context, context.data).mean() == pytest.approx(log_loss(context.data["progressed"], chance))


def test_separation_agrees_with_scikit_learns_area_and_curve():
    from sklearn.metrics import roc_auc_score, roc_curve

    rng = np.random.default_rng(0)
    wanted = rng.random(400) < 0.4
    scores = np.round(rng.normal(wanted * 1.0), 1)  # with ties
    found = separation(wanted, scores)
    assert found.area.value == pytest.approx(roc_auc_score(wanted, scores), abs=1e-12)
    alarms, hits, _ = roc_curve(wanted, scores, drop_intermediate=False)
    curve = found.curve()
    assert np.interp(curve["false_positive_rate"], alarms, hits) == pytest.approx(
        np.interp(curve["false_positive_rate"], curve["false_positive_rate"], curve["true_positive_rate"]), abs=1e-12
    )


def test_one_call_for_many_changes_gives_what_single_calls_give(rule):
    context = rule.context("robustness")
    asking = ask(context, "any", "flip_rate")
    moved = [Moved(slipped(asking.rows, "wage", factor), ("wage",)) for factor in (0.9, 1.0, 1.1)]
    together = asking.changes(moved)
    single = [asking.changes([one])[0] for one in moved]
    assert all((a == b).all() for a, b in zip(together, single, strict=True))
    assert together[1].sum() == 0


def test_a_row_that_stays_as_it_was_is_not_asked_about_again(rule, monkeypatch):
    context = rule.context("robustness")
    asking = ask(context, "any", "flip_rate")
    asked = []
    decide = asking.model.decide
    monkeypatch.setattr(asking.model, "decide", lambda rows: (asked.append(len(rows)), decide(rows))[1])
    one = slipped(asking.rows, "wage", 1.0)
    one.loc[one.index[:3], "wage"] += 1
    asking.changes([Moved(one, ("wage",)), Moved(asking.rows.copy(), ("wage",))])
    assert asked == [3]
