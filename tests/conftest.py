"""What every test may rely on: one thread, no colours, a home of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["NO_COLOR"] = "1"
os.environ["MPLBACKEND"] = "Agg"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so begun by `make test &`; those that press Ctrl-C need it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tester's keys and project out of every test."""
    monkeypatch.delenv("NBDEPLOY_PROJECT", raising=False)
    monkeypatch.setenv("NBDEPLOY_KEYS", str(tmp_path_factory.mktemp("keys")))


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
