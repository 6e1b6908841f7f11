"""A misspelt category: another case, a blank at the end, two letters swapped, a word that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbdeploy.validate.checks.robustness.asking import Moved, ask, metric_of, not_asked
from nbdeploy.validate.checks.robustness.worst_input import record_worst
from nbdeploy.validate.checks.shown import Shown
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd


def _other_case(text: str) -> str:
    return text.lower() if text != text.lower() else text.upper()


def _swapped(text: str) -> str:
    """Swap the first two neighbours that differ: the commonest slip of typing (Damerau 1964, CACM 7:171–176)."""
    for at in range(len(text) - 1):
        if text[at] != text[at + 1]:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text + text[-1:]


TYPOS: dict[str, Callable[[str], str]] = {
    "in another case": _other_case,
    "with a blank": lambda text: f"{text} ",
    "letters swapped": _swapped,
    "unknown": lambda _: "never seen before",
}


def category_typos(context: Context) -> Shown:
    """Record how answers change when one category of every row is misspelt.

    A model that refuses a misspelt row is told, not counted: to refuse is honest, to guess silently is not.
    """
    metric = metric_of(context, "typo")
    texts = text_columns(context.data, context.features)
    if context.model is not None and not texts:
        context.not_available("the model has no input of categories", metric)
        return Shown(text="Not measured: the model has no input of categories.")
    asking = ask(context, "typos", metric, most=1500)
    if asking is None:
        return not_asked(context)
    wanted = [(name, change) for name in texts for change in TYPOS]
    changes = asking.refused([Moved(misspelt(asking.rows, name, TYPOS[change]), (name,)) for name, change in wanted])
    answered = [pair for pair, change in zip(wanted, changes, strict=True) if change is not None]
    if not answered:
        reason = "the model refuses every misspelt category, so that no answer changes"
        context.not_available(reason, metric)
        return Shown(text=f"Not measured: {reason}.")
    columns: list[dict[str, Any]] = [
        {"column": name, "change": change, **asking.told(found, len(answered))}
        for (name, change), found in zip(wanted, changes, strict=True)
        if found is not None
    ]
    refused = len(wanted) - len(answered)
    told = f"; {refused} of {len(wanted)} changes were refused by the model and are not counted" if refused else ""
    title = "Predictions that shift" if asking.regression else "Decisions that flip"
    return record_worst(
        asking, metric, columns, f"{title} when one category is misspelt", f"each category misspelt in four ways{told}"
    )


def text_columns(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that hold texts."""
    from pandas.api.types import infer_dtype

    return tuple(name for name in columns if infer_dtype(frame[name], skipna=True) in ("string", "categorical"))


def misspelt(rows: pd.DataFrame, name: str, change: Callable[[str], str]) -> pd.DataFrame:
    """Return a copy of the rows with one column misspelt; what is missing stays so."""
    moved = rows.copy()
    spelt = {value: change(value) for value in rows[name].dropna().unique() if isinstance(value, str)}
    column = rows[name].astype(object) if rows[name].dtype == "category" else rows[name]
    moved[name] = column.map(lambda value: spelt.get(value, value), na_action="ignore").astype(column.dtype)
    return moved
