"""Cases D1–D7 by properties: whatever comes in, an envelope is read in one way or refused with one sentence."""

from __future__ import annotations

import base64
import json
import math
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.hostile import SIGNER, mutated, outcome, payload_of, seeds, signed

from nbdeploy.documents.record import strict_json
from nbdeploy.documents.statements import PAYLOAD_TYPE, ObjectivePredicate, ValidationPredicate
from nbdeploy.errors import FormatError, SignatureError
from nbdeploy.trust.envelopes import open_envelope, peek, sign

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS = {"objective": "sha256:" + "ab" * 32}
VALID = sign(ObjectivePredicate(name="churn", model="churn", declared=MOMENT, by="Author"), SUBJECTS, SIGNER)
PAYLOAD = base64.b64decode(json.loads(VALID)["payload"])

_SCALARS = st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _SCALARS.filter(lambda value: not isinstance(value, float) or math.isfinite(value)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("payload", "payloadType", "signatures", "sig", "keyid", "_type", "subject", "predicateType", "predicate")
_NEAR = st.fixed_dictionaries(
    {},
    optional={name: _JSON | st.just(json.loads(VALID).get(name, PAYLOAD_TYPE)) for name in _FIELDS},
)


@given(
    st.binary(max_size=200)
    | _JSON.map(lambda value: json.dumps(value).encode())
    | _NEAR.map(json.dumps).map(str.encode)
)
def test_d3_any_bytes_are_read_or_refused_outside_and_inside(data: bytes):
    # Read is only what was really signed: hypothesis may put the parts of a valid envelope together again.
    assert outcome(data, known=[PAYLOAD]) in ("FormatError", "SignatureError", "read")
    assert outcome(signed(data)) in ("FormatError", "read")


@given(_JSON.filter(lambda value: isinstance(value, dict)))
def test_what_is_written_as_json_is_read_back(content: dict[str, Any]):
    assert strict_json(json.dumps(content).encode()) == content
    assert strict_json(json.dumps(content, ensure_ascii=False, indent=2).encode()) == content


@given(
    name=st.text(min_size=1),
    attempt=st.integers(1, 10**6),
    gates=st.dictionaries(st.text(), st.sampled_from(["pass", "fail", "inconclusive", "not_evaluated"]), max_size=5),
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
)
def test_what_is_signed_is_read_back(name: str, attempt: int, gates: dict[str, str], moment: datetime):
    predicate = ValidationPredicate(
        objective=name, model=name, attempt=attempt, overall="pass", gates=gates, by=name, finished=moment
    )
    data = sign(predicate, SUBJECTS, SIGNER)
    opened = open_envelope(data, [SIGNER.public])
    assert (opened.predicate, opened.subjects, opened.signers) == (predicate, SUBJECTS, (SIGNER.public,))
    assert peek(data).predicate == opened.statement.predicate


def test_d1_no_flipped_bit_makes_another_statement():
    """All of them, one after the other: most are refused, and what is read tells the same."""
    expected = open_envelope(VALID, [SIGNER.public])
    same = refused = 0
    for place in range(len(VALID) * 8):
        data = bytearray(VALID)
        data[place // 8] ^= 1 << place % 8
        try:
            opened = open_envelope(bytes(data), [SIGNER.public])
        except (FormatError, SignatureError):
            refused += 1
            continue
        same += 1
        assert (opened.payload, opened.signers) == (expected.payload, expected.signers)
        assert opened.digest != expected.digest
    # What may differ is white space around JSON's marks, and nothing else.
    assert same < 60 < refused


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: json.dumps(c, indent=4), id="white space"),
        pytest.param(lambda c: json.dumps(dict(reversed(c.items()))), id="order of keys"),
        pytest.param(lambda c: json.dumps(c, separators=(",", ":")), id="no white space"),
        pytest.param(lambda c: json.dumps(c).replace("payloadType", "payload\\u0054ype"), id="escaped letter"),
        pytest.param(lambda c: json.dumps(c).replace("/", "\\/"), id="escaped slash"),
    ],
)
def test_other_spellings_of_the_same_json_are_the_same_statement_in_another_envelope(change):
    data = change(json.loads(VALID)).encode()
    opened, expected = open_envelope(data, [SIGNER.public]), open_envelope(VALID, [SIGNER.public])
    assert (opened.predicate, opened.payload) == (expected.predicate, expected.payload)
    assert opened.digest != expected.digest


TEXT, WHEN = PAYLOAD.decode(), "2026-01-01T00:00:00Z"


def _with(more: str) -> str:
    return TEXT[:-1] + f', "x": {more}}}'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_with("[" * 200_000 + "]" * 200_000), id="D3 200,000 nested lists"),
        pytest.param(_with("[" * 200_000), id="D3 200,000 lists that do not end"),
        pytest.param("[" * 200_000, id="D3 nothing but brackets"),
        pytest.param(_with('{"a":' * 200_000 + "1" + "}" * 200_000), id="D3 200,000 nested objects"),
        pytest.param(_with("[" * 100 + "]" * 100), id="D3 one level too deep"),
        pytest.param(_with("[" * 900 + "]" * 900), id="D3 what Python's parser takes or not by its caller's depth"),
        pytest.param(_with("9" * 5000), id="D3 5,000 digits"),
        pytest.param(_with("-" + "9" * 41), id="D3 41 digits"),
        pytest.param(_with("1e999"), id="D3 1e999"),
        pytest.param(_with("-1e999"), id="D3 −1e999"),
        pytest.param(_with("1e" + "9" * 5000), id="D3 exponent of 5,000 digits"),
        pytest.param(_with("9" * 5000 + ".0"), id="D3 5,000 digits and a point"),
        pytest.param(_with("NaN"), id="D3 NaN"),
        pytest.param(_with("Infinity"), id="D3 Infinity"),
        pytest.param(_with("-Infinity"), id="D3 −Infinity"),
        pytest.param(_with("+1"), id="D3 plus sign"),
        pytest.param(_with("01"), id="D3 leading zero"),
        pytest.param(_with("0x1"), id="D3 hexadecimal"),
        pytest.param(_with("1_000"), id="D3 underscore"),
        pytest.param(_with("\uff11"), id="D3 digit of another script"),
        pytest.param(_with("'a'"), id="D3 single quotes"),
        pytest.param(_with("[1,]"), id="D3 comma at the end"),
        pytest.param(_with("1 /* no */"), id="D3 comment"),
        pytest.param(_with('"a\tb"'), id="D3 bare tab in a text"),
        pytest.param(_with('"\\ud800"'), id="D3 half a surrogate pair"),
        pytest.param(_with('"\\udc00\\ud800"'), id="D3 surrogates the wrong way round"),
        pytest.param(_with('{"\\uDFFF": 1}'), id="D3 half a surrogate pair in a key"),
        pytest.param("\ufeff" + TEXT, id="D3 byte-order mark"),
        pytest.param(TEXT + "{}", id="D3 a second document"),
        pytest.param(TEXT + "\x00", id="D3 trailing NUL"),
        pytest.param(TEXT + "\x0c", id="D3 trailing form feed"),
        pytest.param(TEXT + "\u00a0", id="D3 trailing no-break space"),
        pytest.param(_with('{"a": 1, "a": 1}'), id="D3 key twice, one level down"),
        pytest.param(_with('[[{"b": [{"a": 1, "a": 2}]}]]'), id="D3 key twice, deep down"),
        pytest.param(_with('{"ab": 1, "\\u0061b": 2}'), id="D3 key twice, once escaped"),
        pytest.param(_with('{"\\ud83d\\udc0d": 1, "\U0001f40d": 2}'), id="D3 key twice, once as a surrogate pair"),
        pytest.param(TEXT[:-1] + ', "\\u005ftype": "https://in-toto.io/Statement/v1"}', id="D3 _type twice, escaped"),
        pytest.param(TEXT.replace("predicateType", "predicate_type"), id="D2 predicateType by Python's name"),
        pytest.param(TEXT.replace('"_type"', '"type_"'), id="D2 _type by Python's name"),
        pytest.param(TEXT.replace(f'"{WHEN}"', "1767225600"), id="D2 time as a number"),
        pytest.param(TEXT.replace(WHEN, "1767225600"), id="D2 time as a number in a text"),
        pytest.param(TEXT.replace("-01T", "-01 "), id="D2 time as SQL writes it"),
        pytest.param(TEXT.replace("00:00:00Z", "00:00:00"), id="D2 time without a zone"),
        pytest.param(TEXT.replace(WHEN, "9999-12-31T23:59:59-12:00"), id="D2 time after the calendar"),
        pytest.param(TEXT.replace(WHEN, "0001-01-01T00:00:00+14:00"), id="D2 time before the calendar"),
        pytest.param(TEXT.replace('"after_results": false', '"after_results": "no"'), id="D2 a word for a truth"),
        pytest.param(TEXT.replace('"after_results": false', '"after_results": 0'), id="D2 a number for a truth"),
        pytest.param(TEXT.replace('"name": "churn"', '"name": 7'), id="D2 a number for a text"),
    ],
)  # fmt: skip
def test_what_two_readers_could_take_differently_is_refused(text: str):
    assert text != TEXT
    for data in (signed(text.encode()), text.encode()):
        with pytest.raises(FormatError) as refused:
            open_envelope(data, [SIGNER.public])
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("text", "means"),
    [
        pytest.param("-0", 0, id="minus nothing"),
        pytest.param("-0.0", 0.0, id="minus nothing, with a point"),
        pytest.param("1e-999", 0.0, id="too small to tell from nothing"),
        pytest.param("0e" + "9" * 50, 0.0, id="nothing, many times"),
        pytest.param("9" * 40, int("9" * 40), id="40 digits"),
        pytest.param('"\\ud83d\\udc0d"', "\U0001f40d", id="a whole surrogate pair"),
        pytest.param('"\\\\ud800"', "\\ud800", id="what only looks like half a pair"),
        pytest.param("[" * 98 + "]" * 98, None, id="98 levels inside an object's list"),
    ],
)
def test_what_all_readers_take_alike_is_read(text: str, means: Any):
    content = strict_json(b'{"x": ' + text.encode() + b"}")
    assert means is None or content == {"x": means}


def _respelt(text: str) -> list[str]:
    """Return the other texts that a careless decoder reads as the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = len(text.rstrip("=")) - 1
    others = [text[:last] + letter + text[last + 1 :] for letter in letters if letter != text[last]]
    same = [other for other in others if base64.b64decode(other) == base64.b64decode(text)]
    return [*same, text.replace("=", ""), text + "====", text[:4] + "\n" + text[4:], text[:4] + "=" + text[4:]]


def test_d5_base64_has_one_spelling():
    content = json.loads(VALID)
    signature = content["signatures"][0]["sig"]
    others = _respelt(signature)
    assert len(others) == 15 + 4  # two bytes too few for a group leave four bits, of sixteen spellings
    for other in others:
        changed = json.dumps(content | {"signatures": [content["signatures"][0] | {"sig": other}]})
        with pytest.raises(FormatError):
            open_envelope(changed.encode(), [SIGNER.public])


def test_d4_more_signatures_than_anybody_needs_are_not_tried():
    content = json.loads(VALID)
    content["signatures"] = [{"sig": content["signatures"][0]["sig"]}] * 33
    with pytest.raises(FormatError, match="33 signatures"):
        open_envelope(json.dumps(content).encode(), [SIGNER.public])


MEGABYTES = 3 * 1024 * 1024


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("[" + "[]," * (MEGABYTES // 3) + "[]]", id="a million lists"),
        pytest.param("{" + ",".join(f'"{n}":1' for n in range(300_000)) + ',"299999":1}', id="the 300,000th key twice"),
        pytest.param('"' + "\\u0041" * (MEGABYTES // 6) + '"', id="half a million escapes"),
        pytest.param("1." + "1" * MEGABYTES, id="a fraction of three million digits"),
        pytest.param("1" * MEGABYTES, id="an integer of three million digits"),
        pytest.param('"' + "\\ud800" * (MEGABYTES // 6) + '"', id="half a million half pairs"),
    ],
)  # fmt: skip
def test_d3_nothing_within_the_limit_takes_long(inside: str):
    start = time.process_time()
    outcome(b'{"x": ' + inside.encode() + b"}")
    assert time.process_time() - start < 5  # a fraction of a second here; what is quadratic takes minutes


def test_d2_a_statement_of_many_wrong_gates_is_refused_at_the_first():
    predicate = {"gates": dict.fromkeys(map(str, range(50_000)), "good")}
    content = json.loads(TEXT) | {"predicateType": ValidationPredicate.predicate_type(), "predicate": predicate}
    start = time.process_time()
    with pytest.raises(FormatError) as refused:
        open_envelope(signed(json.dumps(content).encode()), [SIGNER.public])
    assert time.process_time() - start < 5
    assert len(str(refused.value)) < 400


def test_d3_a_refusal_shows_no_letter_that_moves_a_cursor():
    predicate = {"gates": {"\x1b[2J\u202e": "good"}, "objective": "x", "model": "x", "by": "x", "overall": "pass"}
    predicate["finished"] = WHEN
    content = json.loads(TEXT) | {"predicateType": ValidationPredicate.predicate_type(), "predicate": predicate}
    with pytest.raises(FormatError) as refused:
        open_envelope(signed(json.dumps(content).encode()), [SIGNER.public])
    assert str(refused.value).isprintable()


def test_d3_random_damage_is_refused_or_does_not_matter():
    """A few seconds of tests/benchmarks/fuzz_envelopes.py, seeded."""
    known = [payload_of(seed) for seed in seeds()]
    found: Counter[str] = Counter()
    for data in islice(mutated([*seeds(), *known], seed=5), 4_000):
        found[outcome(data, known=known)] += 1
        found["signed " + outcome(signed(data))] += 1
    assert found.keys() == {"FormatError", "SignatureError", "read", "signed FormatError", "signed read"}
