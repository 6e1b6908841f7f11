"""What the gates ask for: one quantity for each finding that will have a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nbdeploy.documents import catalog
from nbdeploy.documents.gate import Gate
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.documents.sections import Section
from nbdeploy.validate.verdict.compare import is_disparity
from nbdeploy.validate.verdict.recomputable import is_recomputable
from nbdeploy.validate.verdict.recompute import where


@dataclass(frozen=True)
class Asked:
    """One quantity that a gate asks for.

    `features` name the partition whose groups are judged or compared; `group` is one group alone, stated in the id as
    the slice ``sex=2``.
    """

    section: Section
    metric: str
    gate: Gate
    features: tuple[str, ...] = ()
    slice: str | None = None
    group: dict[str, Scalar] | None = None

    @property
    def id(self) -> str:
        """The id of the finding."""
        return Measurement(section=self.section, metric=self.metric, features=self.features, slice=self.where).id

    @property
    def where(self) -> str | None:
        """The rows that count, as the finding states them."""
        return where(self.slice, self.group)

    @property
    def by_groups(self) -> bool:
        """Whether every group must satisfy the gate by itself."""
        return bool(self.features) and not is_disparity(self.metric)


def asked(objective: Objective) -> tuple[Asked, ...]:
    """Return everything that the objective's gates ask for, in the order of the sections.

    A gate in the fairness section is of every partition, single and crossed, unless it names its group; a gate
    elsewhere is of all rows unless it names one.
    """
    gates = objective.each_gate()
    return tuple(one for section, metric, gate in gates for one in _asked(objective, section, metric, gate))


def _asked(objective: Objective, section: Section, metric: str, gate: Gate) -> Iterator[Asked]:
    if isinstance(gate.group, dict):
        yield Asked(section, metric, gate, group=dict(gate.group), slice=gate.slice)
    elif gate.group:
        yield Asked(section, metric, gate, features=_declared_order(objective, gate.group), slice=gate.slice)
    elif section == "fairness" and objective.sensitive and _is_of_groups(section, metric):
        for features in objective.partitions:
            yield Asked(section, metric, gate, features=features, slice=gate.slice)
    else:
        yield Asked(section, metric, gate, slice=gate.slice)


def _is_of_groups(section: Section, metric: str) -> bool:
    return is_recomputable(section, metric) or catalog.measure(section, metric) is not None


def _declared_order(objective: Objective, group: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features as the objective orders them, so that one partition has one id."""
    known = [feature for feature in objective.sensitive if feature in group]
    return (*known, *(feature for feature in dict.fromkeys(group) if feature not in known))
