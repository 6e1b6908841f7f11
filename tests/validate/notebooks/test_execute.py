"""Real kernels: whatever a notebook does, its section gives evidence only if every cell ran."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

from nbdeploy.errors import ParameterError
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.notebooks.execute import execute_all
from nbdeploy.validate.notebooks.notebook import choose
from nbdeploy.validate.notebooks.warm import kernel_parent
from nbdeploy.validate.prepare import Inputs, prepare

RECORD = "context.record('label_delay', 1.0)"
# A slot is opened by hand, which spares these notebooks the imports of a context.
MARK = "import pathlib; pathlib.Path(workspace, 'finished').touch()"
MEASURE = (
    "import pathlib; pathlib.Path(workspace, 'measurements.jsonl').write_text("
    '\'{"section": "data", "metric": "label_delay", "value": 1}\\n\')'
)
# As deep as the kernel's own JSON allows, which is deeper than any reader can follow.
FORGED = (
    "from IPython.display import publish_display_data\n"
    "deep = {}\n"
    "for _ in range(400): deep = {'a': deep}\n"
    "publish_display_data({'text/plain': 'x'}, metadata=deep)"
)

BROKEN = {  # named by the cases of the security table
    "data_n1_exit": (
        ("import sys; sys.exit(0)", MEASURE, MARK),
        {},
        "SystemExit|did not reach|not executed|kernel died",
    ),
    "data_n2_skip": ((MEASURE, "1/0", MARK), {"tags": {1: ["skip-execution"]}}, "carries the tag skip-execution"),
    "data_n3_allowed": ((MEASURE, "1/0", MARK), {"tags": {1: ["raises-exception"]}}, "tag raises-exception"),
    "data_n3_error": (
        (MEASURE, "raise ValueError('no such column')", MARK),
        {},
        "the cell “raise ValueError('no such column')” raised ValueError: no such column",
    ),
    "data_n6_killed": (
        (MEASURE, "import os; os.kill(os.getpid(), 9)", MARK),
        {},
        "kernel died (killed, as the system does when memory runs out",
    ),
    "data_n7_input": ((MEASURE, "input('name?')", MARK), {}, "raised StdinNotImplementedError"),
    "data_n7_memory": (
        (
            MEASURE,
            "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32)); bytearray(2**40)",
            MARK,
        ),
        {},
        "raised MemoryError",
    ),
    "data_n7_disk": ((MEASURE, "open('/dev/full', 'w').write('x' * 100_000)", MARK), {}, "raised OSError: [Errno 28]"),
    "data_n8_flood": ((MEASURE, "print('x' * 200_000_000)", MARK), {}, "outputs are over the limit"),
    "data_n8_deep": ((MEASURE, FORGED, MARK), {}, "nested|broke off"),
    "data_n6_segfault": ((MEASURE, "import ctypes; ctypes.string_at(0)", MARK), {}, "kernel died (Segmentation fault"),
    "data_n10_secret": (
        (MEASURE, "import os; raise ValueError(os.environ['TEAM_API_TOKEN'])", MARK),
        {},
        "raised ValueError: [redacted]",
    ),
    "data_unmarked": ((MEASURE,), {}, "did not reach context.finish"),
    "data_empty": ((MARK,), {}, "recorded nothing"),
    "data_torn": (("open(workspace + '/measurements.jsonl', 'w').write('{')", MARK), {}, "cannot be read"),
    "data_nan": ((MEASURE.replace('"value": 1', '"value": 1, "data": {"points": [NaN]}'), MARK), {}, "cannot be read"),
    "data_huge": (
        (MEASURE.replace('"value": 1', '"value": 1, "data": {"points": [1e999]}'), MARK),
        {},
        "cannot be read",
    ),
    "data_foreign": ((MEASURE.replace('"data"', '"fairness"'), MARK), {}, "of another section"),
}

OF_THE_KERNEL = ("data_n1_exit", "data_n6_killed", "data_n6_segfault", "data_n8_flood")
"""What ends otherwise in a kernel that was forked; the rest is told from the saved cells alone."""


@pytest.fixture
def workspace(tmp_path, declare, people):
    return prepare(tmp_path / "workspace", declare(), Inputs(predictions=read_dataset(people, "predictions")))


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("TEAM_API_TOKEN", "correct-horse-battery")


@pytest.fixture(params=["warm", "cold"])
def parent(request):
    """Every rule holds for kernels that are forked as for those that are started anew."""
    if request.param == "cold":
        yield None
        return
    with kernel_parent(with_model=False) as started:
        assert started is not None or sys.platform != "linux"
        yield started


def notebooks(files: list[Path]):
    return [each for each in choose(("data",), files) if each.path in files]


@pytest.mark.slow
def test_a_notebook_that_did_not_run_to_its_end_gives_no_evidence(workspace, write_notebook, tmp_path, token, parent):
    """N1, N2, N3, N6, N7, N8, N10 in one run, because kernels are slow to start."""
    cases = BROKEN if parent is not None else {name: BROKEN[name] for name in OF_THE_KERNEL}
    files = [write_notebook(name, *cells, **options) for name, (cells, options, _) in cases.items()]
    results = execute_all(notebooks(files), workspace, tmp_path / "out", jobs=2, parent=parent)
    assert len(results) == len(cases)
    for result in results:
        _, _, says = BROKEN[result.notebook.name]
        assert result.run.status == "failed", result.run
        assert result.measurements == ()
        assert any(part in result.run.reason for part in says.split("|")), result.run
        # What there is of it is kept for its author, unless it is what broke it.
        assert (tmp_path / "out" / result.run.name).is_file() or result.notebook.name == "data_n8_deep"
    for file in (tmp_path / "out").iterdir():
        assert b"correct-horse-battery" not in file.read_bytes(), file


@pytest.mark.slow
def test_a_whole_notebook_gives_its_measurements_and_is_stored_clean(
    workspace, write_notebook, tmp_path, token, parent
):
    file = write_notebook("data_own", RECORD, "import os; print(os.environ['TEAM_API_TOKEN'])", section="data")
    seen = []
    (result,) = execute_all(notebooks([file]), workspace, tmp_path / "out", watch=seen.append, parent=parent)
    assert result.run.status == "completed", result.run
    assert [measurement.id for measurement in result.measurements] == ["data.label_delay"]
    stored = (tmp_path / "out" / "data_own.ipynb").read_bytes()
    assert result.run.executed_digest == "sha256:" + hashlib.sha256(stored).hexdigest()
    assert b"correct-horse-battery" not in stored
    assert str(tmp_path).encode() not in stored
    assert result.redacted == 1
    nbformat.validate(nbformat.reads(stored.decode(), 4))
    assert [progress.state for progress in seen if progress.done == 0] == ["waiting", "running"]
    assert seen[-1].state == "done"


@pytest.mark.slow
def test_nothing_is_left_running_and_a_slow_notebook_is_stopped(workspace, write_notebook, tmp_path, parent):
    """N9: a child of the notebook; and the time limit."""
    child = "import subprocess; print('child', subprocess.Popen(['sleep', '300']).pid)"
    file = write_notebook("data_slow", child, "import time; time.sleep(300)")
    (result,) = execute_all(notebooks([file]), workspace, tmp_path / "out", timeout=8, parent=parent)
    assert result.run.status == "failed"
    assert "longer than 8 seconds" in result.run.reason
    text = (tmp_path / "out" / "data_slow.ipynb").read_text()
    pid = int(text.split("child ")[1].split("\\n")[0])
    time.sleep(0.2)
    assert not _alive(pid)


@pytest.mark.slow
def test_a_time_limit_that_is_over_before_the_kernel_begins_holds_too(workspace, write_notebook, tmp_path, parent):
    file = write_notebook("data_slow", "import time; time.sleep(300)")
    started = time.monotonic()
    (result,) = execute_all(notebooks([file]), workspace, tmp_path / "out", timeout=0.001, parent=parent)
    assert "longer than 0.001 seconds" in result.run.reason
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_operations_begin_when_all_others_have_ended(workspace, write_notebook, tmp_path):
    """They time the model, so nothing of the run may be at work beside them."""
    ended = tmp_path / "ended"
    files = [
        write_notebook("operations_own", f"import pathlib; assert pathlib.Path({str(ended)!r}).exists()"),
        write_notebook("data_own", f"import pathlib, time; time.sleep(2); pathlib.Path({str(ended)!r}).touch()"),
    ]
    chosen = [each for each in choose(("data", "operations"), files) if each.path in files]
    results = {each.notebook.name: each.run.reason for each in execute_all(chosen, workspace, tmp_path / "out", jobs=2)}
    assert "raised" not in results["operations_own"], results


@pytest.mark.slow
def test_one_that_waits_by_itself_begins_beside_the_others_and_is_not_charged_for_it(
    workspace, write_notebook, tmp_path
):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    touch = "import pathlib, time; "
    waits = (
        f"{touch}pathlib.Path({str(begun)!r}).touch(); context.wait_until_alone(); "
        f"assert pathlib.Path({str(ended)!r}).exists(); context.record('model_size_mb', 1.0)"
    )
    there = f"while not pathlib.Path({str(begun)!r}).exists(): time.sleep(0.01)"
    other = f"{touch}\n{there}\ntime.sleep(2); pathlib.Path({str(ended)!r}).touch(); context.record('rows', 1.0)"
    files = [
        write_notebook("operations_own", waits, section="operations", said={"waits": True}),
        write_notebook("data_own", other, section="data"),
    ]
    chosen = [each for each in choose(("data", "operations"), files) if each.path in files]
    found = {each.notebook.name: each for each in execute_all(chosen, workspace, tmp_path / "out", jobs=2)}
    assert {name: each.run.reason for name, each in found.items()} == {"operations_own": "", "data_own": ""}
    assert found["operations_own"].run.seconds < found["data_own"].run.seconds
    assert found["operations_own"].seconds["operations.model_size_mb"] < 1.5
    assert not workspace.busy.exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{", '{"cells": 7}'])
def test_a_file_that_cannot_be_read_harms_no_other_notebook(workspace, write_notebook, tmp_path, text):
    """N8."""
    files = [write_notebook("data_own", MEASURE, MARK), write_notebook("data_torn", "1")]
    files[1].write_text(text)
    own, torn = execute_all(notebooks(files), workspace, tmp_path / "out")
    assert own.run.status == "completed"
    assert (torn.run.status, torn.run.reason) == ("failed", "it is not a notebook")
    assert torn.run.executed_digest is None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


def test_no_kernel_starts_for_a_parameter_that_is_not_declared(workspace, write_notebook, tmp_path):
    file = write_notebook("data_own", RECORD, section="data")
    before = threading.active_count()
    with pytest.raises(ParameterError):
        execute_all(notebooks([file]), workspace, tmp_path / "out", parameters={"x=1;import os;y": 1})
    assert threading.active_count() == before
