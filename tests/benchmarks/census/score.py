"""Score a Parquet file with the model and write the scores: what a report over the file cannot do without."""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from data import FEATURES


def main(folder: Path, file: Path) -> None:
    """Write the scores beside the model."""
    model = joblib.load(folder / "model.joblib")
    frame = pd.read_parquet(file)
    np.save(folder / "scores.npy", model.predict_proba(frame[FEATURES])[:, 1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
