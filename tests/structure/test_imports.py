"""The tree tells the story only while imports run one way. This test reads them, function-level ones included."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "nbdeploy"
FOUNDATIONS = ("errors", "documents", "settings", "templates", "stats", "trust")
STAGES = ("declare", "validate", "report", "registry", "approve", "admission", "audit", "serve", "release")
SURFACES = ("jupyter", "cli")

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "documents": {"errors"},
    "templates": set(),
    "settings": {"errors", "documents"},
    "stats": {"errors", "documents"},
    "trust": {"errors", "documents", "settings", "templates", "stats"},
    **{stage: set(FOUNDATIONS) for stage in STAGES},
    "flow": {*FOUNDATIONS, *STAGES},
    **{surface: {*FOUNDATIONS, "flow"} for surface in SURFACES},
}
# Where a stage's question cannot be answered without another's act, the arrow stands here with its reason.
ALLOWED["admission"] |= {"approve"}  # whether these bytes may run is decided on the verified chain of approvals
ALLOWED["audit"] |= {"approve", "admission", "report"}  # it asks the deployer's own questions again, of a card too
ALLOWED["release"] |= {"approve", "admission", "serve"}  # the controller admits, starts workers and moves weights
ALLOWED["release"] |= {"registry"}  # only service.py, which puts the process together: the controller gets callables
ALLOWED["plugins"] = {*FOUNDATIONS, "registry"}  # the guard knows the tags and the secret that the registry sends
ALLOWED["jupyter"] |= {"report"}  # HTML that survives an untrusted notebook is put together in one place
ALLOWED[""] = {"errors", "flow", "jupyter"}  # the package's own lazy names


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name == "nbdeploy" or name.startswith("nbdeploy.")}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_upward_only(path: Path):
    here = path.relative_to(SOURCE).with_suffix("").parts
    own = "" if here == ("__init__",) else here[0]
    wrong = {
        name
        for name in imports(path)
        if room(name) not in {own, "__version__"} and room(name) not in ALLOWED[own] and name != "nbdeploy"
    }
    assert not wrong, f"{own} may import {sorted(ALLOWED[own])}, not {sorted(wrong)}"


def test_no_two_modules_need_each_other():
    names = {".".join(("nbdeploy", *path.relative_to(SOURCE).with_suffix("").parts)): path for path in modules()}
    names = {name: path for name, path in names.items() if not name.endswith("__init__")}  # these only hand names on
    needs = {name: imports(path) & names.keys() for name, path in names.items()}
    TopologicalSorter(needs).prepare()  # raises where there is a circle, and names it


@pytest.mark.parametrize("package", ["nbdeploy", "nbdeploy.flow", "nbdeploy.validate"])
def test_every_name_that_is_loaded_when_used_is_there(package: str):
    import_module(package)
    for name in sys.modules[package].__all__:
        assert getattr(sys.modules[package], name) is not None


def test_only_the_registry_talks_to_mlflow_tracking():
    allowed = {"registry", "validate", "serve", "plugins"}  # validate and serve load models, and nothing else
    for path in modules():
        own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name == "mlflow" or name.startswith("mlflow."):
                    assert own in allowed, f"{path} imports {name}"
                    if own not in {"registry", "plugins"}:  # plugins run inside MLflow's processes, as parts of it
                        assert "tracking" not in name, f"{path} imports {name}"
                        assert "MlflowClient" not in name, f"{path} imports {name}"


def test_importing_nbdeploy_stays_cold(capsys):
    script = (
        "import sys, time; start = time.perf_counter(); import nbdeploy; took = time.perf_counter() - start; "
        "names = ('pandas', 'mlflow', 'IPython', 'sklearn', 'numpy', 'pydantic', 'scipy'); "
        "heavy = [name for name in names if name in sys.modules]; "
        "assert not heavy, heavy; print(f'{took * 1000:.1f}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with capsys.disabled():
        print(f"\nimport nbdeploy: {done.stdout.strip()} ms")


def test_loading_the_extension_stays_light(capsys):
    script = (
        "import sys, time; from IPython.core.interactiveshell import InteractiveShell; "
        "shell = InteractiveShell.instance(); start = time.perf_counter(); "
        "shell.run_line_magic('load_ext', 'nbdeploy'); took = time.perf_counter() - start; "
        "heavy = [name for name in ('pandas', 'mlflow', 'sklearn', 'scipy', 'matplotlib') if name in sys.modules]; "
        "assert not heavy, heavy; print(f'{took * 1000:.1f}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with capsys.disabled():
        print(f"\n%load_ext nbdeploy: {done.stdout.strip().splitlines()[-1]} ms")
