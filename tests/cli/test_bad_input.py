"""What users get wrong: one sentence on standard error, the right exit code, nothing half written, no traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

OBJECTIVE = """
name: churn
task: binary
target: left
score: score
sensitive: [sex]
gates:
  performance: {roc_auc: ">= 0.6"}
  fairness: {demographic_parity_ratio: ">= 0.5"}
"""


def run(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nbdeploy.cli", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, env=os.environ | (env or {}), check=False
    )


def run_on_a_full_disk(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that can write 100 bytes to a file and no more."""
    code = (
        "import resource, sys; from nbdeploy.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\nmain(sys.argv[1:])"
    )
    command = [sys.executable, "-B", "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def refused(done: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("nbdeploy: ")]
    assert len(errors) == 1, done.stderr
    for word in says:
        assert word in errors[0]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    rows = 400
    table = pd.DataFrame({
        "left": [row % 2 for row in range(rows)],
        "score": [(row * 37 % 100) / 100 for row in range(rows)],
        "sex": ["a" if row % 3 else "b" for row in range(rows)],
    })  # fmt: skip
    table.to_csv(tmp_path / "predictions.csv", index=False)
    (tmp_path / "objective.yaml").write_text(OBJECTIVE)
    return tmp_path


def untouched(desk: Path) -> bool:
    return {path.name for path in desk.iterdir()} <= {
        "predictions.csv",
        "objective.yaml",
        "other.csv",
        "other.yaml",
        "model",
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("score: score", "scroe: score"), "did you mean 'score'?"),
        (("roc_auc", "roc_acu"), "did you mean 'roc_auc'?"),
        (("sensitive: [sex]", "sensitive: [gender]"), "no column 'gender'"),
        (('">= 0.5"', "{min: 0.5, group: {sex: c}}"), "sex=c"),
        (("target: left", "target: lfet"), "did you mean 'left'?"),
    ],
    ids=["unknown key", "unknown metric", "missing column", "group that does not exist", "target misspelt"],
)
def test_a_mistake_in_the_objective(desk: Path, change: tuple[str, str], says: str):
    (desk / "other.yaml").write_text(OBJECTIVE.replace(*change))
    done = run("validate", "other.yaml", "--predictions", "predictions.csv", "--out", "out", cwd=desk)
    refused(done, 2, says)
    assert untouched(desk)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("left,score,sex\n", "no rows"),
        ("left,score,sex\n" + "1,0.5,a\n" * 50, "one class"),
        ("left,score,sex\n" + "1,high,a\n0,low,b\n" * 50, "score"),
        ("left;score;sex\n" + "1;0.5;a\n" * 50, "column"),
    ],
    ids=["empty file", "only a header", "one class", "scores that are words", "another separator"],
)
def test_data_that_cannot_be_judged(desk: Path, content: str, says: str):
    (desk / "other.csv").write_text(content)
    done = run("validate", "objective.yaml", "--predictions", "other.csv", "--out", "out", cwd=desk)
    refused(done, 2, says)
    assert untouched(desk)


def test_a_file_that_is_not_there(desk: Path):
    refused(run("validate", "objective.yaml", "--predictions", "prediction.csv", cwd=desk), 2, "prediction.csv")
    refused(run("validate", "objectiv.yaml", "--predictions", "predictions.csv", cwd=desk), 2, "objectiv.yaml")
    assert untouched(desk)


def test_a_model_that_will_not_load(desk: Path):
    model = desk / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: nowhere.at_all\n")
    done = run("validate", "objective.yaml", "--model", "model", "--data", "predictions.csv", "--out", "out", cwd=desk)
    refused(done, 2, "E-MODEL")
    assert untouched(desk)


def test_a_model_that_reaches_for_the_system_is_not_loaded_to_be_validated(desk: Path):
    """R1: where validations are signed, the model's files come from whoever asks for one."""
    model = desk / "model"
    model.mkdir()
    flavors = (
        "sklearn: {pickled_model: model.pkl}\n  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}"
    )
    (model / "MLmodel").write_text(f"flavors:\n  {flavors}\n")
    (model / "model.pkl").write_bytes(b"cposix\nsystem\n(S'touch ran'\ntR.")
    done = run("validate", "objective.yaml", "--model", "model", "--data", "predictions.csv", "--out", "out", cwd=desk)
    refused(done, 2, "E-SCAN", "posix.system")
    assert not (desk / "ran").exists()
    assert not (desk / "out").exists()


def test_an_mlflow_server_that_does_not_answer(desk: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    done = run(
        "validate", "objective.yaml", "--model", "models:/churn/1", "--data", "predictions.csv", cwd=desk,
        env={"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"},
    )  # fmt: skip
    refused(done, 2, "E-REGISTRY", str(port))
    assert untouched(desk)


def test_a_registry_address_without_a_server(desk: Path):
    done = run("validate", "objective.yaml", "--model", "models:/churn/1", "--data", "predictions.csv", cwd=desk)
    refused(done, 2, "MLFLOW_TRACKING_URI")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("--previous", "3"), "a file of predictions names no model"),
        (("--previous", "3", "--section", "fairness"), "nothing can be compared with version '3'"),
    ],
)
def test_a_version_to_compare_with_where_nothing_compares(desk: Path, asked: tuple[str, ...], says: str):
    done = run("validate", "objective.yaml", "--predictions", "predictions.csv", *asked, "--out", "out", cwd=desk)
    refused(done, 2, "E-MODEL", says)
    assert untouched(desk)


def test_a_folder_that_holds_other_things_keeps_them(desk: Path):
    out = desk / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    run(
        "validate",
        "objective.yaml",
        "--predictions",
        "predictions.csv",
        "--out",
        "out",
        "--section",
        "data",
        "--quiet",
        cwd=desk,
    )
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "evidence.json").is_file()
    assert (out / "card.html").is_file()


def test_a_name_outside_of_a_project(desk: Path):
    refused(run("validate", "churn", "--predictions", "predictions.csv", cwd=desk), 2, "no project here")
    refused(run("status", cwd=desk), 2, "nbdeploy init")
    refused(run("deploy", "churn", cwd=desk), 2, "nbdeploy init")


def test_a_port_in_use(desk: Path):
    assert run("init", "p", "--preset", "solo", "--person", "Ana Author", cwd=desk).returncode == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("up", "--port", str(taken.getsockname()[1]), cwd=desk / "p")
        assert done.returncode == 2
        assert "is in use" in done.stderr
        assert "Traceback" not in done.stderr


def test_another_project_is_not_made_over_one(desk: Path):
    assert run("init", "p", "--preset", "team", "--person", "Ana Author", cwd=desk).returncode == 0
    refused(
        run("init", "p", "--preset", "solo", cwd=desk), 2, "is a project already, p of Ana Author with the preset team"
    )
    done = run("init", "q", cwd=desk)
    assert done.returncode == 2
    assert "which preset?" in done.stderr


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(desk: Path):
    command = [
        sys.executable,
        "-m",
        "nbdeploy.cli",
        "validate",
        "objective.yaml",
        "--predictions",
        "predictions.csv",
        "--out",
        "out",
    ]
    process = subprocess.Popen(command, cwd=desk, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr
    for line in process.stderr:
        if "predictions done" in line:
            break
    time.sleep(1.5)  # notebooks are running now
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130, rest
    assert "E-INTERRUPTED" in rest
    assert "Traceback" not in rest
    assert untouched(desk)
    left = subprocess.run(["ps", "-eo", "sid,args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in left.splitlines() if line.split()[0] == str(process.pid) and "ipykernel" in line]


@pytest.mark.slow
def test_a_killed_kernel_is_told_and_the_other_sections_go_on(desk: Path):
    from nbdeploy import templates

    project = desk / "p"
    assert run("init", "p", "--preset", "solo", "--person", "Ana Author", cwd=desk).returncode == 0
    import nbformat

    notebook = nbformat.read(templates.path("validation", "performance.ipynb"), as_version=4)
    notebook.cells.insert(3, nbformat.v4.new_code_cell("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    nbformat.write(notebook, project / "validation" / "performance.ipynb")
    done = run(
        "validate", "../objective.yaml", "--predictions", "../predictions.csv", "--out", "../out",
        "--section", "performance", "--section", "fairness", cwd=project,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    evidence = (desk / "out" / "evidence.json").read_text()
    assert '"performance.roc_auc": "not_evaluated"' in evidence
    assert '"fairness.demographic_parity_ratio:sex": "' in evidence
    assert '"fairness.demographic_parity_ratio:sex": "not_evaluated"' not in evidence


def test_a_key_that_found_no_room_leaves_no_half_of_it(tmp_path: Path):
    refused(
        run_on_a_full_disk("key", "create", "ci", "--service", "--file", "ci.pem", cwd=tmp_path), 2, "E-KEY", "ci.pem"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_the_policy_stays(tmp_path: Path):
    assert run("init", ".", "--preset", "team", "--person", "Ana", cwd=tmp_path).returncode == 0
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*") if file.is_file()}
    refused(run_on_a_full_disk("policy", "propose", "--add", "Vera", "validator", cwd=tmp_path), 2, "E-DISK")
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*") if file.is_file()} == before
