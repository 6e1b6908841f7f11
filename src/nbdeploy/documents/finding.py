"""A finding: a measurement with the gate it was held to and the verdict that followed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import GroupValue, Pair
from nbdeploy.documents.record import Interval, Number, Record
from nbdeploy.documents.sections import Section

Verdict = Literal["pass", "inconclusive", "not_evaluated", "fail"]

SEVERITY: tuple[Verdict, ...] = ("pass", "inconclusive", "not_evaluated", "fail")
"""From best to worst: overall, fail > not_evaluated > inconclusive > pass."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the overall verdict; without any verdict nothing was evaluated."""
    return max(verdicts, key=SEVERITY.index, default="not_evaluated")


class Finding(Record):
    """One measured quantity, how sure we are of it, and whether it holds what was declared.

    `verdict` is None where no gate was declared. `advice` says what would decide or mend a verdict that is not a pass.
    `seconds` is the wall time in its notebook from the record before it, or the beginning, to its own.
    """

    id: str
    section: Section
    metric: str
    features: tuple[str, ...] = ()
    slice: str | None = None
    value: Number = None
    interval: Interval | None = None
    level: float | None = None
    method: str | None = None
    n: int | None = None
    denominator: int | None = None
    by_group: tuple[GroupValue, ...] = ()
    pair: Pair | None = None
    gate: GateCondition | None = None
    verdict: Verdict | None = None
    reason: str = ""
    advice: str = ""
    rows_needed: int | None = None
    recomputed: bool = False
    sample: int | None = None
    data: dict[str, Any] = {}
    artifacts: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    """Clauses that it is evidence for, as ``nist-ai-rmf-1.0/MEASURE 2.3``: see `crosswalk.cited`."""
    seconds: float | None = None
