"""deepchecks' full suite on the same model and data: ``python deepchecks_suites.py FOLDER`` in its own environment."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "census"))

import pandas as pd
from data import FEATURES, KINDS, NUMBERS, TARGET, pipeline
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import full_suite


def main(folder: Path) -> None:
    """Fit the model here, as models do not cross versions; run the suite, and write the page."""
    train, test = (pd.read_csv(folder / f"{name}.csv", keep_default_na=False) for name in ("train", "test"))
    for frame in (train, test):
        frame[NUMBERS] = frame[NUMBERS].astype("float64")
    fitted = pipeline().fit(train[FEATURES], train[TARGET])
    known, new = (Dataset(frame, label=TARGET, cat_features=list(KINDS), features=FEATURES) for frame in (train, test))
    full_suite().run(train_dataset=known, test_dataset=new, model=fitted).save_as_html(str(folder / "deepchecks.html"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
