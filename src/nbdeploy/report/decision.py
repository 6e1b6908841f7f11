"""The decision sheet as a page and as plain lines: what a ledger says about one objective, apart from the card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args
from urllib.parse import unquote

from nbdeploy.documents.decision_sheet import DecisionTold, Sheet
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.sections import Section
from nbdeploy.report import wording
from nbdeploy.report.pages import page

_SCANNED = {
    "unknown": "a name that is on no list",
    "carried": "code that is built when the model is loaded",
    "code": "code in the model's folder",
    "loader": "a loader of its own",
    "source": "a requirement from elsewhere, or of no fixed version",
    "vulnerable": "a package with a known vulnerability",
}


def decision_html(sheet: Sheet) -> str:
    """Return the sheet as one HTML file; the same sheet gives the same bytes."""
    return page("decision.html.j2", s=sheet)


def decision_lines(one: DecisionTold) -> Iterator[str]:
    """Yield what the page says about one request as plain lines; what belongs to a line is indented under it."""
    yield f"{one.request}: {one.subject} at {one.endpoint} in {one.environment}: {one.word}."
    if one.until:
        yield f"  A rollout may start until {one.until}."
    attempt = f"; attempt {one.attempt} of the validation: {one.verdict}" if one.attempt else ""
    yield f"{one.asked}{attempt}."
    yield from (f"Cannot stand: {problem}" for problem in one.problems)
    if one.gates:
        yield "Gates that did not pass:"
    for gate in one.gates:
        yield f"  {gate.words} ({gate.gate}): {gate.found}, {gate.asked}"
        yield from (f"    {answer}" for answer in gate.answers or ("Nobody has, so far",))
    yield from _decided(one)
    yield from (f"{text}." for text in one.missing)
    yield from (f"{what}: {who}." for what, who in one.facts)
    if one.deployed:
        yield "What was done:"
    yield from (f"  {text}" for text in one.deployed)


def _decided(one: DecisionTold) -> Iterator[str]:
    if one.said:
        yield "Decisions, in the ledger's order:"
    for said in one.said:
        why = f": {said.reason}" if said.reason else ""
        yield f"  {said.decision} by {said.by} on {said.at}, entry {said.entry}{why}"
        if said.counts_not:
            yield f"    Does not count. {said.counts_not}"
        yield from (f"    {note}" for note in said.notes)
    yield from one.revoked
    if one.conditions:
        yield "Conditions:"
    for condition in one.conditions:
        stranger = "" if condition.owner_known else ", whom the policy does not name"
        state = condition.state.upper() if condition.overdue else condition.state
        yield f"  {condition.text}: {condition.owner}{stranger}, by {condition.by}; {state}"
        yield f"    {condition.asked_by} asked for it"


def gate_words(gate: str) -> str:
    """Return a gate as the card names it; a finding of the file scan as a person says it."""
    if gate.startswith("scan:"):
        _, rule, what = f"{gate}::".split(":", 2)
        return f"File scan, {_SCANNED.get(rule, rule)}: {unquote(what).strip(':')}".rstrip(" :,")
    about, _, where = gate.partition("@")
    named, _, features = about.partition(":")
    section, _, metric = named.partition(".")
    known = next((one for one in get_args(Section) if one == section), None)
    if known is None or not metric:
        return gate
    by = tuple(features.split(",")) if features else ()
    return wording.name(Finding(id=gate, section=known, metric=metric, features=by, slice=where or None))
