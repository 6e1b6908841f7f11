"""Real models, real worker processes, a real gateway on the loopback address."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pandas as pd
import uvicorn
from mlflow import sklearn as flavour
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from nbdeploy.serve.gateway import Gateway
from nbdeploy.serve.schema import read_schema
from nbdeploy.serve.traffic import ServedVersion, Traffic
from nbdeploy.serve.workers import Worker

FRAME = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0, 70.0], "ward": ["a", "b", "a", "b", "a", "b"]})
LABELS = [0, 0, 0, 1, 1, 1]
ROW = {"age": 64.0, "ward": "b"}


class Plain:
    """The least that answers: a worker that holds it starts without scikit-learn."""

    def __init__(self, answer: int) -> None:
        self.answer = answer

    def get_params(self, **_: Any) -> dict[str, Any]:
        return {}

    def predict(self, rows: Any) -> Any:
        return (rows["age"] >= 50).astype(int).to_numpy() if self.answer else (rows["age"] < 50).astype(int).to_numpy()


class Temperamental(Plain):
    """Dies, raises or dawdles at ages that ask for it."""

    def predict(self, rows: Any) -> Any:
        import os
        import time

        if (rows["age"] == 13).any():
            os._exit(3)
        if (rows["age"] == 14).any():
            raise ValueError("no fourteen, please")
        if (rows["age"] == 15).any():
            time.sleep(30)
        return super().predict(rows)


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


def save_plain(model: Plain, folder: Path) -> Path:
    """Write an MLflow model folder by hand."""
    folder.mkdir()
    inputs = '[{"type": "double", "name": "age", "required": true}]'
    content = {
        "flavors": {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", "code": None}},
        "signature": {"inputs": inputs},
    }
    (folder / "MLmodel").write_text(json.dumps(content))  # JSON is YAML
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(model))
    return folder


def save_plain_models(folder: Path) -> dict[str, Path]:
    """Save the quick models: ``old`` says 1 from 50 on, ``young`` below."""
    return {
        "old": save_plain(Plain(1), folder / "old"),
        "young": save_plain(Plain(0), folder / "young"),
        "temperamental": save_plain(Temperamental(1), folder / "temperamental"),
    }


def save_models(folder: Path) -> dict[str, Path]:
    """Save one model of each sort and return their folders."""
    return save_plain_models(folder) | {
        "pipeline": save(pipeline(), folder / "pipeline"),
        "skops": save(pipeline(), folder / "skops", "skops"),
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

    @contextmanager
    def running(self) -> Iterator[Serving]:
        self.thread.start()
        try:
            while not self.server.started:
                assert self.thread.is_alive()
            yield self
        finally:
            for worker in self.workers:
                self.do(worker.stop(patience=1))
            self.client.close()
            self.server.should_exit = True
            self.thread.join(30)

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

    @cached_property
    def client(self) -> httpx.Client:
        """A caller. Setting a client up takes longer than an answer, so there is one for all tests."""
        return httpx.Client(base_url=self.url, timeout=60)

    @property
    def url(self) -> str:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"
