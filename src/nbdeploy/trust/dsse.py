"""DSSE: bytes with signatures around them.

securesystemslib makes and checks the signatures. What it leaves open is closed here: duplicate JSON keys, base64 that
two decoders could read differently, key ids that name another key, and one key signing twice.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # the library re-exports them without saying so
    CryptoSigner,
    Signature,
    SSlibKey,
)

from nbdeploy.documents.record import strict_json
from nbdeploy.documents.statements import PAYLOAD_TYPE
from nbdeploy.errors import FormatError, SignatureError
from nbdeploy.trust.keys import Signer, key_id, raw_public

LIMIT = 4 * 1024 * 1024
"""Bytes that an envelope, or what it holds, may have."""
_SIGNATURES = 32  # a signature without a key id is tried with every accepted key, so that many would hold a reader up
_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*={0,2}")
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the ed25519 group, RFC 8032 section 5.1


def wrap(payload: bytes, signer: Signer) -> bytes:
    """Return the bytes of an envelope around a payload, with one signature."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(signer.private, _library_key(signer.public)))
    return json.dumps(envelope.to_dict()).encode()


def unwrap(data: bytes) -> tuple[bytes, list[tuple[str | None, bytes]]]:
    """Return the payload and (key id, signature) pairs of an envelope whose form is exact.

    Raises
    ------
    FormatError
        It is not.
    SignatureError
        There is no signature.
    """
    envelope = strict_json(data, limit=LIMIT)
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


def signers_of(payload: bytes, signatures: list[tuple[str | None, bytes]], publics: Iterable[str]) -> tuple[str, ...]:
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


def _library_key(public: str) -> SSlibKey:
    raw = raw_public(public)
    return SSlibKey(key_id(public), "ed25519", "ed25519", {"public": raw.hex()})


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
