"""The yardstick: the same content as a report, written straight on numpy, without any framework.

Metrics, sex, race and their crossing with 1,000-resample intervals, permutation importance on 5,000 rows, TreeSHAP of
20 rows, a figure, a page. ``python direct.py FOLDER`` reads ``test.csv`` and ``model.joblib`` there and writes a page.
"""

from __future__ import annotations

import base64
import html
import io
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import shap
from data import FEATURES, NUMBERS, SENSITIVE, TARGET
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

RESAMPLES = 1_000


def rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return metrics of counts (…, 4) of true negatives, false positives, false negatives, true positives."""
    tn, fp, fn, tp = np.moveaxis(counts.astype(float), -1, 0)
    rows = counts.sum(-1)
    with np.errstate(all="ignore"):
        return {
            "rows": rows,
            "accuracy": (tn + tp) / rows,
            "selected": (tp + fp) / rows,
            "found": tp / (tp + fn),
            "alarms": fp / (fp + tn),
            "precision": tp / (tp + fp),
        }


def groups(key: pd.Series, truth: np.ndarray, said: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Return a table of one group a line: each metric and its percentile limits."""
    code, names = pd.factorize(key, sort=True)
    counts = np.bincount(code * 4 + truth * 2 + said, minlength=len(names) * 4)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES).reshape(RESAMPLES, len(names), 4)
    value, spread = rates(counts.reshape(-1, 4)), rates(drawn)
    limits = {
        f"{name} {end}": np.nanquantile(spread[name], share, axis=0)
        for name in value
        for end, share in (("low", 0.025), ("high", 0.975))
    }
    return pd.DataFrame(value | limits, index=names)


def main(folder: Path) -> None:
    """Write the page."""
    test = pd.read_csv(folder / "test.csv", keep_default_na=False)
    test[NUMBERS] = test[NUMBERS].astype("float64")
    model = joblib.load(folder / "model.joblib")
    before, final = model.named_steps["before"], model.named_steps["model"]
    matrix = before.transform(test[FEATURES])
    score = final.predict_proba(matrix)[:, 1]
    truth, said = test[TARGET].to_numpy(), (score >= 0.5).astype(np.int8)
    rng = np.random.default_rng(0)
    crossed = test[SENSITIVE[0]].astype(str) + " / " + test[SENSITIVE[1]].astype(str)
    keys = {**{name: test[name] for name in SENSITIVE}, "crossed": crossed}
    tables = {name: groups(key, truth, said, rng) for name, key in keys.items()}
    overall = {
        metric.__name__: metric(truth, score)
        for metric in (roc_auc_score, average_precision_score, brier_score_loss, log_loss)
    }
    some = rng.permutation(len(matrix))[:5_000]
    rows, labels = matrix[some], truth[some]
    base = roc_auc_score(labels, final.predict_proba(rows)[:, 1])
    importance = {}
    for place, name in enumerate(FEATURES):
        losses = []
        for _ in range(5):
            shuffled = rows.copy()
            shuffled[:, place] = rng.permutation(shuffled[:, place])
            losses.append(base - roc_auc_score(labels, final.predict_proba(shuffled)[:, 1]))
        importance[name] = float(np.mean(losses))
    shares = shap.TreeExplainer(final).shap_values(matrix[:20])
    figure = Figure(figsize=(9, 3), layout="tight")
    left, right = figure.subplots(1, 2)
    left.barh(list(importance), list(importance.values()))
    right.hist(score, bins=40)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    page = "".join(f"<h2>{html.escape(name)}</h2>{part.round(4).to_html()}" for name, part in tables.items())
    page += pd.DataFrame(shares, columns=FEATURES).round(4).to_html() + html.escape(str(overall))
    page += f'<img src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}">'
    (folder / "direct.html").write_text(page, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
