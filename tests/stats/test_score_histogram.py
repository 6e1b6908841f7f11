"""Scores in bins: no small count is told, none is lost, and area and Brier score lie within what the bins allow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from nbdeploy.stats.tally import ScoreTally
from nbdeploy.stats.tally.histogram import area_bounds, brier_bounds, score_table


def tally_of(label, score) -> ScoreTally:
    return ScoreTally.from_arrow(pa.table({"y": label, "s": score}), label="y", score="s")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(np.linspace(0, 1, 41).tolist())), min_size=1, max_size=300))
def test_no_small_count_is_told_and_no_row_is_lost(rows):
    label, score = [int(truth) for truth, _ in rows], [at for _, at in rows]
    table = score_table(tally_of(label, score), 5, most=8)
    if table is None:
        assert 0 < min(sum(label), len(label) - sum(label)) < 5 or len(label) < 5
        return
    counts = [(one.negatives, one.positives) for one in table.bins]
    assert all(count == 0 or count >= 5 for pair in counts for count in pair)
    assert np.sum(counts, axis=0).tolist() == [len(label) - sum(label), sum(label)]
    edges = [edge for one in table.bins for edge in (one.low, one.high)]
    assert edges == sorted(edges)
    assert len(table.bins) <= 8
    least, most = brier_bounds(table)
    assert least - 1e-12 <= np.mean((np.array(score) - label) ** 2) <= most + 1e-12
    bounds = area_bounds(table)
    if bounds is not None:
        assert bounds[0] - 1e-12 <= roc_auc_score(label, score) <= bounds[1] + 1e-12


def test_many_rows_are_bounded_closely():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 20_000)
    score = np.clip(random.normal(0.4 + 0.2 * label, 0.2), 0, 1)
    table = score_table(tally_of(label, score), 5)
    low, high = area_bounds(table)
    assert high - low < 0.006
    assert low < roc_auc_score(label, score) < high
    least, most = brier_bounds(table)
    assert most - least < 0.02
    assert least < brier_score_loss(label, score) < most


def test_one_class_has_no_area():
    assert area_bounds(score_table(tally_of([0] * 9, np.linspace(0, 1, 9)), 5)) is None


@pytest.mark.parametrize("positives", [1, 4])
def test_a_class_of_a_few_people_is_not_told(positives):
    label = [1] * positives + [0] * 50
    assert score_table(tally_of(label, np.linspace(0, 1, len(label))), 5) is None
