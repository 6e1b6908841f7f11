from __future__ import annotations

import json

import jsonschema
import pytest
from pydantic import ValidationError

from nbdeploy.documents.gate import Gate
from nbdeploy.documents.objective import Objective

MINIMAL = {"name": "churn", "task": "binary", "target": "left", "gates": {"performance": {"roc_auc": ">= 0.75"}}}


def objective(**changes: object) -> Objective:
    return Objective.model_validate({**MINIMAL, **changes})


def test_name_task_target_and_one_gate_are_enough():
    found = objective()
    assert (found.governed_model, found.served_at, found.positive_class, found.favourable_class) == (
        "churn",
        "churn",
        1,
        1,
    )


@pytest.mark.parametrize(
    ("written", "op", "bound"),
    [
        (">= 0.75", ">=", 0.75),
        ("<=.1", "<=", 0.1),
        ("== 0", "==", 0.0),
        ("< 1e-3", "<", 0.001),
        ({"min": 0.6}, ">=", 0.6),
        ({"max": 2}, "<=", 2.0),
        ({"min": 0.4, "max": 0.6}, "between", (0.4, 0.6)),
        ({"features": ["sex"], "n": 3}, "==", 0.0),
    ],
)
def test_a_gate_is_read_in_every_form(written: object, op: str, bound: object):
    gate = Gate.model_validate(written)
    assert (gate.op, gate.bound) == (op, bound)
    assert Gate.model_validate_json(gate.model_dump_json()) == gate


@pytest.mark.parametrize(
    "written", ["0.75", ">> 1", "", ">= nan", {"min": 2, "max": 1}, {}, 0.75, {"min": float("inf")}]
)
def test_what_is_not_a_condition_is_refused(written: object):
    with pytest.raises(ValidationError):
        Gate.model_validate(written)


def test_a_strict_bound_excludes_its_end():
    assert Gate.model_validate(">= 0.5").holds(0.5)
    assert not Gate.model_validate("> 0.5").holds(0.5)
    assert Gate.model_validate({"min": 0, "max": 1}).holds(1)


def test_sensitive_features_are_taken_singly_then_crossed():
    crossed = objective(sensitive=["sex", "age", "race"]).partitions
    assert crossed[:3] == (("sex",), ("age",), ("race",))
    assert crossed[3:] == (("sex", "age"), ("sex", "race"), ("age", "race"), ("sex", "age", "race"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gates": {}},
        {"gates": {"performance": {}}},
        {"sensitive": ["sex", "sex"]},
        {"sensitive": ["left"]},
        {"threshold": 0.5, "predicted": "decision"},
        {"name": "a b"},
        {"name": "../x"},
        {"level": 1.0},
        {"rollout": {"steps": [50, 20, 100]}},
        {"rollout": {"steps": [5, 50]}},
        {"unknown": 1},
    ],
)
def test_contradictions_are_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        objective(**wrong)


def test_reading_back_what_was_written_gives_an_equal_objective():
    found = objective(
        sensitive=["sex"], kpis=[{"name": "cost", "by": "2027-06-30"}], contract={"age": {"range": [18, 110]}}
    )
    assert Objective.from_bytes(found.to_bytes()) == found


def test_the_schema_takes_what_a_user_writes_and_what_is_stored():
    schema = Objective.model_json_schema(by_alias=True)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(MINIMAL, schema)
    jsonschema.validate(json.loads(objective().to_bytes()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**MINIMAL, "treshold": 0.5}, schema)
