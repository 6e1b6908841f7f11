"""Names keep to their room, whatever they are made of."""

from __future__ import annotations

import pytest

from nbdeploy.report.charts.text import cut, width
from nbdeploy.report.inert import upright


@pytest.mark.parametrize("name", ["A" * 200, "i" * 200, "中" * 80, "👩" * 40, "a = b, " * 30])
@pytest.mark.parametrize("room", [20, 148, 320])
def test_a_cut_name_fits_and_fills_its_room(name: str, room: float):
    shown = cut(name, room)
    assert "…" in shown
    assert room - 40 < width(shown) <= room


def test_a_name_that_fits_stays_whole():
    assert cut("age_band=under 40", 200) == "age_band=under 40"


def test_what_tells_groups_apart_is_kept():
    names = [f"branch of the northern region={number:02}, sex={sex}" for number in range(60) for sex in "fm"]
    shown = {cut(name, 150) for name in names}
    assert len(shown) == len(names)


def test_a_name_that_runs_to_the_left_turns_nothing_round():
    assert upright("عدد الغرف != 5") == "عدد الغرف&lrm; != 5"
    assert upright("שלום (0.46), a<b") == "שלום&lrm; (0.46), a&lt;b"
    assert upright("東京 != 5") == "東京 != 5"
