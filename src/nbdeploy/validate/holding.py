"""The rows that notebooks hold in memory: all of a small table, a seeded stratified sample of a large one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nbdeploy.stats.tally.levels import plain
from nbdeploy.validate.data.columns import decoded
from nbdeploy.validate.data.rows import Rows
from nbdeploy.validate.workspace import Workspace

HELD = 100_000
"""Rows of a table that a notebook holds; of more, a sample of so many."""

DRAFT = 20_000
"""Rows that a draft works on in all."""

PLACE = "__row__"
"""Column of a sample: the row's place in the whole table."""


def hold(workspace: Workspace, name: str, most: int = HELD) -> None:
    """Store the sample that notebooks hold of a table; nothing is stored where they hold all of it.

    The predictions of the evaluated rows are held in step with them by `hold_beside`.
    """
    rows = workspace.rows(name)
    if rows.num_rows > most:
        workspace.hold(name, sampled(rows, most, workspace.objective.target, f"{workspace.seed}/{name}"))


def hold_beside(workspace: Workspace, name: str) -> None:
    """Store those rows of a table that stand beside the held rows of the data."""
    if not (workspace.path("held/data").is_file() and workspace.has(name)):
        return
    places = np.asarray(workspace.held("data").column(PLACE))
    workspace.hold(name, at_places(workspace.rows(name), places))


def sampled(rows: Rows, most: int, target: str, seed: str) -> pa.Table:
    """Return a random sample without repeats in the order of the rows, each class of the target in its share.

    One pass counts the classes, one draws: of each class in a batch as many as a hypergeometric number says, so that
    every sample of the class is as likely as any other and nothing but the sample is kept.

    Parameters
    ----------
    target
        Column with the classes; one that is not there, or holds fractions, counts as one class.
    seed
        Any text; the same gives the same rows.

    Returns
    -------
    pyarrow.Table
        The rows with their places in the column ``__row__``.
    """
    rng = np.random.default_rng(np.frombuffer(hashlib.sha256(seed.encode()).digest(), dtype=np.uint32).tolist())
    stratified = target in rows.schema.names and not pa.types.is_floating(rows.schema.field(target).type)
    column = target if stratified else None
    left = _class_counts(rows, column)
    wanted = _shares(left, most)
    found: list[pa.RecordBatch] = []
    start = 0
    for batch in rows.batches():
        chosen = np.sort(
            np.concatenate([_drawn(at, left, wanted, level, rng) for level, at in _classes(batch, column)])
        )
        places = pa.array(start + chosen, pa.int64())
        found.append(batch.take(pa.array(chosen)).append_column(PLACE, places))
        start += batch.num_rows
    return pa.Table.from_batches(found)


def at_places(rows: Rows, places: NDArray[Any]) -> pa.Table:
    """Return the rows at these places, which ascend."""
    found: list[pa.RecordBatch] = []
    start = 0
    for batch in rows.batches():
        first, last = np.searchsorted(places, [start, start + batch.num_rows])
        found.append(batch.take(pa.array(places[first:last] - start)))
        start += batch.num_rows
    return pa.Table.from_batches(found, rows.schema)


def _class_counts(rows: Rows, column: str | None) -> Counter[Any]:
    if column is None:
        return Counter({None: rows.num_rows})
    found: Counter[Any] = Counter()
    for batch in rows.batches([column]):
        for one in pc.value_counts(decoded(batch.column(column))).to_pylist():
            found[plain(one["values"])] += one["counts"]
    return found


def _classes(batch: pa.RecordBatch, column: str | None) -> list[tuple[Any, NDArray[np.int64]]]:
    """Return the places of each class in a batch."""
    if column is None:
        return [(None, np.arange(batch.num_rows))]
    coded = decoded(batch.column(column)).dictionary_encode(null_encoding="encode")
    codes = coded.indices.to_numpy(zero_copy_only=False)
    return [(plain(value), np.flatnonzero(codes == code)) for code, value in enumerate(coded.dictionary.to_pylist())]


def _drawn(
    at: NDArray[np.int64], left: Counter[Any], wanted: dict[Any, int], level: Any, rng: np.random.Generator
) -> NDArray[np.int64]:
    take = int(rng.hypergeometric(wanted[level], left[level] - wanted[level], len(at))) if len(at) else 0
    left[level] -= len(at)
    wanted[level] -= take
    return rng.choice(at, size=take, replace=False)


def _shares(counts: Mapping[Any, int], most: int) -> dict[Any, int]:
    """Return how many of each class are drawn: in proportion, the largest remainders rounded up, at least one."""
    total = sum(counts.values())
    exact = {level: most * count / total for level, count in counts.items()}
    wanted = {level: max(int(share), 1) for level, share in exact.items()}
    for level in sorted(exact, key=lambda one: (int(exact[one]) - exact[one], str(one))):
        if sum(wanted.values()) < most and wanted[level] < counts[level]:
            wanted[level] += 1
    return wanted
