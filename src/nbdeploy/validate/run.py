"""One validation run: from data and model to evidence, in a folder that appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import Measurement
from nbdeploy.documents.progress import Progress, Watcher, unwatched
from nbdeploy.documents.sections import SECTIONS, Section
from nbdeploy.errors import InterruptedRunError, ModelError
from nbdeploy.trust.digests import model_digest
from nbdeploy.validate.assemble import assemble_evidence
from nbdeploy.validate.notebooks.execute import Executed, unfinished
from nbdeploy.validate.notebooks.notebook import NEED_MODEL, choose
from nbdeploy.validate.notebooks.warm import KernelParent, kernel_parent
from nbdeploy.validate.order import Order
from nbdeploy.validate.placing import placed
from nbdeploy.validate.prepare import prepare
from nbdeploy.validate.resume import Kept, execute_or_take
from nbdeploy.validate.subject.mlmodel import needs_mlflow
from nbdeploy.validate.verdict.findings import find
from nbdeploy.validate.verdict.silence import NEEDS_MODEL, silences
from nbdeploy.validate.verdict.tallies import Tallies
from nbdeploy.validate.workspace import Workspace

STAGE = "validate"


@dataclass(frozen=True)
class ValidationRun:
    """A finished run. `folder` is where its files are while the ``with`` block lasts; then they move to their place."""

    evidence: Evidence
    evidence_bytes: bytes
    folder: Path


@contextmanager
def run_validation(
    order: Order,
    folder: Path,
    *,
    parent: KernelParent | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    watch: Watcher = unwatched,
) -> Iterator[ValidationRun]:
    """Validate, and yield the run while its folder can still be added to.

    ``objective.yaml``, ``evidence.json`` and ``notebooks/`` are written beside `folder` and move there, with whatever
    the caller adds, when the block ends without an error. Otherwise nothing stays behind.

    Parameters
    ----------
    parent
        Forks the run's processes; one is started unless given.
    meanwhile
        Called in a thread while notebooks run, which leave this process nothing to do.

    Raises
    ------
    DataError, ModelError, ParameterError, NotebookError
        No evidence could be made.
    ProjectError
        `folder` holds something else, or cannot be written.
    InterruptedRunError
        Ctrl-C.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="nbdeploy-") as scratch,
            placed(folder) as building,
            nullcontext(parent) if parent else _parent(order) as forks,
        ):
            evidence = _validate(order, Path(scratch) / "workspace", building / "notebooks", forks, meanwhile, watch)
            data = evidence.to_bytes()
            (building / "objective.yaml").write_bytes(order.objective_bytes)
            (building / "evidence.json").write_bytes(data)
            yield ValidationRun(evidence, data, building)
    except KeyboardInterrupt:
        raise InterruptedRunError("the run was interrupted; no evidence was made") from None


def _parent(order: Order) -> AbstractContextManager[KernelParent | None]:
    folder = order.model_folder
    return kernel_parent(with_model=folder is not None, with_mlflow=folder is not None and needs_mlflow(folder))


def _validate(  # noqa: PLR0917 - one call, above
    order: Order,
    where: Path,
    executed_into: Path,
    parent: KernelParent | None,
    meanwhile: Callable[[], None],
    watch: Watcher,
) -> Evidence:
    started, clock, objective = datetime.now(UTC), _Clock(), order.objective
    sections = tuple(section for section in SECTIONS if section in (order.sections or SECTIONS))
    notebooks = choose(sections, order.extra_notebooks, order.trusted_notebooks)
    watch(Progress(stage=STAGE, part="predictions", state="running"))
    workspace = prepare(
        where,
        objective,
        order.inputs,
        model_folder=order.model_folder,
        python=order.python,
        previous=order.previous,
        seed=order.seed,
        draft=order.draft,
        wanted=order.wanted,
        parent=parent,
    )
    watch(Progress(stage=STAGE, part="predictions", state="done"))
    clock.lap("predictions")
    has_model = workspace.model_folder is not None
    runnable = [notebook for notebook in notebooks if has_model or notebook.section not in NEED_MODEL]
    before = _digests(workspace)
    if order.model is not None and has_model and before["model"] != order.model.digest:
        raise ModelError(
            f"the files of the model at {order.model.uri} changed before they were scored", next="validate it again"
        )
    kept = Kept(order.cache, workspace, before, fresh=order.fresh) if order.cache is not None else None
    tallies = Tallies(workspace.rows("predictions"), objective)
    with ThreadPoolExecutor(1, thread_name_prefix="tallies") as pool:
        # For the verdict, and for what comes after it, while notebooks leave a processor idle.
        aside = [pool.submit(each) for each in (tallies.count, meanwhile, _import_for_verdict)]
        executed, changed = execute_or_take(
            runnable,
            workspace,
            executed_into,
            kept,
            lambda: before == _digests(workspace),
            watch,
            jobs=order.jobs or min(4, os.cpu_count() or 1),
            timeout=order.timeout,
            parent=parent,
        )
        for each in aside:
            each.result()
    clock.lap("notebooks")
    watch(Progress(stage=STAGE, part="verdict", state="running"))
    silent = silences(objective, sections, executed, has_model=has_model, changed=changed)
    findings = find(objective, _recorded(executed), tallies, silent=silent, seed=order.seed)
    clock.lap("verdict")
    evidence = assemble_evidence(
        replace(order, warnings=(*order.warnings, *(kept.warnings if kept is not None else ()))),
        sections=sections,
        scored=workspace.scored if has_model else None,
        notebooks=(
            *(each.run for each in executed),
            *unfinished([n for n in notebooks if n not in runnable], NEEDS_MODEL.reason),
        ),
        redacted=sum(each.redacted for each in executed),
        tallies=tallies,
        findings=_timed(findings, executed),
        started=started,
        seconds=clock.seconds,
    )
    watch(Progress(stage=STAGE, part="verdict", state="done", detail=evidence.verdict.overall.replace("_", " ")))
    return evidence


def _import_for_verdict() -> None:
    import_module("scipy.special")  # for intervals


def _digests(workspace: Workspace) -> dict[str, str]:
    """Return the digests of everything that notebooks share: tables, and the model's folder."""
    found = workspace.digests()
    if workspace.model_folder is not None:
        found["model"] = model_digest(workspace.model_folder)
    return found


def _recorded(executed: Sequence[Executed]) -> dict[Section, list[Measurement]]:
    found: dict[Section, list[Measurement]] = {}
    for each in executed:
        if each.run.status == "completed":
            found.setdefault(each.notebook.section, []).extend(each.measurements)
    return found


def _timed(findings: Sequence[Finding], executed: Sequence[Executed]) -> tuple[Finding, ...]:
    seconds = {name: took for each in executed for name, took in each.seconds.items()}
    return tuple(finding.model_copy(update={"seconds": seconds.get(finding.id)}) for finding in findings)


class _Clock:
    """Wall time of the phases, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Book the time since the last lap on a phase."""
        now = time.perf_counter()
        self.seconds[phase] = round(now - self._last, 3)
        self._last = now
