"""Errors of every group, drawn from the quantiles that were recorded."""

from __future__ import annotations

import re

import pytest

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.report import charts, wording
from nbdeploy.report.charts.spreads import SIDES
from nbdeploy.stats.metrics import ERROR_QUANTILES


def quantiles(groups: dict[str, tuple[int, float]], **more) -> list[Finding]:
    """Return the five findings of groups with so many rows, whose errors lie around a middle."""
    found = []
    for side, away in zip(SIDES, (-2.0, -1.0, 0.0, 1.0, 2.0), strict=True):
        values = tuple(
            GroupValue(group={"branch": name}, n=n, value=middle + away, excluded=n < 30)
            for name, (n, middle) in groups.items()
        )
        found.append(
            Finding(
                id=f"fairness.{side}:branch",
                section="fairness",
                metric=side,
                features=("branch",),
                value=away,
                n=sum(n for n, _ in groups.values()),
                by_group=values,
                **more,
            )
        )
    return found


def names(drawn: str) -> list[str]:
    roomy = drawn.split('<div class="narrow" hidden>', maxsplit=1)[0]
    return re.findall(r'class="c-text"[^>]*>(?:<title>[^<]*</title>)?([^<]+)</text>', roomy)


def test_the_chart_draws_the_quantiles_that_are_measured():
    assert set(SIDES) == set(ERROR_QUANTILES)


def test_all_rows_stand_first_then_the_lowest_middle_and_small_groups_last():
    drawn = charts.draw("spreads", quantiles({"north": (90, 3.0), "tiny": (4, -9.0), "south": (60, -1.0)}))
    assert names(drawn) == ["All rows", "south", "north", "tiny"]
    assert "−1.000  (n 60)" in drawn
    assert drawn.count("c-whisker is-excluded") == 2


def test_a_judged_group_is_not_drawn_as_all_rows():
    judged = quantiles({"north": (90, 3.0)}, data={"decided_by": {"branch": "north"}, "overall": 0.5})
    assert "0.500  (n 90)" in charts.draw("spreads", judged)


def test_what_is_told_of_all_rows_is_not_the_group_that_decided():
    (judged, *_) = quantiles({"north": (90, 3.0), "south": (60, 1.0)}, data={"decided_by": {}, "overall": 0.5})
    whole = wording.of_all_rows(judged.model_copy(update={"interval": (0.1, 0.2), "n": 60}))
    assert (whole.value, whole.interval, whole.n) == (0.5, None, 150)
    (plain, *_) = quantiles({"north": (90, 3.0), "south": (60, 1.0)})
    assert wording.of_all_rows(plain) is plain
    lines = [
        re.findall(r'<line class="c-overall"[^>]*>', charts.draw("forest", [finding]))
        for finding in (judged.model_copy(update={"value": 1.0}), plain.model_copy(update={"value": 0.5}))
    ]
    assert lines[0]
    assert lines[0] == lines[1]


def test_forty_groups_with_long_names_are_told_apart():
    many = {f"office number {n:02} of a rather distant region": (50, float(n)) for n in range(40)}
    drawn = charts.draw("spreads", quantiles(many))
    assert len(set(names(drawn))) == 41


@pytest.mark.parametrize("findings", [[], quantiles({"north": (90, 3.0)})[:4], quantiles({})])
def test_nothing_is_drawn_of_what_is_not_whole(findings):
    drawn = charts.draw("spreads", findings)
    assert names(drawn) in ([], ["All rows"])


def test_a_group_without_a_value_is_left_out():
    findings = quantiles({"north": (90, 3.0), "south": (60, -1.0)})
    empty = findings[2].by_group[1].model_copy(update={"value": None})
    findings[2] = findings[2].model_copy(update={"by_group": (findings[2].by_group[0], empty)})
    assert names(charts.draw("spreads", findings)) == ["All rows", "north"]
