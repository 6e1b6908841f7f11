"""The verb *card decision*: the decision sheet of an objective, drawn from the verified ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path
from typing import Any

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.record import read_chain
from nbdeploy.approve.sheet import told
from nbdeploy.documents.decision_sheet import DecisionTold, Sheet
from nbdeploy.documents.request import Request
from nbdeploy.errors import NbdeployError, ProjectError
from nbdeploy.flow.declaring import write_whole
from nbdeploy.flow.project import Project
from nbdeploy.flow.show import Result, Shown
from nbdeploy.report.decision import decision_html, decision_lines, gate_words
from nbdeploy.trust.ledger.log import Log
from nbdeploy.trust.policy.document import Policy

FILE = "decision.html"


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
            lines += decision_lines(one)
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
        return Sheet(name=name, drawn=drawn, broken=str(error))
    requests = [request for request in chain.requests.values() if request.objective == name]
    return Sheet(
        name=name,
        drawn=drawn,
        size=len(entries),
        root=root,
        decisions=tuple(_told(chain, request, policy, card, now, ledger.level) for request in reversed(requests)),
        ignored=tuple(f"Entry {entry.index}: {reason}" for entry, reason in chain.ignored),
    )


def _told(  # noqa: PLR0917 - what a sheet is drawn from
    chain: Chain, request: Request, policy: Policy, card: Callable[[int], str | None], now: datetime, level: str
) -> DecisionTold:
    one = told(chain, request.id, policy, now, level=level, words=gate_words)
    return one.model_copy(update={"card": card(one.attempt) if one.attempt else None})
