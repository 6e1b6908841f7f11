"""Columns that hold the score of one of several classes: each is named by its class, so that no order can mislead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.levels import ordered, plain

_MARK = "__score__:"


def class_column(name: Scalar) -> str:
    """Return the name of the column that holds a class's score."""
    return _MARK + json.dumps(name, ensure_ascii=False)


def class_columns(columns: Iterable[str]) -> dict[Scalar, str]:
    """Return those of the columns that hold a class's score, by class in order."""
    found = {json.loads(column.removeprefix(_MARK)): column for column in columns if column.startswith(_MARK)}
    return {name: found[name] for name in ordered(found)}


def declared_columns(objective: Objective, columns: Sequence[str], labels: Sequence[Scalar]) -> Mapping[Scalar, str]:
    """Return which columns of a predictions file hold the scores of several classes, by class.

    What `score:` says is what their names begin with; the class stands after it, so ``score: p_`` finds ``p_red``.
    """
    begin = objective.score
    if objective.task != "multiclass" or not begin:
        return {}
    known = {str(level): level for value in labels if (level := plain(value)) is not None}
    named = {column.removeprefix(begin): column for column in columns if column.startswith(begin) and column != begin}
    return {known.get(rest, rest): column for rest, column in named.items() if column != objective.predicted}
