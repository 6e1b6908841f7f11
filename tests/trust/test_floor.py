"""An objective may ask more than the floor, never less; each breach tells both values."""

from __future__ import annotations

import pytest

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective
from nbdeploy.trust.floor import floor_breaches
from nbdeploy.trust.policy.document import Policy
from nbdeploy.trust.policy.file import read_policy
from nbdeploy.trust.policy.floor import Floor

FLOOR = read_policy(
    b"""
[floor]
sensitive = ["sex"]
max_min_group_size = 50
decide = "interval"
min_level = 0.95
gates.fairness.demographic_parity_ratio = ">= 0.80"
gates.performance.expected_calibration_error = "<= 0.10"
gates.performance.selection_rate = {min = 0.1, max = 0.5}
gates.explainability.forbidden_in_top = {features = ["sex"], n = 3}
"""
)
GATES = {
    "fairness": {"demographic_parity_ratio": ">= 0.80"},
    "performance": {"expected_calibration_error": "<= 0.10", "selection_rate": {"min": 0.1, "max": 0.5}},
    "explainability": {"forbidden_in_top": {"features": ["sex"], "n": 3}},
}


def objective(gates: dict | None = None, **changes) -> Objective:
    merged = {section: measures | (gates or {}).get(section, {}) for section, measures in GATES.items()}
    content = {"name": "a", "task": "binary", "target": "y", "sensitive": ["sex"], "gates": merged}
    return Objective.model_validate(content | changes)


@pytest.mark.parametrize(
    ("gates", "changes"),
    [
        ({}, {}),
        ({}, {"sensitive": ["age", "sex"], "min_group_size": 50, "level": 0.99}),
        ({"fairness": {"demographic_parity_ratio": ">= 0.9"}}, {}),
        ({"fairness": {"demographic_parity_ratio": "> 0.80"}}, {}),
        ({"fairness": {"demographic_parity_ratio": {"min": 0.8, "max": 1.25}}}, {}),
        ({"performance": {"expected_calibration_error": "<= 0.05"}}, {}),
        ({"performance": {"selection_rate": {"min": 0.2, "max": 0.4}}}, {}),
        ({"explainability": {"forbidden_in_top": {"features": ["sex", "age"], "n": 5}}}, {}),
    ],
)
def test_as_much_or_more_is_no_breach(gates: dict, changes: dict):
    assert floor_breaches(FLOOR, objective(gates, **changes)) == ()


@pytest.mark.parametrize(
    ("gates", "changes", "both"),
    [
        ({}, {"sensitive": ["age"]}, ("sex", "age")),
        ({}, {"sensitive": []}, ("sex", "none")),
        ({}, {"min_group_size": 51}, ("51", "50")),
        ({}, {"decide": "point"}, ("point", "interval")),
        ({}, {"level": 0.9}, ("0.9", "0.95")),
        ({"fairness": {"demographic_parity_ratio": ">= 0.79"}}, {}, (">= 0.79", ">= 0.8")),
        ({"fairness": {"demographic_parity_ratio": "<= 0.9"}}, {}, ("<= 0.9", ">= 0.8")),
        ({"fairness": {"demographic_parity_ratio": {"min": 0.8, "slice": "age >= 65"}}}, {}, ("age >= 65", ">= 0.8")),
        ({"performance": {"expected_calibration_error": "<= 0.2"}}, {}, ("<= 0.2", "<= 0.1")),
        ({"performance": {"selection_rate": ">= 0.1"}}, {}, (">= 0.1", "between 0.1 and 0.5")),
        ({"explainability": {"forbidden_in_top": {"features": ["sex"], "n": 2}}}, {}, ("top 2", "top 3")),
        ({"explainability": {"forbidden_in_top": {"features": ["age"], "n": 3}}}, {}, ("age", "sex")),
    ],
)
def test_less_is_told_with_both_values(gates: dict, changes: dict, both: tuple[str, str]):
    breaches = floor_breaches(FLOOR, objective(gates, **changes))
    assert len(breaches) == 1
    assert all(value in breaches[0] for value in both)


def test_an_open_bound_is_not_reached_by_a_closed_one():
    floor = read_policy(b'[floor]\ngates.performance.roc_auc = "> 0.8"')
    asked = {"name": "a", "task": "binary", "target": "y"}
    closed = Objective.model_validate(asked | {"gates": {"performance": {"roc_auc": ">= 0.8"}}})
    assert floor_breaches(floor, closed)
    opened = Objective.model_validate(asked | {"gates": {"performance": {"roc_auc": "> 0.8"}}})
    assert not floor_breaches(floor, opened)


@pytest.mark.parametrize(
    ("asked", "section", "declared", "less"),
    [
        ({"min": 0.7, "slice": "age >= 65"}, "performance", {"min": 0.9}, True),
        ({"min": 0.7, "slice": "age >= 65"}, "performance", {"min": 0.7, "slice": "age >= 65"}, False),
        ({"min": 0.7, "slice": "age >= 65"}, "performance", {"min": 0.7, "slice": "age >= 30"}, True),
        ({"min": 0.7, "group": {"sex": 2}}, "performance", {"min": 0.9}, True),
        ({"min": 0.7, "group": {"sex": 2}}, "performance", {"min": 0.9, "group": {"sex": 1}}, True),
        ({"min": 0.7, "group": {"sex": 2}}, "fairness", {"min": 0.7}, False),
        ({"min": 0.7}, "fairness", {"min": 0.9, "group": ["sex"]}, True),
    ],
)
def test_a_gate_on_other_rows_is_no_substitute(asked: dict, section: str, declared: dict, less: bool):
    policy = Policy(floor=Floor(gates={section: {"recall": Gate.model_validate(asked)}}))
    given = {
        "name": "a",
        "task": "binary",
        "target": "y",
        "sensitive": ["sex"],
        "gates": {section: {"recall": declared}},
    }
    assert bool(floor_breaches(policy, Objective.model_validate(given))) is less


def test_more_features_do_not_make_up_for_a_laxer_bound():
    """The bound of forbidden_in_top counts too: at most ten of the named ones among the top is not none."""
    lax = objective({"explainability": {"forbidden_in_top": {"features": ["sex", "age"], "n": 5, "max": 10}}})
    assert len(floor_breaches(FLOOR, lax)) == 1


def test_a_missing_gate_is_a_breach_each():
    bare = Objective.model_validate(
        {"name": "a", "task": "binary", "target": "y", "sensitive": ["sex"], "gates": {"data": {"leakage": "== 0"}}}
    )
    breaches = floor_breaches(FLOOR, bare)
    assert len(breaches) == 4
    assert all("missing" in breach for breach in breaches)


def test_without_a_floor_nothing_is_a_breach():
    assert floor_breaches(read_policy(b""), objective(decide="point")) == ()
