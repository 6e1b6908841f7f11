"""Probabilities of several classes on their way from a model, or a file, to the record: none is taken for another's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbdeploy.documents.objective import Objective
from nbdeploy.validate.checks import performance as check
from nbdeploy.validate.checks import robustness
from nbdeploy.validate.checks.robustness.membership import losses
from nbdeploy.validate.subject.class_scores import class_column
from nbdeploy.validate.subject.makes.likeliest import decides_by_probability
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.recompute import recompute

INPUTS = ["alcohol", "hue", "proline"]


@pytest.fixture(scope="module")
def wines() -> pd.DataFrame:
    from sklearn.datasets import load_wine

    frame = load_wine(as_frame=True).frame
    names = np.array(["barolo", "grignolino", "barbera"])
    frame = frame.assign(kind=names[frame.pop("target")], pale=np.where(frame["color_intensity"] < 4, "pale", "dark"))
    return frame[[*INPUTS, "kind", "pale"]].sample(frac=1, random_state=0).reset_index(drop=True)


def declared(**more) -> Objective:
    content = {
        "name": "wine",
        "task": "multiclass",
        "target": "kind",
        "sensitive": ["pale"],
        "min_group_size": 5,
        "gates": {"performance": {"roc_auc_ovr": ">= 0.8"}},
    }
    return Objective.model_validate(content | more)


def scores_of(context):
    table = context._workspace.rows("predictions")
    batch = next(table.batches())
    return {name: np.asarray(batch.column(name)) for name in batch.schema.names}


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(20, random_state=0),
        KNeighborsClassifier(2),
    ],
    ids=["pipeline", "forest", "neighbours that tie"],
)
def test_each_class_has_its_own_probability_and_the_decision_is_the_models(of_model, wines, estimator):
    fitted = estimator.fit(wines[INPUTS][:90], wines["kind"][:90])
    context = of_model(fitted, INPUTS, wines, declared()).context("performance")
    found = scores_of(context)
    theirs = fitted.predict_proba(wines[INPUTS])
    for at, name in enumerate(fitted.classes_):
        assert found[class_column(str(name))] == pytest.approx(theirs[:, at], abs=1e-12)
    assert context.predictions["predicted"].tolist() == fitted.predict(wines[INPUTS]).tolist()


@pytest.mark.parametrize("make", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_one_question_gives_decisions_only_where_the_library_decides_so(make, wines):
    fitted = make_pipeline(StandardScaler(), make(random_state=0)).fit(wines[INPUTS], wines["kind"])
    assert decides_by_probability(fitted)
    p = fitted.predict_proba(wines[INPUTS])
    assert (fitted.classes_[p.argmax(axis=1)] == fitted.predict(wines[INPUTS])).all()
    assert not decides_by_probability(KNeighborsClassifier())

    class Own(RandomForestClassifier):
        def predict(self, X):  # noqa: N803 - scikit-learn's name
            return super().predict(X)

    assert not decides_by_probability(Own())


def test_a_gate_on_probabilities_is_judged_and_the_card_can_draw_them(of_model, wines, recorded):
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines[INPUTS][:60], wines["kind"][:60])
    gates = {
        "performance": {
            "roc_auc_ovr": ">= 0.8",
            "log_loss": "<= 0.1",
            "brier_score": {"max": 0.9, "group": {"pale": "dark"}},
        }
    }
    objective = declared(gates=gates)
    context = of_model(fitted, INPUTS, wines, objective).context("performance")
    assert "of each class" in check.discrimination(context).alternative
    assert "by class" in check.calibration(context).alternative
    kept = recorded(context)
    p = fitted.predict_proba(wines[INPUTS])
    assert kept["performance.roc_auc_ovr"].value == pytest.approx(
        sk.roc_auc_score(wines["kind"], p, multi_class="ovr"), abs=1e-9
    )
    assert kept["performance.log_loss"].value == pytest.approx(sk.log_loss(wines["kind"], p), abs=1e-9)
    line = kept["performance.roc_auc_ovr"].data["classes"][0]
    at = list(fitted.classes_).index(line["class"])
    assert line["roc_auc"]["value"] == pytest.approx(sk.roc_auc_score(wines["kind"] == line["class"], p[:, at]))
    assert line["curve"]["true_positive_rate"][-1] == 1
    of_each = kept["performance.expected_calibration_error"].data["by_class"]
    likeliest = fitted.classes_[p.argmax(axis=1)]
    assert {one["class"]: one["n"] for one in of_each} == pd.Series(likeliest).value_counts().to_dict()
    verdicts = {
        one.id: one
        for one in find(objective, {"performance": tuple(kept.values())}, context.tallies, sections=("performance",))
    }
    assert verdicts["performance.roc_auc_ovr"].verdict == "pass"
    assert verdicts["performance.log_loss"].verdict == "fail"
    dark = verdicts["performance.brier_score@pale=dark"]
    mine = (wines["pale"] == "dark").to_numpy()
    theirs = sk.brier_score_loss(wines["kind"][mine], p[mine], scale_by_half=False)
    assert dark.verdict == "pass"
    assert dark.value == pytest.approx(theirs, abs=1e-9)


def test_a_model_without_probabilities_still_decides_and_says_what_lacks(of_model, wines, recorded):
    fitted = RidgeClassifier().fit(wines[INPUTS], wines["kind"])
    objective = declared(score="predict")
    context = of_model(fitted, INPUTS, wines, objective).context("performance")
    assert "Not measured" in check.discrimination(context).text
    assert recorded(context)["performance.roc_auc_ovr"].undefined
    (found,) = find(objective, {}, context.tallies, sections=("performance",))
    assert found.verdict == "not_evaluated"
    assert "needs scores of each class" in found.reason
    assert "`score:`" in found.advice


def test_a_class_that_the_model_never_saw_has_no_chance(of_model, wines):
    known = wines[wines["kind"] != "barbera"]
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(known[INPUTS], known["kind"])
    context = of_model(fitted, INPUTS, wines, declared()).context("performance")
    found = scores_of(context)
    assert not found[class_column("barbera")].any()
    padded = np.column_stack([np.zeros(len(wines)), fitted.predict_proba(wines[INPUTS])])
    theirs = sk.roc_auc_score(wines["kind"], padded, multi_class="ovr", labels=["barbera", "barolo", "grignolino"])
    assert recompute(context.tallies, "performance", "roc_auc_ovr").value == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("kind", [str, int])
def test_a_file_of_predictions_names_the_class_of_each_column(from_predictions, wines, kind):
    codes = wines["kind"].map({"barolo": 10, "barbera": 2, "grignolino": 3}).astype(kind)
    p = np.random.default_rng(0).dirichlet(np.ones(3), len(wines))
    columns = {f"p_{name}": p[:, at] for at, name in enumerate((10, 2, 3))}
    said = codes.sample(frac=1, random_state=1).to_numpy()
    frame = pd.DataFrame({"kind": codes, "pale": wines["pale"], "predicted": said, **columns})
    context = from_predictions(frame, declared(score="p_")).context("performance")
    order = sorted(codes.unique())
    p = p[:, [[kind(10), kind(2), kind(3)].index(one) for one in order]]
    theirs = sk.roc_auc_score(codes, p, multi_class="ovr", labels=order)
    assert recompute(context.tallies, "performance", "roc_auc_ovr").value == pytest.approx(theirs, abs=1e-9)
    assert context.features == ("pale",)


@pytest.mark.parametrize(
    ("objective", "metric", "says"),
    [
        (declared(), "roc_auc", "is of two classes"),
        (
            declared(task="binary", positive="barolo", gates={"performance": {"accuracy": ">= 0"}}),
            "roc_auc_ovr",
            "is of several classes",
        ),
    ],
    ids=["binary in multiclass", "multiclass in binary"],
)
def test_a_metric_of_the_other_task_is_named_as_that(from_predictions, wines, objective, metric, says):
    rows = wines[wines["kind"] != "barbera"].assign(predicted=lambda rows: rows["kind"])
    context = from_predictions(rows, objective).context("performance")
    assert says in recompute(context.tallies, "performance", metric).undefined


def test_losses_of_several_classes_are_those_of_their_probabilities(of_model, wines):
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines[INPUTS], wines["kind"])
    context = of_model(fitted, INPUTS, wines, declared()).context("robustness")
    assert losses(context, context.data).mean() == pytest.approx(
        sk.log_loss(wines["kind"], fitted.predict_proba(wines[INPUTS]))
    )


def test_rows_of_several_classes_are_given_away_by_how_sure_the_model_is_not_only_by_its_errors(
    of_model, wines, recorded
):
    train, rest = wines[:90], wines[90:]
    fitted = RandomForestClassifier(50, random_state=0).fit(train[INPUTS], train["kind"])
    context = of_model(fitted, INPUTS, rest, declared(), train=train).context("robustness")
    robustness.membership(context)
    chances = fitted.predict_proba(wines[INPUTS])
    sure = chances[np.arange(len(wines)), np.searchsorted(fitted.classes_, wines["kind"])]
    expected = sk.roc_auc_score(np.arange(len(wines)) < 90, sure)
    assert recorded(context)["robustness.membership_inference_auc"].value == pytest.approx(expected, abs=1e-9)
