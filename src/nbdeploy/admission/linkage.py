"""Linkage: the stored documents must be the signed ones, and tell what the validation and the request tell."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.approve.chain import Logged
from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import ValidationPredicate
from nbdeploy.errors import DigestError, LinkError
from nbdeploy.trust.digests import bytes_digest

# The file that a digest of the request is of.
_FILES = {"evidence": "evidence.json", "card": "card.json", "objective": "objective.yaml"}


def check_documents(
    request: Request, validation: Logged[ValidationPredicate], documents: Mapping[str, bytes]
) -> Evidence:
    """Hold the stored documents to the signed digests, and what they say to each other; return the evidence.

    Raises
    ------
    DigestError
        A document is missing, or is not the bytes that were signed.
    FormatError
        What was signed as evidence or card is none.
    LinkError
        Two of them are about different things, or the request hides a gate that did not pass.
    """
    for name, file in _FILES.items():
        _check_bytes(request, documents, file, getattr(request.digests, name))
    if "card.html" in documents:
        _check_bytes(request, documents, "card.html", validation.subjects["card.html"])
    evidence = Evidence.from_bytes(documents["evidence.json"])
    card = Card.from_bytes(documents["card.json"])
    said = validation.predicate
    content = evidence.objective.content
    model = evidence.subject.model
    found = {finding.id: finding.verdict for finding in evidence.gated()}
    for what, one, other in (
        ("the card's evidence", card.evidence, request.digests.evidence),
        ("the card's verdict", card.verdict, evidence.verdict),
        ("what the card tells", card.findings, evidence.findings),
        ("the validated model", model.digest if model else None, request.digests.model),
        ("the objective's digest", evidence.objective.digest, request.digests.objective),
        ("the objective's name", (evidence.objective.name, said.objective), (request.objective,) * 2),
        ("the model's name", (content.governed_model, said.model), (request.model,) * 2),
        ("the risk tier", content.risk_tier, request.risk_tier),
        ("the endpoint", content.served_at, request.endpoint),
        ("the attempt", evidence.run.attempt, said.attempt),
        ("the overall verdict", evidence.verdict.overall, said.overall),
        ("the signed gates", evidence.verdict.gates, said.gates),
        ("the gates", (found, len(evidence.gated())), (evidence.verdict.gates, len(evidence.verdict.gates))),
        ("the failed gates", _with(evidence, "fail"), sorted(request.failed)),
        ("the undecided gates", _with(evidence, "inconclusive", "not_evaluated"), sorted(request.undecided)),
    ):
        if one != other:
            raise LinkError(f"{what} in the evidence of {request.id} and in what was signed or asked are not the same")
    return evidence


def _check_bytes(request: Request, documents: Mapping[str, bytes], file: str, signed: str) -> None:
    if file not in documents:
        raise DigestError(f"the registry holds no {file} for {request.id}")
    if bytes_digest(documents[file]) != signed:
        raise DigestError(f"{file} in the registry is not the one that was signed for {request.id}")


def _with(evidence: Evidence, *verdicts: str) -> list[str]:
    return sorted(finding.id for finding in evidence.gated() if finding.verdict in verdicts)
