"""An empty MLflow store, made once in a run: its tables take seconds to create, and a copy takes none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nbdeploy.registry import Registry


def empty_store(temporary: pytest.TempPathFactory) -> Path:
    """Return the database of a store without models."""
    file = temporary.getbasetemp() / "empty-store" / "mlflow.db"
    if not file.exists():
        assert Registry(f"sqlite:///{file}").models() == ()
    return file


def copied(store: Path, into: Path) -> Registry:
    """Return a registry of its own in a folder."""
    shutil.copy(store, into / "mlflow.db")
    return Registry(f"sqlite:///{into / 'mlflow.db'}", into / "mlartifacts")
