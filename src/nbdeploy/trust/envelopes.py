"""Envelopes of ours: in-toto statements signed as DSSE, read strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from nbdeploy.documents.record import first_problem, strict_json
from nbdeploy.documents.statements import (
    DecisionPredicate,
    DeploymentPredicate,
    ObjectivePredicate,
    Predicate,
    RequestPredicate,
    ResourceDescriptor,
    RevocationPredicate,
    Statement,
    ValidationPredicate,
)
from nbdeploy.errors import FormatError, SignatureError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.dsse import LIMIT, signers_of, unwrap, wrap
from nbdeploy.trust.keys import Signer

_DIGEST = re.compile(r"[0-9a-f]{64}")

PREDICATES: dict[str, type[Predicate]] = {
    model.predicate_type(): model
    for model in (
        ObjectivePredicate,
        ValidationPredicate,
        RequestPredicate,
        DecisionPredicate,
        DeploymentPredicate,
        RevocationPredicate,
    )
}


@dataclass(frozen=True)
class Opened:
    """A verified envelope.

    Attributes
    ----------
    subjects
        Digest (``sha256:…``) by name.
    digest
        Of the envelope's bytes: how later statements name it.
    payload
        Digest of what was signed. The same act in another envelope has the same one.
    signers
        Public keys whose signatures hold, each once.
    """

    statement: Statement
    predicate: Predicate
    kind: str
    subjects: Mapping[str, str]
    digest: str
    payload: str
    signers: tuple[str, ...]


@dataclass(frozen=True)
class Peeked:
    """An envelope's content, **not verified**: for display only."""

    kind: str
    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]


def sign(predicate: Predicate, subjects: Mapping[str, str], signer: Signer) -> bytes:
    """Return the bytes of a signed statement about `subjects` (name → ``sha256:…``).

    Raises
    ------
    FormatError
        It holds text that is none in Unicode, such as bytes of another encoding typed at a terminal.
    """
    statement = Statement(
        subject=tuple(
            ResourceDescriptor(name=name, digest={"sha256": digest.removeprefix("sha256:")})
            for name, digest in sorted(subjects.items())
        ),
        predicate_type=predicate.predicate_type(),
        predicate=predicate.model_dump(mode="json", by_alias=True),
    )
    text = json.dumps(statement.model_dump(mode="json", by_alias=True), ensure_ascii=False, allow_nan=False)
    try:
        return wrap(text.encode(), signer)
    except UnicodeEncodeError:
        raise FormatError("what is to be signed holds letters that are not UTF-8", next="type them again") from None


def open_envelope(data: bytes, publics: Iterable[str], *, known: Mapping[str, type[Predicate]] = PREDICATES) -> Opened:
    """Verify an envelope against the accepted keys and read it.

    Parameters
    ----------
    publics
        Accepted public keys. At least one signature must be by one of them; the caller decides whose it had to be.
    known
        Kinds of statements that may come, by predicate type; those of a ledger unless given.

    Raises
    ------
    FormatError
        Not the exact form of a DSSE envelope with an in-toto statement of ours.
    SignatureError
        No signature by an accepted key.
    """
    payload, signatures = unwrap(data)
    signers = signers_of(payload, signatures, publics)
    if not signers:
        raise SignatureError(
            "the envelope has no valid signature by a key that the policy names", next="nbdeploy policy check"
        )
    statement, predicate = _statement(payload, known)
    return Opened(
        statement=statement,
        predicate=predicate,
        kind=predicate.kind,
        subjects=_subjects(statement),
        digest=bytes_digest(data),
        payload=bytes_digest(payload),
        signers=signers,
    )


def peek(data: bytes) -> Peeked:
    """Read an envelope without verifying it. Nothing may be decided by what comes back."""
    payload, _ = unwrap(data)
    statement, predicate = _statement(payload, PREDICATES)
    return Peeked(predicate.kind, _subjects(statement), statement.predicate)


def _statement(payload: bytes, known: Mapping[str, type[Predicate]]) -> tuple[Statement, Predicate]:
    content = strict_json(payload, limit=LIMIT)
    for name in ("_type", "predicateType"):  # pydantic would take the fields' Python names too, which in-toto has not
        if name not in content:
            raise FormatError(f"not an in-toto statement: it does not say its {name}")
    try:
        statement = Statement.model_validate(content)
        model = known.get(statement.predicate_type)
        if model is None:
            raise FormatError(f"{statement.predicate_type[:80]!a} is not a statement of nbdeploy")
        # As JSON and strictly: "1" is no number, 1 is neither a text nor a time, and "yes" is not true.
        predicate = model.model_validate_json(json.dumps(statement.predicate), strict=True)
    except ValidationError as error:
        raise FormatError(f"not an in-toto statement: {first_problem(error)}") from None
    return statement, predicate


def _subjects(statement: Statement) -> dict[str, str]:
    found: dict[str, str] = {}
    for subject in statement.subject:
        digest = subject.digest.get("sha256", "")
        if not _DIGEST.fullmatch(digest):
            raise FormatError(f"the subject {subject.name[:80]!a} has no sha256 digest of 64 lower-case digits")
        if subject.name in found:
            raise FormatError(f"the subject {subject.name[:80]!a} stands twice")
        found[subject.name] = f"sha256:{digest}"
    return found
