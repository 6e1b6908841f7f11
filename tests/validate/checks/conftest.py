"""Real, small runs: scikit-learn's diabetes study and small frames whose answers are known by construction."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.validate.context import Context
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.notebooks.warm import KernelParent, kernel_parent
from nbdeploy.validate.prepare import Inputs, prepare


class Run:
    """A prepared workspace; each context is a fresh notebook."""

    parent: ClassVar[KernelParent | None] = None
    """Forks the processes that score, which would each import for two seconds."""

    def __init__(self, folder: Path, objective: Objective, inputs: Inputs, model: Path | None, *, draft: bool = False):
        self.workspace = prepare(folder, objective, inputs, model_folder=model, draft=draft, parent=self.parent)
        self._count = 0

    def context(self, section: str) -> Context:
        self._count += 1
        return Context(section, self.workspace.slot(f"{section}-{self._count}"), governed=True)


@pytest.fixture(scope="session", autouse=True)
def warm():
    """Keep one process that forks all others of these tests."""
    with kernel_parent(with_model=True, with_mlflow=True) as Run.parent:
        yield
    Run.parent = None


@pytest.fixture
def recorded():
    """Return a reader of what a context's notebook wrote, by id."""

    def read(context: Context) -> dict[str, Measurement]:
        return {one.id: one for one in context._slot.measurements()}

    return read


def save(estimator, frame: pd.DataFrame, folder: Path) -> Path:
    import mlflow.sklearn
    from mlflow.models import infer_signature

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own hints on saving; the test is about checks
            mlflow.sklearn.save_model(
                estimator,
                str(folder),
                signature=infer_signature(frame, estimator.predict(frame)),
                serialization_format="cloudpickle",
                pip_requirements=["scikit-learn", "definitely-absent==9.9"],
            )
    finally:
        logging.disable(before)
    return folder


def diabetes() -> pd.DataFrame:
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame["sex"] = frame["sex"].astype(int)
    frame["age_band"] = np.where(frame["age"] < 50, "under 50", "50 and over")
    frame["progressed"] = (frame.pop("target") > 140.5).astype(int)
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


INPUTS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def declared(**more) -> Objective:
    content = {
        "name": "risk",
        "task": "binary",
        "target": "progressed",
        "positive": 1,
        "favourable": 0,
        "sensitive": ["sex", "age_band"],
        "gates": {"performance": {"roc_auc": ">= 0.7"}},
    }
    return Objective.model_validate(content | more)


@pytest.fixture(scope="session")
def objective():
    """Return a maker of objectives on the diabetes columns; keywords replace keys."""
    return declared


@pytest.fixture(scope="session")
def split() -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = diabetes()
    return frame.iloc[:221].reset_index(drop=True), frame.iloc[221:].reset_index(drop=True)


@pytest.fixture(scope="session")
def logistic(split, tmp_path_factory) -> Path:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, _ = split
    estimator = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return save(
        estimator.fit(train[INPUTS], train["progressed"]), train[INPUTS], tmp_path_factory.mktemp("m") / "model"
    )


@pytest.fixture(scope="session")
def run(split, logistic, tmp_path_factory) -> Run:
    train, test = split
    gates = {"explainability": {"forbidden_in_top": {"features": ["sex"], "n": 10}}}
    contract = {"age": {"type": "int", "range": [20, 60]}, "sex": {"allowed": [1, 2]}}
    inputs = Inputs(evaluation=read_dataset(test), train=read_dataset(train, "train"))
    wanted = declared(gates=gates, contract=contract)
    return Run(tmp_path_factory.mktemp("run") / "w", wanted, inputs, logistic, draft=True)


@pytest.fixture(scope="session")
def of_model(tmp_path_factory):
    """Return a maker of runs of a fitted estimator on rows; it reads `features`."""

    def make(
        estimator, features: list[str], frame: pd.DataFrame, wanted: Objective, train: pd.DataFrame | None = None
    ) -> Run:
        folder = tmp_path_factory.mktemp("of")
        saved = save(estimator, frame[features], folder / "model")
        known = None if train is None else read_dataset(train, "train")
        return Run(folder / "w", wanted, Inputs(evaluation=read_dataset(frame), train=known), saved)

    return make


@pytest.fixture
def from_predictions(tmp_path):
    """Return a maker of runs from a predictions frame alone."""

    def make(frame: pd.DataFrame, wanted: Objective, train: pd.DataFrame | None = None) -> Run:
        known = read_dataset(train, "train") if train is not None else None
        return Run(tmp_path / "w", wanted, Inputs(predictions=read_dataset(frame, "predictions"), train=known), None)

    return make
