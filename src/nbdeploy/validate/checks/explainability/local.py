"""LIME for single rows, and whether it can be trusted: again with another seed, by its fit, against SHAP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.drawing import FAINT, INK, heading, panels
from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL, Answer, Coding, answer
from nbdeploy.validate.checks.explainability.attributions import ranked
from nbdeploy.validate.checks.explainability.shapley import explained_rows
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import bounded_mean_interval
from nbdeploy.validate.context import Context
from nbdeploy.validate.model import quietly

if TYPE_CHECKING:
    import pandas as pd

TOP = 5
_MEASURES = ("lime_jaccard_at_5", "lime_local_fit", "lime_shap_agreement")


@dataclass(frozen=True)
class Local:
    """LIME's weights of one row by two seeds, as (place of the feature, weight), and the fit of the first."""

    first: list[tuple[int, float]]
    second: list[tuple[int, float]]
    fit: float


def local_explanations(context: Context) -> Shown:
    """Record LIME's repeatability, local fit and agreement with SHAP, each as a mean over sampled rows."""
    explained, asked = explained_rows(context), answer(context)
    if explained is None or asked is None:
        context.not_available(NEEDS_MODEL, *_MEASURES)
        return Shown(text="Not measured: it needs the model.")
    rows, shares = explained
    rows = rows.iloc[: 4 if context.draft else 16]
    local = explain(context, rows, asked, samples=1000 if context.draft else 5000)
    repeated = [_overlap([f for f, _ in one.first], [f for f, _ in one.second]) for one in local]
    fits = [min(max(one.fit, 0.0), 1.0) for one in local]  # a line that fits worse than the mean explains nothing
    agreed = [
        _overlap([f for f, _ in one.first], ranked(shares.shares[at])[:TOP].tolist()) for at, one in enumerate(local)
    ]
    examples = _examples(context, rows, local, shares.shares) if context.objective.examples == "consented" else None
    found = [
        _record(context, name, values, examples if name == _MEASURES[0] else None)
        for name, values in zip(_MEASURES, (repeated, fits, agreed), strict=True)
    ]
    titles = ("Repeatability", "Local fit", "Agreement with SHAP")
    figure = _draw(list(zip(titles, (repeated, fits, agreed), strict=True)))
    return Shown(figure, measured(found), alternative="quality of LIME's explanations, one dot a row")


def explain(context: Context, rows: pd.DataFrame, asked: Answer, *, samples: int) -> list[Local]:
    """Return LIME's (Ribeiro et al. 2016) explanations of `rows`, `samples` neighbours each, by two seeds per row.

    The generator is set anew for every row and seed, so that a row's explanation does not hang on the rows before it.
    """
    coding = Coding.of(context.data, context.features)
    behind = coding.encode(context.sample(2000, "neighbourhood"))
    share = asked.is_share

    def ask(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        given = asked.call(coding.decode(matrix))
        return np.column_stack([1 - given, given]) if share else given

    with quietly():
        from lime.lime_tabular import LimeTabularExplainer

        explainer = LimeTabularExplainer(
            behind,
            mode="classification" if share else "regression",
            feature_names=list(coding.names),
            feature_selection="highest_weights",  # forward selection, the default for few, takes ten times as long
            categorical_features=sorted(coding.levels),
            categorical_names={at: [str(level) for level in known] for at, known in coding.levels.items()},
            random_state=np.random.RandomState(_seed(context, "discretise")),
        )
        found = []
        for at, row in enumerate(coding.encode(rows)):
            runs = []
            for again in ("first", "second"):
                explainer.random_state = np.random.RandomState(_seed(context, f"lime {at} {again}"))
                runs.append(explainer.explain_instance(row, ask, num_features=TOP, num_samples=samples))
            weights = [[(int(place), float(weight)) for place, weight in run.as_map()[1]] for run in runs]
            found.append(Local(weights[0], weights[1], float(runs[0].score)))
    return found


def _seed(context: Context, name: str) -> int:
    return int(context.rng(name).integers(2**31))


def _overlap(first: list[int], second: list[int]) -> float:
    """Return Jaccard's index of two sets: shared ÷ all."""
    return len({*first} & {*second}) / len({*first} | {*second})


def _record(context: Context, name: str, values: list[float], examples: list[dict[str, Any]] | None) -> Any:
    limits, method = bounded_mean_interval(values, context.objective.level)
    return context.record(
        name,
        float(np.mean(values)),
        interval=limits,
        level=context.objective.level,
        method=f"{method}; one value a row",
        n=len(values),
        sample=len(values),
        data={"rows": len(values), "per_row": values} | ({"examples": examples} if examples else {}),
    )


def _examples(
    context: Context, rows: pd.DataFrame, local: list[Local], shares: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return three rows with both explanations: single people's values, which the objective has to allow."""
    names = context.features
    return [
        {
            "row": {name: str(rows.iloc[at][name]) for name in names},
            "answer": str(context.predictions["predicted"].iloc[int(rows.index[at])]),
            "lime": [[names[place], weight] for place, weight in one.first],
            "shap": [[names[place], float(shares[at][place])] for place in ranked(shares[at])[:TOP]],
        }
        for at, one in enumerate(local[:3])
    ]


def _draw(found: list[tuple[str, list[float]]]) -> Any:
    figure, (axis,) = panels(height=1.9)
    for line, (_, values) in enumerate(found):
        # Equal values stand beside each other, so that each row stays one visible dot.
        for value in sorted(set(values)):
            count = values.count(value)
            places = line + (np.arange(count) - (count - 1) / 2) * min(0.09, 0.7 / count)
            axis.plot(
                [value] * count,
                places,
                "o",
                color=FAINT,
                markersize=4.5,
                markeredgecolor="#8A929B",
                markeredgewidth=0.6,
            )
        axis.plot([np.mean(values)] * 2, (line - 0.34, line + 0.34), color=INK, linewidth=2)
    axis.set_yticks(range(len(found)), [title for title, _ in found])
    axis.set(xlim=(-0.03, 1.03), ylim=(len(found) - 0.45, -0.55))
    heading(axis, "Quality of LIME: a dot is a row, a bar the mean")
    axis.grid(visible=False, axis="y")
    return figure
