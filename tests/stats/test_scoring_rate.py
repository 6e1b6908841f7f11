"""The share above the sample's median is held to numpy on the rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from nbdeploy.stats.scoring_rate import median_score, scoring_rates
from nbdeploy.stats.tally import ScoreTally


def tally_of(scores, groups) -> ScoreTally:
    table = pa.table({"y": np.arange(len(scores)) % 2, "s": scores, "g": groups})
    return ScoreTally.from_arrow(table.to_batches(), label="y", score="s", features=("g",))


@pytest.mark.parametrize("rows", [1, 2, 7, 500])
@pytest.mark.parametrize("decimals", [1, 6])
def test_rates_are_those_of_numpy_on_the_rows(rows, decimals):
    rng = np.random.default_rng(rows)
    scores = np.round(rng.random(rows), decimals)
    groups = rng.choice(["a", "b", "c"], rows)
    tally = tally_of(scores, groups)
    assert median_score(tally) == pytest.approx(np.median(scores))
    found = scoring_rates(tally)
    for at in range(len(tally.groups)):
        inside = groups == tally.named(at)["g"]
        assert found.denominator[at] == inside.sum()
        assert found.value[at] == pytest.approx((scores[inside] > np.median(scores)).mean())


def test_a_median_that_is_given_is_that_of_the_whole_sample():
    tally = tally_of([0.1, 0.2, 0.9, 0.95], ["a", "a", "b", "b"])
    assert scoring_rates(tally, 0.15).value.tolist() == [0.5, 1.0]
