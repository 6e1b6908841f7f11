"""Whether data fits the objective, asked before anything runs: columns, classes, groups and slices that gates name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.errors import DataError, closest
from nbdeploy.stats.tally.levels import MISSING, ordered, plain
from nbdeploy.validate.data.columns import distinct, grouping_columns
from nbdeploy.validate.data.inputs import Dataset
from nbdeploy.validate.data.rows import kind_in_words
from nbdeploy.validate.data.slices import nobody_in, slice_mask

MOST_GROUPS = 200
"""More values of one sensitive feature than this are no groups but a measurement."""


def check_fit(objective: Objective, dataset: Dataset) -> None:
    """Refuse data on which the objective cannot be judged, in one pass over the columns that it names.

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
    _check_type(objective, dataset)
    seen = _Seen(objective)
    for batch in dataset.batches([objective.target, *grouping_columns(objective)]):
        seen.add(batch)
    if seen.missing:
        raise DataError(
            f"{dataset.told}: {seen.missing} of {dataset.rows} rows have no value in the target {objective.target!r}",
            next="leave rows out whose outcome is not known",
        )
    if objective.task != "regression":
        _check_classes(objective, dataset.told, ordered(seen.labels))
    for feature, found in seen.levels.items():
        if len(found) > MOST_GROUPS:
            raise DataError(
                f"the sensitive feature {feature!r} has {len(found)} different values, which are no groups",
                next=f"add a column with bands (such as 18-29, 30-49) and declare that instead of {feature!r}",
            )
    seen.check_gates()


class _Seen:
    """What one pass over the data finds out."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.missing = 0
        self.labels: set[Scalar] = set()
        self.levels: dict[str, set[Scalar]] = {feature: set() for feature in objective.sensitive}
        self.slices = {gate.slice: False for _, _, gate in objective.each_gate() if gate.slice}
        self.groups: dict[tuple[str, ...], set[tuple[Scalar, ...]]] = {
            tuple(gate.group): set() for _, _, gate in objective.each_gate() if isinstance(gate.group, dict)
        }

    def add(self, batch: pa.RecordBatch) -> None:
        target = batch.column(self.objective.target)
        self.missing += target.null_count
        if pa.types.is_floating(target.type):
            self.missing += int(pc.sum(pc.is_nan(target)).as_py() or 0)
        if self.objective.task != "regression":
            self.labels |= distinct(target)
        for feature, found in self.levels.items():
            if len(found) <= MOST_GROUPS:
                found.update(distinct(batch.column(feature)))
        for text, known in self.slices.items():
            if not known:
                self.slices[text] = bool(pc.any(slice_mask(text, batch)).as_py())
        for features, groups in self.groups.items():
            rows = pa.Table.from_batches([batch.select(list(features))])
            found = rows.group_by(list(features)).aggregate([]).to_pylist()
            groups |= {tuple(_level(row[feature]) for feature in features) for row in found}

    def check_gates(self) -> None:
        for section, metric, gate in self.objective.each_gate():
            if gate.slice and not self.slices[gate.slice]:
                raise nobody_in(gate.slice)
            if isinstance(gate.group, dict):
                _check_group(f"gates.{section}.{metric}", gate, self.groups[tuple(gate.group)])


def _check_type(objective: Objective, dataset: Dataset) -> None:
    kind = dataset.source.schema.field(objective.target).type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if objective.task == "regression" and not number:
        raise DataError(
            f"{dataset.told}: the target {objective.target!r} of a regression holds {kind_in_words(kind)}, not numbers",
            next="make numbers of them, or declare `task: multiclass`",
        )


def _check_classes(objective: Objective, name: str, found: Sequence[Scalar]) -> None:
    listed = ", ".join(repr(value) for value in found[:8])
    if len(found) < 2:
        raise DataError(
            f"{name}: the target {objective.target!r} has one class only, {listed}",
            next="give data in which every class occurs",
        )
    if objective.task == "binary" and len(found) > 2:
        raise DataError(
            f"{name}: the target {objective.target!r} has {len(found)} classes ({listed}), and the task is binary",
            next="declare `task: multiclass`, or leave the other classes out",
        )
    for key, declared in (("positive", objective.positive), ("favourable", objective.favourable)):
        _check_class(key, declared, found, objective, listed)
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


def _check_group(where: str, gate: Gate, found: Iterable[tuple[Scalar, ...]]) -> None:
    wanted = dict(gate.group) if isinstance(gate.group, dict) else {}
    if tuple(wanted.values()) in found:
        return
    same = next((group for group in found if _labelled(wanted, group) == group_label(wanted)), None)
    if same is not None:
        raise DataError(
            f"{where}: no row is in the group {list(wanted.values())!r}, and some are in {list(same)!r}",
            next="write the value as the data holds it: a text in quotes, a number without",
        )
    labels = sorted({_labelled(wanted, group) for group in found})
    raise DataError(
        f"{where}: no row is in the group {group_label(wanted)}{closest(group_label(wanted), labels)}",
        next=f"groups there are: {'; '.join(labels[:12])}",
    )


def _labelled(features: Iterable[str], group: tuple[Scalar, ...]) -> str:
    return group_label(dict(zip(features, group, strict=True)))


def _level(value: object) -> Scalar:
    found = plain(value)
    return MISSING if found is None else found
