"""Which of the model's features a preprocessed column was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def origins(before: Any, names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return, for every column that scikit-learn's `before` makes, the place in `names` of the feature it comes from.

    Read from the names that the steps give to their columns: a column of a step is called after its feature, or after
    it and a level (``job_clerk``), behind the name of the block. None where a column fits no feature, as for principal
    components.
    """
    try:
        made = [str(name) for name in before.get_feature_names_out()]
    except (AttributeError, ValueError):  # a step that does not name its columns, or cannot
        return None
    blocks = _blocks(before)
    places = []
    for column in made:
        inside = next((known for block, known in blocks.items() if column.startswith(f"{block}__")), None)
        short = column.split("__", 1)[1] if inside is not None else column
        fitting = [name for name in (inside or names) if short == name or short.startswith(f"{name}_")]
        if not fitting:
            return None
        places.append(list(names).index(max(fitting, key=len)))
    return np.array(places, dtype=np.int64)


def _blocks(before: Any) -> dict[str, list[str]]:
    """Return the blocks of the first column transformer with the features that each of them reads."""
    steps = [step for _, step in getattr(before, "steps", [("", before)])]
    split = next((step for step in steps if hasattr(step, "transformers_")), None)
    if split is None or not getattr(split, "verbose_feature_names_out", False):
        return {}
    known = [str(name) for name in getattr(split, "feature_names_in_", ())]
    return {name: columns_read(columns, known) for name, _, columns in split.transformers_}


def columns_read(columns: Any, known: list[str]) -> list[str]:
    """Return the names of the columns that a block reads, however they were named: texts, places, a slice, a mask."""
    chosen = np.asarray(known, dtype=object)[columns] if not _names(columns) else columns
    return [str(name) for name in np.atleast_1d(np.asarray(chosen, dtype=object))]


def _names(columns: Any) -> bool:
    return isinstance(columns, str) or (
        not isinstance(columns, slice) and all(isinstance(one, str) for one in np.atleast_1d(columns))
    )
