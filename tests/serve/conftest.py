"""Real models, real worker processes, a real gateway on the loopback address."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import uvicorn
from mlflow import sklearn as flavour
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from nbdeploy.serve.gateway import Gateway, ServedVersion, Traffic
from nbdeploy.serve.schema import read_schema
from nbdeploy.serve.workers import Worker

FRAME = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0], "ward": ["a", "b", "a", "b", "a", "b"]})
LABELS = [0, 0, 0, 1, 1, 1]
ROW = {"age": 64.0, "ward": "b"}


class Temperamental(ClassifierMixin, BaseEstimator):
    """Dies, raises or dawdles at ages that ask for it; else answers 1 from 50 on."""

    def fit(self, *_):
        self.classes_ = np.array([0, 1])
        self.fitted_ = True
        return self

    def predict(self, rows):
        import os
        import time

        if (rows["age"] == 13).any():
            os._exit(3)
        if (rows["age"] == 14).any():
            raise ValueError("no fourteen, please")
        if (rows["age"] == 15).any():
            time.sleep(30)
        return (rows["age"] >= 50).astype(int).to_numpy()


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker cannot import this file


def pipeline(labels=LABELS):
    kept = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["ward"]), remainder="passthrough")
    return make_pipeline(kept, LogisticRegression()).fit(FRAME, labels)


def save(estimator: Any, folder: Path, serialization_format: str = "cloudpickle") -> Path:
    inputs = Schema([ColSpec("double", "age"), ColSpec("string", "ward", required=False)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow advises against pickles and about its own type hints
        flavour.save_model(
            estimator,
            str(folder),
            signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec("long")])),
            pip_requirements=["scikit-learn"],
            serialization_format=serialization_format,
        )
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "pipeline": save(pipeline(), folder / "pipeline"),
        "skops": save(pipeline(), folder / "skops", "skops"),
        "inverted": save(pipeline([1 - label for label in LABELS]), folder / "inverted"),
        "temperamental": save(Temperamental().fit(FRAME, LABELS), folder / "temperamental"),
    }


class Serving:
    """A gateway in a thread of its own, driven from the test's thread."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        config = uvicorn.Config(self.gateway.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.workers: list[Worker] = []
        self.fresh: list[Worker] = []
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.server.serve())
        self.loop.close()

    def do(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    def start(self, folder: Path, version: str, *, fresh: bool = False, **options: Any) -> ServedVersion:
        """Return a version that answers, with counts of its own; its process is shared between tests unless `fresh`."""
        objective = options.get("objective")
        worker = next(
            (w for w in self.workers if (w.folder, w.version, w.objective) == (folder, version, objective)), None
        )
        if worker is None or fresh:
            worker = Worker(folder, version, **options)
            self.do(worker.start())
            if fresh:
                self.fresh.append(worker)
            else:
                self.workers.append(worker)
        return ServedVersion(version, worker, read_schema(folder, getattr(objective, "contract", None)))

    def direct(self, *arms: tuple[ServedVersion, float], reason: str = "") -> None:
        self.gateway.direct("churn", Traffic("churn", "production", tuple(arms), reason))

    @property
    def url(self) -> str:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def service():
    serving = Serving()
    serving.thread.start()
    try:
        while not serving.server.started:
            assert serving.thread.is_alive()
        yield serving
    finally:
        for worker in serving.workers:
            serving.do(worker.stop(patience=1))
        serving.server.should_exit = True
        serving.thread.join(30)


@pytest.fixture
def serving(service):
    service.gateway._traffic = {}
    yield service
    while service.fresh:
        service.do(service.fresh.pop().stop(patience=1))
