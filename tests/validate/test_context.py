from __future__ import annotations

import json

import numpy as np
import pytest

from nbdeploy.errors import GateFailedError, NotebookError
from nbdeploy.validate.context import validation_context
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.prepare import Inputs, prepare


@pytest.fixture
def workspace(tmp_path, declare, people):
    inputs = Inputs(predictions=read_dataset(people, "predictions"), train=read_dataset(people[:50], "train"))
    return prepare(tmp_path / "workspace", declare(), inputs, seed=3)


@pytest.fixture
def context(workspace):
    return validation_context("fairness", str(workspace.slot("fairness").folder))


def test_what_a_notebook_sees(context, people):
    assert list(context.data.columns) == ["sex", "region", "hired"]  # the score is the model's, not data
    assert context.features == ("sex", "region")
    assert list(context.predictions.columns) == ["label", "predicted", "score"]
    assert (context.predictions["label"] == people["hired"]).all()
    assert len(context.train) == 50
    assert context.reference is None
    assert context.model is None
    assert context.seed == 3


def test_recorded_measurements_are_read_back_equal(context, workspace):
    made = context.record(
        "parity_gap",
        np.float64(0.25),
        interval=(0.1, np.float32(0.5)),
        n=np.int64(7),
        data={"points": np.array([[1, np.nan]]), "flag": np.bool_(True), "ends": (float("-inf"), np.float32("inf"))},
        sample=len(context.data),
    )
    assert made.id == "fairness.parity_gap"
    assert made.data == {"points": [[1.0, None]], "flag": True, "ends": [None, None]}
    assert made.sample is None  # all rows are no sample
    assert list(workspace.slot("fairness").measurements()) == [made]


def test_the_same_quantity_is_recorded_once(context):
    context.recompute("selection_rate", ("sex",))
    with pytest.raises(NotebookError, match=r"fairness\.selection_rate:sex was recorded twice"):
        context.record("selection_rate", 0.5, features=["sex"])


def test_what_is_not_available_says_why(context, workspace):
    context.not_available("needs the model", "flip_rate", "missing_flip_rate")
    assert [m.undefined for m in workspace.slot("fairness").measurements()] == ["needs the model"] * 2


def test_random_streams_differ_by_name_and_section_and_repeat(context, workspace):
    other = validation_context("data", str(workspace.slot("data").folder))
    first = context.rng("a").integers(1 << 60)
    assert first == context.rng("a").integers(1 << 60)
    assert len({first, context.rng("b").integers(1 << 60), other.rng("a").integers(1 << 60)}) == 3


def test_a_sample_keeps_the_share_of_each_class(context):
    sample = context.sample(200, "rows")
    assert len(sample) == 200
    assert sample.index.is_unique
    assert abs(sample["hired"].mean() - context.data["hired"].mean()) < 0.01
    assert context.sample(200, "rows").equals(sample)
    assert not context.sample(200, "other").equals(sample)
    assert len(context.sample(10**6, "rows")) == len(context.data)


def test_only_finish_leaves_the_mark(context, workspace):
    assert not workspace.slot("fairness").finished
    context.finish()
    assert workspace.slot("fairness").finished


def test_predictions_are_read_only(workspace):
    assert workspace.path("predictions").stat().st_mode & 0o222 == 0


def plain(tmp_path, people, declare, **gates):
    people.to_csv(tmp_path / "people.csv", index=False)
    objective = declare(gates={"performance": gates}).model_dump(mode="json", exclude_defaults=True)
    file = tmp_path / "hiring.yaml"
    file.write_text(json.dumps(objective | {"gates": {"performance": gates}}))
    return validation_context("performance", objective=str(file), predictions=str(tmp_path / "people.csv"))


def test_the_plain_route_makes_its_own_workspace_and_prints_its_gates(tmp_path, people, declare, capsys):
    context = plain(tmp_path, people, declare, recall=">= 0.5")
    context.recompute("recall")
    context.finish()
    assert "performance.recall  pass" in capsys.readouterr().out


def test_the_plain_route_raises_at_a_failed_gate(tmp_path, people, declare):
    context = plain(tmp_path, people, declare, recall=">= 0.99")
    context.recompute("recall")
    with pytest.raises(GateFailedError, match=r"performance.recall failed"):
        context.finish()


def test_without_workspace_or_objective_the_sentence_says_what_to_pass():
    with pytest.raises(NotebookError, match="neither a workspace nor an objective"):
        validation_context("fairness")
    with pytest.raises(NotebookError, match="did you mean 'fairness'"):
        validation_context("fairnes")
