"""Intervals of rates, areas, losses and errors: published values, second implementations, coverage and edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nbdeploy.stats.area_intervals import FEW, auc_interval, average_precision_interval, logit_limits, newcombe_auc
from nbdeploy.stats.binomial import clopper_pearson, normal_quantile, shared_level
from nbdeploy.stats.intervals import by_group, estimate, estimates
from nbdeploy.stats.mean_differences import means
from nbdeploy.stats.metrics import CLASS_SCORES, class_score, values
from nbdeploy.stats.ranking import average_precision_with_variance, delong
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.score_intervals import calibration_interval, loss_otherwise, mover_mean, resampled
from nbdeploy.stats.tally import ClassTally, ErrorTally, ScoreTally

NEWCOMBE = {(81, 263): (0.2527, 0.3676), (15, 148): (0.0578, 0.1617), (0, 20): (0, 0.1684), (1, 29): (0.0009, 0.1776)}
"""Newcombe (1998), Statistics in Medicine 17:857–872, table I, method 5 (Clopper–Pearson); held to scipy's below."""


def whole(counts):
    return ClassTally((), ((),), tuple(range(len(counts))), np.asarray(counts)[None])


@pytest.mark.parametrize(("counts", "limits"), NEWCOMBE.items())
def test_published_exact_limits(counts, limits):
    low, high = clopper_pearson(*counts)
    assert (float(low), float(high)) == pytest.approx(limits, abs=6e-5)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.9999])
def test_rates_equal_scipys_intervals(level):
    k, n = np.array([0, 1, 7, 20, 500, 1000]), np.array([20, 29, 20, 20, 1000, 1000])
    ours = clopper_pearson(k, n, level)
    theirs = [stats.binomtest(int(a), int(b)).proportion_ci(level, "exact") for a, b in zip(k, n, strict=True)]
    assert ours[0] == pytest.approx([each.low for each in theirs], abs=1e-12)
    assert ours[1] == pytest.approx([each.high for each in theirs], abs=1e-12)


def test_no_rows_give_no_limits():
    assert np.isnan(clopper_pearson(0, 0)).all()


def test_quantiles_stay_exact_far_out():
    level = shared_level(0.95, 10_000)
    assert normal_quantile(level) == pytest.approx(stats.norm.isf(0.05 / 10_000 / 2), rel=1e-9)


def test_newcombes_area_equals_the_roots_of_its_quartic():
    """Multiplied out, (θ̂ − θ)² = z²·V(θ) is a quartic in θ, whose roots numpy finds."""
    for value, m, n in ((0.75, 20, 30), (0.96, 12, 60), (0.5, 40, 40), (1.0, 10, 15), (0.0, 25, 9)):
        theta = np.polynomial.Polynomial([0, 1])
        half, z = (m + n) / 2 - 1, stats.norm.ppf(0.975)
        below = (2 - theta) * (1 + theta)
        spread = below + half * ((1 - theta) * (1 + theta) + theta * (2 - theta))
        quartic = (value - theta) ** 2 * below * (m * n) - z**2 * theta * (1 - theta) * spread
        roots = sorted(
            root.real for root in quartic.roots() if abs(root.imag) < 1e-7 and -1e-9 <= root.real <= 1 + 1e-9
        )
        limits = newcombe_auc(value, m, n)
        assert limits == pytest.approx((roots[0], roots[-1]), abs=1e-7)
        assert limits[1] > limits[0]


def pairs_variance(negatives, positives):
    """DeLong's variance from all pairs, as the paper states it."""
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return wins.mean(), wins.mean(1).var(ddof=1) / len(positives) + wins.mean(0).var(ddof=1) / len(negatives)


def test_delongs_variance_equals_the_one_over_all_pairs():
    random = np.random.default_rng(5)
    negatives, positives = random.integers(0, 9, 57), random.integers(3, 12, 31)
    found = delong(np.bincount(negatives, minlength=12), np.bincount(positives, minlength=12))
    assert (found.value, found.variance) == pytest.approx(pairs_variance(negatives, positives), rel=1e-12)


def test_average_precisions_influence_equals_leaving_rows_out():
    """The derivative by a row's weight, by finite differences over the weights of the table."""
    random = np.random.default_rng(6)
    neg, pos = random.integers(0, 4, 15).astype(float), random.integers(0, 4, 15).astype(float)
    step, total = 1e-6, 0.0
    for side, counts in ((0, neg), (1, pos)):
        for index in np.flatnonzero(counts):
            moved = [neg.copy(), pos.copy()]
            moved[side][index] += step
            other = [neg.copy(), pos.copy()]
            other[side][index] -= step
            up, down = (average_precision_with_variance(*each).value for each in (moved, other))
            total += counts[index] * ((up - down) / (2 * step)) ** 2
    assert average_precision_with_variance(neg, pos).variance == pytest.approx(total, rel=1e-5)


def test_average_precision_is_too_high_by_its_bias():
    """Scores that tell nothing: the true value is the share of positives, which the estimate is above on average."""
    random = np.random.default_rng(4)
    areas = []
    for _ in range(2000):
        positive = random.permutation(60) < 12
        areas.append(average_precision_with_variance(~positive, positive))
    apart = np.array([area.value - 0.2 for area in areas])
    assert np.mean([area.bias for area in areas]) == pytest.approx(apart.mean(), rel=0.25)
    low = average_precision_interval(areas[0])[0][0]
    assert low < logit_limits(areas[0].value, areas[0].variance, 0.95)[0]


@pytest.mark.parametrize("count", [10, 40, 400])
def test_a_perfect_classifier_is_never_certain(count):
    perfect = whole([[count, 0], [0, count]])
    for metric in (*RATES, *CLASS_SCORES):
        found = estimate(perfect, metric)
        assert found.interval[1] - found.interval[0] > 0.2 / count, metric
        assert found.interval[0] <= found.value <= found.interval[1], metric
    columns = {"y": [0] * count + [1] * count, "s": [0.2] * count + [0.9] * count}
    scored = ScoreTally.from_arrow(columns, label="y", score="s")
    for metric in ("roc_auc", "average_precision", "expected_calibration_error"):
        found = estimate(scored, metric)
        assert found.interval[1] - found.interval[0] > 0.05 / count, metric


def test_areas_near_one_get_the_wider_of_two_methods():
    neg, pos = np.array([30, 1, 0]), np.array([0, 1, 30])
    area = delong(neg, pos)
    assert area.positives * (1 - area.value) < FEW
    limits, method = auc_interval(area)
    assert "wider" in method
    other = newcombe_auc(area.value, area.negatives, area.positives)
    assert limits[0] <= other[0] <= other[1] <= limits[1]
    assert "wider" in average_precision_interval(average_precision_with_variance(neg, pos))[1]


def test_f1_interval_is_the_jaccard_proportions():
    found = estimate(whole([[70, 10], [5, 15]]), "f1")
    low, high = clopper_pearson(15, 30)
    assert found.interval == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    assert found.denominator == 30


def test_one_proportion_alone_keeps_its_exact_limits_in_an_average():
    low, high = clopper_pearson(7, 20)
    assert mover_mean(np.array([7.0]), np.array([20.0])) == pytest.approx((float(low), float(high)))


@pytest.mark.parametrize("groups", [1, 20])
@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_rare_outcomes_are_not_missed_too_often_by_exact_enumeration(groups, metric):
    """Each side by itself, at the level that Bonferroni shares, where Wilson's limits miss up to 16 %."""
    level, n = shared_level(0.95, groups), 50
    wrong = np.arange(n + 1)
    counts = np.zeros((n + 1, 2, 2), dtype=int)
    counts[:, 1, 1], counts[:, 1, 0] = n - wrong, wrong
    tally = ClassTally(("k",), tuple((k,) for k in wrong), (0, 1), counts)
    low, high = np.array([found.interval for found in estimates(tally, metric, level)]).T
    worst = 0.0
    for share in np.geomspace(5e-4, 0.5, 60):
        chance, truth = stats.binom.pmf(wrong, n, share), 1 - share
        truth = truth if metric == "accuracy" else 2 * truth / (1 + truth)
        worst = max(worst, chance[low > truth + 1e-12].sum(), chance[high < truth - 1e-12].sum())
    assert worst <= (1 - level) / 2


@pytest.mark.parametrize("groups", [1, 20, 400])
def test_resampled_limits_of_a_proportion_are_clopper_and_pearsons(groups):
    """With as many rows of each class and one of them perfect, weighted recall is a proportion: a second way to it."""
    level, counts = shared_level(0.95, groups), np.array([[[60, 3], [0, 1_000_000]]])
    (low,), (high,) = resampled(counts, "recall_macro", level)
    exact = clopper_pearson(60, 63, level)
    assert 2 * low - 1 == pytest.approx(float(exact[0]), abs=0.03 if groups < 400 else 0.08)
    assert 2 * high - 1 == pytest.approx(float(exact[1]), abs=0.01)
    if groups == 400:
        assert 2 * low - 1 <= float(exact[0]), "far out, where hardly any draw lies, the limits err towards too wide"


@pytest.mark.parametrize("metric", ["balanced_accuracy", "matthews_corrcoef", "f1_weighted", "precision_macro"])
def test_a_model_that_is_nearly_always_right_is_not_missed_too_often(metric):
    """On the side where a true model is failed: 7 to 8 % of samples before."""
    share = np.array([[0.895, 0.005], [0.005, 0.095]])
    counts = np.random.default_rng(1).multinomial(50, share.ravel(), 1000).reshape(-1, 2, 2)
    tally = ClassTally(("draw",), tuple((draw,) for draw in range(1000)), (0, 1), counts)
    truth = float(values(whole(share), metric)[0])
    limits = [found.interval for found in estimates(tally, metric) if found.interval]
    assert np.mean([high < truth for _, high in limits]) <= 0.025 + 0.015
    assert np.mean([low > truth for low, _ in limits]) <= 0.025 + 0.015


def test_rows_of_one_class_alone_do_not_make_a_score_certain():
    found = estimate(whole([[12]]), "f1_macro")
    assert found.value == 1
    assert found.interval[0] < 0.9


def drawn_scores(rows, draws, wrong, seed=3):
    """Scores near 0 and 1 of which some are wrong: a small sample may show none of those."""
    random = np.random.default_rng(seed)
    label = random.random(rows * draws) < 0.3
    score = np.where(label ^ (random.random(rows * draws) < wrong), 0.995, 0.005)
    return {"label": label.astype(int), "score": score, "draw": np.repeat(np.arange(draws), rows)}


@pytest.mark.parametrize("metric", ["brier_score", "log_loss"])
def test_the_loss_of_a_confident_model_is_not_told_too_low(metric):
    """Its only losses are its errors, none of which 22 in 100 samples of 50 rows hold."""
    tally = ScoreTally.from_arrow(drawn_scores(50, 600, 0.03), label="label", score="score", features=["draw"])
    right, wrong = (0.005**2, 0.995**2) if metric == "brier_score" else (-np.log(0.995), -np.log(0.005))
    truth = 0.97 * right + 0.03 * wrong
    limits = np.array([found.interval for found in estimates(tally, metric)])
    assert (limits[:, 1] < truth).mean() <= 0.025 + 0.02
    assert ((limits[:, 1] < truth) | (limits[:, 0] > truth)).mean() <= 0.05 + 0.03


def test_what_a_loss_could_be_otherwise_is_what_scikit_learn_gives_the_other_labels():
    from sklearn.metrics import brier_score_loss, log_loss

    random = np.random.default_rng(5)
    label, score = random.integers(0, 2, 40), random.random(40)
    entries = ScoreTally.from_arrow({"y": label, "s": score}, label="y", score="s").entries(0)
    assert loss_otherwise(*entries) == pytest.approx(
        (brier_score_loss(1 - label, score), log_loss(1 - label, score)), rel=1e-12
    )


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_loss_that_does_not_vary_is_not_certain(rows):
    tally = ScoreTally.from_arrow({"y": [1] * rows, "s": [1.0] * rows}, label="y", score="s")
    unseen = 1 - 0.025 ** (1 / rows)
    assert estimate(tally, "brier_score").interval == pytest.approx((0, unseen))
    assert estimate(tally, "log_loss").interval[1] == pytest.approx(36.04 * unseen, rel=1e-3)


def test_one_positive_that_is_ranked_first_proves_little():
    """Wilson's limit of one in one is 0.21; the exact one is 0.025."""
    found = estimate(
        ScoreTally.from_arrow({"y": [0, 0, 1], "s": [0.1, 0.2, 0.3]}, label="y", score="s"), "average_precision"
    )
    assert (found.value, found.interval) == (1, pytest.approx((0.025, 1)))


def test_weighted_recall_is_accuracy_and_has_its_limits():
    tally = whole([[30, 9, 2], [8, 20, 1], [3, 4, 11]])
    assert estimate(tally, "recall_weighted") == estimate(tally, "accuracy")


def test_resampling_repeats_with_its_seed_and_only_then():
    tally = whole([[30, 9], [8, 20]])
    first, same, other = (estimate(tally, "matthews_corrcoef", seed=seed).interval for seed in (1, 1, 2))
    assert first == same != other


def covered(draw, truth, metric, repeats):
    hits = 0
    for index in range(repeats):
        found = estimate(draw(), metric, seed=index)
        hits += found.interval is not None and found.interval[0] <= truth <= found.interval[1]
    return hits / repeats


@pytest.mark.parametrize(
    "metric", ["f1", "balanced_accuracy", "matthews_corrcoef", "f1_macro", "precision_macro", "f1_weighted"]
)
def test_intervals_of_confusion_scores_cover(metric):
    random = np.random.default_rng(7)
    share = np.array([[0.62, 0.08], [0.06, 0.24]])
    truth = values(whole(share), metric)[0]
    assert covered(lambda: whole(random.multinomial(150, share.ravel()).reshape(2, 2)), truth, metric, 300) >= 0.92


@pytest.mark.parametrize(
    ("metric", "truth"), [("roc_auc", 0.8), ("brier_score", 0.2), ("expected_calibration_error", 0.0)]
)
def test_intervals_of_scores_cover(metric, truth):
    random = np.random.default_rng(8)

    def draw():
        if metric == "roc_auc":
            label = np.arange(160) < 60
            score = random.normal(np.where(label, stats.norm.ppf(0.8) * 2**0.5, 0), 1)
        else:  # calibrated by construction; the mean of p(1 − p) under Beta(2, 2) is 1/5
            score = random.beta(2, 2, 160)
            label = random.random(160) < score
        return ScoreTally.from_arrow({"y": label, "s": score}, label="y", score="s")

    assert covered(draw, truth, metric, 300) >= 0.92


@pytest.mark.parametrize("metric", ["mean_error", "mean_absolute_error", "root_mean_squared_error", "r2"])
def test_intervals_of_errors_cover(metric):
    random = np.random.default_rng(9)
    truths = {
        "mean_error": 0,
        "mean_absolute_error": (2 / np.pi) ** 0.5,
        "root_mean_squared_error": 1,
        "r2": 0.75,
    }

    def draw():
        y = random.normal(1e5, 2, 60)
        return ErrorTally.from_arrow({"y": y, "p": y + random.normal(0, 1, 60)}, label="y", predicted="p")

    assert covered(draw, truths[metric], metric, 300) >= 0.91


def test_a_calibrated_model_is_not_failed_for_noise():
    """Its estimate is far over 0, and a bootstrap would put even the lower limit above it."""
    random = np.random.default_rng(10)
    fails = 0
    for _ in range(200):
        score = random.random(60)
        tally = ScoreTally.from_arrow({"y": random.random(60) < score, "s": score}, label="y", score="s")
        fails += estimate(tally, "expected_calibration_error").interval[0] > 0.05
    assert fails / 200 <= 0.05


def test_a_badly_calibrated_model_is_found():
    tally = ScoreTally.from_arrow({"y": [0] * 300 + [1] * 100, "s": [0.55] * 400}, label="y", score="s")
    low, high = estimate(tally, "expected_calibration_error").interval
    assert 0.2 < low < 0.3 < high < 0.4


def test_calibration_noise_of_one_bin_is_half_normals():
    low, high = calibration_interval(np.array([[100.0, 50.0, 40.0]]))
    s = (0.5 * 0.5 / 100) ** 0.5
    z = stats.norm.ppf(0.975)
    assert high == pytest.approx(0.1 + z * s)
    assert low == pytest.approx(max(0.1 - (2 / np.pi) ** 0.5 * s - z * (1 - 2 / np.pi) ** 0.5 * s, 0))


def test_influence_of_regression_scores_equals_the_jackknife():
    random = np.random.default_rng(11)
    y, e = random.normal(300, 5, 400), random.normal(1, 2, 400)
    tally = ErrorTally.from_arrow({"y": y, "p": y + e}, label="y", predicted="p")

    def jackknife(function):
        left = np.array([function(np.delete(y, i), np.delete(e, i)) for i in range(400)])
        return 399 / 400 * ((left - left.mean()) ** 2).sum()

    for metric, function in {
        "mean_error": lambda _, e: e.mean(),
        "mean_absolute_error": lambda _, e: np.abs(e).mean(),
        "root_mean_squared_error": lambda _, e: (e**2).mean() ** 0.5,
        "r2": lambda y, e: 1 - (e**2).mean() / y.var(),
    }.items():
        assert means(tally, metric).variance[0] == pytest.approx(jackknife(function), rel=0.03), metric


def test_a_perfect_fit_has_no_interval():
    perfect = ErrorTally.from_arrow({"y": [1.0, 2.0, 3.0, 4.0], "p": [1.0, 2.0, 3.0, 4.0]}, label="y", predicted="p")
    for metric in ("mean_error", "mean_absolute_error", "root_mean_squared_error", "r2"):
        found = estimate(perfect, metric)
        assert (found.interval, found.method) == (None, ""), metric
    assert estimate(perfect, "r2").value == 1


@pytest.mark.parametrize("rows", [1, 2])
def test_one_or_two_errors_leave_everything_open(rows):
    """Without an interval a gate would be judged by the value."""
    given = ErrorTally.from_arrow({"y": [1.0, 3.0][:rows], "p": [2.0, 4.0][:rows]}, label="y", predicted="p")
    inf = float("inf")
    assert estimate(given, "mean_error").interval == (-inf, inf)
    assert estimate(given, "mean_absolute_error").interval == (0, inf)
    assert estimate(given, "root_mean_squared_error").interval == (0, inf)
    assert estimate(given, "r2").undefined if rows == 1 else estimate(given, "r2").interval == (-inf, 1)


def test_undefined_values_say_why():
    tally = whole([[5, 0], [0, 0]])
    found = estimate(tally, "recall")
    assert (found.value, found.interval, found.denominator) == (None, None, 0)
    assert "0/0 is undefined" in found.undefined
    scored = ScoreTally.from_arrow({"y": [0, 0], "s": [0.2, 3.0]}, label="y", score="s")
    assert "both classes" in estimate(scored, "roc_auc").undefined
    assert "between 0 and 1" in estimate(scored, "brier_score").undefined


def test_groups_keep_their_rows_and_small_ones_are_marked():
    columns = {"g": ["a"] * 50 + ["b"] * 5, "y": [0, 1] * 25 + [1, 0, 0, 0, 0], "p": [0, 1] * 25 + [1, 0, 0, 0, 0]}
    tally = ClassTally.from_arrow(columns, label="y", predicted="p", features=["g"])
    first, second = by_group(tally, "true_positive_rate", min_size=2)
    assert (first.group, first.n, first.denominator, first.excluded) == ({"g": "a"}, 50, 25, False)
    assert (second.group, second.n, second.denominator, second.excluded) == ({"g": "b"}, 5, 1, True)
    assert sum(each.n for each in estimates(tally, "count")) == tally.rows
    assert estimate(tally, "count").value == 55


def test_wider_level_gives_wider_interval_for_every_metric():
    random = np.random.default_rng(12)
    n = 200
    y = random.integers(0, 2, n)
    s = np.clip(random.normal(0.4 + 0.2 * y, 0.2), 0.01, 0.99)
    columns = {"y": y, "p": (s > 0.5).astype(int), "s": s, "t": s * 10 + random.normal(0, 1, n)}
    tallies = [
        (ClassTally.from_arrow(columns, label="y", predicted="p"), (*RATES, *CLASS_SCORES)),
        (
            ScoreTally.from_arrow(columns, label="y", score="s"),
            ("roc_auc", "average_precision", "brier_score", "log_loss", "expected_calibration_error"),
        ),
        (
            ErrorTally.from_arrow(columns, label="t", predicted="s"),
            ("mean_error", "mean_absolute_error", "root_mean_squared_error", "r2"),
        ),
    ]
    for tally, metrics in tallies:
        for metric in metrics:
            narrow, wide = (estimate(tally, metric, level).interval for level in (0.8, 0.99))
            assert wide[0] <= narrow[0] <= narrow[1] <= wide[1], metric
            assert wide[1] - wide[0] > narrow[1] - narrow[0], metric
            fewer = estimate(tally.scaled(4), metric, 0.8).interval
            assert fewer[1] - fewer[0] < narrow[1] - narrow[0], metric


def test_class_score_takes_many_matrices_at_once():
    random = np.random.default_rng(0)
    many = random.integers(1, 9, (5, 3, 3))
    for metric in ("matthews_corrcoef", "f1_macro"):
        assert class_score(many, metric) == pytest.approx([float(class_score(one, metric)) for one in many])


@pytest.mark.parametrize("metric", ["balanced_accuracy", "precision_macro", "matthews_corrcoef", "f1_macro"])
def test_many_groups_at_once_have_the_limits_that_each_has_alone(metric):
    random = np.random.default_rng(3)
    counts = random.multinomial(60, random.dirichlet(np.ones(9)), 700).reshape(700, 3, 3)
    counts[0], counts[1] = 0, np.diag([5, 6, 7])
    groups = ClassTally(("g",), tuple((at,) for at in range(700)), (0, 1, 2), counts)
    found = estimates(groups, metric, seed=4)
    for at in (0, 1, 2, 350, 699):
        alone = estimate(ClassTally((), ((),), (0, 1, 2), counts[at : at + 1]), metric, seed=4)
        assert found[at] == alone
