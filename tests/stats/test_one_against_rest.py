"""Scores of several classes: scikit-learn's numbers, whatever the split of the rows, with intervals that hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from nbdeploy.errors import DataError, FormatError
from nbdeploy.stats.intervals import by_group, estimate
from nbdeploy.stats.metrics import values
from nbdeploy.stats.one_against_rest import AREAS, PROBABILITY_SCORES
from nbdeploy.stats.tally import ProbabilityTally, ScoreTally, scores, witnesses

EXACT = 1e-9


def drawn(classes, n=400, *, seed=0, shares=None, sharp=1.5, digits=3):
    """Return labels, and probabilities that know something of them."""
    random = np.random.default_rng(seed)
    shares = np.full(len(classes), 1 / len(classes)) if shares is None else np.array(shares)
    truth = np.concatenate([np.arange(len(classes)), random.choice(len(classes), n - len(classes), p=shares)])
    logits = random.normal(0, 1, (n, len(classes))) + sharp * (np.arange(len(classes)) == truth[:, None])
    p = np.exp(logits)
    p = np.round(p / p.sum(axis=1, keepdims=True), digits)
    return np.array(classes, dtype=object)[truth], p / p.sum(axis=1, keepdims=True), random.choice(["f", "m"], n)


def table(truth, p, classes, sex=None):
    columns = {"y": pa.array(list(truth))} | {f"p{at}": pa.array(p[:, at]) for at in range(len(classes))}
    return pa.table(columns if sex is None else columns | {"sex": pa.array(sex)})


def named(classes):
    return {name: f"p{at}" for at, name in enumerate(classes)}


def tallied(truth, p, classes, sex=None):
    features = () if sex is None else ("sex",)
    return ProbabilityTally.from_arrow(
        table(truth, p, classes, sex), label="y", scores=named(classes), features=features
    )


def reference(metric, truth, p, classes):
    """Return what scikit-learn says, or what a few plain lines say where it has no such metric."""
    flat = np.array([list(classes).index(one) for one in truth])
    hot = np.eye(len(classes))[flat]
    at = range(len(classes))
    if metric.startswith("roc_auc_ovr"):
        areas = [sk.roc_auc_score(hot[:, c], p[:, c]) for c in at]
        return np.average(areas, weights=hot.sum(axis=0) if metric.endswith("weighted") else None)
    if metric.startswith("average_precision"):
        return sk.average_precision_score(hot, p, average=metric.rpartition("_")[2])
    if metric == "brier_score":
        return sk.brier_score_loss(flat, p, labels=list(at), scale_by_half=False)
    if metric == "log_loss":
        return sk.log_loss(flat, p, labels=list(at))
    if metric == "expected_calibration_error":
        return binned(p.max(axis=1), p.argmax(axis=1) == flat)
    return np.mean([binned(p[:, c], hot[:, c]) for c in at])


def binned(score, happened):
    frame = pd.DataFrame({"gap": happened - score, "bin": pd.cut(score, np.linspace(0, 1, 11), include_lowest=True)})
    return frame.groupby("bin", observed=True)["gap"].sum().abs().sum() / len(score)


CLASSES = {
    "two": ("no", "yes"),
    "three unbalanced texts": ("a", "b", "c"),
    "four whole numbers": (0, 1, 2, 3),
    "thirty": tuple(range(30)),
}


@pytest.mark.parametrize("metric", PROBABILITY_SCORES)
@pytest.mark.parametrize("case", CLASSES)
def test_every_metric_is_scikit_learns(case, metric):
    classes = CLASSES[case]
    shares = [0.9, 0.07, 0.03] if len(classes) == 3 else None
    truth, p, _ = drawn(classes, shares=shares, n=900)
    theirs = reference(metric, truth, p, classes)
    found = estimate(tallied(truth, p, classes), metric)
    assert found.value == pytest.approx(theirs, abs=EXACT)
    assert found.interval[0] < found.value < found.interval[1]
    assert found.n == found.denominator == len(truth)


def test_the_area_is_scikit_learns_multi_class_one():
    truth, p, _ = drawn(("a", "b", "c"))
    tally = tallied(truth, p, ("a", "b", "c"))
    for metric, average in (("roc_auc_ovr", "macro"), ("roc_auc_ovr_weighted", "weighted")):
        theirs = sk.roc_auc_score(truth.astype(str), p, multi_class="ovr", average=average)
        assert values(tally, metric)[0] == pytest.approx(theirs, abs=EXACT)


@pytest.mark.parametrize("metric", PROBABILITY_SCORES)
def test_each_group_has_the_numbers_of_its_rows(metric):
    truth, p, sex = drawn(("a", "b", "c"))
    for one in by_group(tallied(truth, p, ("a", "b", "c"), sex), metric):
        mine = sex == one.group["sex"]
        assert one.value == pytest.approx(reference(metric, truth[mine], p[mine], ("a", "b", "c")), abs=EXACT)
        assert one.interval[0] < one.value < one.interval[1]


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 120), max_size=5), kept=st.sampled_from([7, 2048]), few=st.booleans())
def test_any_split_of_the_rows_gives_the_same_tally(cuts, kept, few):
    truth, p, sex = drawn(("a", "b", "c"), n=120, digits=1 if few else 3)
    whole = table(truth, p, ("a", "b", "c"), sex)
    ends = sorted({0, 120, *cuts})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(witnesses, "KEPT", kept)
        read = {"label": "y", "scores": named(("a", "b", "c")), "features": ("sex",)}
        parts = [ProbabilityTally.from_arrow(whole.slice(low, high - low), **read) for low, high in pairwise(ends)]
        together = parts[0]
        for part in reversed(parts[1:]):
            together = part + together
        once = ProbabilityTally.from_arrow(whole, **read)
        assert together == once
        assert together.select(()) == ProbabilityTally.from_arrow(whole, **read | {"features": ()})
        assert ProbabilityTally.from_bytes(together.to_bytes()) == once


def test_bytes_whose_rows_are_of_no_group_are_refused():
    truth, p, _ = drawn(("a", "b"))
    tally = tallied(truth, p, ("a", "b"))
    tally.witnesses.group[:] = 3
    with pytest.raises(FormatError, match="do not fit together"):
        ProbabilityTally.from_bytes(tally.to_bytes())


def test_a_class_without_a_row_makes_macro_averages_undefined_and_is_named():
    truth, p, _ = drawn(("a", "b", "c"))
    some = truth != "c"
    tally = tallied(truth[some], p[some], ("a", "b", "c"))
    for metric, average in AREAS.items():
        found = estimate(tally, metric)
        if average == "macro":
            assert found.value is found.interval is None
            assert "no row is of 'c'" in found.undefined
        else:
            assert found.interval[0] < found.value < found.interval[1]
    for metric in ("log_loss", "brier_score"):
        theirs = reference(metric, truth[some], p[some], ("a", "b", "c"))
        assert estimate(tally, metric).value == pytest.approx(theirs, abs=EXACT)


def test_rows_of_one_class_alone_have_no_area():
    tally = tallied(["a"] * 5, np.full((5, 2), 0.5), ("a", "b"))
    assert "more than one class" in estimate(tally, "roc_auc_ovr_weighted").undefined


@pytest.mark.parametrize("p", [[[0.9, 0.9], [0.2, 0.3]], [[2.0, -1.0], [0.5, 0.5]]], ids=["sum", "range"])
def test_scores_that_are_no_probabilities_rank_and_have_no_loss(p):
    tally = tallied(["a", "b"], np.array(p), ("a", "b"))
    assert estimate(tally, "roc_auc_ovr").value is not None
    for metric in PROBABILITY_SCORES[len(AREAS) :]:
        assert "sum to 1" in estimate(tally, metric).undefined


def test_a_label_without_a_score_is_refused():
    with pytest.raises(DataError, match="'z', a class that has no score"):
        tallied(["a", "z"], np.full((2, 2), 0.5), ("a", "b"))


def test_two_classes_that_mirror_each_other_have_de_longs_interval():
    truth, p, _ = drawn(("a", "b"), sharp=1)
    of_both = estimate(tallied(truth, p, ("a", "b")), "roc_auc_ovr").interval
    alone = ScoreTally.from_arrow({"y": list(truth), "s": p[:, 1]}, label="y", score="s", positive="b")
    assert of_both == pytest.approx(estimate(alone, "roc_auc").interval, abs=EXACT)


def test_perfect_ranking_has_an_interval_of_positive_width():
    truth = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    p = np.repeat(np.eye(3) * 0.7 + 0.1, 20, axis=0)
    found = estimate(tallied(truth, p, ("a", "b", "c")), "roc_auc_ovr")
    assert found.value == found.interval[1] == 1
    assert 0.8 < found.interval[0] < 1


def test_the_spread_of_an_averaged_area_is_that_of_repeated_samples():
    """The half-width of the interval against the spread over 200 fresh samples."""
    classes = tuple("abcde")
    samples = [tallied(*drawn(classes, n=300, seed=seed)[:2], classes) for seed in range(200)]
    for metric in ("roc_auc_ovr", "average_precision_macro"):
        found = [estimate(one, metric) for one in samples]
        spread = np.std([one.value for one in found])
        half = np.mean([one.interval[1] - one.interval[0] for one in found]) / 2 / 1.96
        assert half == pytest.approx(spread, rel=0.2)
        middle = np.mean([one.value for one in found])
        holding = np.mean([one.interval[0] <= middle <= one.interval[1] for one in found])
        assert holding >= 0.92


def test_a_few_rows_kept_tell_nearly_what_all_would(monkeypatch):
    truth, p, _ = drawn(("a", "b", "c"), n=4000)
    all_rows = estimate(tallied(truth, p, ("a", "b", "c")), "roc_auc_ovr").interval
    monkeypatch.setattr(witnesses, "KEPT", 500)
    monkeypatch.setattr(scores, "EXACT_SCORES", 100)
    some = estimate(tallied(truth, p, ("a", "b", "c")), "roc_auc_ovr").interval
    assert some == pytest.approx(all_rows, abs=0.002)


def test_ten_times_the_rows_narrow_every_interval():
    truth, p, _ = drawn(("a", "b", "c"))
    tally = tallied(truth, p, ("a", "b", "c"))
    for metric in PROBABILITY_SCORES:
        now, then = (estimate(one, metric).interval for one in (tally, tally.scaled(10)))
        assert then[1] - then[0] < 0.5 * (now[1] - now[0])
