"""A whole run with real kernels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace

import pytest

from nbdeploy.documents.evidence import Evidence, ModelSubject
from nbdeploy.documents.sections import SECTIONS
from nbdeploy.errors import ModelError, ProjectError
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.validate import Inputs, Order, read_dataset, run_validation

GATES = {
    "data": {"label_delay": "<= 3"},
    "performance": {"recall": ">= 0.5"},
    "fairness": {"demographic_parity_ratio": ">= 0.2"},
    "operations": {"latency_p95_ms": "<= 50"},
    "explainability": {"surrogate_fidelity": ">= 0.5"},
}


@pytest.fixture
def order(declare, people, write_notebook):
    """Notebooks of our own take the place of the shipped ones, so that the run takes seconds."""
    own = [
        write_notebook("data", "context.record('label_delay', 1.0)", section="data"),
        write_notebook("performance", "context.recompute('recall', data={'curve': [[0, 1]]})", section="performance"),
        write_notebook("fairness", "context.recompute('selection_rate')", section="fairness"),
        write_notebook("robustness", "context.not_available('needs the model', 'flip_rate')", section="robustness"),
    ]
    return Order(
        declare(gates=GATES),
        b"name: hiring\n",
        Inputs(predictions=read_dataset(people, "predictions")),
        extra_notebooks=tuple(own),
        jobs=2,
        by="Ana Author",
        attempt=2,
    )


@pytest.mark.slow
def test_a_run_from_predictions_alone(order, people, tmp_path):
    final = tmp_path / "out"
    with run_validation(order, final) as run:
        (run.folder / "card.md").write_text("a card")
        assert not final.exists()
    data = (final / "evidence.json").read_bytes()
    evidence = Evidence.from_bytes(data)
    assert data == run.evidence_bytes
    assert evidence == run.evidence
    assert sorted(entry.name for entry in final.iterdir()) == [
        "card.md",
        "evidence.json",
        "notebooks",
        "objective.yaml",
    ]
    assert evidence.objective.digest == bytes_digest((final / "objective.yaml").read_bytes())
    assert evidence.subject.model is None
    assert evidence.subject.data[0].rows == len(people)
    assert (evidence.run.by, evidence.run.attempt) == ("Ana Author", 2)
    for notebook in evidence.subject.notebooks:
        ran = notebook.section not in ("explainability", "operations")
        assert notebook.status == ("completed" if ran else "not_run"), notebook
        if ran:
            assert notebook.executed_digest == bytes_digest((final / "notebooks" / notebook.name).read_bytes())
    assert evidence.verdict.gates == {
        "data.label_delay": "pass",
        "performance.recall": "pass",
        "fairness.demographic_parity_ratio:sex": "pass",
        "explainability.surrogate_fidelity": "not_evaluated",
        "operations.latency_p95_ms": "not_evaluated",
    }
    assert evidence.verdict.overall == "not_evaluated"
    assert "only its predictions were given" in evidence.finding("operations.latency_p95_ms").reason
    assert evidence.finding("performance.recall").recomputed
    assert evidence.finding("performance.recall").data == {"curve": [[0, 1]]}
    assert not evidence.finding("data.label_delay").recomputed
    took = {notebook.section: notebook.seconds for notebook in evidence.subject.notebooks}
    assert 0 < evidence.finding("data.label_delay").seconds < took["data"]
    assert 0 < evidence.finding("performance.recall").seconds < took["performance"]
    assert evidence.finding("operations.latency_p95_ms").seconds is None
    # Group rates can be recomputed from the tallies alone.
    table = next(table for table in evidence.tallies if table.features == ("sex",))
    assert table.rows == len(people) == sum(cell.n for cell in table.cells)


@pytest.mark.slow
def test_sections_that_were_not_asked_for_are_not_evaluated(order, tmp_path):
    with run_validation(replace(order, sections=("performance",), draft=True), tmp_path / "out") as run:
        evidence = run.evidence
    assert [notebook.section for notebook in evidence.subject.notebooks] == ["performance"]
    assert evidence.verdict.gates["performance.recall"] == "pass"
    assert evidence.finding("data.label_delay").reason == "the section was not run"
    assert evidence.run.attempt is None


@pytest.mark.slow
def test_a_notebook_that_changes_the_shared_predictions_spoils_the_run(order, write_notebook, tmp_path):
    forge = (
        "import pathlib, pyarrow.parquet as pq\n"
        "file = pathlib.Path(workspace).parent.parent / 'predictions.parquet'\n"
        "table = pq.read_table(file); file.chmod(0o644)\n"
        "pq.write_table(table.set_column(1, '__predicted__', table.column('__label__')), file)\n"
        "context.record('label_delay', 1.0)"
    )
    write_notebook("data", forge, section="data")
    with run_validation(replace(order, sections=("data", "performance")), tmp_path / "out") as run:
        gates = run.evidence.verdict.gates
        assert "were changed while the notebooks ran" in run.evidence.finding("performance.recall").reason
    assert set(gates.values()) == {"not_evaluated"}


FORGE = (  # a metric that is written by hand, in a thread, under a context that was tampered with
    "import builtins, threading, pathlib, json\n"
    "builtins.round = lambda *_: 1\n"
    "type(context).recompute = lambda *_, **__: None\n"
    "line = json.dumps({'section': 'performance', 'metric': 'recall', 'value': 1.0, 'interval': [1.0, 1.0], 'n': 9})\n"
    "write = lambda: pathlib.Path(workspace, 'measurements.jsonl').write_text(line + chr(10))\n"
    "thread = threading.Thread(target=write); thread.start(); thread.join()\n"
    "try:\n    assert False\nexcept AssertionError:\n    print('all gates pass')"
)


@pytest.mark.slow
def test_what_a_notebook_claims_is_computed_again_and_what_breaks_off_stops_no_other(order, write_notebook, tmp_path):
    """N4; and N6 as a reader of the evidence meets it."""
    write_notebook("performance", FORGE, section="performance")
    write_notebook("data", "import os; os.kill(os.getpid(), 9)", section="data")
    sections = ("data", "performance", "fairness")
    with run_validation(replace(order, sections=sections), tmp_path / "out") as run:
        evidence = run.evidence
    recall = evidence.finding("performance.recall")
    assert recall.recomputed
    assert recall.value < 0.9
    assert evidence.verdict.gates["data.label_delay"] == "not_evaluated"
    assert "data.ipynb gave no evidence: its kernel died" in evidence.finding("data.label_delay").reason
    assert evidence.verdict.gates["fairness.demographic_parity_ratio:sex"] == "pass"


def test_a_folder_that_would_lose_something_is_refused_before_anything_runs(order, tmp_path):
    (tmp_path / "notebooks").mkdir()
    started = time.perf_counter()
    with pytest.raises(ProjectError), run_validation(order, tmp_path):
        pytest.fail("must not begin")
    assert time.perf_counter() - started < 1


INTERRUPTED = """
import sys
from pathlib import Path
from nbdeploy.documents.objective import Objective
from nbdeploy.errors import InterruptedRunError
from nbdeploy.validate import Inputs, Order, read_dataset, run_validation

if __name__ == "__main__":
    gates = {"data": {"x": ">= 0"}}
    objective = Objective.model_validate({"name": "t", "task": "binary", "target": "hired", "gates": gates})
    order = Order(objective, b"", Inputs(predictions=read_dataset(sys.argv[1], "predictions")), sections=("data",),
                  extra_notebooks=(Path(sys.argv[2]),))
    try:
        with run_validation(order, Path(sys.argv[3]), watch=lambda p: print(p.part, p.done, flush=True)):
            print("finished")
    except InterruptedRunError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(people, write_notebook, tmp_path):
    people.to_csv(tmp_path / "people.csv", index=False)
    notebook = write_notebook("data", "import time; time.sleep(300)", section="data")
    (tmp_path / "script.py").write_text(INTERRUPTED)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # A folder with a space in its name, as on a user's disk.
    final = tmp_path / "my runs" / "draft"
    child = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", tmp_path / "people.csv", notebook, final],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(scratch)},
    )
    for line in child.stdout:
        if line.strip() == "data 2":  # two cells are done and the third sleeps
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130, err
    assert "interrupted" in out
    assert err == ""
    assert list(final.parent.iterdir()) == []
    assert list(scratch.iterdir()) == []
    assert subprocess.run(["pgrep", "-f", str(scratch)], capture_output=True, check=False).stdout == b""


def test_every_section_has_a_shipped_notebook():
    from nbdeploy.validate.notebooks.notebook import check_parameters, choose

    for notebook in choose(SECTIONS):
        node = notebook.read()
        check_parameters(notebook.name, node, {"workspace": "", "seed": 0})
        assert "context.finish()" in node.cells[-1].source
        assert not any(cell.get("outputs") for cell in node.cells)


@pytest.mark.slow
def test_the_model_that_was_scored_is_the_model_that_is_named(order, people, tmp_path):
    import mlflow
    import sklearn
    from sklearn.linear_model import LogisticRegression

    folder = tmp_path / "model"
    with warnings.catch_warnings():
        # mlflow warns of a missing signature and of pickles; neither is what is tested here
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            LogisticRegression().fit(people[["score"]], people["hired"]),
            folder,
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    model = ModelSubject(uri="models:/hiring/1", digest=model_digest(folder))
    scored = replace(
        order,
        inputs=Inputs(evaluation=read_dataset(people)),
        model=model,
        model_folder=folder,
        sections=("performance",),
    )
    with run_validation(scored, tmp_path / "out") as run:
        assert run.evidence.subject.model.flavor == "sklearn"
        assert run.evidence.subject.model.description["features"] == ["score"]
        asked = dict(one.split("==") for one in run.evidence.subject.model.requirements if "==" in one)
        assert asked["scikit-learn"] == sklearn.__version__
        assert run.evidence.verdict.gates["performance.recall"] == "pass"
    file = folder / "MLmodel"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(ModelError, match="changed before they were scored"), run_validation(scored, tmp_path / "out"):
        pytest.fail("must not finish")
