"""A finished notebook is not run again for the same inputs, and a kept result is believed only while it is whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from nbdeploy.documents.evidence import Evidence
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.validate.inputs import read_dataset
from nbdeploy.validate.order import Inputs, Order
from nbdeploy.validate.resume import MOST_KEPT, Kept
from nbdeploy.validate.run import run_validation

# A slot is written by hand, which spares these notebooks the imports of a context.
COUNT = (
    "import pathlib; file = pathlib.Path({file!r}); file.write_text(file.read_text() + 'x' if file.exists() else 'x')"
)
MEASURE = (
    "slot = pathlib.Path(workspace); (slot / 'finished').touch(); (slot / 'measurements.jsonl').write_text("
    '\'{"section": "data", "metric": "label_delay", "value": 1}\\n\')'
)


@pytest.fixture
def order(declare, people, write_notebook, tmp_path):
    """One notebook, which counts in a file how often it ran."""
    ran = tmp_path / "ran"
    own = write_notebook("data", COUNT.format(file=str(ran)), MEASURE)
    return Order(
        declare(gates={"data": {"label_delay": "<= 3"}}),
        b"name: hiring\n",
        Inputs(predictions=read_dataset(people, "predictions")),
        sections=("data",),
        extra_notebooks=(own,),
        cache=tmp_path / "cache",
    )


@pytest.fixture
def run(tmp_path):
    """Run an order; return its evidence and how often the notebook has run by then."""

    def execute(order: Order) -> tuple[Evidence, int]:
        with run_validation(order, tmp_path / "out") as made:
            (record,) = made.evidence.subject.notebooks
            stored = (made.folder / "notebooks" / record.name).read_bytes()
            assert record.executed_digest == bytes_digest(stored)
        return made.evidence, len((tmp_path / "ran").read_text())

    return execute


@pytest.mark.slow
def test_the_same_inputs_are_not_run_again_unless_asked(order, run, people, write_notebook):
    first, count = run(order)
    assert (first.subject.notebooks[0].reused, count) == (None, 1)
    again, count = run(order)
    assert count == 1
    (record,) = again.subject.notebooks
    assert first.run.started <= record.reused <= first.run.finished
    assert record.seconds == first.subject.notebooks[0].seconds
    assert again.findings == first.findings
    assert again.verdict == first.verdict
    assert run(replace(order, fresh=True))[1] == 2

    other = people.assign(score=people["score"].iloc[::-1].to_numpy())
    changed = [
        replace(order, seed=1),
        replace(order, objective=order.objective.model_copy(update={"level": 0.9})),
        replace(order, inputs=Inputs(predictions=read_dataset(other, "predictions"))),
        replace(order, draft=True),
        replace(order, wanted=("mitigation",)),
    ]
    for expected, one in enumerate(changed, 3):
        assert run(one)[1] == expected, one
    write_notebook("data", COUNT.format(file=str(order.cache.parent / "ran")), MEASURE, "1")
    assert run(order)[1] == 3 + len(changed)


@pytest.mark.slow
def test_a_kept_result_that_is_not_whole_is_never_believed(order, run):
    run(order)
    (entry,) = order.cache.iterdir()
    content = json.loads((entry / "entry.json").read_text())
    whole = order.cache.with_name("whole")
    shutil.copytree(entry, whole)
    content["measurements"][0]["value"] = 0
    damage = {
        "entry.json": json.dumps(content),
        "notebook.ipynb": "{}",
        "digest": "sha256:0",
    }
    for count, (name, text) in enumerate(damage.items(), 2):
        shutil.rmtree(entry, ignore_errors=True)
        shutil.copytree(whole, entry)
        (entry / name).write_text(text)
        evidence, ran = run(order)
        assert ran == count
        assert "was not used, because it cannot be read" in " ".join(evidence.warnings)
        assert evidence.finding("data.label_delay").value == 1


@pytest.mark.slow
def test_what_broke_off_or_spoilt_the_run_is_not_kept(order, run, write_notebook):
    spoil = (
        "import pyarrow.parquet as pq; shared = slot.parent.parent / 'predictions.parquet'\n"
        "table = pq.read_table(shared); shared.chmod(0o644); pq.write_table(table.slice(1), shared)"
    )
    for cells in (("1/0",), (MEASURE, "1/0"), (MEASURE, spoil)):
        write_notebook("data", COUNT.format(file=str(order.cache.parent / "ran")), *cells)
        run(order)
        assert not order.cache.is_dir() or not list(order.cache.iterdir())


def test_the_cache_is_bounded(order, tmp_path):
    from nbdeploy.validate.execute import Executed, NotebookRun
    from nbdeploy.validate.notebooks import choose
    from nbdeploy.validate.prepare import prepare

    workspace = prepare(tmp_path / "workspace", order.objective, order.inputs)
    (notebook,) = choose(("data",), order.extra_notebooks)
    made = tmp_path / "made"
    made.mkdir()
    (made / "data.ipynb").write_text("{}")
    record = NotebookRun(section="data", name="data.ipynb", source_digest=notebook.digest, status="completed")
    for number in range(MOST_KEPT + 5):
        Kept(order.cache, workspace, {"data": str(number)}).keep([Executed(notebook, record, ())], made)
    assert len(list(order.cache.iterdir())) == MOST_KEPT
    newest = Kept(order.cache, workspace, {"data": str(MOST_KEPT + 4)})
    assert (order.cache / newest._key(notebook)).is_dir()


INTERRUPTED = """
import sys
from pathlib import Path
from nbdeploy.documents.objective import Objective
from nbdeploy.errors import InterruptedRunError
from nbdeploy.validate.inputs import read_dataset
from nbdeploy.validate.order import Inputs, Order
from nbdeploy.validate.run import run_validation

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    gates = {"data": {"label_delay": ">= 0"}}
    objective = Objective.model_validate({"name": "t", "task": "binary", "target": "hired", "gates": gates})
    order = Order(objective, b"", Inputs(predictions=read_dataset(str(folder / "people.csv"), "predictions")),
                  sections=("data",), jobs=2, cache=folder / "cache",
                  extra_notebooks=(folder / "validation/data.ipynb", folder / "validation/data_slow.ipynb"))
    try:
        with run_validation(order, folder / "out", watch=lambda p: print(p.part, p.state, flush=True)):
            print("finished")
    except InterruptedRunError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_had_finished(people, write_notebook, tmp_path):
    people.to_csv(tmp_path / "people.csv", index=False)
    write_notebook("data", COUNT.format(file=str(tmp_path / "ran")), MEASURE)
    ready = tmp_path / "ready"
    wait = f"import pathlib, time; time.sleep(0 if pathlib.Path({str(ready)!r}).exists() else 300)"
    write_notebook("data_slow", wait, MEASURE)
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    child = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in child.stdout:
        if line.startswith("data done"):
            break
    started = time.perf_counter()
    os.killpg(child.pid, signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "1 finished notebook is kept" in said
    assert time.perf_counter() - started < 10
    ready.touch()
    again = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=True)
    assert "finished" in again.stdout
    assert (tmp_path / "ran").read_text() == "x"
    evidence = Evidence.from_bytes((tmp_path / "out" / "evidence.json").read_bytes())
    assert [record.reused is not None for record in evidence.subject.notebooks] == [True, False]
