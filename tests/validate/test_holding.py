from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from nbdeploy.validate import holding
from nbdeploy.validate.data import rows
from nbdeploy.validate.data.rows import TableRows
from nbdeploy.validate.holding import PLACE, at_places, hold, hold_beside, sampled
from nbdeploy.validate.workspace import Workspace

N = 5_000


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 700)
    rng = np.random.default_rng(3)
    return pa.table({"hired": (rng.random(N) < 0.1).astype(int), "id": np.arange(N)})


def test_a_sample_keeps_each_class_in_its_share(table):
    found = sampled(TableRows(table), 1_000, "hired", "0/data")
    whole = np.asarray(table["hired"]).mean()
    assert found.num_rows == 1_000
    assert np.asarray(found["hired"]).sum() == pytest.approx(1_000 * whole, abs=1)


def test_a_sample_holds_rows_in_order_with_their_places(table):
    found = sampled(TableRows(table), 500, "hired", "0/data")
    places = np.asarray(found[PLACE])
    assert (np.diff(places) > 0).all()
    assert np.array_equal(np.asarray(found["id"]), places)
    assert at_places(TableRows(table), places)["id"].to_pylist() == found["id"].to_pylist()


def test_the_same_seed_gives_the_same_rows_and_another_others(table):
    first, again, other = (sampled(TableRows(table), 500, "hired", seed)["id"] for seed in ("0", "0", "1"))
    assert first == again
    assert first != other


def test_every_row_is_as_likely_as_any_other(table):
    """Over 400 seeds the first and the last row of the table come up as often as chance allows."""
    drawn = np.zeros(N)
    for seed in range(400):
        drawn[np.asarray(sampled(TableRows(table), 500, "id_of_none", str(seed))["id"])] += 1
    # 400 draws at 0.1: mean 40, and the sum over a thousand rows has a standard deviation of about 180.
    assert drawn.mean() == pytest.approx(40)
    assert abs(drawn[:1_000].sum() - 40_000) < 900
    assert abs(drawn[-1_000:].sum() - 40_000) < 900


def test_a_class_with_one_row_is_never_left_out(table):
    rare = table.set_column(0, "hired", pa.array(["once", *["often"] * (N - 1)]))
    assert "once" in sampled(TableRows(rare), 100, "hired", "0")["hired"].to_pylist()


def test_predictions_are_held_in_step_with_the_data(table, declare, tmp_path):
    workspace = Workspace.create(tmp_path / "w", declare(sensitive=[]), data=table)
    workspace.write("predictions", pa.table({"answer": np.arange(N) * 2}).to_batches())
    hold(workspace, "data", 300)
    hold_beside(workspace, "predictions")
    data, answers = workspace.held("data"), workspace.held("predictions")
    assert data.num_rows == answers.num_rows == 300
    assert [2 * row for row in data["id"].to_pylist()] == answers["answer"].to_pylist()


def test_a_small_table_is_held_whole(table, declare, tmp_path):
    workspace = Workspace.create(tmp_path / "w", declare(sensitive=[]), data=table)
    hold(workspace, "data", holding.HELD)
    assert not workspace.path("held/data").is_file()
    assert workspace.held("data").num_rows == N
