"""LIME for many rows and seeds: lime's own draws and fits, with the model asked for many neighbourhoods in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.explainability.answer import Answer, Coding, input_coding
from nbdeploy.validate.checks.explainability.coded import coded_answers
from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.others_code import quietly

if TYPE_CHECKING:
    import pandas as pd

Matrix = NDArray[np.float64]
Ask = Callable[[Matrix], Matrix]

TOP = 5
_BEHIND = 2000
_ROWS_AT_ONCE = 40_000
"""Bounds the memory of one call: a hundred columns of so many rows are 32 MB."""


@dataclass(frozen=True)
class Weights:
    """One explanation: (place of the feature, weight), heaviest first, and the weighted R² of its line."""

    pairs: tuple[tuple[int, float], ...]
    fit: float

    @property
    def places(self) -> frozenset[int]:
        """The features that it names."""
        return frozenset(place for place, _ in self.pairs)


@dataclass(frozen=True)
class Lime:
    """LIME (Ribeiro et al. 2016) of one model: rows as numbers, what is usual, and lime's own settings.

    Parameters
    ----------
    behind
        Coded rows that say what is usual.
    options
        Of ``LimeTabularExplainer``.
    """

    asked: Answer
    coding: Coding
    behind: Matrix
    options: dict[str, Any]
    ask: Ask

    @staticmethod
    def of(context: Context, asked: Answer) -> Lime:
        """Return the means to explain what is asked of this context's model."""
        coding = input_coding(context)
        behind = coding.encode(context.sample(_BEHIND, "neighbourhood"))
        options = {
            "mode": "classification" if asked.is_share else "regression",
            "feature_names": list(coding.names),
            # Forward selection, the default for few features, takes ten times as long.
            "feature_selection": "highest_weights",
            "categorical_features": sorted(coding.levels),
            "categorical_names": {at: [str(level) for level in known] for at, known in coding.levels.items()},
        }
        return Lime(asked, coding, behind, options, coded_answers(context, asked, coding, behind))

    def explain(self, rows: pd.DataFrame, seeds: Sequence[Sequence[int]], *, samples: int) -> list[list[Weights]]:
        """Return one explanation for each row and each of its seeds, by `samples` neighbours."""
        with quietly():
            from lime.lime_tabular import LimeTabularExplainer

            explainer = LimeTabularExplainer(self.behind, **self.options)
            return explained(explainer, self.coding.encode(rows), self.ask, seeds, top=TOP, samples=samples)


def explained(
    explainer: Any, rows: Matrix, ask: Ask, seeds: Sequence[Sequence[int]], *, top: int, samples: int
) -> list[list[Weights]]:
    """Return what ``explain_instance`` of a new `LimeTabularExplainer` says of every row with every seed.

    Parameters
    ----------
    explainer
        A ``LimeTabularExplainer`` that cuts quantities into bins; its generator is replaced.
    rows
        Shape (rows, features), coded as the explainer was taught.
    ask
        Gives one number for each of many coded rows.
    seeds
        For each row, as many as it shall be explained with.

    Returns
    -------
    list
        For each row, one explanation for each of its seeds.
    """
    from sklearn import config_context

    tasks = [(at, seed) for at, known in enumerate(seeds) for seed in known]
    found: list[list[Weights]] = [[] for _ in seeds]
    for part in _parts(tasks, max(1, _ROWS_AT_ONCE // samples)):
        drawn = [_drawn(explainer, rows[at], seed, samples) for at, seed in part]
        answers = ask(np.concatenate([inverse for _, inverse in drawn])).reshape(len(part), samples)
        # The neighbourhoods are lime's own and finite: scikit-learn need not look for NaN in each of them.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for (at, _), (binary, _), given in zip(part, drawn, answers, strict=True):
                found[at].append(_fitted(explainer, binary, given, top))
    return found


def _parts(tasks: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(tasks), size):
        yield tasks[start : start + size]


def _drawn(explainer: Any, row: Matrix, seed: int, samples: int) -> tuple[Matrix, Matrix]:
    """Return a neighbourhood as lime draws it: whether each value is like the row's, and the values."""
    generator = np.random.RandomState(seed)
    # The discretiser holds a reference of its own. Were it left, a row's numbers would hang on the rows before it.
    explainer.random_state = explainer.discretizer.random_state = generator
    inverse = explainer._LimeTabularExplainer__data_inverse  # noqa: SLF001 - its draws are the numbers to be had, and nothing public gives them
    drawn: tuple[Matrix, Matrix] = inverse(row, samples)
    return drawn


def _fitted(explainer: Any, binary: Matrix, given: Matrix, top: int) -> Weights:
    from sklearn.metrics import pairwise_distances

    scaled = (binary - explainer.scaler.mean_) / explainer.scaler.scale_
    distances = pairwise_distances(scaled, scaled[0].reshape(1, -1), metric="euclidean").ravel()
    _, pairs, fit, _ = explainer.base.explain_instance_with_data(
        scaled, given[:, np.newaxis], distances, 0, top, feature_selection=explainer.feature_selection
    )
    return Weights(tuple((int(place), float(weight)) for place, weight in pairs), float(fit))
