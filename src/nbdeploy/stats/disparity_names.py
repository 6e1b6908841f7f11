"""What the name of a disparity says: which rates it compares, by difference or ratio, with whom, and within what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nbdeploy.stats.metrics import ERROR_SCORES
from nbdeploy.stats.rates import RATES

Kind = Literal["difference", "ratio"]

NAMED: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("favourable_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
}
"""Disparities with a name of their own and the rates that they compare."""

CONDITIONAL, TO_OVERALL = "conditional_", "_to_overall"


@dataclass(frozen=True)
class DisparityName:
    """A disparity's name, taken apart.

    Parameters
    ----------
    compared
        The rates, or the mean error, that groups are compared by.
    to_overall
        Each group is held against all rows, as with fairlearn's ``method="to_overall"``, instead of group against
        group.
    conditional
        Groups are compared among rows that are alike in the control features.
    """

    compared: tuple[str, ...]
    kind: Kind
    to_overall: bool = False
    conditional: bool = False

    @property
    def of_errors(self) -> bool:
        """Whether it compares mean errors instead of rates."""
        return self.compared[0] in ERROR_SCORES


def disparity_name(metric: str) -> DisparityName | None:
    """Take a name apart: ``[conditional_]BASE[_to_overall]_difference`` or ``…_ratio``; None for any other name."""
    base, _, kind = metric.rpartition("_")
    conditional = base.startswith(CONDITIONAL)
    base = base.removeprefix(CONDITIONAL)
    to_overall = base.endswith(TO_OVERALL)
    base = base.removesuffix(TO_OVERALL)
    compared = NAMED.get(base, (base,))
    if kind not in ("difference", "ratio") or (conditional and to_overall):
        return None
    if set(compared) <= set(RATES):
        return DisparityName(compared, "ratio" if kind == "ratio" else "difference", to_overall, conditional)
    if base in ERROR_SCORES and kind == "difference" and not (conditional or to_overall):
        return DisparityName(compared, "difference")
    return None
