"""Which columns of the data a model reads: those that it names, or as many as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy.documents.objective import Objective
from nbdeploy.errors import ModelError, closest

IN_MEMORY = "in memory"
"""Stands for the flavour of an estimator that is not stored yet."""


def columns_read(
    columns: Sequence[str], objective: Objective, named: Sequence[str] | None, width: int, flavor: str
) -> tuple[str, ...]:
    """Return the model's inputs among the columns of the data, in its order.

    A model that names none, as of PyTorch's ``pt2``, is given all but the target, or all but those that only form
    groups as well, whichever are as many as it takes.

    Parameters
    ----------
    named
        Names that the model gives; None where it gives none.
    width
        Number of columns that it takes; 0 where it does not say.

    Raises
    ------
    ModelError
        One is not there, or which they are cannot be told.
    """
    if named is not None:
        for name in named:
            if name not in columns:
                raise ModelError(
                    f"the model wants a column {name!r} that the data does not have{closest(name, list(columns))}"
                )
        return tuple(named)
    given = tuple(name for name in columns if name != objective.target)
    groups = {*objective.sensitive, *objective.control}
    without = tuple(name for name in given if name not in groups)
    found = next((some for some in (given, without) if width in (0, len(some))), None)
    if found is None:
        raise ModelError(
            f"the model takes {width} numbers for each row and does not say of which columns; the data has "
            f"{len(given)} besides the target",
            next=f"give data with those columns only, in its order, or {naming(flavor)}",
        )
    return found


def naming(flavor: str) -> str:
    """Say how a model comes to name its columns."""
    if flavor == IN_MEMORY:
        return "fit the model on a DataFrame: it then knows them by name"
    other = ", serialization_format='pickle'" if flavor == "pytorch" else ""  # its usual format names none
    return f"save the model with signature=mlflow.models.infer_signature(rows, answers){other}"
