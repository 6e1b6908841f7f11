"""What a verified ledger says, in order: the statements that count, each with who made it and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

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
from nbdeploy.errors import NotApprovedError, closest
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.names import shown
from nbdeploy.trust.policy.document import Principal

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
    """All verified statements, in log order. What failed stands in `ignored` with its reason.

    Attributes
    ----------
    ledger
        The public key of the ledger that they were read from.
    attempts
        The number of each validation among those of its objective, by its envelope's digest. It grows with every one:
        a number that was told twice, or not at all, is the next one.
    """

    ledger: str | None = None
    objectives: list[Logged[ObjectivePredicate]] = field(default_factory=list)
    validations: dict[str, Logged[ValidationPredicate]] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    asked: dict[str, Logged[RequestPredicate]] = field(default_factory=dict)
    decisions: dict[str, list[Logged[DecisionPredicate]]] = field(default_factory=dict)
    deployments: dict[str, list[Logged[DeploymentPredicate]]] = field(default_factory=dict)
    revocations: dict[str, list[Logged[RevocationPredicate]]] = field(default_factory=dict)
    ignored: list[tuple[Entry, str]] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    _latest: dict[str, int] = field(default_factory=dict)

    def add_validation(self, logged: Logged[ValidationPredicate]) -> None:
        """Take the next validation of an objective, and number it."""
        objective = logged.predicate.objective
        number = max(self._latest.get(objective, 0) + 1, logged.predicate.attempt or 0)
        self.attempts[logged.digest] = self._latest[objective] = number
        self.validations[logged.digest] = logged

    def statements(self) -> Iterator[Logged[Any]]:
        """Yield every statement that counts, kind by kind."""
        yield from self.objectives
        yield from self.validations.values()
        yield from self.asked.values()
        for decided in self.decisions.values():
            yield from decided
        for deployed in self.deployments.values():
            yield from deployed
        for revoked in self.revocations.values():
            yield from revoked

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
                f"the ledger holds no request {shown(request_id)}{closest(request_id, tuple(self.asked))}",
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
