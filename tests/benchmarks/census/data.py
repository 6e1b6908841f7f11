"""The table: UCI's Adult where `NBDEPLOY_BENCH_ADULT` names its CSV (with a header), else one made in its likeness."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
KINDS = {
    "workclass": 9,
    "education": 16,
    "marital-status": 7,
    "occupation": 15,
    "relationship": 6,
    "race": 5,
    "sex": 2,
    "native-country": 42,
}
FEATURES = [*NUMBERS, *KINDS]
TARGET = "income"
SENSITIVE = ["sex", "race"]
ROWS = 48_842

OBJECTIVE = """\
name: income
task: binary
target: income
positive: 1
threshold: 0.5
score: predict_proba
sensitive: [sex, race]
gates:
  data: {missing_share: "<= 0.05", leakage: "<= 0.05"}
  performance: {roc_auc: ">= 0.75", recall: ">= 0.3"}
  fairness: {equal_opportunity_difference: "<= 0.9"}
  robustness: {flip_rate: "<= 0.3"}
  explainability: {lime_jaccard_at_5: ">= 0.2"}
  operations: {latency_p95_ms: "<= 500"}
"""


def table() -> pd.DataFrame:
    """Return all rows; the target is 0 or 1."""
    given = os.environ.get("NBDEPLOY_BENCH_ADULT")
    if given is None:
        return _made_up()
    frame = pd.read_csv(given, skipinitialspace=True, keep_default_na=False)
    frame[TARGET] = frame[TARGET].astype(str).str.contains(">50K").astype(int)
    frame[NUMBERS] = frame[NUMBERS].astype("float64")
    return frame[[*FEATURES, TARGET]]


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training (70 %) and evaluation rows."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(frame, test_size=0.3, random_state=0, stratify=frame[TARGET])
    return train.reset_index(drop=True), test.reset_index(drop=True)


def enlarged(test: pd.DataFrame, rows: int, file: Path) -> None:
    """Write `rows` rows drawn from the evaluation rows, their numbers jittered, to a Parquet file, part by part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    writer = None
    for start in range(0, rows, 500_000):
        drawn = test.iloc[rng.integers(0, len(test), min(500_000, rows - start))].reset_index(drop=True)
        for name in NUMBERS:
            drawn[name] = (drawn[name] + rng.normal(0, 0.05 * test[name].std(), len(drawn))).round(2)
        part = pa.Table.from_pandas(drawn, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def pipeline():
    """Return the model, not yet fitted: an ordinal encoder and boosted trees."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    before = ColumnTransformer([("numbers", "passthrough", NUMBERS), ("kinds", encoder, list(KINDS))])
    return Pipeline([("before", before), ("model", HistGradientBoostingClassifier(random_state=0))])


def _made_up() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.clip(rng.normal(38.6, 13.7, ROWS), 17, 90).round(),
            "fnlwgt": rng.lognormal(12, 0.5, ROWS).round(),
            "education-num": np.clip(rng.normal(10, 2.6, ROWS), 1, 16).round(),
            "capital-gain": np.where(rng.random(ROWS) < 0.083, rng.lognormal(8.5, 1, ROWS).round(), 0),
            "capital-loss": np.where(rng.random(ROWS) < 0.047, rng.normal(1870, 370, ROWS).round(), 0),
            "hours-per-week": np.clip(rng.normal(40, 12, ROWS), 1, 99).round(),
        }
    )
    lean = 0.04 * (frame["age"] - 38) + 0.3 * (frame["education-num"] - 10) + 0.0002 * frame["capital-gain"]
    for name, count in KINDS.items():
        share = 1 / np.arange(1, count + 1) ** 1.2
        code = rng.choice(count, ROWS, p=share / share.sum())
        lean += rng.normal(0, 0.5, count)[code]
        frame[name] = pd.Series([f"{name} {one}" for one in range(count)]).to_numpy()[code]
    frame[TARGET] = (lean + rng.logistic(0, 1, ROWS) > lean.quantile(0.74)).astype(int)
    return frame[[*FEATURES, TARGET]]
