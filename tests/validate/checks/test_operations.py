"""Whether the model can be run: asked in a clean process, its files read and not loaded."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from nbdeploy.report.sections.details import details
from nbdeploy.validate.checks import operations
from nbdeploy.validate.checks.operations import probe
from nbdeploy.validate.checks.operations.probed import fewest_calls
from nbdeploy.validate.checks.uncertainty import quantile_interval
from nbdeploy.validate.verdict.findings import find

INPUTS = ["age", "bmi"]


@pytest.fixture(scope="module")
def crowd(of_model, objective, split):
    """A model whose answer to a row hangs on the rows beside it."""
    train, test = split
    model = make_pipeline(FunctionTransformer(lambda rows: rows - rows.mean(axis=0)), LogisticRegression())
    return of_model(model.fit(train[INPUTS], train["progressed"]), INPUTS, test, objective())


def test_a_model_that_answers_row_by_row_differs_by_nothing(run, recorded):
    context = run.context("operations")
    operations.rowwise(context)
    found = recorded(context)["operations.rowwise_difference"]
    assert found.value < 1e-9
    assert (found.data["differing"], found.data["compared"]) == (0, found.n)
    # No row of n: the upper limit of Clopper and Pearson (1934) is 1 − (α/2)^(1/n).
    assert found.data["share_interval"][1] == pytest.approx(1 - 0.025 ** (1 / found.n))


def test_a_model_that_looks_at_its_batch_is_found_out(crowd, recorded):
    context = crowd.context("operations")
    operations.rowwise(context)
    found = recorded(context)["operations.rowwise_difference"]
    assert found.value > 0.05
    assert found.data["differing"] > 0.9 * found.n


def test_code_in_a_model_is_named_and_a_person_must_look(crowd, recorded):
    context = crowd.context("operations")
    operations.file_scan(context)
    found = recorded(context)
    assert found["operations.unsafe_files"].value == 0
    assert "cloudpickle.cloudpickle._make_function" in found["operations.unknown_globals"].data["names"]
    told = found["operations.unsafe_files"].data
    assert {("model.pkl", "unknown", "to look at")} < {(f["path"], f["rule"], f["weight"]) for f in told["findings"]}
    assert told["total"] >= len(told["findings"]) > 0


def test_a_file_that_runs_a_command_is_told_on_the_card_before_all_others(run, recorded, tmp_path):
    class Command:
        def __reduce__(self):
            return os.system, ("false",)

    context = run.context("operations")
    folder = tmp_path / "model"
    shutil.copytree(context.model_folder, folder)
    (folder / "notes.txt").write_bytes(pickle.dumps(Command()))
    context._workspace._about["model"] = str(folder)
    try:
        operations.file_scan(context)
    finally:
        context._workspace._about["model"] = str(run.workspace.model_folder)
    found = recorded(context)["operations.unsafe_files"]
    assert found.value == 1
    findings = find(context.objective, {"operations": [found]}, context.tallies, silent={}, seed=0)
    (block,) = details(next(one for one in findings if one.metric == "unsafe_files"))
    assert block.rows[0] == ("notes.txt", "unsafe: posix.system: it reaches what no model needs")


def test_times_have_limits_that_the_calls_can_give(run, recorded):
    context = run.context("operations")
    operations.latency(context)
    operations.throughput(context)
    found = recorded(context)
    for name in ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms"):
        one = found[f"operations.{name}"]
        assert one.interval[0] <= one.value <= one.interval[1]
    # A hundred calls hold no upper limit of the 99th percentile: 0.99^100 > 0.025.
    assert found["operations.latency_p99_ms"].interval[1] == math.inf
    rate = found["operations.throughput_rows_per_s"]
    assert rate.interval[0] <= rate.value <= rate.interval[1]
    assert all(one["low_ms"] <= one["ms"] for one in rate.data["batches"])


def test_a_model_of_another_environment_is_asked_there(run, recorded):
    """The other interpreter is this one by another name: what runs there must not need nbdeploy's own classes."""
    here = Path(sys.executable)
    other = next(path for name in ("python3", "python") if (path := here.with_name(name)) != here and path.is_file())
    scored = run.workspace.folder / "scored.json"
    before = scored.read_text()
    context = run.context("operations")
    scored.write_text(json.dumps(json.loads(before) | {"python": str(other)}))
    try:
        assert context.model_python == other
        operations.clean_process(context)
        operations.rowwise(context)
    finally:
        scored.write_text(before)
    found = recorded(context)
    assert found["operations.loads_in_clean_process"].value == 1
    assert found["operations.rowwise_difference"].value == 0


def test_answers_that_break_their_promise_are_counted(from_predictions, objective, split):
    context = from_predictions(split[1].assign(score=0.5), objective()).context("operations")
    context.predictions.loc[:2, "score"] = [np.nan, np.inf, 2.0]
    context.predictions.loc[:2, "predicted"] = [1, 7, 7]
    rules = dict(operations.output._broken(context, probabilities=True))
    assert rules["the score is no finite number"] == 2
    assert rules["the answer is no known class"] == 2
    assert rules["the probability lies outside 0 and 1"] == 2


def test_a_quick_model_is_timed_often_and_a_slow_one_often_enough_for_limits():
    rows = pd.DataFrame({"x": range(30)})

    def taking(seconds):
        def ask(part):
            time.sleep(seconds)
            return part["x"].to_numpy(float)

        return ask

    quick = probe._single(taking(0), rows, calls=(20, 50), seconds=5.0)
    assert (len(quick["latencies_ms"]), quick["compared"]) == (50, 30)
    slow = probe._single(taking(0.01), rows, calls=(10, 20), seconds=0.08)
    assert len(slow["latencies_ms"]) == 10
    slowest = probe._single(taking(0.05), rows, calls=(40, 50), seconds=0.02)
    assert 2 <= len(slowest["latencies_ms"]) <= 7
    (batch,) = probe._batches(taking(0.01), rows, largest=10, seconds=0.02)
    assert (batch["rows"], len(batch["times_ms"])) == (10, probe.FEW)
    (batch,) = probe._batches(taking(0.25), rows, largest=10, seconds=0.02)
    assert len(batch["times_ms"]) <= 2


@pytest.mark.parametrize(("level", "calls"), [(0.9, 59), (0.95, 72), (0.99, 104)])
def test_the_fewest_calls_are_those_that_give_the_95th_percentile_an_upper_limit(level, calls):
    assert fewest_calls(level) == calls
    assert math.isfinite(quantile_interval(np.arange(float(calls)), 0.95, level)[1])
    assert quantile_interval(np.arange(calls - 1.0), 0.95, level)[1] == math.inf
