"""What decisions and errors cost."""

from __future__ import annotations

import math

from pydantic import model_validator

from nbdeploy.documents.record import Record


class Costs(Record):
    """What the outcomes of one decision cost; a gain is a negative cost.

    A binary task has a cost for each of the four outcomes, a regression one for each unit of the target that a number
    is said too high (`over`) or too low (`under`). `per` names what is decided about, in the singular.
    """

    true_positive: float | None = None
    false_positive: float | None = None
    false_negative: float | None = None
    true_negative: float | None = None
    over: float | None = None
    under: float | None = None
    unit: str = ""
    per: str = "case"

    @model_validator(mode="after")
    def _check(self) -> Costs:
        known = [cost for cost in (*self._of_outcomes, *self._of_errors) if cost is not None]
        if not all(map(math.isfinite, known)):
            raise ValueError("a cost must be a finite number")
        if not any(known):
            raise ValueError("give at least one cost that is not 0, such as false_negative: 60")
        return self

    @property
    def _of_outcomes(self) -> tuple[float | None, ...]:
        return (self.true_negative, self.false_positive, self.false_negative, self.true_positive)

    @property
    def _of_errors(self) -> tuple[float | None, ...]:
        return (self.over, self.under)

    @property
    def of_outcomes(self) -> tuple[float, float, float, float]:
        """The costs of a true negative, false positive, false negative and true positive; 0 unless declared."""
        tn, fp, fn, tp = (cost or 0.0 for cost in self._of_outcomes)
        return tn, fp, fn, tp

    @property
    def of_errors(self) -> tuple[float, float]:
        """The costs of one unit said too high and too low; 0 unless declared."""
        over, under = (cost or 0.0 for cost in self._of_errors)
        return over, under

    def fits(self, task: str) -> str:
        """Say why these costs do not belong to a task; empty where they do."""
        if task == "multiclass":
            return "costs are of a binary task or a regression; a multiclass task has none"
        foreign, of = (self._of_errors, "over and under") if task == "binary" else (self._of_outcomes, "the outcomes")
        if any(cost is not None for cost in foreign):
            return f"the costs of {of} do not belong to a {task} task"
        return ""
