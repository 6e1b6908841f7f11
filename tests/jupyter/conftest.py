"""A real IPython shell, without history or configuration of its own, in a project."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbdeploy import flow

OBJECTIVE = """
task: binary
target: churned
sensitive: [sex]
gates:
  performance: {roc_auc: ">= 0.70"}
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    # IPython reads an environment's outer `site-packages` when it finds none; what our tests need is here already.
    config.InteractiveShell.warn_venv = False
    shell = InteractiveShell.instance(config=config)  # `display` looks for this one
    shell.run_line_magic("load_ext", "nbdeploy")
    yield shell
    atexit.unregister(shell.atexit_operations)  # it would run a second time when the tests end
    shell.atexit_operations()
    InteractiveShell.clear_instance()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a fresh project of Ana Author."""
    root = tmp_path / "a project"
    flow.init(root, preset="solo", person="Ana Author")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def declared(project: Path) -> Path:
    """Stand in a project with the objective ``churn``."""
    flow.declare(OBJECTIVE.encode(), name="churn")
    return project
