"""A model as a notebook holds it: what of it is stored, and what is said of one that cannot be."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from nbdeploy import flow
from nbdeploy.declare import read_objective
from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.progress import unwatched
from nbdeploy.errors import ModelError, NbdeployError, ObjectiveError, OptionError
from nbdeploy.flow.project import Project
from nbdeploy.flow.validation.resolving import resolve_model, resolve_objective
from nbdeploy.validate.data.inputs import read_dataset
from nbdeploy.validate.order import Inputs
from nbdeploy.validate.subject.model import LoadedModel

OBJECTIVE = read_objective(
    b"""{name: loan, task: binary, target: y, sensitive: [sex], gates: {performance: {roc_auc: ">= 0.6"}}}"""
)
ROWS = pd.DataFrame({"sex": ["f", "m"] * 20, "z": np.arange(40.0), "x": np.arange(40.0) % 7, "y": [0, 0, 1, 1] * 10})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.require(flow.init(tmp_path_factory.mktemp("p"), preset="solo", person="Ana Author").root)


def resolved(given: object, project: Project, folder: Path, rows: pd.DataFrame = ROWS) -> tuple[ModelSubject, Path]:
    inputs = Inputs(evaluation=read_dataset(rows))
    subject, found = resolve_model(given, OBJECTIVE, inputs, project, folder, unwatched)
    assert subject is not None
    assert found is not None
    return subject, found


def fitted() -> LogisticRegression:
    return LogisticRegression().fit(ROWS[["z", "x"]], ROWS.y)


def locked() -> LogisticRegression:
    model = fitted()
    model.lock = threading.Lock()
    return model


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (LogisticRegression(), "LogisticRegression is not fitted. Next: fit it"),
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), "GridSearchCV is not fitted"),
        (LogisticRegression, "the model is the class LogisticRegression"),
        (ROWS, "of the type 'DataFrame', which has no predict method"),
        (locked(), r"LogisticRegression cannot be stored \(TypeError: cannot pickle '_thread.lock' object\)"),
        (
            LogisticRegression().fit(np.ones((4, 5)) * [[0], [1], [2], [3]], [0, 1, 0, 1]),
            "takes 5 numbers for each row and does not say of which columns; the data has 3.*fit the model on a DataFr",
        ),
    ],
)
def test_a_model_that_cannot_be_stored_is_one_sentence(project, tmp_path, given, says):
    with pytest.raises(ModelError, match=says):
        resolved(given, project, tmp_path)
    registry = project.registry
    assert registry.client.search_logged_models([registry.experiment]) == []


def test_a_model_that_does_not_take_the_rows_says_why(project, tmp_path):
    with pytest.raises(
        ModelError, match=r"the first 40 rows of the data \(ValueError: Input X contains NaN\).*inputs are z, x"
    ):
        resolved(fitted(), project, tmp_path, ROWS.assign(x=np.nan))


def test_a_model_fitted_on_an_array_gets_as_many_columns_as_it_takes(project, tmp_path):
    _, folder = resolved(LogisticRegression().fit(ROWS[["z", "x"]].to_numpy(), ROWS.y), project, tmp_path)
    model = LoadedModel(folder, OBJECTIVE.content)
    assert model.reads(list(ROWS.columns)) == ("z", "x")  # not the group


def test_a_name_outside_of_a_project_says_how_to_make_one():
    with pytest.raises(ObjectiveError, match="make one with: nbdeploy init"):
        resolve_objective("loan", None)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"sections": ["fairnes"]}, "no section 'fairnes'; did you mean 'fairness'\\? Next: one of data, performance"),
        ({"extras": ["mitigations"]}, "no extra 'mitigations'; did you mean 'mitigation'"),
        ({"jobs": 0}, "0 notebooks cannot run at the same time. Next: give a number from 1"),
        ({"seed": -5}, "-5 is no seed"),
    ],
)
def test_an_option_that_makes_no_sense_is_told_before_anything_is_read(asked, says):
    with pytest.raises(NbdeployError, match=says) as refused:
        flow.validate("nothing", predictions="nowhere.csv", **asked)
    assert isinstance(refused.value, OptionError)
