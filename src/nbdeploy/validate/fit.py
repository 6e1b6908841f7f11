"""Whether data fits the objective, asked before anything runs: columns, classes, groups and slices that gates name."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.objective import Gate, Objective
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.errors import DataError, closest
from nbdeploy.stats.tally.levels import MISSING, plain
from nbdeploy.validate.inputs import Dataset
from nbdeploy.validate.predictions import grouping_columns, levels
from nbdeploy.validate.slices import slice_mask

MOST_GROUPS = 200
"""More values of one sensitive feature than this are no groups but a measurement."""


def check_fit(objective: Objective, dataset: Dataset) -> None:
    """Refuse data on which the objective cannot be judged.

    Raises
    ------
    DataError
        A column is missing, the target lacks values or has one class, the declared classes do not occur, or a gate
        names a group or slice that has no row.
    """
    dataset.require([objective.target], "the target")
    dataset.require(objective.sensitive, "a sensitive feature")
    dataset.require(objective.control, "a control feature")
    dataset.require(grouping_columns(objective), "named by a gate")
    _check_target(objective, dataset)
    for feature in objective.sensitive:
        found = levels(dataset.table.column(feature))
        if len(found) > MOST_GROUPS:
            raise DataError(
                f"the sensitive feature {feature!r} has {len(found)} different values, which are no groups",
                next=f"add a column with bands (such as 18-29, 30-49) and declare that instead of {feature!r}",
            )
    for section, metric, gate in objective.each_gate():
        _check_gate(f"gates.{section}.{metric}", gate, dataset.table)


def _check_target(objective: Objective, dataset: Dataset) -> None:
    column = dataset.table.column(objective.target)
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing += int(pc.sum(pc.is_nan(column)).as_py() or 0)
    if missing:
        raise DataError(
            f"{dataset.name}: {missing} of {dataset.rows} rows have no value in the target {objective.target!r}",
            next="leave rows out whose outcome is not known",
        )
    if objective.task == "regression":
        if not (
            pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
        ):
            raise DataError(f"{dataset.name}: the target {objective.target!r} of a regression holds {column.type}")
        return
    found = levels(column)
    listed = ", ".join(repr(value) for value in found[:8])
    if len(found) < 2:
        raise DataError(
            f"{dataset.name}: the target {objective.target!r} has one class only, {listed}",
            next="give data in which every class occurs",
        )
    if objective.task == "binary" and len(found) > 2:
        raise DataError(
            f"{dataset.name}: the target {objective.target!r} has {len(found)} classes ({listed}), "
            "and the task is binary",
            next="declare `task: multiclass`, or leave the other classes out",
        )
    for name, declared in (("positive", objective.positive), ("favourable", objective.favourable)):
        _check_class(name, declared, found, objective, listed)
    if objective.task == "binary" and objective.positive is None:
        _check_class("positive", objective.positive_class, found, objective, listed)


def _check_class(
    name: str, declared: Scalar | None, found: Sequence[Scalar], objective: Objective, listed: str
) -> None:
    if declared is not None and declared not in found:
        said = "declared" if getattr(objective, name) is not None else "taken as"
        raise DataError(
            f"the {name} class {said} {declared!r} does not occur in {objective.target!r}, which holds {listed}"
            f"{closest(str(declared), [str(value) for value in found])}",
            next=f"declare `{name}:` as one of these",
        )


def _check_gate(where: str, gate: Gate, table: pa.Table) -> None:
    if gate.slice:
        slice_mask(gate.slice, table)
    if not isinstance(gate.group, dict):
        return
    wanted = gate.group
    found = table.select(list(wanted)).group_by(list(wanted)).aggregate([]).to_pylist()
    groups = [{feature: _level(value) for feature, value in row.items()} for row in found]
    if wanted not in groups:
        labels = sorted({group_label(group) for group in groups})
        raise DataError(
            f"{where}: no row is in the group {group_label(wanted)}{closest(group_label(wanted), labels)}",
            next=f"groups there are: {'; '.join(labels[:12])}",
        )


def _level(value: object) -> Scalar:
    found = plain(value)
    return MISSING if found is None else found
