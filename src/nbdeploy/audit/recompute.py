"""Group metrics once more, from the tallies in the evidence: no row and no notebook is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np

from nbdeploy import __version__
from nbdeploy.audit import layout
from nbdeploy.audit.opening import Bundle
from nbdeploy.audit.score_bounds import score_bounds
from nbdeploy.audit.verify import Verdict
from nbdeploy.documents.evidence import Evidence, TallyTable
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.errors import NbdeployError
from nbdeploy.stats.disparity import group_disparity
from nbdeploy.stats.disparity_names import disparity_name
from nbdeploy.stats.intervals import estimates
from nbdeploy.stats.metrics import CLASS_SCORES, values
from nbdeploy.stats.rates import RATES
from nbdeploy.stats.tally import ClassTally

_EXACT = 1e-9  # relative: the same counts give the same quotients
_OF_COUNTS = ("count", *RATES, *CLASS_SCORES, "f1")
_Key = tuple[tuple[str, Scalar], ...]


@dataclass
class Recomputed:
    """What recalculating gave: how many numbers agree or lie within bounds, which do not, and which are untold.

    `by_others` counts intervals that differ where another version of nbdeploy, of `versions`, made them: its method
    may have been another, and the number itself is held to the counts all the same.
    """

    agreed: int = 0
    bounded: int = 0
    by_others: int = 0
    versions: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    untold: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The result in sentences."""
        told = [f"{self.agreed} numbers were calculated again from the tallies and are the same."]
        if self.bounded:
            told.append(f"{self.bounded} more lie within what the bins of scores allow.")
        if self.by_others:
            told.append(
                f"{self.by_others} intervals are others: nbdeploy {', '.join(sorted(self.versions))} calculated them, "
                f"and this is {__version__}, whose methods may differ."
            )
        why: dict[str, list[str]] = {}
        for name, reason in self.untold.items():
            why.setdefault(reason, []).append(name)
        for reason, names in why.items():
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            told.append(f"Not calculated again, {reason}: {shown}.")
        return tuple(told)

    def hold(self, name: str, told: float | None, found: float | None) -> None:
        """Compare one number."""
        if _same(told, found):
            self.agreed += 1
        else:
            self.problems.append(f"{name} is told as {_shown(told)}, and the tallies give {_shown(found)}")

    def hold_interval(self, name: str, told: Sequence[float | None], found: Sequence[float | None], by: str) -> None:
        """Compare an interval that a version of nbdeploy calculated."""
        if all(_same(one, other) for one, other in zip(told, found, strict=True)):
            self.agreed += 2
        elif by != __version__:
            self.by_others += 1
            self.versions.add(by)
        else:
            one, other = (" to ".join(_shown(limit) for limit in limits) for limits in (told, found))
            self.problems.append(f"the interval of {name} is told as {one}, and the tallies give {other}")

    def hold_between(self, name: str, told: float, bounds: tuple[float, float]) -> None:
        """Hold one number to its bounds."""
        low, high = bounds
        if low - _EXACT <= told <= high + _EXACT:
            self.bounded += 1
        else:
            self.problems.append(f"{name} is told as {_shown(told)}, and the scores give {low:.6g} to {high:.6g}")


def recompute(bundle: Bundle, verdict: Verdict) -> Recomputed:
    """Calculate the findings of every request's evidence again, as far as its tallies go."""
    result = Recomputed()
    folders = {layout.documents(one.request.digests.evidence) for one in verdict.requests if one.request}
    for folder in sorted(folders):
        try:
            evidence = Evidence.from_bytes(bundle.read(f"{folder}evidence.json"))
        except NbdeployError as error:
            result.problems.append(f"{folder}evidence.json cannot be read: {error.fact}")
            continue
        recompute_evidence(evidence, result)
    if not folders:
        result.problems.append("there is no evidence to calculate anything from")
    return result


def recompute_evidence(evidence: Evidence, result: Recomputed) -> None:
    """Calculate the findings of one evidence again."""
    objective, by = evidence.objective.content, evidence.run.nbdeploy
    tables = {table.features: _Table(table, objective) for table in evidence.tallies}
    for table in evidence.tallies:
        told = sum(cell.n or 0 for cell in table.cells)
        if told > table.rows or (told < table.rows and all(cell.n is not None for cell in table.cells)):
            result.problems.append(f"the tally by {', '.join(table.features) or 'nothing'} does not add up to its rows")
    bounds, problems = score_bounds(evidence)
    result.problems += problems
    for finding in evidence.findings:
        _check_verdict(finding, objective, result)
        if finding.id in bounds and finding.value is not None:
            result.hold_between(finding.id, finding.value, bounds[finding.id])
            if finding.by_group:
                result.untold[f"{finding.id} by group"] = "because scores are told of all rows only"
        else:
            _check_finding(finding, objective, tables, result, by)


class _Classes(TypedDict):
    positive: Scalar
    favourable: Scalar


class _Table:
    """A table of counts as far as it is told. `tally` holds the groups of which every count is told."""

    def __init__(self, table: TallyTable, objective: Objective) -> None:
        self.rows = table.rows
        groups: dict[_Key, list[tuple[Scalar | None, Scalar | None, int | None]]] = {}
        for cell in table.cells:
            groups.setdefault(tuple(cell.group.items()), []).append((cell.label, cell.predicted, cell.n))
        self.groups = tuple(groups)
        told = [key for key, cells in groups.items() if all(n is not None for _, _, n in cells)]
        self.is_whole = len(told) == len(groups)
        classes = sorted(
            {value for cell in table.cells for value in (cell.label, cell.predicted) if value is not None}, key=str
        )
        counts = np.zeros((len(told), len(classes), len(classes)), dtype=np.int64)
        for place, key in enumerate(told):
            for label, predicted, n in groups[key]:
                if label is not None and predicted is not None:
                    counts[place, classes.index(label), classes.index(predicted)] += n or 0
        self.keys = tuple(told)
        self.tally = ClassTally(
            table.features, tuple(tuple(value for _, value in key) for key in told), tuple(classes), counts
        )
        self.classes: _Classes = {"positive": objective.positive_class, "favourable": objective.favourable_class}


def _check_finding(
    finding: Finding, objective: Objective, tables: dict[tuple[str, ...], _Table], result: Recomputed, by: str
) -> None:
    name = disparity_name(finding.metric)
    of_counts = finding.metric in _OF_COUNTS if name is None else all(one in _OF_COUNTS for one in name.compared)
    if finding.section not in ("fairness", "performance") or not of_counts:
        result.untold[finding.id] = "because it does not follow from counts"
    elif finding.slice is not None or (name is not None and name.conditional):
        result.untold[finding.id] = "because its rows are a part that no tally tells apart"
    elif name is not None:
        _check_disparity(finding, objective, tables.get(finding.features), result, by)
    else:
        _check_metric(finding, objective, tables, result, by)


def _check_metric(
    finding: Finding, objective: Objective, tables: dict[tuple[str, ...], _Table], result: Recomputed, by: str
) -> None:
    whole = tables.get(())
    level = finding.level or objective.level
    if whole is None or not whole.is_whole:
        result.untold[finding.id] = "because small counts of all rows are not told"
    elif finding.value is not None:
        found = values(whole.tally, finding.metric, **whole.classes)
        result.hold(finding.id, finding.value, float(found[0]))
        if finding.metric in RATES and finding.interval is not None:
            limits = estimates(whole.tally, finding.metric, level, 0, **whole.classes)[0].interval
            result.hold_interval(finding.id, finding.interval, limits or (None, None), by)
    if finding.by_group:
        _check_groups(finding, tables.get(finding.features), result)


def _check_groups(finding: Finding, table: _Table | None, result: Recomputed) -> None:
    if table is None:
        result.untold[f"{finding.id} by group"] = "because no tally is of these groups"
        return
    metric = str(finding.data.get("compared", finding.metric))
    found = values(table.tally, metric, **table.classes) if metric in _OF_COUNTS and table.keys else ()
    known = dict(zip(table.keys, found, strict=False))
    for one in finding.by_group:
        key = tuple((feature, one.group[feature]) for feature in table.tally.features if feature in one.group)
        where = f"{finding.id} of {group_label(one.group)}"
        if key not in known:
            result.untold[where] = "because small counts are not told"
        elif one.value is not None:
            result.hold(where, one.value, float(known[key]))


def _check_disparity(finding: Finding, objective: Objective, table: _Table | None, result: Recomputed, by: str) -> None:
    if table is None or not table.is_whole:
        result.untold[finding.id] = "because small counts are not told"
        return
    if finding.value is None:
        return
    level = finding.level or objective.level
    found = group_disparity(
        table.tally, finding.metric, level=level, min_size=objective.min_group_size, **table.classes
    )
    result.hold(finding.id, finding.value, found.value)
    if finding.interval is not None:
        result.hold_interval(finding.id, finding.interval, found.interval or (None, None), by)
    _check_groups(finding, table, result)


def _check_verdict(finding: Finding, objective: Objective, result: Recomputed) -> None:
    """Hold a pass to its own numbers: the whole interval satisfies the gate, or the value where points decide."""
    if finding.verdict != "pass" or finding.gate is None:
        return
    by_point = finding.interval is None or objective.decide == "point"
    told = (finding.value,) if by_point else finding.interval
    if told is None or any(one is None or not _satisfies(finding.gate, one) for one in told):
        result.problems.append(f"{finding.id} is told as passed, and its own numbers do not pass the gate")
    else:
        result.agreed += 1


def _satisfies(gate: GateCondition, value: float) -> bool:
    bounds = gate.bound if isinstance(gate.bound, tuple) else (gate.bound,)
    match gate.op:
        case ">=":
            return value >= bounds[0]
        case "<=":
            return value <= bounds[0]
        case "==":
            return value == bounds[0]
    return len(bounds) == 2 and bounds[0] <= value <= bounds[1]


def _same(told: float | None, found: float | None) -> bool:
    one, other = (math.nan if value is None else value for value in (told, found))
    return (
        (math.isnan(one) and math.isnan(other))
        or one == other
        or math.isclose(one, other, rel_tol=_EXACT, abs_tol=1e-12)
    )


def _shown(value: float | None) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:.6g}"
