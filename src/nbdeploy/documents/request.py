"""The request: one version, asked into one environment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from nbdeploy.documents.evidence import Digest
from nbdeploy.documents.objective import RiskTier, Rollout
from nbdeploy.documents.record import Document, Instant, Record


class DigestSet(Record):
    """The bytes that a request is about. An approval repeats all of them."""

    model: Digest
    card: Digest
    evidence: Digest
    objective: Digest
    policy: Digest


class Request(Document):
    """The document of the stage *register*: asks that `model`/`version` be served at `endpoint` in `environment`.

    Attributes
    ----------
    ledger
        The public key of the one ledger that it counts in: elsewhere, logged again by somebody, it says nothing.
    risk_tier
        What the objective says of itself. Policy may ask more signatures for a higher one.
    scan
        What the file scan found that only a signed waiver lets through, by the ids that such a waiver names as its gate
        (``scan:unknown:my_package.MyStep``). The deployer scans the bytes again and goes by what it finds itself.
    """

    schema_name: ClassVar[str] = "request"

    schema_: Literal["nbdeploy.request/1"] = Field(default="nbdeploy.request/1", alias="schema")
    id: str = Field(pattern=r"^r-[0-9a-f]{8}$")
    ledger: str
    objective: str
    model: str
    version: str
    endpoint: str
    environment: str
    risk_tier: RiskTier = "medium"
    rollout: Rollout
    digests: DigestSet
    validation: Digest
    requester: str
    requested: Instant
    undecided: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    scan: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The version as people write it: ``model/3``."""
        return f"{self.model}/{self.version}"
