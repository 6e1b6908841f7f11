"""Every column of a table in little room."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nbdeploy.documents.record import Scalar
from nbdeploy.stats.tally.column import MOST_LEVELS, ColumnTally, Kind
from nbdeploy.stats.tally.distinct import DistinctTally
from nbdeploy.stats.tally.hashing import value_hashes
from nbdeploy.stats.tally.levels import plain
from nbdeploy.stats.tally.serial import packed, reading, require, unpacked
from nbdeploy.stats.tally.sketch import Sketch


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
