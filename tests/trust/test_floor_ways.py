"""Every way to ask less: one row for each, none forgotten, and none that passes whatever the numbers are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Monitor, Objective, Rollout
from nbdeploy.trust.floor import floor_breaches
from nbdeploy.trust.floor_gates import at_least
from nbdeploy.trust.policy.file import read_policy

FLOOR = read_policy(
    b"""
[floor]
sensitive = ["sex"]
max_min_group_size = 50
decide = "interval"
min_level = 0.9
max_level = 0.99
sections = ["robustness"]
target = "left"
task = "binary"
positive = 1
favourable = 0
threshold = {min = 0.4, max = 0.6}
control = ["tenure"]
costs = {false_negative = 60.0, false_positive = 5.0}
examples = "aggregate"
gates.performance.roc_auc = ">= 0.75"
gates.fairness.demographic_parity_ratio = ">= 0.80"
gates.explainability.forbidden_in_top = {features = ["sex"], n = 3}

[floor.local_law_144]
sex = "sex"
race_ethnicity = "race"
unknown = ["?"]

[floor.contract.age]
type = "float"
range = [18, 110]
nullable = false

[floor.contract.code]
allowed = ["a", "b"]
unique = true

[floor.rollout]
strategies = ["canary", "shadow"]
min_bake_minutes = 30
max_first_step = 10
guardrails.error_rate = "<= 0.01"

[floor.monitor]
max_every = "1d"
drift.psi = "<= 0.2"
performance.roc_auc = ">= 0.72"

[tiers]
"churn*" = "medium"
"""
)
GATES = {
    "performance": {"roc_auc": ">= 0.75"},
    "fairness": {"demographic_parity_ratio": ">= 0.80"},
    "robustness": {"flip_rate": "<= 0.1"},
    "explainability": {"forbidden_in_top": {"features": ["sex"], "n": 3}},
}
SOUND = {
    "name": "churn",
    "risk_tier": "medium",
    "task": "binary",
    "target": "left",
    "positive": 1,
    "favourable": 0,
    "sensitive": ["sex", "race"],
    "control": ["tenure"],
    "costs": {"false_negative": 60, "false_positive": 5},
    "contract": {
        "age": {"type": "float", "range": [18, 110], "nullable": False},
        "code": {"allowed": ["a"], "unique": True},
    },
    "gates": GATES,
    "rollout": {"strategy": "canary", "steps": [5, 100], "bake_minutes": 30, "guardrails": {"error_rate": "<= 0.01"}},
    "monitor": {"drift": {"psi": "<= 0.2"}, "performance": {"roc_auc": ">= 0.72"}, "every": "12h"},
    "regulations": {"local_law_144": {"sex": "sex", "race_ethnicity": "race", "unknown": ["?"]}},
}


def objective(**changes) -> Objective:
    return Objective.model_validate(SOUND | changes)


def gates(section: str, **changes) -> dict:
    """The sound gates with some of one section changed; None takes one out."""
    changed = {name: gate for name, gate in (GATES[section] | changes).items() if gate is not None}
    return {"gates": GATES | {section: changed}}


def inside(field: str, **changes) -> dict:
    """A part of the sound objective with something changed in it."""
    return {field: SOUND[field] | changes}


def test_the_sound_objective_breaches_nothing():
    assert floor_breaches(FLOOR, objective()) == ()


# What is changed; the field of the objective that it is in; what is declared and what the policy says.
WAYS = [
    ("a bound", gates("performance", roc_auc=">= 0.74"), "gates", (">= 0.74", ">= 0.75")),
    ("an open end", gates("performance", roc_auc="<= 0.9"), "gates", ("<= 0.9", ">= 0.75")),
    ("a missing gate", gates("performance", roc_auc=None, recall=">= 0.1"), "gates", ("missing", ">= 0.75")),
    ("a missing section", gates("robustness", flip_rate=None), "gates", ("no gate", "at least one")),
    (
        "a gate on one group",
        gates("fairness", demographic_parity_ratio={"min": 0.8, "group": ["sex"]}),
        "gates",
        ("sex", ">= 0.8"),
    ),
    (
        "a gate on a slice",
        gates("performance", roc_auc={"min": 0.8, "slice": "age >= 65"}),
        "gates",
        ("age >= 65", ">= 0.75"),
    ),
    (
        "a gate on one value",
        gates("performance", roc_auc={"min": 0.8, "group": {"sex": 1}}),
        "gates",
        ("sex", ">= 0.75"),
    ),
    (
        "fewer forbidden",
        gates("explainability", forbidden_in_top={"features": ["age"], "n": 3}),
        "gates",
        ("age", "sex"),
    ),
    (
        "a shorter top",
        gates("explainability", forbidden_in_top={"features": ["sex"], "n": 2}),
        "gates",
        ("top 2", "top 3"),
    ),
    (
        "some among the top",
        gates("explainability", forbidden_in_top={"features": ["sex"], "n": 3, "max": 1}),
        "gates",
        ("<= 1", "== 0"),
    ),
    ("the point alone", {"decide": "point"}, "decide", ("point", "interval")),
    ("a lower level", {"level": 0.8}, "level", ("0.8", "0.9")),
    ("a level at which nothing fails", {"level": 0.9999}, "level", ("0.9999", "0.99")),
    ("larger groups only", {"min_group_size": 51}, "min_group_size", ("51", "50")),
    ("a feature less", {"sensitive": ["race", "age"], "regulations": {}}, "sensitive", ("race, age", "sex")),
    ("another target", {"target": "stayed"}, "target", ("stayed", "left")),
    ("another task", {"task": "multiclass", "costs": None}, "task", ("multiclass", "binary")),
    ("the other class", {"positive": 0}, "positive", ("0", "1")),
    ("the other outcome", {"favourable": 1}, "favourable", ("1", "0")),
    ("an outcome by default", {"favourable": None}, "favourable", ("1", "0")),
    ("a truth in the place of a number", {"positive": True}, "positive", ("True", "1")),
    ("a lax threshold", {"threshold": 0.99}, "threshold", ("0.99", "between 0.4 and 0.6")),
    ("ready decisions", {"predicted": "decided"}, "predicted", ("ready-made", "between 0.4 and 0.6")),
    ("a further factor", {"control": ["tenure", "income"]}, "control", ("income", "tenure")),
    (
        "cheaper errors",
        {"costs": {"false_negative": 1, "false_positive": 5}},
        "costs",
        ("false_negative 1", "false_negative 60"),
    ),
    ("no costs", {"costs": None}, "costs", ("none", "false_negative 60")),
    ("single rows shown", {"examples": "consented"}, "examples", ("consented", "aggregate")),
    ("a lower tier", {"risk_tier": "low"}, "risk_tier", ("low", "medium")),
    ("a column not held", inside("contract", age={"type": "float"}), "contract", ("any number", "18 to 110")),
    (
        "a wider column",
        inside("contract", age={"type": "float", "range": [0, 110], "nullable": False}),
        "contract",
        ("0 to 110", "18 to 110"),
    ),
    (
        "another type",
        inside("contract", age={"type": "int", "range": [18, 110], "nullable": False}),
        "contract",
        ("int", "float"),
    ),
    (
        "a column that may lack",
        inside("contract", age={"type": "float", "range": [18, 110]}),
        "contract",
        ("true", "false"),
    ),
    ("a value more", inside("contract", code={"allowed": ["a", "c"], "unique": True}), "contract", ("a, c", "a, b")),
    ("any value", inside("contract", code={"unique": True}), "contract", ("any value", "a, b")),
    ("a value twice", inside("contract", code={"allowed": ["a"]}), "contract", ("false", "true")),
    ("a column less", {"contract": {"age": SOUND["contract"]["age"]}}, "contract", ("missing", "allowed")),
    ("everybody at once", inside("rollout", strategy="ab"), "rollout", ("ab", "canary, shadow")),
    ("no time to watch", inside("rollout", bake_minutes=1), "rollout", ("1", "30")),
    ("a large first step", inside("rollout", steps=[50, 100]), "rollout", ("50 %", "10 %")),
    ("no guardrail", inside("rollout", guardrails={}), "rollout", ("missing", "<= 0.01")),
    ("a lax guardrail", inside("rollout", guardrails={"error_rate": "<= 0.5"}), "rollout", ("<= 0.5", "<= 0.01")),
    ("seldom", inside("monitor", every="1w"), "monitor", ("1w", "1d")),
    ("whenever", inside("monitor", every="sometimes"), "monitor", ("sometimes", "1d")),
    ("no drift", inside("monitor", drift={}), "monitor", ("missing", "<= 0.2")),
    ("lax afterwards", inside("monitor", performance={"roc_auc": ">= 0.6"}), "monitor", (">= 0.6", ">= 0.72")),
    ("no audit", {"regulations": {}}, "regulations", ("missing", "sex and race")),
    (
        "another audit",
        {"regulations": {"local_law_144": {"sex": "race", "race_ethnicity": "sex"}}},
        "regulations",
        ("race and sex", "sex and race"),
    ),
    (
        "more unknown",
        {"regulations": {"local_law_144": {"sex": "sex", "race_ethnicity": "race", "unknown": ["?", "Black"]}}},
        "regulations",
        ("Black", "?"),
    ),
]


@pytest.mark.parametrize(("changes", "both"), [(row[1], row[3]) for row in WAYS], ids=[row[0] for row in WAYS])
def test_each_way_to_ask_less_is_told_with_both_values(changes: dict, both: tuple[str, str]):
    breaches = [line for line in floor_breaches(FLOOR, objective(**changes)) if all(value in line for value in both)]
    assert breaches, floor_breaches(FLOOR, objective(**changes))


# Why a field of an objective cannot ask less, where no floor is about it.
HARMLESS = {
    "name": "a name; models are governed by [models], whatever the objective is called",
    "model": "which model it is; floors and modes go by that name",
    "endpoint": "where it is served",
    "goal": "words for people",
    "kpis": "business figures, which decide nothing",
    "data_kind": "there is one kind",
    "score": "how the model is asked; the numbers are measured all the same",
}


def test_no_field_of_an_objective_is_forgotten():
    """Whoever adds a field says here how it could ask less, or why it could not."""
    covered = {row[2] for row in WAYS}
    assert not covered & HARMLESS.keys()
    assert covered | HARMLESS.keys() == Objective.model_fields.keys()


def test_no_field_of_a_gate_a_rollout_or_a_monitor_is_forgotten():
    assert Gate.model_fields.keys() == {"op", "bound", "group", "slice", "features", "n"}
    assert Rollout.model_fields.keys() == {"strategy", "steps", "bake_minutes", "guardrails"}
    # `retrain` names what happens on an alarm: no promise is smaller for it.
    assert Monitor.model_fields.keys() == {"drift", "performance", "every", "retrain"}


def test_a_floor_for_some_models_holds_beside_the_other():
    text = b'[floor]\nmin_level = 0.9\n[floors."credit-*"]\nfavourable = 0\n[floors."*"]\nmax_min_group_size = 20\n'
    policy = read_policy(text)
    asked = {"task": "binary", "target": "y", "gates": {"data": {"leakage": "== 0"}}, "level": 0.8}
    credit = Objective.model_validate(asked | {"name": "anything", "model": "credit-risk"})
    assert [line.split(":")[0] for line in floor_breaches(policy, credit)] == ["level", "favourable", "min_group_size"]
    other = Objective.model_validate(asked | {"name": "credit-risk", "model": "churn"})
    assert [line.split(":")[0] for line in floor_breaches(policy, other)] == ["level", "min_group_size"]


NUMBERS = st.floats(-2, 2, allow_nan=False).map(lambda value: round(value, 2))
GROUPS = st.sampled_from([None, ["sex"], ["sex", "age"], {"sex": 1}])


@st.composite
def drawn_gates(draw: st.DrawFn) -> Gate:
    rest = {"group": draw(GROUPS), "slice": draw(st.sampled_from([None, "age >= 65"]))}
    if draw(st.booleans()):
        low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
        return Gate.model_validate({"min": low, "max": high, **rest})
    plain = Gate.model_validate(f"{draw(st.sampled_from(['>=', '<=', '>', '<', '==']))} {draw(NUMBERS):.2f}")
    return plain.model_copy(update={"group": Gate.model_validate({"min": 0, **rest}).group, "slice": rest["slice"]})


@settings(max_examples=150, deadline=None)
@given(drawn_gates(), drawn_gates(), NUMBERS, st.sampled_from(["fairness", "performance"]))
def test_what_asks_at_least_as_much_lets_nothing_through_that_the_other_refuses(asked, declared, value, section):
    if at_least(section, declared, asked):
        assert asked.holds(value) or not declared.holds(value)
        assert declared.slice == asked.slice
        assert declared.group == asked.group or (section == "fairness" and declared.group is None)


@settings(max_examples=100, deadline=None)
@given(drawn_gates(), st.floats(0.01, 1).map(lambda value: round(value, 2)), st.integers(0, 2))
def test_a_weaker_gate_never_passes(asked: Gate, less: float, end: int):
    """Lowered, raised or opened: whatever the weaker gate takes beyond, it is not at least the asked one."""
    low, high = asked.region
    wider = [(low - less, high), (low, high + less), (low - less, high + less)][end]
    bounds = {name: value for name, value in zip(("min", "max"), wider, strict=True) if abs(value) != float("inf")}
    if not bounds or wider == asked.region:
        return
    weaker = Gate.model_validate(bounds).model_copy(update={"group": asked.group, "slice": asked.slice})
    if weaker.region != asked.region:
        assert not at_least("performance", weaker, asked)
        assert not at_least("fairness", weaker, asked)
    assert at_least("performance", asked, asked)
