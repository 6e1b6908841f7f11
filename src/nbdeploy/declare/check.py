"""What is worth saying about an objective before a run: gaps, contradictions, gates that few rows cannot decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from nbdeploy.documents import catalog
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective
from nbdeploy.trust.floor import floor_breaches
from nbdeploy.trust.policy.document import Policy


@dataclass(frozen=True)
class Check:
    """The answer to ``nbdeploy declare --check``.

    Attributes
    ----------
    warnings
        Gaps by name; none of them stops a run.
    hard_to_decide
        One sentence per gate that the given number of rows will hardly decide.
    breaches
        Where the objective asks less than the policy's floor; any of them refuses the declaration.
    """

    warnings: tuple[str, ...] = ()
    hard_to_decide: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()


def check_objective(
    objective: Objective, *, policy: Policy | None = None, rows: int | None = None, today: date | None = None
) -> Check:
    """Look an objective over.

    Parameters
    ----------
    policy
        Whose floor the objective must not undercut; without one nothing is compared.
    rows
        Expected rows of evaluation data.
    """
    return Check(
        warnings=tuple(_gaps(objective, today or date.today())),  # noqa: DTZ011 - a calendar day, where the person is
        hard_to_decide=tuple(_hard_to_decide(objective, rows)) if rows else (),
        breaches=floor_breaches(policy, objective) if policy else (),
    )


def _gaps(objective: Objective, today: date) -> Iterator[str]:
    """Yield what keeps an objective from being specific, measurable, assigned and time-bound."""
    if not objective.goal.owner:
        yield "goal.owner: nobody is named who answers for this model"
    if not objective.goal.intended_use:
        yield "goal.intended_use: nothing says what the model may be used for"
    if not objective.kpis:
        yield "kpis: no business figure says whether the goal was reached"
    yield from _kpi_gaps(objective, today)
    if not objective.sensitive:
        yield "sensitive: no feature is declared, so nothing will be said about groups"
    if objective.favourable is None and any(
        name.startswith("demographic") for name in objective.gates.get("fairness", {})
    ):
        yield f"favourable: not declared; the positive class {objective.positive_class!r} is taken as the good outcome"
    for section, name, gate in objective.each_gate():
        yield from _against_the_grain(section, name, gate)


def _kpi_gaps(objective: Objective, today: date) -> Iterator[str]:
    for kpi in objective.kpis:
        if kpi.target is None:
            yield f"kpis: {kpi.name!r} has no target number"
        if kpi.by is None:
            yield f"kpis: {kpi.name!r} has no date"
        elif kpi.by < today:
            yield f"kpis: the date of {kpi.name!r}, {kpi.by}, has passed"


def _against_the_grain(section: str, name: str, gate: Gate) -> Iterator[str]:
    known = catalog.measure(section, name)
    wrong_way = {"higher": ("<=", "<"), "lower": (">=", ">")}
    if known and known.better and gate.op in wrong_way[known.better]:
        yield f"gates.{section}.{name}: {known.better} is better, and this gate asks for {gate}"
    natural = (0.0, 1.0) if known and known.kind == "rate" else None
    bounds = gate.bound if isinstance(gate.bound, tuple) else (gate.bound,)
    if natural and not all(natural[0] <= bound <= natural[1] for bound in bounds):
        yield f"gates.{section}.{name}: a share lies between 0 and 1, and this gate asks for {gate}"


def _hard_to_decide(objective: Objective, rows: int) -> Iterator[str]:
    if objective.decide == "point":
        return
    for section, name, gate in objective.each_gate():
        known = catalog.measure(section, name)
        if known is None or isinstance(gate.bound, tuple):
            continue
        if known.kind == "disparity":
            said = _narrow_disparity(objective, name, gate.bound, rows)
        else:
            said = _narrow_rate(objective, gate.bound, rows) if known.kind == "rate" and 0 < gate.bound < 1 else ""
        if said:
            yield f"gates.{section}.{name}: {said}"


def _narrow_disparity(objective: Objective, name: str, bound: float, rows: int) -> str:
    """Return why so many rows will hardly decide a disparity, taking two groups for each feature."""
    from nbdeploy.stats.planning import rate_half_width

    per_group = rows // (2 ** len(objective.sensitive))
    if per_group < objective.min_group_size:
        return (
            f"{rows} rows leave about {per_group} in each group by {', '.join(objective.sensitive)}, "
            f"under the minimum of {objective.min_group_size}"
        )
    room = abs(1 - bound) if name.endswith("_ratio") else abs(bound)
    width = 2 * rate_half_width(per_group, 0.5, objective.level)
    if width <= room:
        return ""
    said = f"two equal groups of about {per_group} rows differ by up to {width:.2f} by chance alone"
    return f"{said}, and the gate leaves {room:.2f}"


def _narrow_rate(objective: Objective, bound: float, rows: int) -> str:
    from nbdeploy.stats.planning import rate_half_width

    half = rate_half_width(rows, bound, objective.level)
    return f"with {rows} rows the answer is only known to ± {half:.2f} around {bound:g}" if half > 0.05 else ""
