"""What a validation notebook is given: rows, predictions, the model, samples, random numbers and tallies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import Section
from nbdeploy.stats.tally import ColumnTallies, RepeatTally
from nbdeploy.validate.data.columns import LABEL, PREDICTED, SCORE
from nbdeploy.validate.data.slices import slice_mask
from nbdeploy.validate.holding import PLACE
from nbdeploy.validate.summaries import summary
from nbdeploy.validate.verdict.tallies import Tallies
from nbdeploy.validate.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from nbdeploy.validate.subject.model import LoadedModel

TableName = Literal["data", "train", "reference"]


class Given:
    """The part of the context that is read.

    Attributes
    ----------
    section
        The section that its measurements belong to.
    objective, seed, draft
        Of the run.
    """

    def __init__(self, section: Section, workspace: Workspace) -> None:
        self.section: Section = section
        self._workspace = workspace
        self.objective: Objective = workspace.objective
        self.seed: int = workspace.seed
        self.draft: bool = workspace.draft

    @cached_property
    def data(self) -> pd.DataFrame:
        """The evaluated rows at hand, target included, in the order of `predictions`: all while they are at most
        100,000, else a seeded sample of so many, stratified by the target.
        """
        return self._frame("data")

    @cached_property
    def train(self) -> pd.DataFrame | None:
        """The training rows at hand, if any were given."""
        return self._frame("train") if self._workspace.has("train") else None

    @cached_property
    def reference(self) -> pd.DataFrame | None:
        """Rows at hand to compare the distribution with, if any were given."""
        return self._frame("reference") if self._workspace.has("reference") else None

    @cached_property
    def rows(self) -> int:
        """Number of evaluated rows, at hand or not."""
        return self.count("data")

    @property
    def held(self) -> int:
        """Number of evaluated rows at hand."""
        return len(self.data)

    def count(self, name: TableName) -> int:
        """Return the number of rows of a table; 0 where it was not given."""
        return self._workspace.rows(name).num_rows if self._workspace.has(name) else 0

    def batches(self, name: TableName, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Yield all rows of a table in order, some tens of thousands at a time."""
        for batch in self._workspace.rows(name).batches(columns):
            yield batch.to_pandas()

    def columns(self, name: TableName) -> ColumnTallies:
        """Return the summary of every column over all rows of a table."""
        return summary(self._workspace, name)

    def repeats(self, name: TableName, columns: Sequence[str]) -> RepeatTally:
        """Return which rows of a table are equal in these columns, all rows seen."""
        return RepeatTally.from_arrow(self._workspace.rows(name).batches(columns), columns)

    def wants(self, extra: str) -> bool:
        """Whether a costly extra was asked for, as with ``--with mitigation``."""
        return extra in self._workspace.wanted

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The model's input columns; every column but the target where the model lives elsewhere."""
        return tuple(
            self._workspace.scored.get("features") or (c for c in self.data.columns if c != self.objective.target)
        )

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Columns ``label``, ``predicted`` and, where there are scores, ``score``; one row for each of `data`."""
        return self._answers("predictions")

    @cached_property
    def previous(self) -> pd.DataFrame | None:
        """What the registered version before this model answers to the rows of `data`: columns ``predicted`` and,
        where there are scores, ``score``; None where there is no such version, or it does not answer these rows.
        """
        return self._answers("previous").drop(columns="label") if self._workspace.has("previous") else None

    @property
    def previous_version(self) -> str | None:
        """The registered version that `previous` is of, such as ``credit/3``."""
        return self._workspace.previous

    @property
    def previous_lacks(self) -> str | None:
        """Why the version before gave no answers, where it was asked."""
        return self._workspace.lacking("previous")

    @property
    def model_folder(self) -> Path | None:
        """The model's folder; None where only predictions were given."""
        return self._workspace.model_folder

    @property
    def model_python(self) -> Path | None:
        """The interpreter of the model's own environment; None where the model runs in this one."""
        python = self._workspace.scored.get("python")
        return Path(python) if python else None

    @cached_property
    def model(self) -> LoadedModel | None:
        """The model, loaded on first use; None where only predictions were given."""
        if self.model_folder is None:
            return None
        from nbdeploy.validate.subject.model import LoadedModel

        return LoadedModel(self.model_folder, self.objective, self.model_python, self._labels)

    def _labels(self) -> Sequence[Any]:
        """Return the values of the target: the rows at hand hold each at least once."""
        return list(self.predictions["label"].unique())

    def sample(self, n: int, name: str) -> pd.DataFrame:
        """Return `n` evaluated rows without repeats, each class of the target in its share; all if fewer.

        The same `name`, seed and section give the same rows. The index is the row's place in `data`.
        """
        if n >= len(self.data):
            return self.data
        rng = self.rng(name)
        target = self.data[self.objective.target]
        if self.objective.task == "regression":
            chosen = rng.choice(len(target), size=n, replace=False)
        else:
            chosen = _stratified(target.astype("category").cat.codes.to_numpy(), n, rng)
        return self.data.iloc[np.sort(chosen)]

    def lies_in(self, slice: str) -> np.ndarray[Any, np.dtype[np.bool_]]:  # noqa: A002 - the objective's word
        """Return for every row of `data` whether it lies in a slice."""
        mask = slice_mask(slice, self._workspace.held("data"))
        return np.asarray(mask.to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) else mask.to_numpy(), bool)

    def rng(self, name: str) -> np.random.Generator:
        """Return the random generator of this name: the same for the same seed, section and name, unlike any other."""
        text = f"{self.section}/{name}".encode()
        words = np.frombuffer(hashlib.sha256(text).digest(), dtype=np.uint32).tolist()
        return np.random.default_rng([self.seed, *words])

    @cached_property
    def tallies(self) -> Tallies:
        """The tallies of all evaluated rows."""
        return Tallies(self._workspace.rows("predictions"), self.objective)

    def _answers(self, name: str) -> pd.DataFrame:
        names = {LABEL: "label", PREDICTED: "predicted", SCORE: "score"}
        table = self._workspace.held(name)
        kept = [one for one in names if one in table.column_names]
        frame: pd.DataFrame = table.select(kept).rename_columns([names[one] for one in kept]).to_pandas()
        return frame

    def _frame(self, name: str) -> pd.DataFrame:
        table = self._workspace.held(name)
        kept = [column for column in table.column_names if column != PLACE]
        frame: pd.DataFrame = table.select(kept).to_pandas().reset_index(drop=True)
        return frame


def _stratified(codes: np.ndarray[Any, np.dtype[Any]], n: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Choose n places so that each code keeps its share, rounded by largest remainders; each code at least once."""
    levels, counts = np.unique(codes, return_counts=True)
    share = counts * n / len(codes)
    take = np.maximum(np.floor(share).astype(int), 1)
    for at in np.argsort(np.floor(share) - share, kind="stable"):
        if take.sum() < n and take[at] < counts[at]:
            take[at] += 1
    places = [
        rng.choice(np.flatnonzero(codes == level), size=k, replace=False) for level, k in zip(levels, take, strict=True)
    ]
    return np.concatenate(places)
