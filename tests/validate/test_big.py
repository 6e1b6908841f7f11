"""Many rows, with the limits made small: samples are stated, totals are of all rows, drafts are cut, work is shared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbdeploy.validate import holding, prepare, scorers
from nbdeploy.validate.context import Context
from nbdeploy.validate.data.columns import SCORE
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs

N = 3_000


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    age = rng.normal(40, 10, N)
    hired = (age + rng.normal(0, 8, N) > 42).astype(int)
    return pd.DataFrame({"age": age, "sex": rng.choice(["f", "m"], N), "hired": hired, "place": np.arange(N)})


@pytest.fixture
def model(rows, tmp_path):
    import warnings

    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of pickles
        import mlflow

        mlflow.sklearn.save_model(
            LogisticRegression().fit(rows[["age"]], rows["hired"]),
            tmp_path / "model",
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    return tmp_path / "model"


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(holding, "HELD", 400)
    monkeypatch.setattr(prepare, "HELD", 400)
    monkeypatch.setattr(holding.hold, "__defaults__", (400,))
    monkeypatch.setattr(prepare, "DRAFT", 500)
    monkeypatch.setattr(scorers, "_SHARED_FROM", 1_000)
    monkeypatch.setattr(scorers.os, "cpu_count", lambda: 2)


def made(rows, model, declare, folder, **options):
    file = folder / "rows.parquet"
    rows.to_parquet(file)
    inputs = Inputs(evaluation=read_dataset(file), train=read_dataset(rows[:1_000], "train"))
    return prepare.prepare(folder / "w", declare(), inputs, model_folder=model, **options)


def test_totals_are_of_all_rows_and_rows_at_hand_of_a_sample(few, rows, model, declare, tmp_path):
    workspace = made(rows, model, declare, tmp_path)
    context = Context("data", workspace.slot("data"), governed=True)
    assert (context.rows, context.held, context.count("train"), len(context.train)) == (N, 400, 1_000, 400)
    assert context.tallies.classes().rows == N
    assert context.columns("data")["age"].mean == pytest.approx(rows["age"].mean())
    assert context.repeats("data", ["place"]).repeated().n == N
    assert sum(len(part) for part in context.batches("data", ["age"])) == N
    # The sample is of the user's rows, in order, its predictions beside it.
    assert context.data["place"].is_monotonic_increasing
    assert (context.data["hired"] == context.predictions["label"]).all()
    assert context.data["age"].corr(context.predictions["score"], method="spearman") == pytest.approx(1)
    assert context.record("outlier_share", 0.1, sample=context.held).sample == 400
    assert context.record("missing_share", 0.1, sample=N).sample is None


def test_the_users_parquet_is_read_where_it_lies_and_watched(few, rows, model, declare, tmp_path):
    workspace = made(rows, model, declare, tmp_path)
    assert not workspace.path("data").is_file()
    before = workspace.digests()
    rows.assign(age=0.0).to_parquet(tmp_path / "rows.parquet")
    assert workspace.digests()["data"] != before["data"]


def test_processes_that_share_the_scoring_answer_every_row_in_order(few, rows, model, declare, tmp_path):
    workspace = made(rows, model, declare, tmp_path)
    assert len(list(workspace.folder.glob("answers-*.parquet"))) > 1
    scores = np.concatenate([batch.column(SCORE).to_numpy() for batch in workspace.rows("predictions").batches()])
    assert pd.Series(scores).corr(rows["age"], method="spearman") == pytest.approx(1)


def test_a_draft_works_on_few_rows_in_all(few, rows, model, declare, tmp_path):
    workspace = made(rows, model, declare, tmp_path, draft=True)
    assert workspace.rows("predictions").num_rows == 500
    assert workspace.rows("train").num_rows == 500
    assert workspace.held("data").num_rows == 400
