"""Carrying out a validation: everything that was asked for is resolved, run, told in a card and recorded."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbdeploy.declare import NamedObjective, check_objective
from nbdeploy.declare.crosswalks import crosswalks
from nbdeploy.documents.crosswalk import CrosswalkRef
from nbdeploy.documents.evidence import ModelSubject
from nbdeploy.documents.progress import Progress, Watcher
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.errors import GateFailedError, ModelError, OptionError, closest
from nbdeploy.flow.declaring import own_measures, refuse_below_floor
from nbdeploy.flow.project import Project
from nbdeploy.flow.validation.asked import Asked
from nbdeploy.flow.validation.previous import NO_VERSION, previous_model
from nbdeploy.flow.validation.recording import copy_run, earlier_attempts, place, record, signed_validation
from nbdeploy.flow.validation.resolving import resolve_model, resolve_objective
from nbdeploy.flow.validation.sealing import check_sealable, seal
from nbdeploy.flow.validation.validated import Validated
from nbdeploy.report.overrides import check_templates
from nbdeploy.report.render import prepare_pages
from nbdeploy.report.write import write_card
from nbdeploy.validate.data.inputs import Dataset, read_dataset
from nbdeploy.validate.notebooks.warm import KernelParent
from nbdeploy.validate.order import Inputs, Order, Previous
from nbdeploy.validate.run import run_validation
from nbdeploy.validate.subject.own_environment import environment_for, user_cache

MOST_JOBS = 64
SEEDS = 2**32
"""What every library takes as a seed lies below."""

EXTRAS = ("mitigation",)
"""What costs much and tells little to most: mitigations of a disparity, trained and compared."""


def carry_out(asked: Asked, parent: KernelParent | None, watch: Watcher) -> Validated:
    """Carry out what `validate` was asked for; its errors."""
    sections, extras = _sections(asked.sections), _extras(asked.extras)
    _check_numbers(asked)
    project = Project.find()
    named, declared = resolve_objective(asked.objective, project)
    own = _own_notebooks(project)
    clauses = _crosswalks(project)
    if project is not None:
        check_templates(project.card_templates)  # not after half an hour of validation
        refuse_below_floor(named, check_objective(named.content, policy=project.policy).breaches)
    if asked.sealed is not None:
        check_sealable(project, named, declared=declared, draft=asked.draft)
    recorded = project is not None and declared and not asked.draft and asked.sealed is None
    with (
        tempfile.TemporaryDirectory(prefix="nbdeploy-model-") as scratch,
        place(project, named, asked.out, recorded, asked.draft) as (folder, attempt),
    ):
        inputs = Inputs(
            evaluation=_dataset(asked.data, "evaluation"),
            train=_dataset(asked.train, "train"),
            reference=_dataset(asked.reference, "reference"),
            predictions=_dataset(asked.predictions, "predictions"),
        )
        subject, model_folder = resolve_model(asked.model, named, inputs, project, Path(scratch), watch)
        before, notes = _previous(project, named, subject, Path(scratch) / "previous", asked.sections, asked.previous)
        chain = project.chain() if project is not None and recorded else None
        order = Order(
            objective=named.content,
            objective_bytes=named.source,
            inputs=inputs,
            model=subject,
            model_folder=model_folder,
            python=_python(model_folder, asked.environment, project, watch),
            sections=sections,
            jobs=asked.jobs,
            seed=asked.seed,
            draft=asked.draft,
            previous=before,
            wanted=extras,
            cache=project.settings.kept if project is not None else None,
            fresh=asked.fresh,
            attempt=attempt,
            attempts=earlier_attempts(chain, project, named) if chain is not None and project is not None else (),
            extra_notebooks=own,
            trusted_notebooks=project.policy.trusted_notebooks if project is not None else (),
            by=project.person if project is not None else getpass.getuser(),
            warnings=(*_notes(project, declared=declared, sealed=asked.sealed is not None), *notes),
            crosswalks=clauses,
        )
        with run_validation(order, folder, parent=parent, meanwhile=prepare_pages, watch=watch) as run:
            watch(Progress(stage="report", part="card", state="running"))
            write_card(run.evidence_bytes, run.folder, project.card_templates if project is not None else None)
            watch(Progress(stage="report", part="card", state="done"))
            evidence = run.evidence
        if project is not None and recorded:
            record(project, named, evidence, folder, watch)
        if project is not None and asked.sealed is not None:
            seal(project, named, signed_validation(project, named, evidence, folder), asked.sealed)
        if asked.out is not None and folder != asked.out.absolute():
            copy_run(folder, asked.out)
    out = asked.out.absolute() if asked.out is not None else folder
    result = Validated(evidence, out, recorded, asked.sealed)
    if asked.strict and result.overall == "fail":
        failed = [finding for finding in evidence.gated() if finding.verdict == "fail"]
        raise GateFailedError(
            f"{len(failed)} gates failed: {', '.join(f.id for f in failed)}", next=f"see {result.card}"
        )
    return result


def _python(folder: Path | None, wanted: str, project: Project | None, watch: Watcher) -> Path | None:
    """Return the interpreter of the model's own environment, where that is not ours; made first if need be."""
    if folder is None:
        return None
    watch(Progress(stage="validate", part="environment", state="running"))
    found = environment_for(folder, wanted, _environments(project))
    watch(Progress(stage="validate", part="environment", state="done", detail="; ".join(found.differences)))
    return found.python


def _environments(project: Project | None) -> Path:
    return project.settings.environments if project is not None else user_cache() / "environments"


def _previous(  # noqa: PLR0917 - one call, above
    project: Project | None,
    named: NamedObjective,
    subject: ModelSubject | None,
    into: Path,
    sections: Sequence[str],
    wanted: str | None,
) -> tuple[Previous | None, tuple[str, ...]]:
    """Return the version to compare with, where the section that compares takes part."""
    if subject is None or (sections and "performance" not in sections):
        if wanted not in {None, NO_VERSION}:
            why = "a file of predictions names no model" if subject is None else "the section performance is left out"
            raise ModelError(f"nothing can be compared with version {wanted!r}: {why}", next="leave --previous out")
        return None, ()
    return previous_model(project, named.content.governed_model, subject, into, _environments(project), wanted)


def _own_notebooks(project: Project | None) -> tuple[Path, ...]:
    if project is None:
        return ()
    return tuple(sorted((project.settings.root / project.settings.project.validation).glob("*.ipynb")))


def _crosswalks(project: Project | None) -> tuple[CrosswalkRef, ...]:
    """Return the regulations that the card is held against: those that ship, and the project's own."""
    if project is None:
        return crosswalks()
    return crosswalks(project.settings.root / project.settings.project.crosswalks, own_measures(project))


def _dataset(given: Any, role: Any) -> Dataset | None:
    return None if given is None else read_dataset(given, role)


def _sections(wanted: Sequence[str]) -> tuple[Section, ...]:
    for section in wanted:
        if section not in SECTIONS:
            raise OptionError(
                f"there is no section {section!r}{closest(section, SECTIONS)}", next=f"one of {', '.join(SECTIONS)}"
            )
    return tuple(section for section in SECTIONS if section in wanted)


def _extras(wanted: Sequence[str]) -> tuple[str, ...]:
    for extra in wanted:
        if extra not in EXTRAS:
            raise OptionError(
                f"there is no extra {extra!r}{closest(extra, EXTRAS)}", next=f"one of {', '.join(EXTRAS)}"
            )
    return tuple(wanted)


def _check_numbers(asked: Asked) -> None:
    if asked.jobs is not None and not 1 <= asked.jobs <= MOST_JOBS:
        raise OptionError(
            f"{asked.jobs} notebooks cannot run at the same time", next=f"give a number from 1 to {MOST_JOBS}"
        )
    if not 0 <= asked.seed < SEEDS:
        raise OptionError(f"{asked.seed} is no seed", next=f"give a whole number from 0 to {SEEDS - 1}")


def _notes(project: Project | None, *, declared: bool, sealed: bool) -> tuple[str, ...]:
    if sealed:
        return ("Sealed without the ledger, which numbers the attempt and knows earlier ones when it is submitted.",)
    if project is None:
        return ("Not recorded: the run was made outside of a project.",)
    return () if declared else ("Not recorded: this text of the objective is not the one declared in the project.",)
