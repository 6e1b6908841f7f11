"""A measurement: what a validation notebook records. Numbers only; no gate and no verdict."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nbdeploy.documents.record import Interval, Number, Record, Scalar
from nbdeploy.documents.sections import Section


class GroupValue(Record):
    """The value of a metric in one group.

    `n` counts the group's rows, `denominator` those that the metric divides by. A group under the minimum size is
    `excluded` from disparities, and still shown.
    """

    group: dict[str, Scalar]
    n: int = Field(ge=0)
    denominator: int | None = Field(default=None, ge=0)
    value: Number = None
    interval: Interval | None = None
    excluded: bool = False


class Pair(Record):
    """The two groups that decide a disparity."""

    first: dict[str, Scalar]
    second: dict[str, Scalar]
    metric: str | None = None


class Measurement(Record):
    """One number, its uncertainty, and where it came from.

    Parameters
    ----------
    features
        The sensitive features of a group metric or disparity, in declared order.
    value
        The estimate; None where it is undefined (0/0).
    n
        Rows, and for a rate its denominator, that the value rests on.
    data
        Points of curves and rows of tables that the card draws. JSON only.
    sample
        Rows used when not all were; the seed stands in the evidence.
    recomputed
        True when made outside the notebook, from the shared tallies.
    undefined
        Why `value` is None.
    """

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
    data: dict[str, Any] = {}
    sample: int | None = None
    recomputed: bool = False
    undefined: str | None = None
    note: str | None = None

    @property
    def id(self) -> str:
        """``fairness.demographic_parity_ratio:sex,age_band``; a slice follows an ``@``."""
        text = f"{self.section}.{self.metric}"
        if self.features:
            text += ":" + ",".join(self.features)
        return f"{text}@{self.slice}" if self.slice else text
