"""A small tree that imitates the model: as much of it as fits on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.validate.checks.explainability.answer import NEEDS_MODEL
from nbdeploy.validate.checks.explainability.identifiers import showable
from nbdeploy.validate.checks.questions import Question, asked
from nbdeploy.validate.checks.shown import Shown, measured
from nbdeploy.validate.checks.uncertainty import EXACT, rate_interval
from nbdeploy.validate.context import Context

_DEPTH = 3
_RESAMPLES = 1000


def surrogate_tree(context: Context) -> Shown:
    """Record how far a tree of depth 3 reproduces the model's answers on rows that it was not grown on."""
    if context.model is None:
        context.not_available(NEEDS_MODEL, "surrogate_fidelity")
        return Shown(text="Not measured: it needs the model.")
    rows = context.sample(1000 if context.draft else 6000, "surrogate")
    answers = context.predictions["predicted"].to_numpy()[rows.index.to_numpy()]
    order = context.rng("halves").permutation(len(rows))
    grown, judged = order[: len(order) // 2], order[len(order) // 2 :]
    shown = showable(context.data, context.features)
    if len(grown) < 20 or not shown:
        few = f"{len(rows)} rows are too few to grow a tree and to judge it"
        reason = few if shown else "every input looks like an identifier"
        context.not_available(reason, "surrogate_fidelity")
        return Shown(text=f"Not measured: {reason}.")
    matrix, questions = asked(rows, shown)
    tree = _grown(matrix[grown], answers[grown], regression=context.objective.task == "regression")
    value, interval, method = _fidelity(context, tree.predict(matrix[judged]), answers[judged])
    text = _readable(tree, questions)
    found = context.record(
        "surrogate_fidelity",
        value,
        interval=interval,
        level=context.objective.level,
        method=method,
        n=len(judged),
        denominator=len(judged),
        sample=len(rows),
        data={"tree": text, "depth": int(tree.get_depth()), "leaves": int(tree.get_n_leaves())},
        undefined=None if value is not None else "the model gives every row the same answer",
    )
    return Shown(table=measured([found]), text=text)


def _grown(matrix: NDArray[np.float64], answers: NDArray[Any], *, regression: bool) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if regression else DecisionTreeClassifier
    return kind(max_depth=_DEPTH, min_samples_leaf=max(5, len(matrix) // 100), random_state=0).fit(matrix, answers)


def _fidelity(
    context: Context, said: NDArray[Any], answers: NDArray[Any]
) -> tuple[float | None, tuple[float, float] | None, str]:
    """Return agreement with its exact limits, or R² of a regression with percentile limits over resampled rows."""
    level = context.objective.level
    if context.objective.task != "regression":
        same = int((said == answers).sum())
        return same / len(said), rate_interval(same, len(said), level), EXACT
    answers, said = answers.astype(float), said.astype(float)
    if not np.ptp(answers):
        return None, None, "undefined"
    weights = context.rng("resamples").multinomial(len(said), np.full(len(said), 1 / len(said)), size=_RESAMPLES)
    n = len(said)
    lost = weights @ ((answers - said) ** 2)
    spread = weights @ (answers**2) - (weights @ answers) ** 2 / n
    drawn = 1 - lost / spread
    value = float(1 - ((answers - said) ** 2).sum() / ((answers - answers.mean()) ** 2).sum())
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return value, (float(low), float(high)), f"bootstrap over rows, {_RESAMPLES} resamples"


def _readable(tree: Any, questions: Sequence[Question], node: int = 0, depth: int = 0) -> str:
    """Return the tree as indented plain conditions with what it says in each leaf."""
    inner = tree.tree_
    left, right = int(inner.children_left[node]), int(inner.children_right[node])
    if left == right:
        return f"{'    ' * depth}→ {_said(tree, node)}\n"
    question, cut = questions[inner.feature[node]], float(inner.threshold[node])
    return "".join(
        f"{'    ' * depth}if {question.reads(cut, left=is_left)}\n{_readable(tree, questions, child, depth + 1)}"
        for is_left, child in ((True, left), (False, right))
    )


def _said(tree: Any, node: int) -> str:
    values = tree.tree_.value[node][0]
    rows = int(tree.tree_.n_node_samples[node])
    if not hasattr(tree, "classes_"):
        return f"{values[0]:.4g} ({rows} rows)"
    best = int(np.argmax(values))
    return f"{tree.classes_[best]} ({values[best] / values.sum():.0%} of {rows} rows)"
