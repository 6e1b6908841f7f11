"""What findings about rows tell beyond their number, in tables, charts and warnings."""

from __future__ import annotations

from typing import Any

import pytest

from nbdeploy.documents.finding import Finding
from nbdeploy.report import charts
from nbdeploy.report.sections.details import details
from nbdeploy.report.sections.rows_told import TABLES, warnings


def finding(section: str, metric: str, value: float, data: dict[str, Any]) -> Finding:
    return Finding(id=f"{section}.{metric}", section=section, metric=metric, value=value, data=data)


FLIPS = {
    "columns": [
        {"column": "age", "change": "÷ 10", "rate": 0.2, "interval": [0.1, 0.3], "refused": 1.0},
        {"column": "age", "change": "× 10", "rate": 0.4, "interval": [0.3, 0.5], "refused": 0.25},
        {"column": "wage", "change": "× 10", "rate": 0.1, "interval": [0.0, 0.2], "refused": None},
    ]
}
CURVE = {"false_positive_rate": [0, 0.5, 1], "true_positive_rate": [0, 0.7, 1]}
MEMBERS = {
    "curve": CURVE,
    "advantage": {"value": 0.2, "interval": [0.1, 0.3]},
    "members": 300,
    "others": 200,
    "warns": True,
}


def test_of_each_input_the_worst_slip_is_drawn_and_what_the_contract_refuses_is_told():
    slips = finding("robustness", "unit_slip_flip_rate", 0.4, FLIPS)
    drawn = charts.draw("column_flips", [slips])
    assert "age × 10: 40.0" in drawn
    assert "age ÷ 10" not in drawn
    assert "wage × 10" in drawn
    (table,) = details(slips)
    assert table.rows == (
        ("age ÷ 10", "the contract refuses 100.0\u00a0% of such values"),
        ("age × 10", "the contract refuses 25.0\u00a0% of such values"),
    )


def test_a_model_that_gives_rows_away_is_warned_of_and_drawn():
    given = finding("robustness", "membership_inference_auc", 0.7, MEMBERS)
    assert [chart.name for chart in charts.charts_for(given)] == ["roc"]
    (told,) = warnings([given])
    assert "area 0.700" in told
    assert "Warning" in dict(details(given)[0].rows)
    quiet = finding("robustness", "membership_inference_auc", 0.5, MEMBERS | {"warns": False})
    assert list(warnings([quiet])) == []
    assert "Warning" not in dict(details(quiet)[0].rows)


def test_an_input_that_tells_the_outcome_stands_out_and_is_warned_of():
    columns = [
        {"column": "paid", "value": 0.99, "interval": [0.98, 1.0]},
        {"column": "age", "value": 0.6, "interval": [0.5, 0.7]},
    ]
    told = finding("data", "single_feature_auc", 0.99, {"columns": columns, "telling": ["paid"], "at": 0.98})
    assert charts.draw("telling", [told]).count("stands-out") == 2  # on the page and on a phone
    assert "paid alone" in next(warnings([told]))


def test_the_size_of_a_shift_is_told_with_its_limits():
    column = {
        "column": "wage",
        "psi": 0.31,
        "effect": "KS D",
        "size": 0.2,
        "interval": [0.1, 0.3],
        "test": "two-sample KS",
        "p_value": 1e-9,
        "drifted": True,
    }
    moved = finding("data", "drifted_columns", 1, {"columns": [column], "uncounted": ["id"]})
    rows = dict(details(moved)[0].rows)
    assert rows["wage"] == "drifted: PSI 0.310; KS D 0.200 (0.100 to 0.300); two-sample KS test, p\u00a0<\u00a00.001"
    assert "id" in rows["Not compared"]


def test_distances_are_drawn_with_the_limit():
    shares = [0.5, 0.3, 0.2]
    data = {
        "columns": [{"column": "age", "share": 0.8}],
        "histogram": {"edges": [0, 1, 2, 3], "evaluation": shares, "training": shares[::-1], "limit": 2.5},
    }
    unlike = finding("robustness", "ood_share", 0.02, data)
    assert [chart.name for chart in charts.charts_for(unlike)] == ["distances"]
    assert "c-bound" in charts.draw("distances", [unlike])
    assert dict(details(unlike)[0].rows) == {"age": "80.0\u00a0% of the distance"}


def test_a_slice_of_a_regression_is_told_in_units_of_the_target():
    data = {"slices": [{"slice": "age > 60", "n": 40, "error": 12.5, "interval": [10.0, 15.0]}], "overall": 7.0}
    rows = dict(details(finding("robustness", "worst_slice_error", 12.5, data))[0].rows)
    assert rows == {"age > 60": "12.50 (10.00 to 15.00), 40 rows", "All rows": "7.000"}


@pytest.mark.parametrize("metric", sorted(TABLES))
@pytest.mark.parametrize("data", [{}, {"columns": 3}, {"slices": []}, {"columns": [{}], "features": [None]}])
def test_what_an_edited_notebook_recorded_otherwise_leaves_the_card_whole(metric, data):
    assert details(finding("data", metric, 0.1, data)) == ()
    assert charts.charts_for(finding("data", metric, 0.1, data)) == ()
