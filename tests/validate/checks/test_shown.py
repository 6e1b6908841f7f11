from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from nbdeploy.documents.measurement import Measurement
from nbdeploy.validate.checks.drawing import bars, dots, heading, panels, picture
from nbdeploy.validate.checks.shown import Shown, Table, measured, number, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (float("nan"), "—"),
        (float("inf"), "∞"),
        (12345, "12,345"),
        (1, "1"),
        (0.8214, "0.821"),
        (1.0, "1.000"),
        (-0.5, "−0.500"),
        (1e-15, "1e−15"),
        (136254.3, "136,254"),
    ],
)
def test_numbers_read_as_people_write_them(value, text):
    assert number(value) == text


def test_hostile_names_are_inert_in_tables_and_texts():
    table = Table(("<img src=x onerror=alert(1)>",), (("<script>alert(1)</script>",),))
    shown = Shown(table=table, text="<b>not bold</b>")
    html = "".join(data["text/html"] for data, _ in shown.bundles())
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>" not in html


def test_an_undefined_measurement_says_why():
    one = Measurement(section="data", metric="leakage", undefined="no training data was given")
    assert "no training data was given" in measured([one]).to_text()
    assert span(None) == "—"


def test_a_chart_comes_as_a_ready_picture_with_its_alternative_text():
    figure, (axis,) = panels(height=1.5)
    bars(axis, ["a", "b"], [0.2, 0.4], [(0.1, 0.3), None])
    heading(axis, "Title")
    ((data, metadata),) = Shown(figure, alternative="shares").bundles()
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == "[shares]"
    assert metadata["image/png"]["width"] == 608


def test_the_same_chart_is_the_same_bytes():
    def drawn() -> bytes:
        figure, (axis,) = panels(height=1.5)
        bars(axis, ["a"], [0.2])
        return Shown(figure).bundles()[0][0]["image/png"]

    assert drawn() == drawn()


def test_a_chart_shows_what_matplotlib_itself_would_save():
    """It is drawn once instead of four times, which must not move a dot."""

    def charted():
        figure, (left, right) = panels(2, height=2.2)
        dots(left, ["a long name", "b"], [0.2, None], [(0.1, 0.3), (0.2, 0.9)], hollow=[False, True])
        bars(right, ["a"], [0.2], [(0.1, 0.3)])
        right.set_xlabel("Share")
        heading(left, "Title")
        return figure

    theirs = io.BytesIO()
    charted().savefig(theirs, format="png")
    pictures = [Image.open(io.BytesIO(one)).convert("RGB") for one in (picture(charted()), theirs.getvalue())]
    assert pictures[0].size == pictures[1].size
    assert ImageChops.difference(*pictures).getbbox() is None
