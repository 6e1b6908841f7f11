"""A real SQLite store with a real model, made once: MLflow takes seconds to create its tables."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.registry import store

from nbdeploy.documents.evidence import DataSubject, Evidence, ModelSubject, ObjectiveRef, Run, Subject, VerdictSummary
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.objective import Objective
from nbdeploy.registry import Registry

FRAME = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0], "visits": [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]})
LABELS = [0, 0, 0, 1, 1, 1]
DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    return store.empty_store(tmp_path_factory)


@pytest.fixture
def registry(empty_store, tmp_path) -> Registry:
    return store.copied(empty_store, tmp_path)


@pytest.fixture(scope="session")
def saved(empty_store, tmp_path_factory) -> Path:
    """The folder of one stored model, to be copied."""
    folder = tmp_path_factory.mktemp("saved")
    registry = store.copied(empty_store, folder)
    uri = registry.save_estimator(LogisticRegression().fit(FRAME, LABELS), FRAME, "churn")
    return registry.resolve(uri, folder / "model")[0]


@pytest.fixture
def model(saved, tmp_path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture
def estimator() -> LogisticRegression:
    return LogisticRegression().fit(FRAME, LABELS)


@pytest.fixture
def frame() -> pd.DataFrame:
    return FRAME


@pytest.fixture
def evidence():
    def make(model: ModelSubject | None = None) -> Evidence:
        now = datetime(2026, 11, 1, tzinfo=UTC)
        objective = Objective.model_validate(
            {"name": "churn", "task": "binary", "target": "left", "gates": {"performance": {"roc_auc": ">= 0.7"}}}
        )
        findings = (
            Finding(
                id="performance.roc_auc",
                section="performance",
                metric="roc_auc",
                value=0.81,
                gate=GateCondition(op=">=", bound=0.7),
                verdict="pass",
            ),
            Finding(id="fairness.accuracy_ratio:sex,age band", section="fairness", metric="accuracy_ratio", value=0.9),
            Finding(id="fairness.undefined", section="fairness", metric="undefined", value=None),
        )
        return Evidence(
            objective=ObjectiveRef(name="churn", digest=DIGEST, content=objective),
            subject=Subject(
                model=model, data=(DataSubject(role="evaluation", name="test.csv", digest=DIGEST, rows=6),)
            ),
            run=Run(
                id="run-1",
                attempt=2,
                draft=False,
                started=now,
                finished=now,
                by="Ana",
                host="lab",
                seed=7,
                nbdeploy="0.1",
            ),
            findings=findings,
            verdict=VerdictSummary(overall="pass", gates={"performance.roc_auc": "pass"}),
        )

    return make
