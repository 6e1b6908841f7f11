"""Answers to coded rows without making a frame of them: what a pipeline makes of a level is looked up, not remade."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.checks.explainability.answer import Answer, Coding
from nbdeploy.validate.checks.explainability.origins import columns_read, origins
from nbdeploy.validate.context import Context
from nbdeploy.validate.subject.others_code import quietly

Matrix = NDArray[np.float64]
Ask = Callable[[Matrix], Matrix]


def coded_answers(context: Context, asked: Answer, coding: Coding, known: Matrix) -> Ask:
    """Return a function that answers coded rows.

    Where the model is a scikit-learn pipeline behind a column transformer, the columns that it makes of levels are
    looked up, which takes a fifth of encoding texts again and again. The short way is taken only after it has given
    the answers of the long way to `known`, to the last digits.
    """

    def long(matrix: Matrix) -> Matrix:
        return asked.call(coding.decode(matrix))

    short = _short(context, asked, coding)
    if short is None:
        return long
    try:
        same = np.allclose(short(known), long(known), rtol=1e-12, atol=1e-14)
    except (ValueError, TypeError, AttributeError, IndexError):  # later steps want frames, or names of columns
        return long
    return short if same else long


def _short(context: Context, asked: Answer, coding: Coding) -> Ask | None:
    model = context.model
    steps = getattr(model.estimator, "steps", None) if model is not None and model.flavor == "sklearn" else None
    if model is None or not steps or len(steps) < 2 or not hasattr(steps[0][1], "output_indices_"):
        return None
    rest = model.estimator[1:]
    method, at = "predict", None
    if asked.of_class is not None and hasattr(rest, "predict_proba"):
        known = [plain(one) for one in rest.classes_]
        method, at = "predict_proba", known.index(asked.of_class) if asked.of_class in known else None
    made = _Made.of(steps[0][1], coding)
    if made is None:
        return None

    def short(matrix: Matrix) -> Matrix:
        with quietly():
            given = np.asarray(getattr(rest, method)(made(matrix)))
        if at is not None:
            return np.asarray(given[:, at], dtype=np.float64)
        if asked.of_class is not None:
            return np.array([plain(one) == asked.of_class for one in given], dtype=np.float64)
        return np.asarray(given, dtype=np.float64)

    return short


@dataclass(frozen=True)
class _Made:
    """A column transformer's matrix: columns looked up by level, and blocks that it has to make of quantities."""

    width: int
    looked_up: tuple[tuple[int, NDArray[np.int64], Matrix], ...]
    """(feature, the columns made of it, what each level becomes: shape (levels, columns))."""
    blocks: tuple[tuple[slice, Any, tuple[str, ...]], ...]
    coding: Coding

    @staticmethod
    def of(transformer: Any, coding: Coding) -> _Made | None:
        """Return the way to make its matrix; None where its columns cannot be told apart."""
        made_of = origins(transformer, coding.names)
        if made_of is None:
            return None
        blocks, by_level = [], np.zeros(len(made_of), dtype=bool)
        for name, block, columns in transformer.transformers_:
            place = transformer.output_indices_[name]
            if place.stop == place.start:
                continue
            read = columns_read(columns, [str(one) for one in transformer.feature_names_in_])
            if all(coding.names.index(one) in coding.levels for one in read):
                by_level[place] = True
            else:
                blocks.append((place, block, tuple(read)))
        with quietly():
            shown = _dense(transformer.transform(coding.decode(_every_level(coding))))
        looked_up = []
        for at in coding.levels:
            mine = np.flatnonzero(by_level & (made_of == at))
            if len(mine):
                looked_up.append((at, mine, shown[: len(coding.levels[at])][:, mine]))
        return _Made(len(made_of), tuple(looked_up), tuple(blocks), coding)

    def __call__(self, matrix: Matrix) -> Matrix:
        # Column by column in memory: trees read single columns, and a third faster so.
        made = np.zeros((len(matrix), self.width), order="F")
        for at, columns, table in self.looked_up:
            codes = matrix[:, at].astype(np.intp)
            for column, values in zip(columns, table.T, strict=True):
                made[:, column] = values[codes]
        for place, block, read in self.blocks:
            frame = self.coding.decode(matrix, read)
            with quietly():
                part = frame if isinstance(block, str) else block.transform(frame)
            made[:, place] = _dense(part)
        return made


def _every_level(coding: Coding) -> Matrix:
    """Return coded rows in which each level of each feature stands, in order; quantities at their medians."""
    most = max((len(known) for known in coding.levels.values()), default=1)
    matrix = np.tile([coding.middles.get(at, 0.0) for at in range(len(coding.names))], (most, 1))
    for at, known in coding.levels.items():
        matrix[:, at] = np.minimum(np.arange(most), len(known) - 1)
    return matrix


def _dense(made: Any) -> Matrix:
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)
