"""The evidence document of one run."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbdeploy import __version__
from nbdeploy.documents.crosswalk import cited
from nbdeploy.documents.evidence import (
    ErrorTable,
    Evidence,
    ModelSubject,
    NotebookRun,
    ObjectiveRef,
    Run,
    Subject,
    TallyTable,
)
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.sections import Section
from nbdeploy.errors import ModelError
from nbdeploy.stats.tally.histogram import score_table
from nbdeploy.stats.tally.suppression import published, published_errors
from nbdeploy.trust.digests import bytes_digest, model_digest
from nbdeploy.validate.environment import environment
from nbdeploy.validate.subject.mlmodel import described
from nbdeploy.validate.subject.requirements import asked_by
from nbdeploy.validate.verdict.findings import summary
from nbdeploy.validate.verdict.tallies import Tallies

if TYPE_CHECKING:
    from nbdeploy.validate.order import Order

SUPPRESS_BELOW = 5
"""Cells of the stored tallies with fewer rows are not told: they could point at a person."""


def assemble_evidence(
    order: Order,
    *,
    sections: Sequence[Section],
    scored: Mapping[str, Any] | None,
    notebooks: tuple[NotebookRun, ...],
    redacted: int,
    tallies: Tallies,
    findings: tuple[Finding, ...],
    started: datetime,
    seconds: Mapping[str, float],
) -> Evidence:
    """Put together what one run found.

    Parameters
    ----------
    scored
        What scoring found out about the model; None where there was no model.
    redacted
        Secrets that were taken out of executed notebooks.
    """
    objective = order.objective
    return Evidence(
        objective=ObjectiveRef(name=objective.name, digest=bytes_digest(order.objective_bytes), content=objective),
        subject=Subject(
            model=_described(order, scored),
            data=order.inputs.subjects,
            notebooks=notebooks,
            parameters=_parameters(order, sections),
            environment=environment(),
        ),
        run=Run(
            id=uuid.uuid4().hex[:12],
            attempt=None if order.draft else order.attempt,
            draft=order.draft,
            started=started,
            finished=datetime.now(UTC),
            by=order.by,
            host=platform.node(),
            seed=order.seed,
            nbdeploy=__version__,
            seconds=dict(seconds),
        ),
        tallies=tuple(_tables(tallies)),
        errors=tuple(_errors(tallies)),
        scores=score_table(tallies.scores(), SUPPRESS_BELOW) if tallies.scored else None,
        findings=tuple(one.model_copy(update={"clauses": cited(one, order.crosswalks)}) for one in findings),
        verdict=summary(findings),
        attempts=order.attempts,
        warnings=(*order.warnings, *_warnings(notebooks, redacted)),
        crosswalks=order.crosswalks,
    )


def _parameters(order: Order, sections: Sequence[Section]) -> dict[str, Any]:
    told: dict[str, Any] = {"seed": order.seed, "draft": order.draft, "sections": list(sections)}
    if order.wanted:
        told["with"] = list(order.wanted)
    if order.previous is not None:
        told["previous"] = {"version": order.previous.name, "digest": model_digest(order.previous.folder)}
    return told


def _described(order: Order, scored: Mapping[str, Any] | None) -> ModelSubject | None:
    """Return the model with what its folder says of it: its columns and the packages that it asks for."""
    if order.model is None or order.model_folder is None or scored is None:
        return None
    about = described(order.model_folder)
    names = tuple(about.inputs or scored.get("features", ()))
    inputs = dict(zip(names, about.types, strict=True)) if len(names) == len(about.types) else {}
    told: dict[str, Any] = {} if inputs else {"features": list(names)}
    if scored.get("python"):
        told["ran_in"] = f"an environment of its own, with Python {scored.get('python_version')}"
    return order.model.model_copy(
        update={
            "flavor": order.model.flavor or scored.get("flavor"),
            "description": order.model.description | told,
            "inputs": inputs,
            "outputs": dict(about.outputs),
            "requirements": _required(order.model_folder),
        }
    )


def _required(folder: Path) -> tuple[str, ...]:
    """Return the packages that a model asks for; addresses, which may hold passwords, are left out."""
    try:
        packages = asked_by(folder).packages
    except ModelError:
        return ()  # what is wrong with its files is a finding of the operations section
    return tuple(sorted({f"{one.name}{one.specifier}" for one in packages}))


def _tables(tallies: Tallies) -> Iterator[TallyTable]:
    """Yield the counts overall and of every partition: group rates can be recomputed from them without rows."""
    if tallies.objective.task != "regression":
        parts = ((), *tallies.objective.partitions)
        yield from published([tallies.classes(features) for features in parts], SUPPRESS_BELOW)


def _errors(tallies: Tallies) -> Iterator[ErrorTable]:
    """Yield the moments of a regression's errors overall and of every partition."""
    if tallies.objective.task == "regression":
        parts = ((), *tallies.objective.partitions)
        yield from published_errors([tallies.errors(features) for features in parts], SUPPRESS_BELOW)


def _warnings(notebooks: Sequence[NotebookRun], redacted: int) -> Iterator[str]:
    for run in notebooks:
        if run.edited:
            yield f"{run.name} is not a notebook that nbdeploy ships or the policy trusts"
        if run.status == "failed":
            yield f"{run.name} gave no evidence: {run.reason}"
    if redacted:
        yield f"{redacted} secrets were taken out of the executed notebooks; change them, they were readable in a run"
