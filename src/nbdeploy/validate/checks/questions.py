"""Yes-or-no questions about columns, so that a small tree reads as plain conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.columns import finite_floats, levels, numeric

if TYPE_CHECKING:
    import pandas as pd

_MOST_LEVELS = 12


@dataclass(frozen=True)
class Question:
    """A column of the matrix: the numbers of `column`, or whether it equals `level`."""

    column: str
    level: str | None = None

    def reads(self, cut: float, *, left: bool) -> str:
        """Return the condition for one side of a split at `cut`, as a gate's ``slice:`` would write it."""
        name = self.column if self.column.isidentifier() else f"`{self.column}`"
        if self.level is None:
            return f"{name} {'<=' if left else '>'} {cut:.6g}"
        number = self.level.replace(".", "", 1).lstrip("-").isdigit()
        level = self.level if number else f"'{self.level}'"
        return f"{name} {'!=' if left else '=='} {level}"


def asked(frame: pd.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.float64], list[Question]]:
    """Return shape (rows, questions): quantities as they are (median where missing), common levels as 0/1."""
    import pandas as pd

    quantities = set(numeric(frame, names))
    parts: list[NDArray[np.float64]] = []
    questions: list[Question] = []
    for name in names:
        if name in quantities:
            values = finite_floats(frame[name])
            parts.append(np.where(np.isnan(values), np.nanmedian(values), values))
            questions.append(Question(name))
        else:
            codes, known = pd.factorize(levels(frame[name]))  # comparing texts takes ten times as long
            commonest = np.argsort(-np.bincount(codes), kind="stable")[:_MOST_LEVELS]
            parts += [(codes == code).astype(float) for code in commonest]
            questions += [Question(name, str(known[code])) for code in commonest]
    return np.column_stack(parts), questions


def leaves(
    tree: Any, questions: Sequence[Question], node: int = 0, so_far: tuple[str, ...] = ()
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (leaf, conditions that lead to it) of scikit-learn's ``tree_``, from left to right."""
    left, right = int(tree.children_left[node]), int(tree.children_right[node])
    if left == right:
        yield node, so_far
        return
    question, cut = questions[tree.feature[node]], float(tree.threshold[node])
    yield from leaves(tree, questions, left, (*so_far, question.reads(cut, left=True)))
    yield from leaves(tree, questions, right, (*so_far, question.reads(cut, left=False)))
