"""The decision sheet as a page: what a ledger says about one objective, apart from the frozen card."""

from __future__ import annotations

from dataclasses import dataclass

from nbdeploy.report.pages import page


@dataclass(frozen=True)
class DecisionTold:
    """One request with its decisions, in words. `tone` is the colour of a verdict that stands beside the word."""

    request: str
    subject: str
    environment: str
    word: str
    tone: str
    until: str
    attempt: int | None
    card: str | None
    assurance: tuple[str, ...]
    lines: tuple[str, ...]
    deployed: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """All decisions on one objective, newest first. With `broken`, why the ledger does not hold, there are none."""

    name: str
    drawn: str
    size: int
    root: str
    decisions: tuple[DecisionTold, ...] = ()
    ignored: tuple[str, ...] = ()
    broken: str = ""


def decision_html(sheet: Sheet) -> str:
    """Return the sheet as one HTML file; the same sheet gives the same bytes."""
    return page("decision.html.j2", s=sheet)
