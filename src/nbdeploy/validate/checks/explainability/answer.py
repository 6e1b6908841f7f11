"""What is explained: one number for each row, and the rows as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.columns import as_floats, numeric
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

    from nbdeploy.validate.subject.model import LoadedModel

NEEDS_MODEL = "needs the model; only its predictions were given"


@dataclass(frozen=True)
class Answer:
    """The number that the model gives a row: a score, a prediction, or 1 where it decides for `of`.

    `is_share` tells that it lies within 0 and 1; `of_class` is the class that it speaks for, None in a regression.
    """

    name: str
    call: Callable[[pd.DataFrame], NDArray[np.float64]]
    is_share: bool
    of_class: Any = None


def answer(context: Context) -> Answer | None:
    """Return what is explained of this model; None without a model."""
    model, objective = context.model, context.objective
    if model is None:
        return None
    if objective.task == "regression":
        return Answer(f"prediction of {objective.target}", lambda f: np.asarray(model.decide(f), float), is_share=False)
    if objective.task == "binary" and "score" in context.predictions:
        share = bool(context.predictions["score"].between(0, 1).all())
        return Answer(
            f"score of {objective.positive_class}",
            lambda f: np.asarray(model.score(f), float),
            is_share=share,
            of_class=objective.positive_class,
        )
    chosen = objective.positive
    if chosen is None:
        chosen = plain(context.predictions["predicted"].mode().iloc[0]) if objective.task == "multiclass" else 1
    at = _place(model, chosen) if objective.task == "multiclass" else None
    if at is not None and model.probabilities(context.data.iloc[:1]) is not None:
        return Answer(
            f"probability of {chosen}",
            lambda f: np.asarray(model.probabilities(f)[:, at], float),
            is_share=True,
            of_class=chosen,
        )
    return Answer(
        f"decision for {chosen}",
        lambda f: np.array([plain(decision) == chosen for decision in model.decide(f)], float),
        is_share=True,
        of_class=chosen,
    )


def _place(model: LoadedModel, chosen: Any) -> int | None:
    known = [] if model.classes is None else [plain(one) for one in model.classes]
    return known.index(chosen) if chosen in known else None


@dataclass(frozen=True)
class Coding:
    """Rows as a matrix and back: quantities as they are (median where missing), other columns as numbers of levels."""

    names: tuple[str, ...]
    levels: dict[int, list[Any]]
    middles: dict[int, float]
    dtypes: tuple[Any, ...]

    @staticmethod
    def of(frame: pd.DataFrame, names: Sequence[str]) -> Coding:
        """Return the coding of these columns, learnt from a frame."""
        quantities = set(numeric(frame, names))
        levels = {
            at: sorted(frame[name].drop_duplicates().tolist(), key=str)
            for at, name in enumerate(names)
            if name not in quantities
        }
        middles = {
            at: float(np.nanmedian(as_floats(frame[name]))) for at, name in enumerate(names) if name in quantities
        }
        return Coding(tuple(names), levels, middles, tuple(frame[name].dtype for name in names))

    def encode(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return shape (rows, columns). A level that was not learnt from becomes the first."""
        matrix = np.empty((len(frame), len(self.names)))
        for at, name in enumerate(self.names):
            if at in self.levels:
                place = {_key(level): code for code, level in enumerate(self.levels[at])}
                matrix[:, at] = [place.get(_key(value), 0) for value in frame[name].tolist()]
            else:
                values = as_floats(frame[name])
                matrix[:, at] = np.where(np.isnan(values), self.middles[at], values)
        return matrix

    def decode(self, matrix: NDArray[np.float64], names: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a frame of all columns, or of `names`, with their own types; whole numbers are rounded to."""
        import pandas as pd
        from pandas.api.types import is_integer_dtype

        columns: dict[str, Any] = {}
        for name in self.names if names is None else names:
            at = self.names.index(name)
            if at in self.levels:
                pool = pd.Series(self.levels[at], dtype=self.dtypes[at])
                columns[name] = pool.take(np.clip(matrix[:, at].astype(int), 0, len(pool) - 1)).array
            else:
                whole = is_integer_dtype(self.dtypes[at])
                columns[name] = pd.array(np.round(matrix[:, at]) if whole else matrix[:, at]).astype(self.dtypes[at])
        return pd.DataFrame(columns)


@lru_cache(maxsize=1)
def input_coding(context: Context) -> Coding:
    """Return the coding of the model's inputs, learnt from the rows at hand."""
    return Coding.of(context.data, context.features)


def _key(value: Any) -> Any:
    return "(missing)" if value != value or value is None else value  # noqa: PLR0124 - only NaN differs from itself
