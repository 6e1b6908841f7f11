"""Cases D1–D7 and A4 of the attack list: what counts as a signed statement."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nbdeploy.documents.statements import PAYLOAD_TYPE, ObjectivePredicate
from nbdeploy.errors import FormatError, PolicyError, Refusal, SignatureError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import open_envelope, peek, sign
from nbdeploy.trust.keys import Signer, key_id

ANA, VERA = Signer(Ed25519PrivateKey.generate()), Signer(Ed25519PrivateKey.generate())
SUBJECTS = {"objective": "sha256:" + "ab" * 32}
PREDICATE = ObjectivePredicate(name="churn", model="churn", declared=datetime(2026, 1, 1, tzinfo=UTC), by="Ana")
ORDER = 2**252 + 27742317777372353535851937790883648493


def envelope() -> dict[str, Any]:
    return json.loads(sign(PREDICATE, SUBJECTS, ANA))


def payload(**changes: Any) -> dict[str, Any]:
    content = json.loads(base64.b64decode(envelope()["payload"]))
    content |= changes
    return {key: value for key, value in content.items() if value is not None}


def signed(data: bytes, *, kind: str = PAYLOAD_TYPE, key: Signer = ANA) -> bytes:
    """Sign any payload at all, as somebody with a key and a program of their own can."""
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(data), data)
    signature = {"keyid": key_id(key.public), "sig": base64.b64encode(key.private.sign(pae)).decode()}
    content = {"payload": base64.b64encode(data).decode(), "payloadType": kind, "signatures": [signature]}
    return json.dumps(content).encode()


def test_what_was_signed_is_what_is_read():
    data = sign(PREDICATE, SUBJECTS, ANA)
    opened = open_envelope(data, [VERA.public, ANA.public])
    assert opened.predicate == PREDICATE
    assert opened.kind == "objective"
    assert opened.subjects == SUBJECTS
    assert opened.signers == (ANA.public,)
    assert opened.digest == bytes_digest(data)
    assert opened.statement.predicate_type == "urn:nbdeploy:objective:1"


def test_signature_is_over_the_encoding_of_the_dsse_specification():
    """Protocol.md of secure-systems-lab/dsse: PAE("http://example.com/HelloWorld", "hello world")."""
    from securesystemslib.dsse import Envelope

    published = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert Envelope(b"hello world", "http://example.com/HelloWorld", {}).pae() == published
    assert open_envelope(signed(json.dumps(payload()).encode()), [ANA.public]).signers == (ANA.public,)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param("application/json", FormatError, id="D1 another payload type"),
        pytest.param("application/vnd.in-toto+JSON", FormatError, id="D1 other case"),
    ],
)
def test_only_in_toto_payloads_are_read(kind: str, error: type[Refusal]):
    with pytest.raises(error):
        open_envelope(signed(json.dumps(payload()).encode(), kind=kind), [ANA.public])


def test_d1_type_changed_after_signing():
    data = signed(json.dumps(payload()).encode(), kind="application/json")
    with pytest.raises(SignatureError):
        open_envelope(data.replace(b"application/json", PAYLOAD_TYPE.encode()), [ANA.public])


HEX = "ab" * 32


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"_type": "https://in-toto.io/Statement/v0.1"}, id="D2 old statement type"),
        pytest.param({"_type": None}, id="D2 no statement type"),
        pytest.param({"predicateType": "urn:nbdeploy:coffee:1"}, id="D2 unknown predicate"),
        pytest.param({"predicateType": "urn:nbdeploy:objective:2"}, id="D2 unknown version"),
        pytest.param({"subject": []}, id="D2 no subject"),
        pytest.param({"subject": [{"name": "objective", "digest": {"md5": "00" * 16}}]}, id="D2 md5 only"),
        pytest.param({"subject": [{"name": "objective", "digest": {"sha1": "00" * 20}}]}, id="D2 sha1 only"),
        pytest.param({"subject": [{"name": "objective", "digest": {"sha256": HEX.upper()}}]}, id="D2 upper case"),
        pytest.param({"subject": [{"name": "objective", "digest": {"sha256": HEX[1:]}}]}, id="D2 63 digits"),
        pytest.param({"subject": [{"name": "objective", "digest": {"sha256": HEX + "\n"}}]}, id="D2 line end"),
        pytest.param({"subject": [{"name": "a", "digest": {"sha256": HEX}}] * 2}, id="one name twice"),
        pytest.param({"predicate": {"name": "churn"}}, id="predicate without its fields"),
        pytest.param({"predicate": []}, id="predicate is a list"),
    ],
)
def test_statements_of_another_form_are_refused(changes: dict[str, Any]):
    with pytest.raises(FormatError):
        open_envelope(signed(json.dumps(payload(**changes)).encode()), [ANA.public])


TEXT = json.dumps(payload())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT[:-1] + ', "_type": "https://in-toto.io/Statement/v1"}', id="D3 key twice"),
        pytest.param(TEXT[:-1] + ', "x": NaN}', id="D3 NaN"),
        pytest.param(TEXT[:-1] + ', "x": 1e999}', id="D3 infinite number"),
        pytest.param(TEXT[:-1] + ', "x": ' + "9" * 5000 + "}", id="D3 5000 digits"),
        pytest.param(TEXT[:-1] + ', "x": ' + "[" * 200_000 + "]" * 200_000 + "}", id="D3 nested too deeply"),
        pytest.param("\ufeff" + TEXT, id="D3 byte-order mark"),
        pytest.param(TEXT + "{}", id="D3 trailing bytes"),
        pytest.param("[]", id="D3 not an object"),
        pytest.param("", id="D3 empty"),
    ],
)
def test_json_that_two_parsers_could_read_differently_is_refused_inside_and_outside(data: str):
    with pytest.raises(FormatError):
        open_envelope(signed(data.encode()), [ANA.public])
    with pytest.raises(FormatError):
        open_envelope(data.encode(), [ANA.public])


def test_d3_a_50_mb_envelope_is_not_even_parsed():
    with pytest.raises(FormatError, match="over the limit"):
        open_envelope(b" " * 50_000_000, [ANA.public])


def edited(change: Callable[[dict[str, Any]], None]) -> bytes:
    content = envelope()
    change(content)
    return json.dumps(content).encode()


def _sig(content: dict[str, Any]) -> dict[str, Any]:
    return content["signatures"][0]


def _url_safe(content: dict[str, Any]) -> None:
    for holder, name in ((content, "payload"), (_sig(content), "sig")):
        holder[name] = base64.urlsafe_b64encode(base64.b64decode(holder[name])).decode()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: None, id="as signed"),
        pytest.param(lambda c: _sig(c).pop("keyid"), id="D4 no key id: every accepted key is tried"),
        pytest.param(lambda c: _sig(c).update(keyid=""), id="D4 empty key id"),
        pytest.param(_url_safe, id="D5 URL-safe base64"),
        pytest.param(lambda c: c.update(note="x"), id="D6 unknown field"),
        pytest.param(lambda c: c["signatures"].append(dict(_sig(c))), id="A4 the same signature twice"),
        pytest.param(
            lambda c: c["signatures"].append({"keyid": key_id(VERA.public), "sig": "AAAA"}), id="A4 garbage beside it"
        ),
    ],
)
def test_forms_that_dsse_allows_are_read_and_a_key_counts_once(change):
    assert open_envelope(edited(change), [VERA.public, ANA.public]).signers == (ANA.public,)


def test_d6_unknown_fields_of_the_statement_are_ignored():
    data = payload(extra=1, predicate=payload()["predicate"] | {"approved": True})
    assert open_envelope(signed(json.dumps(data).encode()), [ANA.public]).predicate == PREDICATE


def _scalar(content: dict[str, Any]) -> None:
    raw = base64.b64decode(_sig(content)["sig"])
    other = int.from_bytes(raw[32:], "little") + ORDER
    _sig(content)["sig"] = base64.b64encode(raw[:32] + other.to_bytes(32, "little")).decode()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(lambda c: _sig(c).update(keyid="0" * 64), SignatureError, id="D4 unknown key id"),
        pytest.param(lambda c: _sig(c).update(keyid=key_id(VERA.public)), SignatureError, id="D4 id of another key"),
        pytest.param(lambda c: _sig(c).update(keyid=7), FormatError, id="D4 key id is no text"),
        pytest.param(lambda c: c.update(signatures=[]), SignatureError, id="D4 no signatures"),
        pytest.param(lambda c: c.pop("signatures"), FormatError, id="D4 no list of signatures"),
        pytest.param(lambda c: c.update(signatures=["x"]), FormatError, id="signature is no object"),
        pytest.param(lambda c: _sig(c).update(sig=_sig(c)["sig"].rstrip("=")), FormatError, id="D5 unpadded"),
        pytest.param(lambda c: c.update(payload=c["payload"] + "\n"), FormatError, id="D5 white space"),
        pytest.param(lambda c: c.update(payload="????"), FormatError, id="D5 junk"),
        pytest.param(lambda c: c.update(payload=7), FormatError, id="payload is no text"),
        pytest.param(lambda c: _sig(c).update(sig="A" * 84), SignatureError, id="D7 63 bytes"),
        pytest.param(_scalar, SignatureError, id="D7 S not reduced"),
        pytest.param(
            lambda c: c.update(payload=base64.b64encode(TEXT.replace("churn", "fraud").encode()).decode()),
            SignatureError,
            id="payload exchanged",
        ),
    ],
)
def test_anything_else_is_refused(change, error: type[Refusal]):
    with pytest.raises(error):
        open_envelope(edited(change), [VERA.public, ANA.public])


def test_a_key_that_is_not_accepted_does_not_count():
    with pytest.raises(SignatureError):
        open_envelope(sign(PREDICATE, SUBJECTS, ANA), [VERA.public])
    with pytest.raises(SignatureError):
        open_envelope(sign(PREDICATE, SUBJECTS, ANA), [])


@pytest.mark.parametrize(
    "point",
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ],
)
def test_d7_a_key_of_small_order_verifies_what_nobody_signed_and_is_no_key(point: str):
    with pytest.raises(PolicyError, match="small order"):
        key_id("ed25519:" + base64.b64encode(bytes.fromhex(point)).decode())


def test_peek_reads_without_believing():
    seen = peek(edited(lambda c: _sig(c).update(sig="A" * 88)))
    assert seen.kind == "objective"
    assert seen.predicate["name"] == "churn"


def test_letters_of_another_encoding_are_refused_before_anything_is_signed():
    """A terminal hands on bytes that are no UTF-8 as lone surrogates."""
    with pytest.raises(FormatError, match="not UTF-8"):
        sign(PREDICATE.model_copy(update={"by": "a\udcff"}), SUBJECTS, ANA)
