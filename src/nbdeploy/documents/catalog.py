"""The vocabulary: every measure that a gate can name, with its standard name and one plain sentence.

Names are scikit-learn's and fairlearn's where those have one. A project's own notebooks may record further measures; a
gate on one of those is written under its section all the same and is checked when the notebook has run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Record
from nbdeploy.documents.sections import SECTIONS, Section

Task = Literal["binary", "multiclass", "regression"]
Better = Literal["higher", "lower"]
Kind = Literal["rate", "score", "quantile", "disparity", "quantity"]
"""rate: a proportion of counted rows. score: another number per dataset. quantile: the value of one row in order.
disparity: an extreme over pairs of groups. quantity: measured on the model or machine, in `unit`."""

_TASKS: dict[str | None, tuple[Task, ...]] = {
    None: ("binary", "multiclass", "regression"),
    "binary": ("binary",),
    "classes": ("binary", "multiclass"),
    "multiclass": ("multiclass",),
    "regression": ("regression",),
}

STANDARD_GROUP_METRICS: tuple[str, ...] = (
    "count",
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "true_negative_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
)
"""What the fairness section of a binary task always reports, overall and by group."""

STANDARD_DISPARITIES: tuple[str, ...] = (
    "demographic_parity_ratio",
    "demographic_parity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
)

GUARDRAILS: tuple[str, ...] = ("error_rate", "latency_p95_ms")
"""What a rollout can be watched by."""


class Measure(Record):
    """What a measure is, which direction is better and what it needs."""

    name: str
    section: Section
    label: str
    explanation: str
    kind: Kind
    tasks: tuple[Task, ...]
    better: Better | None = None
    unit: str = ""
    needs_model: bool = False


def _between_groups(of: Measure) -> Iterator[Measure]:
    """Yield the disparities of a group metric, named as fairlearn names its generated ones."""
    of_errors = of.kind == "score" and of.tasks == ("regression",)
    if of.name in STANDARD_GROUP_METRICS[1:] or of_errors:
        yield Measure(
            name=f"{of.name}_difference",
            section="fairness",
            label=f"{of.label} difference",
            explanation=f"Largest difference of “{of.label.lower()}” between two groups.",
            kind="disparity",
            tasks=of.tasks,
            better="lower",
        )
    if of.name in STANDARD_GROUP_METRICS[1:]:
        yield Measure(
            name=f"{of.name}_ratio",
            section="fairness",
            label=f"{of.label} ratio",
            explanation=f"Smallest ratio of “{of.label.lower()}” between two groups.",
            kind="disparity",
            tasks=of.tasks,
            better="higher",
        )


def _to_overall(of: Measure) -> Measure:
    """Return the disparity from all rows, as fairlearn's ``method="to_overall"``."""
    base, _, kind = of.name.rpartition("_")
    return of.model_copy(
        update={
            "name": f"{base}_to_overall_{kind}",
            "label": f"{of.label} to overall",
            "explanation": f"As “{of.label.lower()}”, each group against all rows instead of against another group.",
        }
    )


@cache
def measures() -> dict[tuple[str, str], Measure]:
    """Return every measure by (section, name), in the order of the sections."""
    tables = tomllib.loads((files("nbdeploy.documents") / "measures.toml").read_text("utf-8"))
    found: dict[tuple[str, str], Measure] = {}
    for section in SECTIONS:
        for name, entry in tables[section].items():
            tasks = _TASKS[entry.pop("tasks", None)]
            stated = Measure(name=name, section=section, tasks=tasks, **entry)
            found[section, name] = stated
            if section == "fairness":
                compared = [*_between_groups(stated), *([stated] if stated.kind == "disparity" else [])]
                derived = [*compared, *(_to_overall(one) for one in compared if "conditional" not in one.name)]
                found.update({(section, one.name): one for one in derived if one.kind == "disparity"})
    return found


def measure(section: str, name: str) -> Measure | None:
    """Return the entry for a measure, or None for one that only a project's own notebook knows."""
    return measures().get((section, name))


def names(section: Section, objective: Objective | None = None) -> tuple[str, ...]:
    """Return the measures of a section, for the objective's task if one is given."""
    return tuple(
        entry.name
        for entry in measures().values()
        if entry.section == section and (objective is None or objective.task in entry.tasks)
    )
