"""Envelopes: in-toto statements signed as DSSE, read strictly.

securesystemslib makes and checks the signatures. What it leaves open is closed here: duplicate JSON keys, base64 that
two decoders could read differently, key ids that name another key, and one key signing twice.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # the library re-exports them without saying so
    CryptoSigner,
    Signature,
    SSlibKey,
)

from nbdeploy.documents.record import first_problem, strict_json
from nbdeploy.documents.statements import (
    PAYLOAD_TYPE,
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
from nbdeploy.trust.keys import Signer, key_id, raw_public

_LIMIT = 4 * 1024 * 1024
_SIGNATURES = 32  # a signature without a key id is tried with every accepted key, so that many would hold a reader up
_DIGEST = re.compile(r"[0-9a-f]{64}")
_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the ed25519 group, RFC 8032 section 5.1

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
    """Return the bytes of a signed statement about `subjects` (name → ``sha256:…``)."""
    statement = Statement(
        subject=tuple(
            ResourceDescriptor(name=name, digest={"sha256": digest.removeprefix("sha256:")})
            for name, digest in sorted(subjects.items())
        ),
        predicate_type=predicate.predicate_type(),
        predicate=predicate.model_dump(mode="json", by_alias=True),
    )
    payload = json.dumps(statement.model_dump(mode="json", by_alias=True), ensure_ascii=False, allow_nan=False).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(signer.private, _library_key(signer.public)))
    return json.dumps(envelope.to_dict()).encode()


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
    payload, signatures = _unwrap(data)
    signers = _signers(payload, signatures, publics)
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
    payload, _ = _unwrap(data)
    statement, predicate = _statement(payload, PREDICATES)
    return Peeked(predicate.kind, _subjects(statement), statement.predicate)


def _library_key(public: str) -> SSlibKey:
    raw = raw_public(public)
    return SSlibKey(key_id(public), "ed25519", "ed25519", {"public": raw.hex()})


def _unwrap(data: bytes) -> tuple[bytes, list[tuple[str | None, bytes]]]:
    """Return the payload and (key id, signature) pairs of an envelope whose form is exact."""
    envelope = strict_json(data, limit=_LIMIT)
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise FormatError(f"the payload type is {str(envelope.get('payloadType'))[:60]!a}, not {PAYLOAD_TYPE!r}")
    listed = envelope.get("signatures")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise FormatError("the envelope's signatures are not a list of objects")
    if not listed:
        raise SignatureError("the envelope has no signature")
    if len(listed) > _SIGNATURES:
        raise FormatError(f"the envelope has {len(listed)} signatures, and the limit is {_SIGNATURES}")
    signatures = []
    for entry in listed:
        named = entry.get("keyid")
        if named is not None and not isinstance(named, str):
            raise FormatError("a key id is not a text")
        signatures.append((named or None, _base64(entry.get("sig"), "a signature")))
    return _base64(envelope.get("payload"), "the payload"), signatures


def _base64(text: Any, what: str) -> bytes:
    """Decode standard or URL-safe base64 (DSSE allows both), padded, without white space, each value in one spelling.

    The last letter before the padding carries bits that belong to no byte. Some decoders refuse them unless they are
    zero and others pass over them (RFC 4648, section 3.5).
    """
    if not isinstance(text, str) or len(text) % 4:
        raise FormatError(f"{what} is not padded base64")
    try:
        for form, letters in ((_STANDARD, b"+/"), (_URL_SAFE, b"-_")):
            if form.fullmatch(text):
                decoded = base64.b64decode(text, altchars=letters, validate=True)
                if base64.b64encode(decoded, altchars=letters) == text.encode():
                    return decoded
    except binascii.Error:
        pass  # the sentence below says it for every form
    raise FormatError(f"{what} is not base64 in its one spelling")


def _signers(payload: bytes, signatures: list[tuple[str | None, bytes]], publics: Iterable[str]) -> tuple[str, ...]:
    """Return the accepted keys that signed, each once, whatever the envelope calls them.

    A key id is a hint (DSSE): a missing one tries every accepted key; one that names another key proves nothing.
    """
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    accepted = {key_id(public): public for public in publics}
    found: dict[str, None] = {}
    for named, signature in signatures:
        if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= _ORDER:
            continue  # not an ed25519 signature, or one with a second encoding (RFC 8032 section 5.1.7)
        for identity in [named] if named else list(accepted):
            if identity not in accepted:
                continue
            try:
                _library_key(accepted[identity]).verify_signature(Signature(identity, signature.hex()), envelope.pae())
            except (UnverifiedSignatureError, VerificationError):
                continue
            found[accepted[identity]] = None
    return tuple(found)


def _statement(payload: bytes, known: Mapping[str, type[Predicate]]) -> tuple[Statement, Predicate]:
    content = strict_json(payload, limit=_LIMIT)
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
