"""Every column of a table in little room: what is missing, moments, quantiles, categories, different values."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.distinct import DistinctTally
from nbdeploy.stats.tally.hashing import value_hashes
from nbdeploy.stats.tally.levels import plain
from nbdeploy.stats.tally.serial import packed, reading, require, unpacked
from nbdeploy.stats.tally.sketch import Sketch

MOST_LEVELS = 10_000
"""Different values that are counted one by one; a column with more has no counts, however its rows were split."""

Kind = Literal["number", "text", "bool"]


@dataclass(frozen=True, eq=False)
class ColumnTally:
    """One column.

    Parameters
    ----------
    kind
        ``number``, ``bool``, or ``text``, which all else is counted as.
    rows, missing
        All rows, and those without a value; NaN is none.
    mean, spread
        Of the finite numbers: their mean and the sum of squares about it, merged as in Chan, Golub and LeVeque (1983).
    low, high
        The smallest and largest finite number; NaN where there is none.
    infinite
        Numbers that are infinite.
    sketch
        Quantiles of the finite numbers.
    counts
        Rows by value; None for more than `MOST_LEVELS` values.
    distinct
        How many different values there are.
    """

    kind: Kind
    rows: int
    missing: int
    mean: float
    spread: float
    low: float
    high: float
    infinite: int
    sketch: Sketch
    counts: Mapping[Scalar, int] | None
    distinct: DistinctTally

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def finite(self) -> int:
        """Rows with a finite number."""
        return self.known - self.infinite if self.kind == "number" else 0

    @property
    def variance(self) -> float:
        """Of the numbers, with n − 1; NaN for fewer than two."""
        return self.spread / (self.finite - 1) if self.finite > 1 else float("nan")

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which these shares of the finite numbers lie; see `Sketch`."""
        return self.sketch.quantiles(shares)

    def share_at_most(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the shares of the finite numbers at or below each value."""
        return self.sketch.shares(values)

    def __add__(self, other: ColumnTally) -> ColumnTally:
        """Merge two parts of one column.

        Raises
        ------
        ValueError
            One holds numbers and the other does not.
        """
        if not self.rows or not other.rows:
            return other if other.rows else self
        if self.kind != other.kind and self.known and other.known:
            raise ValueError(f"a column of {self.kind} and one of {other.kind} cannot be added")
        n, more = self.finite, other.finite
        total = n + more
        away = other.mean - self.mean
        return ColumnTally(
            kind=self.kind if self.known else other.kind,
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            mean=self.mean + away * more / total if total else 0.0,
            spread=self.spread + other.spread + (away * away * n * more / total if total else 0.0),
            low=float(np.fmin(self.low, other.low)),
            high=float(np.fmax(self.high, other.high)),
            infinite=self.infinite + other.infinite,
            sketch=self.sketch + other.sketch,
            counts=_added(self.counts, other.counts),
            distinct=self.distinct + other.distinct,
        )


class ColumnTallies(Mapping[str, ColumnTally]):
    """The tallies of a table's columns by name."""

    def __init__(self, columns: Mapping[str, ColumnTally]) -> None:
        self._columns = dict(columns)

    @classmethod
    def from_arrow(cls, batches: Iterable[pa.RecordBatch]) -> ColumnTallies:
        """Summarise rows in one pass; memory does not grow with them."""
        found = cls({})
        for batch in batches:
            found += cls({name: _tally(batch.column(name), found.get(name)) for name in batch.schema.names})
        return found

    def __getitem__(self, name: str) -> ColumnTally:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __add__(self, other: ColumnTallies) -> ColumnTallies:
        """Merge two parts of one table: a column that one lacks is as the other has it."""
        names = dict.fromkeys([*self, *other])
        return ColumnTallies(
            {
                name: self[name] + other[name]
                if name in self and name in other
                else self[name]
                if name in self
                else other[name]
                for name in names
            }
        )

    def to_bytes(self) -> bytes:
        """Return the tallies as bytes."""
        about, arrays = [], {}
        for place, (name, one) in enumerate(self.items()):
            arrays[f"{place}"] = one.distinct.smallest
            told = {"rows": one.rows, "missing": one.missing, "infinite": one.infinite, "kind": one.kind}
            numbers = [None if np.isnan(x) else x for x in (one.mean, one.spread, one.low, one.high)]
            sketch = base64.b64encode(one.sketch.to_bytes()).decode()
            counts = None if one.counts is None else list(one.counts.items())
            about.append({"name": name, **told, "numbers": numbers, "sketch": sketch, "counts": counts})
        return packed("columns", {"columns": json.loads(json.dumps(about))}, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> ColumnTallies:
        """Read tallies back.

        Raises
        ------
        FormatError
            These are not the bytes of some.
        """
        about, arrays = unpacked("columns", data)
        with reading():
            return cls({told["name"]: _told(told, arrays[f"{place}"]) for place, told in enumerate(about["columns"])})


def _told(told: Mapping[str, Any], smallest: NDArray[np.uint64]) -> ColumnTally:
    """Return one column as `ColumnTallies.to_bytes` tells it."""
    mean, spread, low, high = (float("nan") if x is None else float(x) for x in told["numbers"])
    rows, missing, infinite = (int(told[name]) for name in ("rows", "missing", "infinite"))
    counts = told["counts"]
    require(told["kind"] in get_args(Kind) and 0 <= missing <= rows and 0 <= infinite <= rows - missing)
    return ColumnTally(
        told["kind"],
        rows,
        missing,
        mean,
        spread,
        low,
        high,
        infinite,
        Sketch.from_bytes(base64.b64decode(told["sketch"])),
        None if counts is None else {value: int(n) for value, n in counts},
        DistinctTally(smallest),
    )


def _tally(column: pa.Array, before: ColumnTally | None) -> ColumnTally:
    """Return the tally of one batch of a column; what is of no use after the batches `before` is left out."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    levels = pc.value_counts(column.drop_null()) if before is None or before.counts is not None else None
    if levels is not None and len(levels) > MOST_LEVELS:
        levels = None
    different = column.drop_null() if levels is None else levels.field("values")
    empty = ColumnTally(
        "number" if number else "bool" if pa.types.is_boolean(column.type) else "text",
        *(len(column), column.null_count, 0.0, 0.0, float("nan"), float("nan"), 0),
        Sketch.empty(),
        None if levels is None else _counts(levels),
        DistinctTally.of(value_hashes(different), None if before is None else before.distinct.smallest),
    )
    if not number:
        return empty
    values = np.asarray(column.drop_null().cast(pa.float64(), safe=False))
    values = values[~np.isnan(values)]
    finite = values[np.isfinite(values)]
    mean = float(finite.mean()) if len(finite) else 0.0
    return replace(
        empty,
        missing=len(column) - len(values),
        mean=mean,
        spread=float(((finite - mean) ** 2).sum()),
        low=float(finite.min()) if len(finite) else float("nan"),
        high=float(finite.max()) if len(finite) else float("nan"),
        infinite=len(values) - len(finite),
        sketch=Sketch.of(finite),
    )


def _counts(levels: pa.StructArray) -> dict[Scalar, int]:
    found: dict[Scalar, int] = {}
    for value, count in zip(levels.field("values").to_pylist(), levels.field("counts").to_pylist(), strict=True):
        level = plain(value)
        if level is not None:
            found[level] = found.get(level, 0) + count
    return found


def _added(mine: Mapping[Scalar, int] | None, theirs: Mapping[Scalar, int] | None) -> Mapping[Scalar, int] | None:
    if mine is None or theirs is None:
        return None
    found = dict(mine)
    for level, count in theirs.items():
        found[level] = found.get(level, 0) + count
    return found if len(found) <= MOST_LEVELS else None


def most_common(tally: ColumnTally, most: int) -> Sequence[tuple[Scalar, int]]:
    """Return the commonest values with their rows, the commonest first; none where they were not counted."""
    counts = tally.counts or {}
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:most]
