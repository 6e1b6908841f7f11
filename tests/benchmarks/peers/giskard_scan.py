"""giskard's scan of the same model and data, in an environment of its own: ``python giskard_scan.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "census"))

import giskard
import pandas as pd
from data import FEATURES, KINDS, NUMBERS, TARGET, pipeline


def main(folder: Path) -> None:
    """Fit the model here, as models do not cross versions; scan, and write the page."""
    train, test = (pd.read_csv(folder / f"{name}.csv", keep_default_na=False) for name in ("train", "test"))
    for frame in (train, test):
        frame[NUMBERS] = frame[NUMBERS].astype("float64")
    fitted = pipeline().fit(train[FEATURES], train[TARGET])
    model = giskard.Model(
        lambda frame: fitted.predict_proba(frame[FEATURES]),
        model_type="classification",
        classification_labels=[0, 1],
        feature_names=FEATURES,
    )
    dataset = giskard.Dataset(test, target=TARGET, cat_columns=list(KINDS))
    giskard.scan(model, dataset, verbose=False).to_html(folder / "giskard.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
