"""Damaged envelopes without end, and the one question that is asked of each: read rightly, or refused?"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.documents.statements import PAYLOAD_TYPE, DecisionPredicate, ObjectivePredicate, ValidationPredicate
from nbdeploy.errors import FormatError, SignatureError
from nbdeploy.trust.envelopes import open_envelope, peek, sign
from nbdeploy.trust.keys import Signer, key_id

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_SUBJECTS = dict.fromkeys(("model", "card", "evidence", "objective", "policy", "request"), "sha256:" + "ab" * 32)
_PREDICATES = (
    ObjectivePredicate(name="churn", model="churn", declared=_MOMENT, by="Author"),
    ValidationPredicate(
        objective="churn",
        model="churn",
        attempt=1,
        overall="pass",
        gates={"performance.roc_auc": "pass"},
        by="ci",
        finished=_MOMENT,
    ),
    DecisionPredicate(
        request="r-00000001",
        model="churn",
        version="1",
        environment="production",
        decision="approval",
        by="Validator",
        signed=_MOMENT,
        not_before=_MOMENT,
        expires=_MOMENT,
    ),
)

# What parsers stumble over, put in at any place.
_TOKENS = (
    b"NaN", b"1e999", b"-0", b"1E-999", b"null", b"true", b"[", b"]", b"{", b"}", b'"', b",", b":", b"\\u0000",
    b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"\x00", b" ", b"=", b"-", b"_", b"[" * 150, b'{"a":' * 150, b"9" * 50,
    b'"_type":1,', b'"sig":"",', b'"keyid":7,', b"\xed\xa0\x80",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Return valid envelopes, the same in every run: ed25519 signatures are deterministic."""
    return [sign(predicate, _SUBJECTS, SIGNER) for predicate in _PREDICATES]


def payload_of(envelope: bytes) -> bytes:
    """Return what an envelope of ours signs."""
    return base64.b64decode(json.loads(envelope)["payload"])


def signed(payload: bytes) -> bytes:
    """Sign any bytes at all as a statement, as somebody with a key and a program of their own can."""
    pae = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    signature = {"keyid": key_id(SIGNER.public), "sig": base64.b64encode(SIGNER.private.sign(pae)).decode()}
    content = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}
    return json.dumps(content).encode()


def outcome(data: bytes, *, known: Sequence[bytes] = ()) -> str:
    """Return ``read`` or which of the two refusals it was; anything else is raised.

    Parameters
    ----------
    known
        Payloads that were really signed. With any, to read another one is an error.
    """
    try:
        opened = open_envelope(data, [SIGNER.public])
    except FormatError as refused:
        said = str(refused)
        assert said.isprintable(), said
        assert len(said) < 600, said
        return "FormatError"
    except SignatureError:
        return "SignatureError"
    payload = payload_of(data)
    assert not known or payload in known, "a statement that nobody signed was read"
    # A parser that knows none of our rules reads the same.
    plain = json.loads(payload)
    assert opened.subjects == {one["name"]: "sha256:" + one["digest"]["sha256"] for one in plain["subject"]}
    assert opened.statement.predicate == plain["predicate"] == peek(data).predicate
    return "read"


def mutated(corpus: Sequence[bytes], *, seed: int) -> Iterator[bytes]:
    """Yield damaged copies of the corpus for ever, one to four changes each."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    while True:
        data = bytearray(chance.choice(corpus))
        for _ in range(chance.randint(1, 4)):
            _damage(data, chance, corpus)
        yield bytes(data)


def _damage(data: bytearray, chance: random.Random, corpus: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    until = min(len(data), at + chance.choice((1, 2, 8, 64)))
    kind = chance.randrange(6)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del data[at:until]
    elif kind == 2:
        data[at:at] = data[at:until] * chance.choice((1, 1, 3))
    elif kind == 3:
        data[at:at] = chance.choice(_TOKENS)
    elif kind == 4:
        data[at:until] = chance.choice(_TOKENS)
    else:
        other = chance.choice(corpus)
        place = chance.randrange(len(other))
        data[at:until] = other[place : place + chance.choice((4, 32, 256))]
