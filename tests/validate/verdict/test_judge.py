from __future__ import annotations

import math

import pytest

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.validate.verdict.judge import judge, judge_groups

INF = math.inf


def gate(condition):
    return Gate.model_validate(condition)


@pytest.mark.parametrize(
    ("condition", "interval", "verdict"),
    [
        (">= 0.8", (0.81, 0.9), "pass"),
        (">= 0.8", (0.8, 0.9), "pass"),  # the bound itself satisfies
        (">= 0.8", (0.7, 0.79), "fail"),
        (">= 0.8", (0.7, 0.8), "inconclusive"),  # its upper end satisfies
        (">= 0.8", (0.7, 0.9), "inconclusive"),
        ("> 0.8", (0.8, 0.9), "inconclusive"),
        ("> 0.8", (0.7, 0.8), "fail"),
        ("<= 0.1", (0.0, 0.1), "pass"),
        ("<= 0.1", (0.11, 0.2), "fail"),
        ("<= 0.1", (0.1, 0.2), "inconclusive"),
        ("< 0.1", (0.0, 0.1), "inconclusive"),
        ("< 0.1", (0.1, 0.2), "fail"),
        ({"min": 0.4, "max": 0.6}, (0.45, 0.55), "pass"),
        ({"min": 0.4, "max": 0.6}, (0.3, 0.39), "fail"),
        ({"min": 0.4, "max": 0.6}, (0.61, 0.7), "fail"),
        ({"min": 0.4, "max": 0.6}, (0.3, 0.7), "inconclusive"),
        (">= 0.8", (0.9, INF), "pass"),
        ("<= 0.8", (None, 0.9), "inconclusive"),  # a limit that is not known is infinite
    ],
)
def test_the_whole_interval_decides(condition, interval, verdict):
    value = 0.5 if None in interval or INF in interval else sum(interval) / 2
    assert judge(gate(condition), value, interval, "interval", None).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(0.85, "pass"), (0.8, "pass"), (0.79, "fail")])
def test_point_decides_by_value_and_says_so(value, verdict):
    judged = judge(gate(">= 0.8"), value, (0.6, 0.95), "point", None)
    assert judged.verdict == verdict
    assert "decide: point" in judged.reason


def test_without_interval_the_value_decides_and_the_reason_says_so():
    judged = judge(gate("<= 50"), 26.7, None, "interval", None)
    assert judged.verdict == "pass"
    assert "no interval" in judged.reason


def test_an_equality_is_judged_by_its_value():
    assert judge(gate("== 0"), 0.0, (0.0, 0.01), "interval", None).verdict == "pass"
    judged = judge(gate("== 0"), 0.002, (0.001, 0.01), "interval", None)
    assert judged.verdict == "fail"
    assert "one exact value" in judged.reason


@pytest.mark.parametrize(
    ("value", "interval", "verdict"),
    [
        (0.0, (0.0, 0.0), "pass"),
        (0.0, (0.0, 2.0), "inconclusive"),
        (1.0, (0.0, 2.0), "inconclusive"),
        (1.0, (1.0, 2.0), "fail"),
    ],
)
def test_an_equality_on_a_count_is_judged_by_its_limits(value, interval, verdict):
    assert judge(gate("== 0"), value, interval, "interval", None).verdict == verdict
    assert judge(gate("== 0"), value, interval, "point", None).verdict == ("fail" if value else "pass")


@pytest.mark.parametrize("value", [None, math.nan])
def test_undefined_is_never_a_pass(value):
    judged = judge(gate(">= 0"), value, None, "point", "0/0 is undefined")
    assert judged.verdict == "not_evaluated"
    assert judged.reason == "0/0 is undefined"


def group(name, value, interval, *, excluded=False):
    return GroupValue(group={"sex": name}, n=100, denominator=50, value=value, interval=interval, excluded=excluded)


GOOD, BAD, OPEN = (0.85, (0.82, 0.9)), (0.6, (0.5, 0.7)), (0.8, (0.7, 0.9))


@pytest.mark.parametrize(
    ("groups", "verdict", "named"),
    [
        ([group("f", *GOOD), group("m", *GOOD)], "pass", "sex=f"),
        ([group("f", *GOOD), group("m", *BAD)], "fail", "sex=m"),
        ([group("f", *OPEN), group("m", *GOOD)], "inconclusive", "sex=f"),
        ([group("f", *OPEN), group("m", *BAD)], "fail", "sex=m"),
        ([group("f", *GOOD), group("m", *BAD, excluded=True)], "pass", "sex=f"),
        ([group("f", *GOOD), group("m", None, None)], "not_evaluated", "sex=m"),
        ([group("f", *BAD, excluded=True)], "not_evaluated", "min_group_size"),
    ],
)
def test_every_eligible_group_must_satisfy(groups, verdict, named):
    judged = judge_groups(gate(">= 0.8"), groups, "interval", min_size=30)
    assert judged.verdict == verdict
    assert named in judged.reason
