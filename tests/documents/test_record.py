from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbdeploy.documents.finding import worst
from nbdeploy.documents.measurement import GroupValue, Measurement
from nbdeploy.documents.record import group_label, strict_json
from nbdeploy.errors import FormatError


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1} x',
        b"[1]",
        b"",
        b"\xff",
    ],
    ids=[
        "twice",
        "twice-inside",
        "nan",
        "infinity",
        "1e999",
        "5000-digits",
        "deep",
        "deep-objects",
        "bom",
        "trailing",
        "list",
        "empty",
        "bytes",
    ],
)
def test_json_that_two_parsers_could_read_differently_is_refused(text: bytes):
    with pytest.raises(FormatError):
        strict_json(text)


def test_a_document_over_the_limit_is_refused():
    with pytest.raises(FormatError):
        strict_json(b'{"a": 1}', limit=4)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text()))
def test_plain_json_is_read_as_it_is(content: dict[str, object]):
    import json

    assert strict_json(json.dumps(content).encode()) == content


@given(st.floats(allow_nan=False))
def test_a_number_survives_storing(value: float):
    stored = Measurement(section="data", metric="x", value=value, interval=(value, float("inf")))
    assert Measurement.model_validate_json(stored.model_dump_json()) == stored


def test_an_undefined_number_is_none_never_nan():
    assert Measurement(section="data", metric="x", value=float("nan")).value is None


def test_ids_name_the_features_and_the_slice():
    found = Measurement(section="fairness", metric="demographic_parity_ratio", features=("sex", "age_band"))
    assert found.id == "fairness.demographic_parity_ratio:sex,age_band"
    assert Measurement(section="performance", metric="recall", slice="age >= 65").id == "performance.recall@age >= 65"


def test_overall_is_the_worst_and_nothing_is_not_evaluated():
    assert worst(["pass", "inconclusive"]) == "inconclusive"
    assert worst(["inconclusive", "not_evaluated"]) == "not_evaluated"
    assert worst(["not_evaluated", "fail", "pass"]) == "fail"
    assert worst([]) == "not_evaluated"


def test_a_group_reads_as_people_write_it():
    assert group_label({"sex": 2, "age_band": "60+"}) == "sex=2, age_band=60+"
    assert group_label(GroupValue(group={}, n=3).group) == "all"
