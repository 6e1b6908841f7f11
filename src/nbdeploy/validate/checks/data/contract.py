"""The contract of the columns, as declared in the objective, held against every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbdeploy.documents.objective import Column
from nbdeploy.validate.checks.data.rules import failures
from nbdeploy.validate.checks.row_keys import row_keys
from nbdeploy.validate.checks.shown import Shown, Table, measured, number
from nbdeploy.validate.context import Context

if TYPE_CHECKING:
    import pandas as pd

Passes = Callable[[list[str]], Iterable["pd.DataFrame"]]
"""Gives all rows once more, in order and in parts, of these columns."""

AT_ONCE = 1 << 20
"""Values compared at once when repeats are sought: more are gone through in as many passes as it takes."""


def contract(context: Context) -> Shown:
    """Record how many rows break the declared contract of any column; undefined where none was declared."""
    declared = context.objective.contract
    if not declared:
        context.not_available("the objective declares no contract", "contract_violations")
        return Shown(text="Not measured: the objective declares no contract for any column.")
    broken, rows = violations(
        lambda columns: context.batches("data", columns), declared, set(context.data.columns), context.rows
    )
    found = context.record(
        "contract_violations",
        rows,
        n=context.rows,
        method=f"pandera, {len(declared)} columns, all rows",
        data={"rules": broken[:100]},
    )
    if not broken:
        return Shown(table=measured([found]), text=f"Every row keeps the contract of {', '.join(declared)}.")
    table = Table(("Column", "Rule", "Rows"), tuple((b["column"], b["rule"], number(b["rows"])) for b in broken))
    return Shown(table=table, text=f"{number(rows)} of {number(context.rows)} rows break at least one rule.")


def violations(
    passes: Passes, declared: Mapping[str, Column], there: set[str], rows: int, *, at_once: int = AT_ONCE
) -> tuple[list[dict[str, Any]], int]:
    """Return the broken rules, each with its number of rows, and the number of rows that break any.

    Parameters
    ----------
    passes
        Called once, and once more for each pass that a column of unique values takes.
    there
        Columns that the rows have.
    rows
        Their number; one byte of memory is kept for each.
    at_once
        Values of a unique column that are held at a time.
    """
    present = {name: column for name, column in declared.items() if name in there}
    rules: list[dict[str, Any]] = [
        {"column": name, "rule": "the column is there", "rows": rows} for name in declared if name not in present
    ]
    broken = np.full(rows, bool(rules))
    counted: Counter[tuple[str, str]] = Counter()
    start = 0
    for part in passes(list(present)) if present else ():
        for name, rule, at in failures(part, present):
            counted[name, rule] += len(at)
            broken[start + at] = True
        start += len(part)
    for name in (name for name, column in present.items() if column.unique):
        repeated = 0
        for at in _repeats(passes, name, -(-rows // at_once)):
            repeated += len(at)
            broken[at] = True
        if repeated:
            counted[name, "is never repeated"] = repeated
    rules += [{"column": name, "rule": rule, "rows": count} for (name, rule), count in counted.items()]
    return sorted(rules, key=lambda one: (-one["rows"], one["column"], one["rule"])), int(broken.sum())


def _repeats(passes: Passes, name: str, times: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of values that stand more than once; missing ones are no repeats.

    Each pass holds the values whose key has one remainder, so that memory does not grow with the rows.
    """
    for remainder in range(times):
        keys: list[NDArray[np.uint64]] = []
        places: list[NDArray[np.int64]] = []
        start = 0
        for part in passes([name]):
            found = row_keys(part, [name])
            kept = np.flatnonzero((found % np.uint64(times) == remainder) & part[name].notna().to_numpy())
            keys.append(found[kept])
            places.append(start + kept)
            start += len(part)
        if keys:
            _, codes, counts = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
            yield np.concatenate(places)[counts[codes] > 1]
