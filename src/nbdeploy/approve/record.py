"""The record: every statement of a ledger, verified under a policy and put in order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.signers import check_revoker
from nbdeploy.approve.times import SKEW
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import (
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    RevocationPredicate,
    ValidationPredicate,
)
from nbdeploy.errors import ClockError, FormatError, LinkError, Refusal, RoleError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import Opened, open_envelope
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.policy.document import Policy, Principal

# Which roles may say what. A person may hold several; a service signs no decision, whatever its roles.
_ROLES: dict[str, frozenset[str]] = {
    "objective": frozenset({"author", "runner"}),
    "validation": frozenset({"runner"}),
    "request": frozenset({"author", "runner"}),
    "deployment": frozenset({"deployer"}),
}
_SUBJECTS: dict[str, frozenset[str]] = {
    "objective": frozenset({"objective"}),
    "validation": frozenset({"evidence", "card", "card.html", "objective"}),
    "request": frozenset({"model", "card", "evidence", "objective", "policy", "validation"}),
    "decision": frozenset({"model", "card", "evidence", "objective", "policy", "request"}),
    "deployment": frozenset({"model", "request"}),
    "revocation": frozenset({"model", "request"}),
}


def read_chain(entries: Iterable[Entry], policy: Policy, now: datetime | None = None, *, ledger: str | None) -> Chain:
    """Verify every entry under a policy and index what holds.

    A key must count both at the moment that a statement names for itself and at its place in the ledger: what was
    logged after a statement of a later moment was made no earlier than that, whatever it says.

    Parameters
    ----------
    now
        The reader's clock, the machine's unless given. A statement of a later moment counts for nothing yet.
    ledger
        The public key of the ledger that the entries are from. A request counts in the ledger that it names only, and
        what was decided or done binds to the request: a chain that is logged again elsewhere says nothing there.

    Raises
    ------
    LogError
        The policy names another ledger.
    """
    policy.check_ledger(ledger)
    chain = Chain(ledger)
    latest = datetime.min.replace(tzinfo=UTC)
    limit = (now or datetime.now(UTC)) + SKEW
    acts: dict[str, int] = {}
    for entry in entries:
        try:
            opened = open_envelope(entry.envelope, policy.publics)
            # An envelope can be written in many ways around one signature: an old approval, packed again, would come
            # after the rejection that replaced it.
            if opened.payload in acts:
                raise LinkError(f"the same statement was logged before, in entry {acts[opened.payload]}")
            at = _said_at(opened, limit)
            _add(chain, _logged(entry, opened, policy, said=at, logged=max(at, latest)), policy)
        except Refusal as error:
            chain.ignored.append((entry, str(error)))
        else:
            latest = max(at, latest)
            acts[opened.payload] = entry.index
    return chain


def _said_at(opened: Opened, limit: datetime) -> datetime:
    """Return the moment that a statement names for itself."""
    predicate = opened.predicate
    at = predicate.request.requested if isinstance(predicate, RequestPredicate) else None
    for name in ("declared", "finished", "signed", "at"):
        at = at or getattr(predicate, name, None)
    if at is None:
        raise FormatError(f"the {opened.kind} statement names no time")
    if at > limit:
        raise ClockError(f"the {opened.kind} statement is of {at:%Y-%m-%d %H:%M} UTC, which has not come")
    return at


def _logged(entry: Entry, opened: Opened, policy: Policy, *, said: datetime, logged: datetime) -> Logged[Any]:
    """Return the statement with the one signer that may say it."""
    missing = _SUBJECTS[opened.kind] - opened.subjects.keys()
    if missing:
        raise FormatError(f"the {opened.kind} statement names no digest of {', '.join(sorted(missing))}")
    reasons = []
    for public in opened.signers:
        try:
            principal = policy.who(public, said, index=entry.index)
            policy.who(public, logged, index=entry.index)
            _may_say(opened, principal)
        except Refusal as error:
            reasons.append(error)
            continue
        return Logged(entry.index, bytes_digest(entry.envelope), opened.subjects, opened.predicate, public, principal)
    raise reasons[0]


def _may_say(opened: Opened, principal: Principal) -> None:
    kind = opened.kind
    if kind == "decision" and principal.is_service:
        # Which role a decision needs depends on the environment; standing looks at that.
        raise RoleError(f"the service {principal.name} signed a decision, and only people decide")
    if kind in _ROLES and not _ROLES[kind] & set(principal.roles):
        raise RoleError(f"{principal.name} signed a {kind} without the role {' or '.join(sorted(_ROLES[kind]))}")
    if kind in ("objective", "request") and principal.person is None:
        raise RoleError(
            f"the service {principal.name} signed a {kind}, and no person stands behind it",
            next="say in the policy whom it works for: person = …",
        )
    named = _names(opened.predicate)
    if named is not None and named not in (principal.name, principal.person):
        raise LinkError(f"a {kind} says it is by {named}, and {principal.name} signed it")


def _names(predicate: Predicate) -> str | None:
    """Return who says it, where somebody must answer for it by name."""
    if isinstance(predicate, RequestPredicate):
        return predicate.request.requester
    if isinstance(predicate, (DecisionPredicate, RevocationPredicate)):
        return predicate.by
    return None


def _add(chain: Chain, logged: Logged[Any], policy: Policy) -> None:
    predicate = logged.predicate
    if isinstance(predicate, ObjectivePredicate):
        chain.objectives.append(logged)
    elif isinstance(predicate, ValidationPredicate):
        chain.add_validation(logged)
    elif isinstance(predicate, RequestPredicate):
        _add_request(chain, logged, predicate.request)
    elif isinstance(predicate, DecisionPredicate):
        chain.decisions.setdefault(predicate.request, []).append(logged)
    elif isinstance(predicate, DeploymentPredicate):
        chain.deployments.setdefault(predicate.request, []).append(logged)
    elif isinstance(predicate, RevocationPredicate):
        _add_revocation(chain, logged, predicate, policy)


def _add_request(chain: Chain, logged: Logged[RequestPredicate], request: Request) -> None:
    """Take a request whose subjects are those that it names itself; the first of an id stands."""
    stated = request.digests.model_dump() | {"validation": request.validation}
    if any(logged.subjects.get(name) != digest for name, digest in stated.items()):
        raise LinkError(f"the request {request.id} names other digests than its statement signs")
    if request.ledger != chain.ledger:
        raise LinkError(f"the request {request.id} was made in another ledger, and counts there only")
    if request.id in chain.asked:
        raise LinkError(f"the request {request.id} was asked before, in entry {chain.asked[request.id].index}")
    chain.asked[request.id] = logged
    chain.requests[request.id] = request


def _add_revocation(
    chain: Chain, logged: Logged[RevocationPredicate], predicate: RevocationPredicate, policy: Policy
) -> None:
    """Take a revocation of a request's own bytes, by who asked for it or may decide where it is asked for."""
    asked = chain.request(predicate.request)
    check_revoker(chain, asked.predicate.request, policy, logged.principal)
    for name, digest in (("model", asked.subjects["model"]), ("request", asked.digest)):
        if logged.subjects[name] != digest:
            raise LinkError(f"a revocation of {predicate.request} was signed over another {name} than it asks for")
    chain.revocations.setdefault(predicate.request, []).append(logged)
