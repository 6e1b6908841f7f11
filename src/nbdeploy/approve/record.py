"""The record: every statement of a ledger, verified under a policy and put in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

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
from nbdeploy.errors import NotApprovedError, Refusal, RoleError, closest
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import Opened, open_envelope
from nbdeploy.trust.keys import raw_public
from nbdeploy.trust.ledger import Entry
from nbdeploy.trust.policy import Policy, Principal

P = TypeVar("P", bound=Predicate)


@dataclass(frozen=True)
class Logged(Generic[P]):
    """A verified statement at its place in the ledger.

    Attributes
    ----------
    digest
        Of the envelope.
    subjects
        Digest by name.
    public
        The key that signed.
    principal
        Whose key the policy says it is, at the time that the statement names.
    """

    index: int
    digest: str
    subjects: Mapping[str, str]
    predicate: P
    public: str
    principal: Principal

    @property
    def person(self) -> str:
        """The human being behind the signature: a service counts as the person that it works for."""
        return self.principal.person or self.principal.name


@dataclass
class Chain:
    """All verified statements, in log order. What failed stands in `ignored` with its reason."""

    objectives: list[Logged[ObjectivePredicate]] = field(default_factory=list)
    validations: dict[str, Logged[ValidationPredicate]] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    asked: dict[str, Logged[RequestPredicate]] = field(default_factory=dict)
    decisions: dict[str, list[Logged[DecisionPredicate]]] = field(default_factory=dict)
    deployments: dict[str, list[Logged[DeploymentPredicate]]] = field(default_factory=dict)
    revocations: dict[str, list[Logged[RevocationPredicate]]] = field(default_factory=dict)
    ignored: list[tuple[Entry, str]] = field(default_factory=list)

    def request(self, request_id: str) -> Logged[RequestPredicate]:
        """Return the statement of a request.

        Raises
        ------
        NotApprovedError
            No such request is logged (the closest id is named).
        """
        found = self.asked.get(request_id)
        if found is None:
            raise NotApprovedError(
                f"the ledger holds no request {request_id!r}{closest(request_id, tuple(self.asked))}",
                next="nbdeploy signoff lists them",
            )
        return found

    def objectives_named(self, name: str) -> list[ObjectiveEntry]:
        """Return the logged texts of an objective, oldest first."""
        return [
            ObjectiveEntry(entry.subjects["objective"], entry)
            for entry in self.objectives
            if entry.predicate.name == name
        ]

    def validations_named(self, name: str) -> list[Logged[ValidationPredicate]]:
        """Return the recorded validations of an objective, oldest first."""
        return [entry for entry in self.validations.values() if entry.predicate.objective == name]

    def validation_of(self, evidence: str) -> Logged[ValidationPredicate] | None:
        """Return the validation that recorded this evidence, or None."""
        return next((entry for entry in self.validations.values() if entry.subjects.get("evidence") == evidence), None)


@dataclass(frozen=True)
class ObjectiveEntry:
    """A text of an objective (`digest`) and the statement that put it in force."""

    digest: str
    statement: Logged[ObjectivePredicate]


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


def read_chain(entries: Iterable[Entry], policy: Policy) -> Chain:
    """Verify every entry under a policy and index what holds."""
    chain = Chain()
    for entry in entries:
        try:
            _add(chain, entry, policy)
        except Refusal as error:
            chain.ignored.append((entry, str(error)))
    return chain


def _add(chain: Chain, entry: Entry, policy: Policy) -> None:
    opened = open_envelope(entry.envelope, policy.publics)
    missing = _SUBJECTS[opened.kind] - opened.subjects.keys()
    if missing:
        raise RoleError(f"the {opened.kind} statement names no digest of {', '.join(sorted(missing))}")
    predicate = opened.predicate
    logged = _logged(entry, opened, policy)
    if isinstance(predicate, ObjectivePredicate):
        chain.objectives.append(logged)
    elif isinstance(predicate, ValidationPredicate):
        chain.validations[logged.digest] = logged
    elif isinstance(predicate, RequestPredicate):
        _add_request(chain, logged, predicate)
    elif isinstance(predicate, DecisionPredicate):
        chain.decisions.setdefault(predicate.request, []).append(logged)
    elif isinstance(predicate, DeploymentPredicate):
        chain.deployments.setdefault(predicate.request, []).append(logged)
    elif isinstance(predicate, RevocationPredicate):
        chain.revocations.setdefault(predicate.request, []).append(logged)


def _logged(entry: Entry, opened: Opened, policy: Policy) -> Logged:  # type: ignore[type-arg]  # the caller knows the kind
    """Return the statement with the one signer that may say it."""
    at = said_at(opened.predicate)
    reasons = []
    for public in opened.signers:
        try:
            principal = policy.who(public, at)
            _may_say(opened.kind, principal)
        except Refusal as error:
            reasons.append(error)
            continue
        return Logged(entry.index, bytes_digest(entry.envelope), opened.subjects, opened.predicate, public, principal)
    raise reasons[0]


def _may_say(kind: str, principal: Principal) -> None:
    if kind in ("decision", "revocation"):
        # Which role a decision needs depends on the environment; standing looks at that. A machine never decides.
        if principal.is_service:
            raise RoleError(f"the service {principal.name} signed a {kind}, and only people decide")
        return
    if not _ROLES[kind] & set(principal.roles):
        raise RoleError(f"{principal.name} signed a {kind} without the role {' or '.join(sorted(_ROLES[kind]))}")


def _add_request(chain: Chain, logged: Logged[RequestPredicate], predicate: RequestPredicate) -> None:
    """Take a request whose subjects are those that it names itself; the first of an id stands."""
    request = predicate.request
    stated = request.digests.model_dump() | {"validation": request.validation}
    if any(logged.subjects.get(name) != digest for name, digest in stated.items()):
        raise RoleError(f"the request {request.id} names other digests than its statement signs")
    if request.id in chain.asked:
        raise RoleError(f"the request {request.id} was asked before, in entry {chain.asked[request.id].index}")
    chain.asked[request.id] = logged
    chain.requests[request.id] = request


def said_at(predicate: Predicate) -> datetime:
    """Return the moment that a statement names for itself."""
    if isinstance(predicate, RequestPredicate):
        return predicate.request.requested
    for name in ("declared", "finished", "signed", "at"):
        moment = getattr(predicate, name, None)
        if isinstance(moment, datetime):
            return moment
    raise RoleError(f"the {predicate.kind} statement names no time")


def same_key(first: str, second: str) -> bool:
    """Whether two texts are one key: by its bytes, not by how it is written."""
    return raw_public(first) == raw_public(second)
