"""Random sequences of decisions by several people: approved exactly if an independent model of the rules says so.

The model tries every way to place people on the signatures that are asked for; it shares no code with `standing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.admission.world import DAY, NOW, RATIO, ROC, World, key, policy

from nbdeploy.approve.chain import Chain, Logged
from nbdeploy.approve.standing import standing
from nbdeploy.documents.request import Request
from nbdeploy.documents.statements import DecisionPredicate, Waiver
from nbdeploy.trust.policy.document import Policy, Principal

ROLES = {
    "Ana": ("author", "validator", "risk"),  # who asked: with every role
    "Vera": ("validator",),
    "Otto": ("validator", "risk"),
    "Rita": ("risk",),
    "Zoe": ("auditor",),
}
HOURS = 24 * 3  # the request was made four days before NOW


@dataclass(frozen=True)
class Said:
    """A decision, as a person might make it."""

    by: str
    decision: str
    hour: int
    lasts: int
    acknowledges: bool
    waives: int  # days; 0 for no waiver
    environment: str


GOOD = st.builds(
    Said,
    by=st.sampled_from(["Vera", "Otto", "Rita"]),
    decision=st.just("approval"),
    hour=st.integers(60, HOURS),
    lasts=st.just(20),
    acknowledges=st.just(True),
    waives=st.sampled_from([0, 30]),
    environment=st.just("production"),
)
"""What may stand, so that approvals are not rare among the sequences."""
ANY = st.builds(
    Said,
    by=st.sampled_from(list(ROLES)),
    decision=st.sampled_from(["approval"] * 5 + ["rejection", "return", "question"]),
    hour=st.integers(0, HOURS),
    lasts=st.sampled_from([1, 20, 20, 20]),
    acknowledges=st.sampled_from([True, True, True, False]),
    waives=st.sampled_from([0, 0, 1, 30]),
    environment=st.sampled_from(["production"] * 9 + ["dev"]),
)
SEQUENCE = st.tuples(st.lists(ANY, max_size=3), st.lists(GOOD, max_size=4), st.lists(ANY, max_size=2)).map(
    lambda parts: [*parts[0], *parts[1], *parts[2]]
)
RULE = st.fixed_dictionaries({"validators": st.integers(0, 2), "risk": st.integers(0, 2), "waive_by": st.booleans()})


def model(said: list[Said], rule: dict) -> bool:
    """Whether production takes the request: one undecided gate to acknowledge, one failed gate to waive."""
    signs = {"validator"} | ({"risk"} if rule["risk"] else set())
    waives = {"risk"} if rule["waive_by"] else signs
    latest: dict[str, Said] = {}
    for one in said:
        roles = set(ROLES[one.by])
        if one.by == "Ana" or one.environment != "production" or not roles & (signs | waives):
            continue
        if one.decision == "approval":
            if one.waives and not roles & waives:
                continue
            if roles & signs and not one.acknowledges:
                continue
            if one.by in latest and one.hour < latest[one.by].hour:
                continue
        latest[one.by] = one
    if any(one.decision == "rejection" for one in latest.values()):
        return False
    hours = 4 * 24  # from the request to NOW
    holds = [
        one
        for one in latest.values()
        if one.decision == "approval" and one.hour + 24 * min(one.lasts, one.waives or 99) > hours
    ]
    if not any(one.waives for one in holds):
        return False
    seats = [{"validator"}] * rule["validators"] + [{"risk"}] * rule["risk"]
    people = [set(ROLES[one.by]) for one in holds]
    return any(
        all(seat & roles for seat, roles in zip(seats, order, strict=True))
        for order in permutations(people, len(seats))
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> tuple[Chain, Request]:
    world = World(Path(tmp_path_factory.mktemp("world")))
    world.verdicts = {ROC: "inconclusive", RATIO: "fail"}
    request = world.requested()
    return world.chain(), request


def rules(rule: dict) -> Policy:
    also = f'also = [{{by = ["risk"], approvals = {rule["risk"]}}}]' if rule["risk"] else ""
    waive_by = 'waive_by = ["risk"]' if rule["waive_by"] else ""
    production = f'approvals = {rule["validators"]}\nby = ["validator"]\nfailed = "waive"\n{also}\n{waive_by}'
    return policy(production=production, people=ROLES)


def logged(chain: Chain, request: Request, digest: str, said: list[Said]) -> Chain:
    found = []
    for index, one in enumerate(said, start=3):
        at = request.requested + timedelta(hours=one.hour)
        approves = one.decision == "approval"
        predicate = DecisionPredicate(
            request=request.id,
            model=request.model,
            version=request.version,
            environment=one.environment,
            decision=one.decision,
            by=one.by,
            acknowledged=(ROC,) if approves and one.acknowledges else (),
            waived=(Waiver(gate=RATIO, reason="for now", expires=at + one.waives * DAY),)
            if approves and one.waives
            else (),
            signed=at,
            not_before=at,
            expires=at + one.lasts * DAY,
        )
        bound = request.digests.model_dump() | {"policy": digest, "request": chain.asked[request.id].digest}
        signer = Principal(one.by, one.by, ROLES[one.by], is_service=False)
        found.append(Logged(index, f"sha256:{index:064x}", bound, predicate, key(one.by).public, signer))
    return replace(chain, decisions={request.id: found})


@settings(max_examples=250, deadline=None)
@given(said=SEQUENCE, rule=RULE)
def test_approved_exactly_if_the_model_says_so(base: tuple[Chain, Request], said: list[Said], rule: dict):
    chain, request = base
    policy_ = rules(rule)
    found = standing(logged(chain, request, policy_.digest, said), request.id, policy_, NOW, starting=True)
    event(found.state)
    assert (found.state == "approved") is model(said, rule)
    if found.state == "approved":
        assert (found.missing, found.unwaived) == (0, ())
