"""The context: what a validation notebook sees of the run, and where it records what it measured."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nbdeploy.documents.measurement import GroupValue, Measurement, Pair
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.errors import NotebookError, closest
from nbdeploy.validate.given import Given
from nbdeploy.validate.slot import Slot
from nbdeploy.validate.verdict.recompute import recompute
from nbdeploy.validate.workspace import Workspace


def validation_context(  # noqa: PLR0917 - the parameters cell of every validation notebook passes them by place
    section: str,
    workspace: str | None = None,
    objective: str | None = None,
    model: str | None = None,
    data: str | None = None,
    predictions: str | None = None,
    train: str | None = None,
    reference: str | None = None,
    seed: int = 0,
) -> Context:
    """Return the context of a validation notebook.

    With a `workspace`, the notebook belongs to a governed run and the other arguments are ignored. Without one, as with
    plain papermill, a temporary workspace is made from the files named; its verdict is advisory, never evidence for an
    approval.

    Parameters
    ----------
    section
        The section of the gates that the notebook serves.
    workspace
        A slot of a run's workspace, as the run passes it.
    objective
        A YAML file.
    model
        An MLflow model folder.
    data, predictions, train, reference
        Files as ``nbdeploy validate`` takes them; `data` or `predictions` is needed.
    """
    if section not in SECTIONS:
        raise NotebookError(
            f"{section!r} is not a section{closest(section, SECTIONS)}", next=f"one of {', '.join(SECTIONS)}"
        )
    if workspace:
        folder = Path(workspace)
        if folder.parent.name != "slots":
            raise NotebookError(
                f"{folder} is not the slot of a validation run", next="leave the parameter `workspace` empty"
            )
        return Context(section, Slot(folder), governed=True)
    from nbdeploy.validate.plain import plain_workspace

    temporary = Path(tempfile.mkdtemp(prefix="nbdeploy-"))
    try:
        made = plain_workspace(
            temporary,
            objective=objective,
            model=model,
            data=data,
            predictions=predictions,
            train=train,
            reference=reference,
            seed=seed,
        )
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    context = Context(section, made.slot(section), governed=False)
    context.discard = weakref.finalize(context, shutil.rmtree, temporary, ignore_errors=True)
    return context


class Context(Given):
    """What a validation notebook sees, and where it records."""

    def __init__(self, section: Section, slot: Slot, *, governed: bool) -> None:
        super().__init__(section, Workspace(slot.run))
        self._slot = slot
        self._governed = governed
        self._recorded: dict[str, Measurement] = {}
        self._before = time.perf_counter()
        self.discard: Callable[[], object] = lambda: None
        """Remove the temporary workspace of the plain route; a kernel that is killed would leave it behind."""

    def record(
        self,
        metric: str,
        value: float | None = None,
        *,
        features: Sequence[str] = (),
        slice: str | None = None,  # noqa: A002 - the objective's word
        interval: tuple[float | None, float | None] | None = None,
        level: float | None = None,
        method: str | None = None,
        n: int | None = None,
        denominator: int | None = None,
        by_group: Iterable[GroupValue] = (),
        pair: Pair | None = None,
        data: Mapping[str, Any] | None = None,
        sample: int | None = None,
        undefined: str | None = None,
        note: str | None = None,
    ) -> Measurement:
        """Record one number: no gate, no verdict.

        Parameters
        ----------
        value
            None where it is undefined; then say why in `undefined`.
        slice
            The rows that it is of, as a gate names them: ``age >= 65``, or ``sex=2`` for one group.
        data
            Points of curves and rows of tables for the card, as JSON holds them: numpy's values are converted, and what
            is not finite becomes null.
        sample
            Rows used; kept only when not all were.

        Raises
        ------
        NotebookError
            The same quantity was recorded before.
        """
        return self._keep_measurement(
            Measurement(
                section=self.section,
                metric=metric,
                features=tuple(features),
                slice=slice,
                value=_float(value),
                interval=None if interval is None else (_float(interval[0]), _float(interval[1])),
                level=_float(level),
                method=method,
                n=None if n is None else int(n),
                denominator=None if denominator is None else int(denominator),
                by_group=tuple(by_group),
                pair=pair,
                data=_json(data or {}),
                sample=int(sample) if sample is not None and sample < self.rows else None,
                undefined=undefined,
                note=note,
            )
        )

    def recompute(
        self,
        metric: str,
        features: Sequence[str] = (),
        slice: str | None = None,  # noqa: A002 - the objective's word
        *,
        data: Mapping[str, Any] | None = None,
        note: str | None = None,
    ) -> Measurement:
        """Compute a metric or disparity from the shared tallies, record it and return it.

        The verdict is formed on the same computation outside of the notebook; what stands here is for the reader, and
        `data` (for the card's charts) is kept.
        """
        found = recompute(self.tallies, self.section, metric, tuple(features), slice, seed=self.seed)
        return self._keep_measurement(
            found.model_copy(update={"data": found.data | _json(data or {}), "note": note or found.note})
        )

    def not_available(self, reason: str, *metrics: str) -> None:
        """Record that these metrics cannot be had, and why. A gate on one of them is then not evaluated."""
        for metric in metrics:
            self.record(metric, undefined=reason)

    def wait_until_alone(self) -> None:
        """Wait for the run's other notebooks to end, so that what is timed next is not timed beside them."""
        self._before += self._slot.wait_until_alone()  # what is recorded next did not take that long

    def finish(self) -> None:
        """Close the notebook: its last cell.

        In a governed run this leaves the mark without which nothing counts. With plain papermill it prints this
        section's gates and raises at a failed one.

        Raises
        ------
        GateFailedError
            Plain papermill, and a gate failed.
        """
        if self._governed:
            self._slot.finish()
            return
        from nbdeploy.validate.plain import conclude

        try:
            conclude(self.section, self.objective, tuple(self._recorded.values()), self.tallies, self.seed)
        finally:
            self.discard()

    def _keep_measurement(self, measurement: Measurement) -> Measurement:
        if measurement.id in self._recorded:
            raise NotebookError(f"{measurement.id} was recorded twice", next="record each quantity once in a notebook")
        self._recorded[measurement.id] = measurement
        now = time.perf_counter()
        self._slot.append(measurement, now - self._before)
        self._before = now
        return measurement


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _json(value: Any) -> Any:
    """Turn numpy and pandas values into what JSON holds; it has no word for NaN and infinity, which become None."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) or hasattr(value, "to_numpy"):
        return [_json(item) for item in value.tolist()]
    if isinstance(value, (list, tuple, set)):
        return [_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
