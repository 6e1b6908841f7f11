"""Kernels forked from a parent: as whole, as separate and as mortal as those that are started anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import nbformat
import pytest
from sklearn.base import BaseEstimator

from nbdeploy.errors import ModelError
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.notebooks.execute import execute_all
from nbdeploy.validate.notebooks.notebook import choose
from nbdeploy.validate.notebooks.warm import KernelParent, kernel_parent
from nbdeploy.validate.prepare import Inputs, prepare
from nbdeploy.validate.scorers import score_workspace
from nbdeploy.validate.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels are started anew")

RECORD = "context.record('label_delay', 1.0)"
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"
DRAW = "import random, numpy as np; print('drew', random.random(), np.random.random())"
PARENT = "import os; print('kernel', os.getpid(), 'of', os.getppid())"


@pytest.fixture
def workspace(tmp_path, declare, people):
    return prepare(tmp_path / "workspace", declare(), Inputs(predictions=read_dataset(people, "predictions")))


@pytest.fixture
def run(workspace, tmp_path):
    """Execute notebooks with a parent; return what was printed or drawn in each, and its run."""

    def execute(files: list[Path], parent: KernelParent | None):
        chosen = [each for each in choose(("data",), files) if each.path in files]
        results = execute_all(chosen, workspace, tmp_path / "out", parent=parent)
        return {each.notebook.name: (each.run, _outputs(tmp_path / "out" / each.run.name)) for each in results}

    return execute


def _outputs(file: Path) -> list[str]:
    """Return what the cells gave: printed text, and the types of what was drawn."""
    node = nbformat.read(file, 4)
    outputs = [output for cell in node.cells if cell.cell_type == "code" for output in cell.outputs]
    return [out.text if out.output_type == "stream" else " ".join(out.get("data", {})) for out in outputs]


def _said(outputs: list[str], word: str) -> list[str]:
    """Return the words that follow `word` in what was printed."""
    (line,) = [text for text in outputs if text.startswith(word)]
    return line.split()[1:]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(*pids: int, within: float = 10) -> bool:
    end = time.monotonic() + within
    while any(map(alive, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.slow
def test_notebooks_keep_their_figures_and_draw_different_numbers(run, write_notebook):
    files = [write_notebook(f"data_{name}", FIGURE, DRAW, PARENT, RECORD, section="data") for name in ("one", "two")]
    with kernel_parent(with_model=False) as parent:
        first = run(files, parent)
        assert parent is not None
        for record, outputs in first.values():
            assert record.status == "completed", record
            assert sum("image/png" in output for output in outputs) == 1
            assert _said(outputs, "kernel")[2] == str(parent.process.pid)
        again = run(files, parent)
    drawn = [[_said(outputs, "drew") for _, outputs in results.values()] for results in (first, again)]
    assert drawn[0] == drawn[1]
    assert len({number for numbers in drawn[0] for number in numbers}) == 4


@pytest.mark.slow
def test_a_notebook_that_dies_harms_no_other(run, write_notebook):
    files = [
        write_notebook("data_own", "import time; time.sleep(1)", RECORD, section="data"),
        write_notebook("data_segfault", "import ctypes; ctypes.string_at(0)", RECORD, section="data"),
        write_notebook("data_sweeping", "import os; os.killpg(0, 9)", RECORD, section="data"),
    ]
    with kernel_parent(with_model=False) as parent:
        found = {name: record for name, (record, _) in run(files, parent).items()}
    assert found["data_own"].status == "completed", found
    assert "its kernel died" in found["data_segfault"].reason
    assert "its kernel died" in found["data_sweeping"].reason


@pytest.mark.slow
def test_kernels_start_anew_where_the_parent_is_gone_or_not_allowed(run, write_notebook, monkeypatch):
    file = write_notebook("data_own", PARENT, RECORD, section="data")
    with kernel_parent(with_model=False) as parent:
        os.kill(parent.process.pid, signal.SIGKILL)
        record, outputs = run([file], parent)["data_own"]
    assert record.status == "completed", record
    assert _said(outputs, "kernel")[2] == str(os.getpid())

    def forbidden(pid: int) -> int:
        raise PermissionError(1, "seccomp")

    monkeypatch.setattr(os, "pidfd_open", forbidden)
    with kernel_parent(with_model=False) as parent:
        assert parent is None


def _kernel(parent: KernelParent, folder: Path):
    with (folder / "log").open("wb") as log:
        return parent.fork(
            "kernel", ["-f", str(folder / "c.json"), "--transport=ipc"], cwd=folder, seed="0", log=log.fileno()
        )


@pytest.mark.slow
def test_kernels_die_with_the_run_and_with_their_parent(tmp_path):
    with kernel_parent(with_model=False) as parent:
        first = _kernel(parent, tmp_path)
        assert alive(first.pid)
    assert gone(first.pid, parent.process.pid, within=1)
    with kernel_parent(with_model=False) as parent:
        second = _kernel(parent, tmp_path)
        time.sleep(1)  # its watch over the parent has begun
        os.kill(parent.process.pid, signal.SIGKILL)
        assert gone(second.pid)


KILLED = """
import sys, time
from pathlib import Path
from nbdeploy.validate.notebooks.warm import kernel_parent

with kernel_parent(with_model=False) as parent:
    folder = Path(sys.argv[1])
    with (folder / "log").open("wb") as log:
        arguments = ["-f", str(folder / "c.json"), "--transport=ipc"]
        child = parent.fork("kernel", arguments, cwd=folder, seed="", log=log.fileno())
    print(parent.process.pid, child.pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.slow
def test_nothing_outlives_a_run_that_is_killed(tmp_path):
    script = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in script.stdout.readline().split()]
    assert all(map(alive, pids))
    script.kill()
    script.communicate()
    assert gone(*pids)


@pytest.mark.slow
def test_what_leaves_its_kernels_group_is_ended_with_the_run(run, write_notebook):
    """N9: a process with a session of its own, and a child of it."""
    script = "import subprocess as s, time; print(s.Popen(['sleep', '99']).pid, flush=True); time.sleep(99)"
    escape = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {script!r}], start_new_session=True, stdout=-1)\n"
        "print('escaped', child.pid, child.stdout.readline().decode())"
    )
    file = write_notebook("data_own", escape, RECORD, section="data")
    with kernel_parent(with_model=False) as parent:
        record, outputs = run([file], parent)["data_own"]
        assert record.status == "completed", record
        pids = [int(word) for word in _said(outputs, "escaped")]
        assert all(map(alive, pids))
    assert gone(*pids, within=1)


def test_an_end_that_comes_while_the_parent_imports_is_not_delayed(tmp_path):
    """Ctrl-C in the first seconds of a run, also where threads wait for their kernels."""
    refused: list[str] = []

    def wait(parent: KernelParent) -> None:
        try:
            _kernel(parent, tmp_path)
        except OSError as error:
            refused.append(type(error).__name__)

    started = time.monotonic()
    with kernel_parent(with_model=True) as parent:
        thread = threading.Thread(target=wait, args=[parent])
        thread.start()
        time.sleep(0.2)
        parent.give_up()
        thread.join(1)
        assert not thread.is_alive()
    assert refused == ["ConnectionError"]
    assert time.monotonic() - started < 1
    assert parent.process.returncode == -signal.SIGKILL


def test_a_fork_has_a_session_a_folder_and_streams_of_its_own(tmp_path):
    with kernel_parent(with_model=False) as parent:
        child = _kernel(parent, tmp_path)
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
        process = Path(f"/proc/{child.pid}")
        assert (process / "cwd").readlink() == tmp_path
        streams = [(process / "fd" / str(number)).readlink() for number in range(3)]
        assert streams == [Path(os.devnull), Path(os.devnull), tmp_path / "log"]


def test_the_parent_only_imports(tmp_path):
    """Threads of OpenMP or BLAS in the parent would be missing in its children, which would wait for them."""
    with kernel_parent(with_model=True) as parent:
        _kernel(parent, tmp_path)
        tasks = Path(f"/proc/{parent.process.pid}/task").iterdir()
        names = [(task / "comm").read_text().strip() for task in tasks if task.name != str(parent.process.pid)]
    assert set(names) <= {"jemalloc_bg_thd"}


@pytest.mark.slow
@pytest.mark.parametrize("with_parent", [True, False], ids=["warm", "cold"])
def test_a_model_that_takes_its_process_down_is_one_sentence(tmp_path, declare, people, with_parent):
    class Crashing(BaseEstimator):
        def predict_proba(self, rows):  # noqa: ARG002 - as scikit-learn calls it
            os.kill(os.getpid(), signal.SIGSEGV)

    folder = tmp_path / "model"
    with warnings.catch_warnings():
        # mlflow warns of its own type hints when it is imported, and of pickles
        warnings.simplefilter("ignore")
        import mlflow

        mlflow.sklearn.save_model(
            Crashing(), folder, pip_requirements=["scikit-learn"], serialization_format="cloudpickle"
        )
    table = read_dataset(people).source
    workspace = Workspace.create(tmp_path / "workspace", declare(), data=table, model_folder=folder)
    with kernel_parent(with_model=True) as parent, pytest.raises(ModelError, match="signal 11"):
        score_workspace(workspace.folder, parent=parent if with_parent else None)
