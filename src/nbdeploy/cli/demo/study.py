"""The demo's data and models: the diabetes study that ships with scikit-learn (Efron et al. 2004), in raw values."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

TARGET = "progressed"
FEATURES = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


class Study(NamedTuple):
    """Real patients: half to learn from, half to be evaluated on."""

    train: pd.DataFrame
    evaluation: pd.DataFrame


def load_study() -> Study:
    """Return the 442 patients with the outcome *progression above the median*, sex and an age band."""
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split

    frame = load_diabetes(as_frame=True, scaled=False).frame
    progression = frame.pop("target")
    frame[TARGET] = (progression > progression.median()).astype(int)
    frame["sex"] = frame["sex"].astype(int)
    frame["age_band"] = pd.cut(frame["age"], [0, 50, 120], labels=["under 50", "50 and over"], right=False).astype(str)
    train, evaluation = train_test_split(frame, test_size=0.5, random_state=0, stratify=frame[[TARGET, "sex"]])
    return Study(train.reset_index(drop=True), evaluation.reset_index(drop=True))


def first_candidate(study: Study) -> Any:
    """Return a model that was quick to make: it knows little and leans on sex."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = ["sex", "age", "s1"]
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(study.train[columns], study.train[TARGET])


def second_candidate(study: Study) -> Any:
    """Return a model on all clinical features, without sex."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=500))
    return model.fit(study.train[list(FEATURES)], study.train[TARGET])


def third_candidate(study: Study) -> Any:
    """Return the second version: trees that may bend where the line cannot."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=200, min_samples_leaf=8, random_state=0)
    return model.fit(study.train[list(FEATURES)], study.train[TARGET])
