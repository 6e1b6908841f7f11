"""The step function: what is decided from which observations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Rollout
from nbdeploy.documents.release import Arm, Observations, Release, ReleaseStep
from nbdeploy.errors import ServiceError
from nbdeploy.release.plan import plan
from nbdeploy.release.step import Decision, next_step
from nbdeploy.stats.sequential import bernoulli_confidence_sequence

BEGUN = datetime(2026, 11, 21, 12, tzinfo=UTC)
GUARDRAILS = {"error_rate": Gate.model_validate("<= 0.01"), "latency_p95_ms": Gate.model_validate("<= 80")}
ROLLOUT = Rollout(strategy="canary", steps=(5, 50, 100), bake_minutes=30, guardrails=GUARDRAILS)


def release(weight: float = 5, **changes) -> Release:
    content = {
        "request": "r-00000001",
        "objective": "churn",
        "model": "churn",
        "version": "2",
        "endpoint": "churn",
        "environment": "production",
        "digest": "sha256:" + "0" * 64,
        "rollout": ROLLOUT,
        "state": "rolling",
        "weight": weight,
        "steps": (
            ReleaseStep(at=BEGUN - timedelta(days=1), state="waiting", weight=0),
            ReleaseStep(at=BEGUN, state="rolling", weight=weight),
        ),
    }
    return Release(**(content | changes))


def decide(
    requests: int, errors: int, *, minutes: float = 31, p95: float | None = 20, weight: float = 5, **changes
) -> Decision:
    arms = (
        Arm(version="churn/1", weight=100 - weight, requests=9999, errors=9999),
        Arm(version="churn/2", weight=weight, requests=requests, errors=errors, latency_p95_ms=p95),
    )
    now = BEGUN + timedelta(minutes=minutes)
    return next_step(
        plan(ROLLOUT, first=False), release(weight, **changes), Observations(endpoint="churn", at=now, arms=arms), now
    )


def test_a_clean_canary_is_promoted_after_its_bake():
    decision = decide(2000, 0)
    assert (decision.act, decision.weight) == ("promote", 50)
    assert "error rate 0 of 2000" in decision.reason


def test_nothing_is_promoted_before_the_bake_is_over():
    assert decide(100_000, 0, minutes=29).act == "wait"


def test_a_bad_canary_is_rolled_back_before_the_bake_is_over():
    decision = decide(200, 20, minutes=1)
    assert (decision.act, decision.weight) == ("roll_back", 0)
    assert "not <= 0.01" in decision.reason


def test_too_little_traffic_is_held_and_says_how_much_would_decide():
    decision = decide(100, 0)
    assert (decision.act, decision.weight) == ("hold", 5)
    needed = int(decision.reason.split("another ")[1].split(" ")[0])
    assert bernoulli_confidence_sequence(0, 100 + needed, 0.95)[1] <= 0.01
    assert bernoulli_confidence_sequence(0, 99 + needed, 0.95)[1] > 0.01


def test_a_canary_that_was_never_asked_is_neither_success_nor_failure():
    assert decide(0, 0, p95=None).act == "hold"
    assert decide(0, 0, p95=None, minutes=1).act == "wait"


def test_a_held_step_goes_on_when_traffic_decides():
    held = ReleaseStep(at=BEGUN + timedelta(minutes=30), state="held", weight=5)
    steps = (*release().steps, held)
    assert decide(2000, 0, state="held", steps=steps).act == "promote"


def test_a_slow_canary_is_rolled_back_once_there_is_enough_to_say_so():
    assert decide(199, 0, p95=200, minutes=1).act == "wait"
    assert decide(200, 0, p95=200, minutes=1).act == "roll_back"


def test_the_last_step_is_complete_after_its_bake_and_says_what_is_undecided():
    assert decide(2000, 0, weight=100).act == "complete"
    few = decide(3, 0, weight=100, p95=None)
    assert few.act == "complete"
    assert few.reason.startswith("undecided at the end of the bake")
    assert decide(2000, 500, weight=100).act == "roll_back"


def test_the_stable_versions_errors_are_not_the_canarys():
    assert decide(2000, 0).act == "promote"  # churn/1 fails always in these observations


def test_the_first_release_gets_all_traffic_at_once():
    assert plan(ROLLOUT, first=True).weights == (100,)
    assert plan(Rollout(strategy="blue-green"), first=False).weights == (100,)
    assert plan(ROLLOUT, first=False).weights == (5, 50, 100)


@pytest.mark.parametrize("strategy", ["shadow", "ab"])
def test_a_strategy_that_is_not_there_yet_is_refused(strategy):
    with pytest.raises(ServiceError, match="not available yet"):
        plan(Rollout(strategy=strategy), first=False)


@given(st.integers(0, 5000), st.integers(0, 200), st.floats(0, 60))
def test_a_step_never_jumps_and_is_never_both_ways(requests, errors, minutes):
    decision = decide(max(requests, errors), errors, minutes=minutes)
    expected = {"wait": 5, "hold": 5, "promote": 50, "roll_back": 0}
    assert decision.weight == expected[decision.act]
    assert decision == decide(max(requests, errors), errors, minutes=minutes)
