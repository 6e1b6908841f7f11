"""One step of a rollout, decided from what was observed. Pure: the same input gives the same decision.

Error rates are judged by a confidence sequence, which stays valid however often one looks: the controller looks several
times a second. Too little traffic to tell is neither success nor failure: such a step is held until more traffic or a
human decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isinf
from typing import Literal

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.release import Arm, Observations, Release
from nbdeploy.release.plan import Plan
from nbdeploy.stats.sequential import bernoulli_confidence_sequence

Act = Literal["promote", "hold", "wait", "roll_back", "complete"]
Judgement = Literal["holds", "violated", "undecided"]

LEVEL = 0.95
ENOUGH_FOR_P95 = 200
"""Requests from which an observed 95th percentile is taken for what it says: ten of them lie above it."""


@dataclass(frozen=True)
class Decision:
    """What to do now. `weight` is the share of traffic (percent) that the version has afterwards."""

    act: Act
    weight: float
    reason: str


@dataclass(frozen=True)
class Guard:
    """A guardrail held to what was observed."""

    name: str
    judgement: Judgement
    sentence: str


def next_step(plan: Plan, release: Release, observations: Observations, now: datetime) -> Decision:
    """Decide what becomes of a release that has traffic.

    A violated guardrail rolls back at once. A step is left when it has baked and every guardrail holds. After the last
    step's bake the rollout is complete, even if too little came to tell: nothing could be promoted any further, and the
    reason says so.
    """
    guards = judge(plan, _arm(release, observations))
    violated = [guard.sentence for guard in guards if guard.judgement == "violated"]
    if violated:
        return Decision("roll_back", 0, "; ".join(violated))
    undecided = [guard.sentence for guard in guards if guard.judgement == "undecided"]
    left = plan.bake - (now - _since(release))
    last = release.weight >= plan.weights[-1]
    if left > timedelta(0):
        return Decision("wait", release.weight, f"watched for another {_words(left)}")
    if last:
        reason = f"undecided at the end of the bake: {'; '.join(undecided)}" if undecided else _told(guards)
        return Decision("complete", release.weight, reason)
    if undecided:
        return Decision("hold", release.weight, "; ".join(undecided))
    return Decision("promote", plan.after(release.weight), _told(guards))


def judge(plan: Plan, arm: Arm | None) -> tuple[Guard, ...]:
    """Hold every guardrail to what a version answered so far; None if it was never asked."""
    observed = arm or Arm(version="", weight=0)
    return tuple(_judge(name, gate, observed) for name, gate in plan.guardrails.items())


def _judge(name: str, gate: Gate, arm: Arm) -> Guard:
    if name == "error_rate":
        return _error_rate(name, gate, arm)
    if name == "latency_p95_ms":
        return _latency(name, gate, arm)
    return Guard(name, "undecided", f"{name} is not observed by the gateway")


def _error_rate(name: str, gate: Gate, arm: Arm) -> Guard:
    low, high = bernoulli_confidence_sequence(arm.errors, arm.requests, LEVEL)
    floor, ceiling = gate.region
    seen = f"error rate {arm.errors} of {arm.requests}, between {low:.2%} and {high:.2%}"
    if low > ceiling or high < floor:
        return Guard(name, "violated", f"{seen}: not {gate}")
    if floor <= low and high <= ceiling:
        return Guard(name, "holds", f"{seen}: {gate}")
    needed = "" if isinf(ceiling) else _needed(arm, ceiling)
    return Guard(name, "undecided", f"{seen}: too few requests to tell whether it is {gate}{needed}")


def _needed(arm: Arm, ceiling: float) -> str:
    """Say how many more requests without an error would decide."""
    if ceiling <= 0:
        return ""
    more = 1
    while bernoulli_confidence_sequence(arm.errors, arm.requests + more, LEVEL)[1] > ceiling:
        more *= 2
        if more > 1_000_000:
            return ""
    low = more // 2
    while more - low > 1:
        middle = (low + more) // 2
        if bernoulli_confidence_sequence(arm.errors, arm.requests + middle, LEVEL)[1] > ceiling:
            low = middle
        else:
            more = middle
    return f" (another {more} without an error would)"


def _latency(name: str, gate: Gate, arm: Arm) -> Guard:
    if arm.requests < ENOUGH_FOR_P95 or arm.latency_p95_ms is None:
        return Guard(name, "undecided", f"p95 latency needs {ENOUGH_FOR_P95} requests and has {arm.requests}")
    seen = f"p95 latency {arm.latency_p95_ms:.3g} ms of {arm.requests} requests"
    if gate.holds(arm.latency_p95_ms):
        return Guard(name, "holds", f"{seen}: {gate}")
    return Guard(name, "violated", f"{seen}: not {gate}")


def _arm(release: Release, observations: Observations) -> Arm | None:
    return next((arm for arm in reversed(observations.arms) if arm.version == release.subject), None)


def _since(release: Release) -> datetime:
    """Return when the release got the share that it has now."""
    since = release.steps[-1].at
    for step in reversed(release.steps):
        if step.weight != release.weight:
            break
        since = step.at
    return since


def _told(guards: Iterable[Guard]) -> str:
    return "; ".join(guard.sentence for guard in guards) or "no guardrail is declared"


def _words(left: timedelta) -> str:
    seconds = left.total_seconds()
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
