"""The story of a request: who did what, when, in the words that the policy and the signed statements give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import (
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
)


@dataclass(frozen=True)
class Event:
    """One statement in words. `entry` is its place in the ledger, `envelope` the beginning of its digest."""

    entry: int
    at: datetime
    who: str
    did: str
    envelope: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The event as a row of a table."""
        return (str(self.entry), f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", self.who, self.did, self.envelope)


def events(chain: Chain, request: Request) -> tuple[Event, ...]:
    """Return what led to a request and became of it, in the order of the ledger."""
    return tuple(_event(logged, chain) for logged in sorted(_path(chain, request), key=lambda logged: logged.index))


def _path(chain: Chain, request: Request) -> Iterator[Logged[Any]]:
    """Yield the statements that a request rests on and those about it; of other attempts, the validation."""
    yield from (entry for entry in chain.objectives if entry.predicate.name == request.objective)
    yield from chain.validations_named(request.objective)
    yield chain.asked[request.id]
    for kind in (chain.decisions, chain.deployments, chain.revocations):
        yield from kind.get(request.id, ())


def _event(logged: Logged[Any], chain: Chain) -> Event:
    at, did = _told(logged.predicate)
    if isinstance(logged.predicate, ValidationPredicate):
        did = f"validated attempt {chain.attempts[logged.digest]}: {_words(logged.predicate.overall)}"
    who = logged.principal.name
    if logged.principal.person and logged.principal.person != who:
        who = f"{logged.principal.person} (by {who})"
    return Event(logged.index, at, who, did, logged.digest.removeprefix("sha256:")[:12])


def _told(said: Any) -> tuple[datetime, str]:
    match said:
        case ObjectivePredicate():
            late = ", after results were known" if said.after_results else ""
            return said.declared, f"declared the objective {said.name} for {said.model}{late}"
        case ValidationPredicate():
            return said.finished, f"validated: {_words(said.overall)}"
        case RequestPredicate(request=request):
            return request.requested, f"asked for {request.subject} in {request.environment} ({request.id})"
        case DecisionPredicate():
            return said.signed, _decision(said)
        case DeploymentPredicate():
            weight = f" at {said.weight:g} % of the traffic" if said.weight is not None else ""
            reason = f": {said.reason}" if said.reason else ""
            return said.at, f"{_words(said.action)}{weight}{reason}"
        case RevocationPredicate():
            return said.at, f"revoked it: {said.reason}"
    raise TypeError(f"{type(said).__name__} is no statement of the ledger")


def _decision(said: DecisionPredicate) -> str:
    parts = [
        said.decision,
        *([f"“{said.reason}”"] if said.reason else []),
        *(f"acknowledged {gate}" for gate in said.acknowledged),
        *(f"waived {waiver.gate} until {waiver.expires:%Y-%m-%d}: {waiver.reason}" for waiver in said.waived),
        *(f"on condition: {one.text} ({one.owner}, by {one.by})" for one in said.conditions),
        *(["unattended: nobody sat at the terminal"] if said.unattended else []),
    ]
    return "; ".join(parts)


def _words(text: str) -> str:
    return text.replace("_", " ")
