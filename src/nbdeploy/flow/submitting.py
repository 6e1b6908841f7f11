"""The verb *ledger submit*: what a runner without the ledger signed is logged, and its run taken in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.run_files import SIGNED_FILES
from nbdeploy.documents.statements import ObjectivePredicate, ValidationPredicate
from nbdeploy.errors import DigestError, ProjectError, Refusal
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown, Table
from nbdeploy.flow.validation.sealing import sealed_lines
from nbdeploy.trust.digests import bytes_digest, file_digest
from nbdeploy.trust.envelopes import Opened, open_envelope
from nbdeploy.validate.placing import placed


@dataclass(frozen=True)
class SubmittedLine:
    """One envelope: its place in the ledger, None where it was left out, and what became of it."""

    index: int | None
    kind: str
    digest: str
    word: str


@dataclass(frozen=True)
class Submitted(Result):
    """What was logged. `run` is the folder of the run that was taken in, if one was."""

    lines: tuple[SubmittedLine, ...]
    run: Path | None
    objective: str | None

    def show(self) -> Shown:
        rows = [
            ("–" if line.index is None else str(line.index), line.kind, line.word, line.digest[7:19])
            for line in self.lines
        ]
        logged = sum(line.index is not None for line in self.lines)
        taken = [f"The run is in {self.run}"] if self.run else []
        following = [f"nbdeploy deploy {self.objective} --to production"] if self.run else ["nbdeploy audit log"]
        return Shown(
            title=f"{logged} envelope{'s' * (logged != 1)} in the ledger",
            lines=taken,
            tables=[Table(("entry", "statement", "what", "envelope"), rows, code=("envelope",))],
            next=following,
        )

    def facts(self) -> dict[str, Any]:
        return {"entries": [vars(line) for line in self.lines], "run": str(self.run) if self.run else None}


def submit(files: Sequence[Path], *, run: Path | None = None) -> Submitted:
    """Log envelopes from files, each once, however often they are submitted.

    Every envelope is opened before the first is logged: of a file with one that nobody known signed, nothing is.

    Parameters
    ----------
    files
        An envelope each, or several, one a line, as ``nbdeploy validate --sealed`` writes them.
    run
        The run folder that a validation among them is about: it is taken into the project and shown in MLflow, so that
        a deployment can be asked for.

    Raises
    ------
    ProjectError
        A file cannot be read, or `run` is no run folder.
    FormatError, SignatureError, RoleError, ExpiredError
        An envelope does not count under the policy.
    DigestError
        `run` is not what was signed.
    ServiceError, LogError, KeyFileError
        The ledger cannot be reached, does not hold, or cannot be written from here.
    """
    project = Project.require()
    envelopes = [envelope for file in files for envelope in sealed_lines(file)]
    opened = [_opened(project, envelope) for envelope in envelopes]
    evidence = None if run is None else _evidence(run, opened)
    declared = {entry.subjects["objective"] for entry in project.chain().objectives}
    lines = []
    for envelope, one in zip(envelopes, opened, strict=True):
        if isinstance(one.predicate, ObjectivePredicate) and one.subjects.get("objective") in declared:
            lines.append(SubmittedLine(None, one.kind, one.digest, "was declared before"))
            continue
        entry = project.ledger.append(envelope)
        lines.append(SubmittedLine(entry.index, one.kind, entry.digest, ""))
    chain = project.chain()
    lines = [_judged(chain, line) for line in lines]
    if run is None or evidence is None:
        return Submitted(tuple(lines), None, None)
    found = _validation(chain, run)
    folder = _taken(project, run, found, chain.attempts[found.digest])
    if project.registry.evidence_run(found.subjects["evidence"]) is None:
        project.registry.log_validation(evidence, folder)
    return Submitted(tuple(lines), folder, found.predicate.objective)


def _opened(project: Project, envelope: bytes) -> Opened:
    opened = open_envelope(envelope, project.policy.publics)
    project.policy.who(opened.signers[0], datetime.now(UTC))
    return opened


def _judged(chain: Chain, line: SubmittedLine) -> SubmittedLine:
    """Return a line with what the ledger's readers make of it."""
    if line.index is None:
        return line
    refused = next((reason for entry, reason in chain.ignored if entry.index == line.index), None)
    attempt = chain.attempts.get(line.digest)
    word = f"counts for nothing: {refused}" if refused else (f"attempt {attempt}" if attempt else "logged")
    return SubmittedLine(line.index, line.kind, line.digest, word)


def _evidence(run: Path, opened: Sequence[Opened]) -> Evidence:
    """Return the evidence of a run folder, held to what one of the envelopes signs."""
    file = run / "evidence.json"
    if not file.is_file():
        raise ProjectError(f"{run} holds no evidence.json", next="name the folder that nbdeploy validate wrote")
    data = file.read_bytes()
    signed = [one for one in opened if isinstance(one.predicate, ValidationPredicate)]
    about = next((one for one in signed if one.subjects.get("evidence") == bytes_digest(data)), None)
    if about is None:
        raise DigestError(f"no envelope signs {file}", next="submit the file that was sealed with this run")
    for name, subject in SIGNED_FILES.items():
        if not (run / name).is_file() or file_digest(run / name) != about.subjects.get(subject):
            raise DigestError(f"{run / name} is not what was signed", next="submit the folder as the runner left it")
    return Evidence.from_bytes(data)


def _validation(chain: Chain, run: Path) -> Logged[ValidationPredicate]:
    found = chain.validation_of(file_digest(run / "evidence.json"))
    if found is None:
        raise Refusal(f"the validation of {run} was logged and counts for nothing", next="nbdeploy audit log")
    return found


def _taken(project: Project, run: Path, found: Logged[ValidationPredicate], attempt: int) -> Path:
    """Return the project's folder of a run, which has its number in the ledger; copied there unless it is."""
    folder = project.run_folder(found.predicate.objective, attempt)
    if (folder / "evidence.json").is_file():
        if file_digest(folder / "evidence.json") != found.subjects["evidence"]:
            raise ProjectError(
                f"{folder} holds another run, and the ledger gives its number to this one",
                next="move that folder away, and submit again",
            )
        return folder
    with placed(folder) as building:
        shutil.copytree(run, building, dirs_exist_ok=True)
    return folder
