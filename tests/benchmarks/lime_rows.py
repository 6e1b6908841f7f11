"""LIME of many rows and seeds against the lime package, same numbers. Prints the ratio of processor time and identity.

Both ask the same pipeline of texts and numbers (one-hot levels, boosted trees); lime is given frames, as its users do.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, SEEDS, SAMPLES, TOP, ROUNDS = int(os.environ.get("LIME_ROWS", "8")), 5, 5000, 5, 5


def people(count: int, seed: int = 0) -> pd.DataFrame:
    """Return rows shaped like the census of 1994: eight columns of levels, six of numbers, an outcome."""
    random = np.random.default_rng(seed)
    sizes = {"work": 8, "school": 16, "home": 7, "job": 14, "family": 6, "race": 5, "sex": 2, "land": 41}
    frame = pd.DataFrame({n: [f"{n} {i}" for i in random.zipf(1.4, count) % k] for n, k in sizes.items()})
    for at, name in enumerate(("age", "weight", "years", "gain", "loss", "hours")):
        frame[name] = random.gamma(2 + at, 10, count)
    pull = (frame["home"] == "home 1") * 1.5 + frame["years"] / 20 + frame["age"] / 30 + random.normal(0, 1, count)
    frame["paid"] = (pull > pull.quantile(0.75)).astype(int)
    return frame


def main() -> None:
    """Explain rows both ways and compare."""
    from lime.lime_tabular import LimeTabularExplainer
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from nbdeploy.validate.checks.explainability.answer import answer
    from nbdeploy.validate.checks.explainability.neighbourhoods import Lime
    from nbdeploy.validate.context import Context
    from nbdeploy.validate.plain import plain_workspace

    frame = people(12_000)
    features = [name for name in frame if name != "paid"]
    texts = [name for name in features if not pd.api.types.is_numeric_dtype(frame[name])]
    numbers = [name for name in features if name not in texts]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts), (StandardScaler(), numbers)
    )
    model = make_pipeline(encode, HistGradientBoostingClassifier(early_stopping=False, random_state=0)).fit(
        frame[features], frame["paid"]
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _saved(model, frame[features], folder / "model")
        frame.to_csv(folder / "rows.csv", index=False)
        (folder / "o.yaml").write_text(
            "name: pay\ntask: binary\ntarget: paid\npositive: 1\ngates: {performance: {roc_auc: '> 0'}}\n"
        )
        given = {"objective": folder / "o.yaml", "model": folder / "model", "data": folder / "rows.csv"}
        workspace = plain_workspace(
            folder / "w", **{k: str(v) for k, v in given.items()}, predictions=None, train=None, reference=None, seed=0
        )
        context = Context("explainability", workspace.slot("explainability"), governed=True)
        asked = answer(context)
        assert asked is not None
        rows = context.sample(ROWS, "benchmark")
        seeds = [[100 * at + again for again in range(SEEDS)] for at in range(ROWS)]

        lime = Lime.of(context, asked)

        def here() -> list:
            return [one for of_row in Lime.of(context, asked).explain(rows, seeds, samples=SAMPLES) for one in of_row]

        def ask(matrix: np.ndarray) -> np.ndarray:
            score = asked.call(lime.coding.decode(matrix))
            return np.column_stack([1 - score, score])

        def there() -> list:
            found = []
            explainer = LimeTabularExplainer(lime.behind, **lime.options)
            for row, known in zip(lime.coding.encode(rows), seeds, strict=True):
                for seed in known:
                    explainer.random_state = explainer.discretizer.random_state = np.random.RandomState(seed)
                    found.append(explainer.explain_instance(row, ask, num_features=TOP, num_samples=SAMPLES))
            return found

        ours, theirs = here(), there()  # neither side's first call, which imports and compiles, is timed
        rounds = [(_seconds(here), _seconds(there)) for _ in range(ROUNDS)]

    ours_time, theirs_time = (statistics.median(side) for side in zip(*rounds, strict=True))
    identical = sum(
        list(a.pairs) == [(int(p), float(w)) for p, w in b.as_map()[1]] for a, b in zip(ours, theirs, strict=True)
    )
    gap = max(abs(a.fit - b.score) for a, b in zip(ours, theirs, strict=True))
    each = ", ".join(f"{one / other:.2f}" for one, other in rounds)
    print(f"{len(ours)} explanations of {SAMPLES:,} samples: lime {theirs_time:.2f} s, here {ours_time:.2f} s")
    print(f"ratio {ours_time / theirs_time:.2f} (target at most 0.70), by round {each}")
    print(f"identical weights in {identical} of {len(ours)}, largest gap of the fits {gap:.1g}")


def _seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _saved(model: object, frame: pd.DataFrame, folder: Path) -> None:
    import logging

    import mlflow.sklearn
    from mlflow.models import infer_signature

    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's hints on saving
        signature = infer_signature(frame, model.predict(frame))  # type: ignore[attr-defined] # any estimator
        mlflow.sklearn.save_model(
            model,
            str(folder),
            signature=signature,
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )


if __name__ == "__main__":
    main()
