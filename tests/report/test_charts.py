"""What a chart shows must be what was recorded, in words as well as in shapes."""

from __future__ import annotations

import itertools
import re

import card_examples

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.report import charts
from nbdeploy.report.assemble import assemble
from nbdeploy.report.charts.text import width
from nbdeploy.report.render import render_html
from nbdeploy.report.sections.details import details


def explained(**changes) -> Finding:
    example = {
        "row": {"bmi": "32.123456", "town": "<b>Bern</b>"},
        "answer": "1",
        "lime": [["bmi", 0.2], ["town", -0.1]],
        "shap": [["bmi", 1.5]],
    }
    data = {"rows": 16, "per_row": [1.0], "examples": [example]} | changes
    return Finding(
        id="explainability.lime_jaccard_at_5",
        section="explainability",
        metric="lime_jaccard_at_5",
        value=0.9,
        data=data,
    )


def test_rows_that_people_consented_to_are_drawn_with_their_values():
    finding = explained()
    assert [chart.name for chart in charts.charts_for(finding)] == ["examples"]
    drawn = charts.draw("examples", [finding])
    assert "Row 1: the answer is 1" in drawn
    assert "bmi = 32.12" in drawn
    assert "LIME, town: -0.1" in drawn
    assert "&lt;b&gt;Bern" in drawn
    (block,) = details(finding)
    assert block.rows == (("Row 1: the answer is 1", "bmi 32.12; town <b>Bern</b>"),)


def test_without_consent_nothing_of_a_row_is_drawn():
    finding = explained(examples=[])
    assert charts.charts_for(finding) == ()
    assert details(finding) == ()


def test_the_largest_files_of_the_model_are_listed_with_readable_sizes():
    data = {"files": [{"path": "model.pkl", "bytes": 2_480_000}, {"path": "MLmodel", "bytes": 900}], "total_files": 5}
    finding = Finding(id="operations.model_size_mb", section="operations", metric="model_size_mb", value=2.5, data=data)
    (block,) = details(finding)
    assert block.rows == (
        ("model.pkl", "2.48\u00a0MB"),
        ("MLmodel", "0.90\u00a0kB"),
        ("Smaller ones", "3 more files"),
    )


def test_long_names_of_disparities_are_told_once_and_whole():
    evidence = card_examples.failing()
    ratios = [f for f in evidence.findings if f.metric.endswith("_ratio") and f.value is not None]
    drawn = charts.draw("compared", ratios)
    wide, narrow = drawn.split('<div class="narrow" hidden>')
    for part in (wide, narrow):
        assert part.count(">Demographic parity ratio</text>") == 1
        assert ">by sex and age_band</text>" in part
        assert "…" not in part


def shifted(count: int) -> Finding:
    names = [f"a level with a long name {number}" for number in range(count)]
    share = [1 / count] * count
    column = {"column": "country", "levels": names, "evaluation": share, "reference": share}
    return Finding(id="data.max_psi", section="data", metric="max_psi", value=0.1, data={"shapes": [column]})


def test_levels_that_moved_have_a_line_each_and_the_rarest_are_added_up():
    few, many = (charts.draw("shapes", [shifted(count)]) for count in (3, 40))
    for number in range(3):
        assert f"a level with a long name {number}</title>" in few
    assert "30 others: now 75.0%, reference 75.0%" in many
    heights = [float(y) for y in re.findall(r'class="c-text" x="[\d.]+" y="([\d.]+)"', many)]
    assert all(later - earlier >= 16 for earlier, later in itertools.pairwise(heights))


def test_lines_are_named_beside_themselves_and_apart_from_each_other():
    curve = {
        "threshold": [0.0, 0.25, 0.5, 0.75, 1.0],
        "precision": [0.2, 0.4, 0.6, 0.8, 1.0],
        "recall": [1.0, 0.8, 0.6, 0.4, 0.2],
        "selection_rate": [1.0, 0.3, 0.2, 0.1, 0.0],
    }
    finding = Finding(id="performance.f1", section="performance", metric="f1", value=0.6, data={"curve": curve})
    drawn = charts.draw("thresholds", [finding])
    named = re.findall(r'class="c-tick (?:one|two|three)" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)<', drawn)
    assert [name for *_, name in named] == ["precision", "recall", "called positive"]
    for (x, y, _), (other_x, other_y, _) in itertools.combinations(named, 2):
        assert abs(float(x) - float(other_x)) > 60 or abs(float(y) - float(other_y)) > 12


def test_a_run_outside_of_a_project_has_no_attempt_and_is_no_draft():
    evidence = card_examples.passing()
    outside = evidence.model_copy(update={"run": evidence.run.model_copy(update={"attempt": None, "draft": False})})
    page = render_html(assemble(outside, card_examples.digest("evidence")))
    assert "<dt>Attempt</dt><dd>not recorded</dd>" in page
    assert "raft" not in page.split('id="verification"')[0].split("</style>")[1]


def test_a_row_at_an_end_says_why_it_is_shown():
    example = {
        "why": "surest and wrong",
        "row": {"bmi": "3"},
        "answer": "1",
        "lime": [["bmi", 1]],
        "shap": [["bmi", 1]],
    }
    finding = explained(examples=[example])
    assert "Row 1, surest and wrong: the answer is 1" in charts.draw("examples", [finding])
    assert details(finding)[0].rows[0][0] == "Row 1, surest and wrong: the answer is 1"


def test_what_tells_a_sensitive_feature_is_drawn_and_listed_with_the_best_single_inputs():
    told = {"feature": "sex", "area": 0.93, "interval": [0.9, 0.95], "of": "Male", "is_input": False}
    data = {"features": [told | {"single": [{"feature": "relationship", "area": 0.88}]}]}
    finding = Finding(
        id="explainability.proxy_strength", section="explainability", metric="proxy_strength", value=0.93, data=data
    )
    assert "0.93" in charts.draw("proxies", [finding])
    (block,) = details(finding)
    assert block.rows == (
        (
            "sex: Male",
            "by all inputs 0.93, by single ones relationship (0.88); the model is not given the feature itself",
        ),
    )


def test_levels_of_a_feature_stand_whole_beside_their_answers_the_highest_first():
    levels = ["Never-married", "Married-civ-spouse", "Married-AF-spouse"]
    feature = {"feature": "marital-status", "kind": "category", "grid": levels, "average": [0.1, 0.4, 0.4], "lines": []}
    finding = Finding(
        id="explainability.partial_dependence",
        section="explainability",
        metric="partial_dependence",
        value=0.3,
        data={"answer": "score of >50K", "features": [feature]},
    )
    drawn = charts.draw("partial_dependence", [finding])
    assert re.findall(r">([\w-]*arried[\w-]*)</text>", drawn) == [*levels[1:], levels[0]]
    assert "Average score of &gt;50K" in drawn
    alike = finding.model_copy(update={"data": {"features": [feature | {"average": [0.2, 0.2, 0.2]}]}})
    assert all(f">{level}</text>" in charts.draw("partial_dependence", [alike]) for level in levels)


def test_a_rank_is_told_with_the_ranks_that_the_data_leave_possible():
    ranks = [{"feature": "sex", "rank": 2, "rank_interval": [1, 4], "mean": 0.1, "sensitive": True}]
    finding = Finding(
        id="explainability.forbidden_in_top",
        section="explainability",
        metric="forbidden_in_top",
        value=1,
        data={"n": 3, "forbidden": ["sex"], "found": ["sex"], "features_total": 9, "ranks": ranks},
    )
    assert details(finding)[0].rows[0] == ("sex (sensitive)", "rank 2 (1 to 4) of 9")


def differences(*values: tuple[float, tuple[float, float], float | None]) -> list[Finding]:
    return [
        Finding(
            id=f"fairness.mean_absolute_error_difference:{place}",
            section="fairness",
            metric="mean_absolute_error_difference",
            features=(f"feature {place}",),
            value=value,
            interval=interval,
            gate=GateCondition(op="<=", bound=bound) if bound is not None else None,
        )
        for place, (value, interval, bound) in enumerate(values)
    ]


def dots(drawn: str) -> list[float]:
    return [
        float(x)
        for x in re.findall(
            r'class="c-dot[^"]*" cx="([\d.]+)"', drawn.split('<div class="narrow" hidden>', maxsplit=1)[0]
        )
    ]


def test_differences_of_errors_stand_apart_on_an_axis_of_their_unit():
    drawn = charts.draw("compared", differences((7.2, (0, 16.4), 15), (17.7, (2.3, 33.1), None)))
    first, second = dots(drawn)
    assert second - first > 100
    assert ">30</text>" in drawn


def test_a_bound_far_away_does_not_press_what_was_measured_together():
    near = dots(charts.draw("compared", differences((7.2, (0, 16.4), None), (17.7, (2.3, 33.1), None))))
    far = charts.draw("compared", differences((7.2, (0, 16.4), 20_000_000), (17.7, (2.3, 33.1), None)))
    assert dots(far) == near
    assert 'class="c-bound"' not in far


def test_rows_below_the_line_of_a_histogram_are_not_negative():
    data = {"histogram": {"edges": [0, 0.5, 1], "negative": [900, 20], "positive": [30, 400]}}
    finding = Finding(id="performance.brier_score", section="performance", metric="brier_score", value=0.1, data=data)
    drawn = charts.draw("scores", [finding])
    assert drawn.count(">500</text>") == 2
    assert "−" not in drawn


def mitigated(kinds: list[str]) -> Finding:
    points = [
        {
            "kind": kind,
            "method": kind,
            "disparity": 0.016 + place / 1000,
            "interval": [0.0, 0.05],
            "accuracy": 0.893 - place / 500,
            "accuracy_interval": [0.874, 0.91],
            "by_group": False,
        }
        for place, kind in enumerate(kinds)
    ]
    data = {"points": points, "compared": "demographic_parity_difference", "feature": "sex"}
    return Finding(
        id="fairness.mitigated_disparity", section="fairness", metric="mitigated_disparity", value=0.1, data=data
    )


def test_names_of_mitigations_cover_neither_each_other_nor_a_whisker():
    drawn = charts.draw("tradeoff", [mitigated(["as it is", "thresholds by group", "trained for parity"])])
    wide = drawn.split('<div class="narrow" hidden>')[0]
    names = [
        (float(x), float(y), width(name))
        for x, y, name in re.findall(r'class="c-text" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)</text>', wide)
    ]
    assert len(names) == 3
    for place, (x, y, long) in enumerate(names):
        assert not any(abs(y - other) < 13 and x < at + wider and at < x + long for at, other, wider in names[:place])
        for x1, y1, x2, y2 in re.findall(
            r'c-whisker[^>]*x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', wide
        ):
            inside = float(x1) < x + long and float(x2) > x and float(y1) > y - 10 and float(y2) < y
            assert not inside


def test_a_forest_tells_groups_with_long_names_apart():
    groups = [
        GroupValue(group={"branch of the region": f"office {n:02}", "sex": "f"}, n=40, value=0.5) for n in range(24)
    ]
    finding = Finding(id="fairness.favourable_rate:b", section="fairness", metric="favourable_rate", by_group=groups)
    narrow = charts.draw("forest", [finding]).split('<div class="narrow" hidden>')[1]
    shown = re.findall(r'class="c-text"[^>]*>(?:<title>[^<]*</title>)?([^<]+)</text>', narrow)
    assert len(set(shown)) == 24


def test_a_gain_is_told_whole_beside_its_line():
    gain = {"metric": "accuracy", "gain": -0.012, "interval": [-0.03, 0.01], "words": "no clear difference"}
    metric = "accuracy_gain_over_previous"
    finding = Finding(
        id=f"performance.{metric}", section="performance", metric=metric, value=-0.012, data={"gains": [gain]}
    )
    assert charts.draw("gains", [finding]).count("no clear difference</text>") == 2


def test_a_forest_of_many_groups_draws_its_ends_and_counts_the_rest():
    groups = tuple(
        GroupValue(group={"region": f"R{at:03d}"}, value=at / 200, interval=(0, 1), n=50, denominator=50)
        for at in range(1, 101)
    )
    small = tuple(GroupValue(group={"region": f"S{at}"}, value=0.5, n=2, denominator=2, excluded=True) for at in (1, 2))
    finding = Finding(
        id="fairness.favourable_rate:region",
        section="fairness",
        metric="favourable_rate",
        features=("region",),
        value=0.3,
        n=5_004,
        by_group=(*groups, *small),
    )
    drawn = str(charts.draw("forest", [finding]).split('<div class="narrow" hidden>')[0])
    assert drawn.count('<circle class="c-dot') == 15
    assert "R001" in drawn
    assert "R100" in drawn
    assert "R050" not in drawn
    assert "85 groups between: in the table below" in drawn
    assert "2 groups too small: in the table below" in drawn


def of_classes(metric: str, data: dict) -> Finding:
    return Finding(id=f"performance.{metric}", section="performance", metric=metric, value=0.1, data=data)


def test_each_class_has_a_curve_and_a_line_of_its_own():
    area = {"value": 0.9, "interval": [0.8, 0.95]}
    curve = {"false_positive_rate": [0, 0.2, 1], "true_positive_rate": [0, 0.9, 1]}
    lines = [
        {"class": "<b>red", "n": 40, "roc_auc": area, "average_precision": area, "curve": curve},
        {"class": 7, "n": 0, "roc_auc": {"value": None, "interval": None}, "average_precision": area},
    ]
    finding = of_classes("roc_auc_ovr", {"classes": lines})
    assert [chart.name for chart in charts.charts_for(finding)] == ["roc_by_class"]
    drawn = charts.draw("roc_by_class", [finding])
    assert drawn.count("<svg") == 1
    assert "ROC curve of &lt;b&gt;red" in drawn
    (block,) = details(finding)
    assert block.rows == (
        ("<b>red (40 rows)", "ROC AUC 0.900 (0.800 to 0.950), Average precision 0.900 (0.800 to 0.950)"),
        ("7 (0 rows)", "ROC AUC undefined, Average precision 0.900 (0.800 to 0.950)"),
    )


def test_the_honesty_of_probabilities_is_drawn_for_all_and_for_each_class():
    bins = [{"mean_score": 0.55, "rate": 0.6, "n": 20, "interval": [0.4, 0.8]}]
    each = [{"class": name, "n": 20, "bins": bins} for name in ("red", "green", "blue")]
    finding = of_classes("expected_calibration_error", {"bins": bins, "by_class": each})
    assert [chart.name for chart in charts.charts_for(finding)] == ["reliability", "reliability_by_class"]
    drawn = charts.draw("reliability_by_class", [finding])
    assert drawn.count("<svg") == 3
    assert drawn.count("20 rows: promised 55.0%, happened 60.0%") == 3


def test_without_a_style_sheet_a_chart_is_drawn_in_outlines_once():
    evidence = card_examples.failing()
    drawn = charts.draw("compared", [f for f in evidence.findings if f.metric == "demographic_parity_ratio"])
    assert drawn.count('fill="none" stroke="currentColor"') == drawn.count("<svg ") == 2
    assert drawn.count('<div class="narrow" hidden>') == 1
    for one in drawn.split("</svg>")[:-1]:
        outlines, texts = one.split('<g fill="currentColor" stroke="none">')
        assert "<text" not in outlines
        assert "<text" in texts
