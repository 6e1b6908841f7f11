"""What is to be validated, on what, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbdeploy.documents.crosswalk import CrosswalkRef
from nbdeploy.documents.evidence import AttemptRef, DataSubject, ModelSubject
from nbdeploy.documents.objective import Objective
from nbdeploy.documents.sections import Section
from nbdeploy.errors import DataError
from nbdeploy.validate.data.inputs import Dataset


@dataclass(frozen=True)
class Previous:
    """The registered version before the model: its name, such as ``credit/3``, the folder with its bytes, and the
    interpreter of its own environment where that differs from ours.
    """

    name: str
    folder: Path
    python: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """The data of a run: `evaluation` with a model, or `predictions` of a model that lives elsewhere."""

    evaluation: Dataset | None = None
    train: Dataset | None = None
    reference: Dataset | None = None
    predictions: Dataset | None = None

    @property
    def subjects(self) -> tuple[DataSubject, ...]:
        """Entries for the evidence."""
        given = (self.evaluation, self.predictions, self.train, self.reference)
        return tuple(dataset.subject for dataset in given if dataset is not None)

    @property
    def evaluated(self) -> Dataset:
        """The rows that are judged.

        Raises
        ------
        DataError
            Neither evaluation data nor predictions were given.
        """
        found = self.predictions or self.evaluation
        if found is None:
            raise DataError("there is nothing to evaluate", next="give --data PATH with a model, or --predictions PATH")
        return found


@dataclass(frozen=True)
class Order:
    """One validation, as it is asked for.

    Attributes
    ----------
    inputs
        `evaluation` with a model, or `predictions` alone.
    model, model_folder
        The model as the evidence names it, and where its files lie; neither for predictions from elsewhere.
    python
        The interpreter of the model's own environment, where that differs from ours.
    sections
        Those to run; all unless given. Gates of the others are not evaluated.
    jobs
        Notebooks at the same time; as many as there are processors, at most 4, unless given.
    timeout
        Seconds for each notebook.
    attempt
        Number of a recorded run; None for a draft, and for a run outside of a project.
    extra_notebooks, trusted_notebooks
        See `notebooks.choose`.
    previous
        The registered version to compare with.
    wanted
        Costly extras that were asked for, such as ``mitigation``.
    cache, fresh
        Where results of notebooks are kept and taken from when they have the same inputs; nowhere unless given. A
        fresh run takes none of them.
    by
        Who runs it.
    warnings
        What the card shall say beside the verdicts.
    crosswalks
        Regulations whose clauses the card shall hold against the evidence.
    """

    objective: Objective
    objective_bytes: bytes
    inputs: Inputs
    model: ModelSubject | None = None
    model_folder: Path | None = None
    python: Path | None = None
    sections: tuple[Section, ...] = ()
    jobs: int | None = None
    timeout: float = 1800
    seed: int = 0
    draft: bool = False
    attempt: int | None = None
    attempts: tuple[AttemptRef, ...] = ()
    extra_notebooks: tuple[Path, ...] = ()
    trusted_notebooks: tuple[str, ...] = ()
    previous: Previous | None = None
    wanted: tuple[str, ...] = ()
    cache: Path | None = None
    fresh: bool = False
    by: str = ""
    warnings: tuple[str, ...] = ()
    crosswalks: tuple[CrosswalkRef, ...] = ()
