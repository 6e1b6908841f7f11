"""The verb *audit*: does the chain hold, from the objective to the bytes?"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.documents.run_files import SIGNED_FILES
from nbdeploy.errors import CardError, NbdeployError, ProjectError, ServiceError
from nbdeploy.flow.project import Project
from nbdeploy.flow.service.standings import conditions_told
from nbdeploy.flow.show import Result, Shown
from nbdeploy.report.write import verify_card as card_problems
from nbdeploy.report.write import verify_page
from nbdeploy.trust.digests import file_digest, model_digest


@dataclass(frozen=True)
class Audited(Result):
    """What an audit found. `problems` is empty when the chain holds."""

    subject: str
    lines: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when the chain holds, else 1."""
        return 1 if self.problems else 0

    def show(self) -> Shown:
        word = "does NOT hold" if self.problems else "holds"
        return Shown(
            title=f"The chain of {self.subject} {word}",
            lines=[*self.lines, *(f"Problem: {problem}" for problem in self.problems)],
        )

    def facts(self) -> dict[str, Any]:
        return {"subject": self.subject, "lines": list(self.lines), "problems": list(self.problems)}


def audit(name: str | None = None) -> Audited:
    """Check the ledger, every signature, every recorded card and the bytes of every requested version.

    Parameters
    ----------
    name
        An objective; all of the project's unless given.

    Raises
    ------
    ObjectiveError
        There is none of that name, here or in the ledger.
    ServiceError
        A team's ledger does not answer.
    """
    project = Project.require()
    lines: list[str] = []
    problems: list[str] = []
    try:
        entries = project.ledger.verify()
    except ServiceError:
        raise  # nobody could look, which says nothing about the chain
    except NbdeployError as error:
        return Audited(name or project.settings.project.name, (), (str(error),))
    if name is not None:
        project.require_name(name)
    chain = read_chain(entries, project.policy, ledger=project.ledger.public)
    lines.append(f"{len(entries)} ledger entries; every one is in the signed tree.")
    problems += [f"entry {entry.index}: {reason}" for entry, reason in chain.ignored]
    runs = list(_runs(project, name))
    problems += [problem for folder in runs for problem in _run_problems(chain, folder, project.card_templates)]
    told = "1 recorded run with its card was" if len(runs) == 1 else f"{len(runs)} recorded runs with their cards were"
    lines.append(f"{told} held to what was signed.")
    gone = _not_here(chain, runs, name)
    if gone:
        lines.append(f"Recorded in the ledger, and not in this project's folder: {', '.join(gone)}.")
    requests = [request for request in chain.requests.values() if name in (None, request.objective)]
    for request in requests:
        found = standing(chain, request.id, project.policy, datetime.now(UTC))
        lines.append(
            f"{request.id}: {request.subject} to {request.environment}, asked by {request.requester}: {found.state}."
        )
        problems += _model_problems(project, request)
    lines += [f"Condition of {told}." for told in conditions_told(project, chain, name)]
    return Audited(name or project.settings.project.name, tuple(lines), tuple(problems))


def _runs(project: Project, name: str | None) -> Iterator[Path]:
    for evidence in sorted(project.settings.runs.glob("*/[0-9]*/evidence.json")):
        if name in (None, evidence.parent.parent.name):
            yield evidence.parent


def _not_here(chain: Chain, runs: Collection[Path], name: str | None) -> list[str]:
    """Return the attempts whose documents lie elsewhere, or nowhere: they were not held to anything."""
    here = {file_digest(folder / "evidence.json") for folder in runs}
    return [
        f"{logged.predicate.objective} attempt {chain.attempts[logged.digest]}"
        for logged in chain.validations.values()
        if name in (None, logged.predicate.objective) and logged.subjects["evidence"] not in here
    ]


def _run_problems(chain: Chain, folder: Path, templates: Path) -> Iterator[str]:
    where = f"{folder.parent.name} attempt {int(folder.name)}"
    recorded = chain.validation_of(file_digest(folder / "evidence.json"))
    if recorded is None:
        yield f"{where}: evidence.json is not what was signed"
        return
    for file, subject in SIGNED_FILES.items():
        if not (folder / file).is_file():
            yield f"{where}: {file} is missing"
        elif file_digest(folder / file) != recorded.subjects.get(subject):
            yield f"{where}: {file} is not what was signed"
    try:
        told = card_problems(folder, templates)
    except CardError as error:
        told = (error.fact,)
    yield from (f"{where}: {problem}" for problem in told)


def _model_problems(project: Project, request: Request) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            found = model_digest(project.registry.fetch(request.model, request.version, Path(scratch)))
        except NbdeployError as error:
            yield f"{request.subject}: {error}"
            return
    if found != request.digests.model:
        yield f"{request.subject}: the registry holds {found}, and {request.digests.model} was asked for"


def verify_card(card: Path) -> Audited:
    """Check that the card in a run folder, or one page of it, says what the evidence beside it says, to the byte."""
    folder = card if card.is_dir() else card.parent
    if not (folder / "evidence.json").is_file():
        raise ProjectError(f"{folder} holds no evidence.json", next="name the folder that nbdeploy validate wrote")
    project = Project.find(folder) or Project.find()
    templates = project.card_templates if project is not None else None
    if not card.is_dir():
        problems = verify_page(card, templates)
        return Audited(
            str(card), () if problems else (f"Every number agrees with {folder / 'evidence.json'}.",), problems
        )
    problems = card_problems(folder, templates)
    lines = ("card.html and card.md regenerate from card.json to the byte; every number agrees with evidence.json.",)
    return Audited(str(folder), () if problems else lines, tuple(problems))
