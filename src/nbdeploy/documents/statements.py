"""Statements: in-toto Statement v1 with a predicate of ours. What is signed, and by that binds somebody.

Predicates ignore fields that they do not know (in-toto's monotonic principle); nothing is ever decided by such a field.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from nbdeploy.documents.finding import Verdict
from nbdeploy.documents.record import Instant, Record
from nbdeploy.documents.request import Request

STATEMENT_TYPE: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_PREFIX = "urn:nbdeploy:"


class Predicate(BaseModel):
    """Base of predicates: frozen, lenient towards unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    kind: ClassVar[str]

    @classmethod
    def predicate_type(cls) -> str:
        """``urn:nbdeploy:<kind>:1``."""
        return f"{PREDICATE_PREFIX}{cls.kind}:1"


class ResourceDescriptor(Record):
    """An in-toto subject: a name and the digest of what it names."""

    name: str
    digest: dict[str, str]

    model_config = ConfigDict(frozen=True, extra="ignore")


class Statement(BaseModel):
    """An in-toto Statement v1."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT_TYPE, alias="_type")
    subject: tuple[ResourceDescriptor, ...] = Field(min_length=1)
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]


class ObjectivePredicate(Predicate):
    """Subjects: ``objective``. Says that this text was in force from `declared`."""

    kind: ClassVar[str] = "objective"
    name: str
    model: str
    declared: Instant
    by: str
    after_results: bool = False


class ValidationPredicate(Predicate):
    """Subjects: ``model`` (absent without one), ``evidence``, ``card``, ``card.html``, ``objective``.

    `attempt` is the number as its maker knew it, None where the ledger could not be asked; the ledger's order decides.
    """

    kind: ClassVar[str] = "validation"
    objective: str
    model: str
    attempt: int | None = None
    overall: Verdict
    gates: dict[str, Verdict]
    data: str | None = None
    by: str
    finished: Instant


class RequestPredicate(Predicate):
    """Subjects: ``model``, ``card``, ``evidence``, ``objective``, ``policy``, ``validation`` (the envelope)."""

    kind: ClassVar[str] = "request"
    request: Request


class Condition(BaseModel):
    """Something that the approver asks for, with who does it by when."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    text: str
    owner: str
    by: date


class Waiver(BaseModel):
    """A failed gate that goes through all the same, for a while, with a reason.

    `gate` may be a finding of the file scan (``scan:unknown:package.Class``). The approval ends when it does.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    gate: str
    reason: str
    expires: Instant


class DecisionPredicate(Predicate):
    """An approval, question, return or rejection.

    Subjects: ``model``, ``card``, ``evidence``, ``objective``, ``policy`` (the one that the signer went by, of version
    `policy_version`), ``request`` (the envelope). `unattended` is True when no person sat at the terminal (a demo or a
    test).
    """

    kind: ClassVar[str] = "decision"
    request: str
    model: str
    version: str
    environment: str
    decision: Literal["approval", "question", "return", "rejection"]
    by: str
    reason: str = ""
    acknowledged: tuple[str, ...] = ()
    waived: tuple[Waiver, ...] = ()
    conditions: tuple[Condition, ...] = ()
    policy_version: int | None = None
    signed: Instant
    not_before: Instant
    expires: Instant
    unattended: bool = False


class DeploymentPredicate(Predicate):
    """Subjects: ``model``, ``request`` and every ``approval`` envelope. What the controller did."""

    kind: ClassVar[str] = "deployment"
    request: str
    model: str
    version: str
    endpoint: str
    environment: str
    action: Literal["started", "promoted", "completed", "rolled_back", "refused", "withdrawn", "held"]
    weight: float | None = None
    reason: str = ""
    at: Instant


class RevocationPredicate(Predicate):
    """Subjects: ``model``, ``request`` (the envelope) and every ``approval-N`` envelope that holds no longer."""

    kind: ClassVar[str] = "revocation"
    request: str
    model: str
    version: str
    by: str
    reason: str
    at: Instant


class PolicyPredicate(Predicate):
    """Subjects: ``policy``. Says that this version is in force after the one of digest `previous`.

    It is no statement of a ledger: it lies beside the policy's file, with the signatures of as many roots as are asked.
    """

    kind: ClassVar[str] = "policy"
    version: int
    previous: str | None = None
    expires: date | None = None
