"""The verb *card decision*: the decision sheet of an objective, drawn from the verified ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path
from typing import Any

from nbdeploy.approve.answered import assurance, deployed, word
from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.sheet import decision_sheet
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.errors import NbdeployError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.report.decision import DecisionTold, Sheet, decision_html
from nbdeploy.trust.log import Log
from nbdeploy.trust.policy import Policy

FILE = "decision.html"
_TONES = {"approved": "pass", "in force": "pass", "rejected": "fail", "revoked": "fail"}


@dataclass(frozen=True)
class DecisionShown(Result):
    """The decision sheet of an objective. `html` is the whole page, `file` where it was written."""

    sheet: Sheet = field(repr=False)
    html: str = field(repr=False)
    file: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 when the ledger holds, else 1."""
        return 1 if self.sheet.broken else 0

    def show(self) -> Shown:
        sheet = self.sheet
        lines = [f"The ledger does NOT hold: {sheet.broken}"] if sheet.broken else []
        lines += [f"Counts for nothing: {text}" for text in sheet.ignored]
        for one in sheet.decisions:
            lines.append(f"{one.subject} to {one.environment} ({one.request}): {one.word}.")
            lines += [f"  {text}" for text in (*one.lines, *one.deployed)]
        if not sheet.decisions and not sheet.broken:
            lines.append(f"Nobody has asked for {sheet.name} to go live.")
        where = [f"The sheet: {self.file}"] if self.file else []
        return Shown(title=f"Decision sheet of {sheet.name}", lines=lines, notes=where)

    def facts(self) -> dict[str, Any]:
        words = {one.request: one.word for one in self.sheet.decisions}
        return {"objective": self.sheet.name, "standing": words, "broken": self.sheet.broken}


def decision(name: str, *, out: Path | None = None, now: datetime | None = None) -> DecisionShown:
    """Draw the decision sheet of an objective: beside the card of its latest recorded run, unless `out` names a file.

    Only entries whose signatures hold are told; where the ledger itself does not hold, that alone is.

    Raises
    ------
    ProjectError
        Nothing was recorded under this name, or the file cannot be written.
    """
    project = Project.require()
    file = out or project.run(name).folder / FILE
    here = file.absolute().parent

    def card(attempt: int) -> str | None:
        page = project.run_folder(name, attempt) / "card.html"
        return Path(relpath(page, here)).as_posix() if page.is_file() else None

    sheet = draw_sheet(name, project.ledger, project.policy, card, now or datetime.now(UTC))
    html = decision_html(sheet)
    try:
        write_whole(file, html.encode())
    except OSError as error:
        raise ProjectError(f"the decision sheet cannot be written to {file} ({error.strerror})") from None
    return DecisionShown(sheet, html, file.absolute())


def draw_sheet(name: str, ledger: Log, policy: Policy, card: Callable[[int], str | None], now: datetime) -> Sheet:
    """Return what a ledger says about an objective; `card` gives the address of an attempt's card, if it is there."""
    drawn = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    try:
        entries = ledger.verify()
        chain = read_chain(entries, policy, now, ledger=ledger.public)
        root = ledger.root().hex()[:16] if entries else ""
    except NbdeployError as error:
        return Sheet(name, drawn, 0, "", broken=str(error))
    requests = [request for request in chain.requests.values() if request.objective == name]
    return Sheet(
        name=name,
        drawn=drawn,
        size=len(entries),
        root=root,
        decisions=tuple(_told(chain, request, policy, card, now) for request in reversed(requests)),
        ignored=tuple(f"Entry {entry.index}: {reason}" for entry, reason in chain.ignored),
    )


def _told(
    chain: Chain, request: Request, policy: Policy, card: Callable[[int], str | None], now: datetime
) -> DecisionTold:
    found = standing(chain, request.id, policy, now)
    stands = word(chain, found)
    validation = chain.validations.get(request.validation)
    attempt = validation.predicate.attempt if validation else None
    *lines, _ = decision_sheet(chain, request.id, policy, now).splitlines()  # the last is the assurance
    return DecisionTold(
        request=request.id,
        subject=request.subject,
        environment=request.environment,
        word=stands,
        tone=_TONES.get(stands, "not_evaluated" if stands == "superseded" else "inconclusive"),
        until=f"{found.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.until and stands == "approved" else "",
        attempt=attempt,
        card=card(attempt) if attempt else None,
        assurance=tuple(assurance(chain, found, policy)),
        lines=tuple(line.strip() for line in lines),
        deployed=tuple(deployed(chain, request.id)),
    )
