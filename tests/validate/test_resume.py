"""A finished notebook is not run again for the same inputs, and a kept result is believed only while it is whole."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from nbdeploy.documents.evidence import Evidence, NotebookRun
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.progress import unwatched
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.notebooks.execute import Executed
from nbdeploy.validate.notebooks.notebook import choose
from nbdeploy.validate.order import Inputs, Order
from nbdeploy.validate.prepare import prepare
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
    first, times = run(order)
    assert (first.subject.notebooks[0].reused, times) == (None, 1)
    again, times = run(order)
    assert times == 1
    (record,) = again.subject.notebooks
    assert first.run.started <= record.reused <= first.run.finished
    assert record.seconds == first.subject.notebooks[0].seconds
    assert again.findings == first.findings
    assert again.verdict == first.verdict
    assert run(replace(order, fresh=True))[1] == 2


@pytest.fixture
def key(tmp_path):
    """Return the key under which an order's notebook would be kept."""
    folders = (tmp_path / f"workspace-{number}" for number in count())

    def of(order: Order) -> str:
        how = {"seed": order.seed, "draft": order.draft, "wanted": order.wanted}
        workspace = prepare(next(folders), order.objective, order.inputs, **how)
        (notebook,) = choose(order.sections, order.extra_notebooks)
        return Kept(order.cache, workspace, workspace.digests())._key(notebook)

    return of


def test_whatever_a_result_may_depend_on_makes_another_key(order, key, people, write_notebook, monkeypatch):
    other = people.assign(score=people["score"].iloc[::-1].to_numpy())
    changed = [
        order,
        replace(order, seed=1),
        replace(order, objective=order.objective.model_copy(update={"level": 0.9})),
        replace(order, inputs=Inputs(predictions=read_dataset(other, "predictions"))),
        replace(order, draft=True),
        replace(order, wanted=("mitigation",)),
    ]
    keys = [key(one) for one in changed]
    assert key(order) == keys[0]
    write_notebook("data", MEASURE, "1")
    keys.append(key(order))
    monkeypatch.setattr(platform, "node", lambda: "another machine")
    keys.append(key(order))
    assert len(set(keys)) == len(keys)


@pytest.fixture
def kept(order, tmp_path):
    """One kept result of a notebook; return the notebook, a reader of the cache, and the entry's folder."""
    workspace = prepare(tmp_path / "workspace", order.objective, order.inputs)
    (notebook,) = choose(order.sections, order.extra_notebooks)
    made = tmp_path / "made"
    made.mkdir()
    (made / "data.ipynb").write_text("{}")
    record = NotebookRun(
        section="data",
        name="data.ipynb",
        source_digest=notebook.digest,
        executed_digest=bytes_digest(b"{}"),
        status="completed",
    )
    measured = Measurement(section="data", metric="label_delay", value=1)

    def reader(**digests: str) -> Kept:
        return Kept(order.cache, workspace, digests)

    def keep(**digests: str) -> Path:
        reader(**digests).keep([Executed(notebook, record, (measured,))], made)
        return order.cache / reader(**digests)._key(notebook)

    return notebook, reader, keep


def forge(entry: Path) -> None:
    content = json.loads((entry / "entry.json").read_text())
    content["measurements"][0]["value"] = 0
    (entry / "entry.json").write_text(json.dumps(content))


DAMAGE = {
    "an edited number": forge,
    "another notebook": lambda entry: (entry / "notebook.ipynb").write_text("{ }"),
    "another digest": lambda entry: (entry / "digest").write_text("sha256:0"),
    "a missing file": lambda entry: (entry / "notebook.ipynb").unlink(),
    "half a file": lambda entry: (entry / "entry.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_kept_result_that_is_not_whole_is_never_believed(kept, tmp_path, damage):
    notebook, reader, keep = kept
    entry = keep()
    (taken,) = reader().take([notebook], tmp_path / "out", unwatched).values()
    assert taken.measurements[0].value == 1
    assert taken.run.reused is not None
    DAMAGE[damage](entry)
    again = reader()
    assert again.take([notebook], tmp_path / "out", unwatched) == {}
    assert "was not used, because it cannot be read" in again.warnings[0]
    assert not entry.exists()


def test_the_cache_is_bounded_and_the_newest_stay(kept, order):
    _, _, keep = kept
    entries = [keep(data=str(number)) for number in range(MOST_KEPT + 5)]
    assert len(list(order.cache.iterdir())) == MOST_KEPT
    assert entries[-1].is_dir()


@pytest.mark.slow
def test_what_broke_off_or_spoilt_the_run_is_not_kept(order, run, write_notebook):
    spoil = (
        "import pyarrow.parquet as pq; shared = slot.parent.parent / 'predictions.parquet'\n"
        "table = pq.read_table(shared); shared.chmod(0o644); pq.write_table(table.slice(1), shared)"
    )
    for cells in ((MEASURE, "1/0"), (MEASURE, spoil)):
        write_notebook("data", COUNT.format(file=str(order.cache.parent / "ran")), *cells)
        run(order)
        assert not order.cache.is_dir() or not list(order.cache.iterdir())


INTERRUPTED = """
import sys
from pathlib import Path
from nbdeploy.documents.objective import Objective
from nbdeploy.errors import InterruptedRunError
from nbdeploy.validate.data.inputs import read_dataset
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
