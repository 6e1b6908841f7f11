"""What a model's answer means under an objective: which of its columns is the score, which the decision.

Nothing is guessed. A column counts because the objective names it, because its name is that of a class or a usual one,
or because it is the only one; else the model is refused with the line that would say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.record import Scalar
from nbdeploy.errors import ModelError
from nbdeploy.stats.tally.levels import ordered, plain
from nbdeploy.validate.subject.makes.answers import BARE
from nbdeploy.validate.subject.score_reach import ROUNDING

Answer = Mapping[str, NDArray[Any]]
"""Arrays of shape (rows,) or (rows, width) by name, as `columns_of` makes them."""

SCORES = ("score", "scores", "probability", "probabilities", "output_probability")
DECISIONS = ("prediction", "predictions", "predicted", "decision", "label", "labels", "output_label")


class Answering:
    """Reads answers.

    Parameters
    ----------
    classes
        What the model says that its classes are, in the order of its columns; None where it does not say.
    labels
        Gives the values of the target in the data; called when an answer cannot be read without.
    """

    def __init__(
        self, objective: Objective, classes: Sequence[Any] | None, labels: Callable[[], Sequence[Any]]
    ) -> None:
        self.objective = objective
        self.classes = classes
        self._labels = labels

    @cached_property
    def labels(self) -> tuple[Any, ...]:
        """The values of the target in order, as plain scalars; empty where nobody knows."""
        return ordered(level for value in self._labels() if (level := plain(value)) is not None)

    def score(self, answer: Answer, *, sure: bool = False) -> NDArray[np.float64] | None:
        """Return the score of the positive class, shape (rows,); None where the answer is a decision.

        Parameters
        ----------
        sure
            The answer holds scores, whatever the objective says.

        Raises
        ------
        ModelError
            Which column holds the score cannot be told, or it holds no numbers.
        """
        wanted = self.objective.score
        if wanted is not None and wanted in answer:
            found = answer[wanted]
            return (
                self._of_positive(found, self._order(found.shape[1])) if found.ndim == 2 else _numbers(found, "scores")
            )
        classed = self._classed(answer)
        if classed is not None:
            return self._of_positive(*classed)
        if not sure and self.objective.threshold is None:
            return None
        found = self._only(answer, SCORES, "the score", "declare `score: COLUMN`")
        if not sure and wanted is None and found.dtype.kind != "f":
            return None  # labels: a whole number or a text is no score unless the objective says so
        return self._of_positive(found, self._order(found.shape[1])) if found.ndim == 2 else _numbers(found, "scores")

    def decision(self, answer: Answer) -> NDArray[Any]:
        """Return the decision for every row, or the number that a regression predicts; shape (rows,).

        Raises
        ------
        ModelError
            Which column holds it cannot be told, or it holds something else.
        """
        if self.objective.task == "regression":
            found = self._decided(answer, (self.objective.target, *DECISIONS))
            if found.ndim == 2:
                raise ModelError(f"the model predicts {found.shape[1]} numbers for each row, where one is asked for")
            return _numbers(found, "predictions")
        classed = self._classed(answer)
        if classed is None:
            found = self._decided(answer, DECISIONS)
            if found.ndim == 1:
                self._refuse_fractions(found)
                return found
            classed = found, self._order(found.shape[1])
        matrix, order = classed
        chosen: NDArray[Any] = np.asarray(order)[np.argmax(matrix, axis=1)]
        return chosen

    def of_classes(self, answer: Answer, *, sure: bool = False) -> dict[Scalar, NDArray[np.float64]]:
        """Return the score of each of several classes, shape (rows,); empty where the answer holds none.

        Parameters
        ----------
        sure
            The answer holds scores; else only columns that are named as the classes, or as the objective says, do.

        Raises
        ------
        ModelError
            A matrix does not say which class each of its columns is for.
        """
        wanted = self.objective.score
        if wanted is not None and wanted in answer and answer[wanted].ndim == 2:
            matrix, order = answer[wanted], self._order(answer[wanted].shape[1])
        else:
            classed = self._classed(answer)
            named = next((name for name in SCORES if name in answer and answer[name].ndim == 2), None) if sure else None
            if classed is None and named is None:
                return {}
            matrix, order = classed or (answer[str(named)], self._order(answer[str(named)].shape[1]))
        return {_scalar(name): _numbers(matrix[:, at], "scores") for at, name in enumerate(order)}

    def likeliest(self, scores: Mapping[Scalar, NDArray[np.float64]]) -> NDArray[Any]:
        """Return the class with the greatest score, the first of equals; shape (rows,)."""
        at = np.argmax(np.column_stack(list(scores.values())), axis=1)
        names: NDArray[Any] = np.asarray(list(scores))
        return np.asarray(names[at])

    def pair(self) -> tuple[Any, Any] | None:
        """Return the positive and the other class; None where they are not known."""
        own = self.classes if self.classes is not None else ()
        # A booster knows its classes as 0 and 1; where the objective says so, its scores stand for any two labels.
        known = own if any(plain(one) == self.objective.positive_class for one in own) else self.labels or own
        if len(known) != 2:
            return None
        at = self.place(known)
        return known[at], known[1 - at]

    def _decided(self, answer: Answer, names: Sequence[str]) -> NDArray[Any]:
        declared = self.objective.predicted
        if declared is not None and declared in answer:
            return answer[declared]
        return self._only(answer, names, "the decision", "declare `predicted: COLUMN`")

    def _only(self, answer: Answer, usual: Sequence[str], what: str, declare: str) -> NDArray[Any]:
        """Return the column with a usual name, or the only one."""
        found = [name for name in usual if name in answer] or (list(answer) if len(answer) == 1 else [])
        if not found:
            raise ModelError(
                f"the model answers with the columns {_listed(answer)}; none is named as {what}", next=declare
            )
        return answer[found[0]]

    def _classed(self, answer: Answer) -> tuple[NDArray[Any], Sequence[Any]] | None:
        """Return a column for each class and the classes, where columns are named so or there is a bare matrix."""
        if list(answer) == [BARE]:
            matrix = answer[BARE]
            return (matrix, self._order(matrix.shape[1])) if matrix.ndim == 2 else None
        known = self.classes if self.classes is not None else self.labels
        names = [str(plain(one)) for one in known]
        if len(names) < 2 or any(name not in answer or answer[name].ndim == 2 for name in names):
            return None
        return np.column_stack([_numbers(answer[name], "scores") for name in names]), known

    def _order(self, width: int) -> Sequence[Any]:
        """Return the class of each of so many columns without names."""
        if self.classes is not None and len(self.classes) == width:
            return self.classes
        if self.labels == tuple(range(width)):  # classes that are numbers from 0 are their own places, in every library
            return self.labels
        raise ModelError(
            f"the model answers with {width} numbers for each row and does not say which class each is for",
            next="let it answer with a DataFrame whose columns have the names of the classes",
        )

    def _of_positive(self, matrix: NDArray[Any], classes: Sequence[Any]) -> NDArray[np.float64]:
        found = _numbers(matrix[:, self.place(classes)], "scores")
        odd = found[(found < -ROUNDING) | (found > 1 + ROUNDING)]
        if len(odd):  # a threshold on one of two logits is no decision between them
            raise ModelError(
                f"the model answers with a number for each class, such as {odd[0]:.3g}, which are no probabilities",
                next="save one that answers with probabilities; a network with a softmax behind it, as in "
                "torch.nn.Sequential(model, torch.nn.Softmax(dim=1))",
            )
        return found

    def place(self, classes: Sequence[Any]) -> int:
        """Return the place of the positive class.

        Raises
        ------
        ModelError
            It is none of them.
        """
        found = [at for at, value in enumerate(classes) if plain(value) == self.objective.positive_class]
        if not found:
            held = ", ".join(repr(plain(value)) for value in classes)
            raise ModelError(
                f"the model knows the classes {held}, and the objective's positive class is "
                f"{self.objective.positive_class!r}",
                next="give the target of the data the values that the model was trained on, and declare `positive:` as "
                "one of them",
            )
        return found[0]

    def _refuse_fractions(self, found: NDArray[Any]) -> None:
        """Refuse scores where decisions are asked for: no class is called 0.137."""
        if found.dtype.kind != "f" or any(isinstance(label, float) for label in self.labels):
            return
        odd = found[np.isfinite(found) & (found != np.round(found))]
        if len(odd):
            raise ModelError(
                f"the model answers with numbers such as {odd[0]:.3g}, which are no decisions",
                next="if they are scores, declare `score: predict` and `threshold: 0.5`",
            )


def _numbers(values: NDArray[Any], what: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelError(f"the model answers with {plain(values[0])!r}, where {what} are asked for") from None


def _scalar(name: Any) -> Scalar:
    found = plain(name)
    if found is None:
        raise ModelError("the model knows a class that is a missing value")
    return found


def _listed(names: Mapping[str, Any], most: int = 6) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
