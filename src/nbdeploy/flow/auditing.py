"""The verb *audit*: does the chain hold, from the objective to the bytes?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from nbdeploy.approve.record import Chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import NbdeployError, ProjectError
from nbdeploy.flow.project import Project
from nbdeploy.flow.results import Audited
from nbdeploy.flow.show import Table
from nbdeploy.report import verify_card as card_problems
from nbdeploy.trust.digests import bytes_digest, file_digest, model_digest
from nbdeploy.trust.envelopes import peek


def audit(name: str | None = None) -> Audited:
    """Check the ledger, every signature, every recorded card and the bytes of every requested version.

    Parameters
    ----------
    name
        An objective; all of the project's unless given.
    """
    project = Project.require()
    lines: list[str] = []
    problems: list[str] = []
    try:
        project.ledger.verify()
    except NbdeployError as error:
        return Audited(name or project.settings.project.name, (), (str(error),))
    chain = project.chain()
    lines.append(f"{project.ledger.size} ledger entries; every one is in the signed tree.")
    problems += [f"entry {entry.index}: {reason}" for entry, reason in chain.ignored]
    runs = list(_runs(project, name))
    problems += [problem for folder in runs for problem in _run_problems(chain, folder)]
    lines.append(f"{len(runs)} recorded runs with their cards were held to what was signed.")
    requests = [found.request for found in chain.requests.values() if name in (None, found.request.objective)]
    for request in requests:
        found = standing(chain, request.id, project.policy, datetime.now(UTC))
        lines.append(f"{request.id}: {request.subject} to {request.environment}, asked by {request.requester}: {found.state}.")
        problems += _model_problems(project, request)
    return Audited(name or project.settings.project.name, tuple(lines), tuple(problems))


def _runs(project: Project, name: str | None) -> Iterator[Path]:
    for evidence in sorted(project.settings.runs.glob("*/[0-9]*/evidence.json")):
        if name in (None, evidence.parent.parent.name):
            yield evidence.parent


def _run_problems(chain: Chain, folder: Path) -> Iterator[str]:
    where = f"{folder.parent.name} attempt {int(folder.name)}"
    recorded = chain.validation_of(file_digest(folder / "evidence.json"))
    if recorded is None:
        yield f"{where}: evidence.json is not what was signed"
        return
    for file, subject in (("card.json", "card"), ("card.html", "card.html"), ("objective.yaml", "objective")):
        if not (folder / file).is_file():
            yield f"{where}: {file} is missing"
        elif file_digest(folder / file) != recorded.subjects.get(subject):
            yield f"{where}: {file} is not what was signed"
    for problem in card_problems(folder):
        yield f"{where}: {problem}"


def _model_problems(project: Project, request: Request) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            found = model_digest(project.registry.fetch(request.model, request.version, Path(scratch)))
        except NbdeployError as error:
            yield f"{request.subject}: {error}"
            return
    if found != request.digests.model:
        yield f"{request.subject}: the registry holds {found}, and {request.digests.model} was asked for"


def audit_log(name: str | None = None) -> Audited:
    """Return the ledger, one line an entry, oldest first."""
    project = Project.require()
    chain = project.chain()
    refused = {entry.index: reason for entry, reason in chain.ignored}
    rows = []
    for entry in project.ledger.entries():
        opened = peek(entry.envelope)
        content = opened.predicate
        told = content.get("request") or content.get("name") or content.get("objective") or ""
        if isinstance(told, dict):
            told = told.get("id", "")
        if name and name not in (told, content.get("objective"), content.get("name"), content.get("model")):
            inner = content.get("request")
            if not (isinstance(inner, dict) and inner.get("objective") == name):
                continue
        at = next((content[key] for key in ("declared", "finished", "signed", "at") if key in content), "")
        if not at and isinstance(content.get("request"), dict):
            at = content["request"].get("requested", "")
        what = content.get("decision") or content.get("action") or content.get("overall") or opened.kind
        by = content.get("by") or (content["request"].get("requester", "") if isinstance(content.get("request"), dict) else "controller")
        note = refused.get(entry.index, "unattended" if content.get("unattended") else "")
        rows.append((str(entry.index), str(at)[:19], opened.kind, str(told), str(what), str(by), note, bytes_digest(entry.envelope)[7:19]))
    headers = ("entry", "at (UTC)", "statement", "about", "says", "by", "note", "envelope")
    title = name or project.settings.project.name
    return Audited(title, (f"{len(rows)} entries.",), (), Table(headers, rows))


def verify_card(folder: Path) -> Audited:
    """Check that the card in a run folder says what its evidence says, to the byte."""
    if not (folder / "evidence.json").is_file():
        raise ProjectError(f"{folder} holds no evidence.json", next="name the folder that nbdeploy validate wrote")
    problems = card_problems(folder)
    lines = ("card.html and card.md regenerate from card.json to the byte; every number agrees with evidence.json.",)
    return Audited(str(folder), () if problems else lines, tuple(problems))
