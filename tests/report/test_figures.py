"""Numbers must not mislead by how they are written."""

from __future__ import annotations

import pytest

from nbdeploy.report import figures


def test_a_tiny_value_never_reads_as_zero():
    assert figures.number(3.1e-15) == "3\u00a0×\u00a010⁻¹⁵"


@pytest.mark.parametrize(("p", "said"), [(8.3e-11, "p < 0.001"), (0.000999, "p < 0.001"), (0.2376, "p = 0.238")])
def test_a_chance_has_no_more_digits_than_a_reader_needs(p: float, said: str):
    assert figures.p_value(p).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("interval", "how", "said"),
    [
        ((2e-5, 0.02), figures.Scale(), "2 × 10⁻⁵ to 0.020"),
        ((2e-5, 3e-5), figures.Scale(), "2 × 10⁻⁵ to 3 × 10⁻⁵"),
        ((0.0009, 2.48), figures.Scale(unit="MB"), "0.90 kB to 2.48 MB"),
        ((0.05, 0.1), figures.Scale(percent=True), "5.0 to 10.0 %"),
        ((0.0, 0.1464), figures.Scale(), "0 to 0.146"),
        ((0.0, float("inf")), figures.Scale(unit="rows/s", limits=(0, float("inf"))), "any value is possible"),
    ],
)
def test_only_the_unit_that_both_ends_have_is_said_once(interval, how, said):
    assert figures.span(interval, how).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0 ms"), (0.378, "0.38 ms"), (48.84, "48.8 ms"), (254.5, "254 ms"), (12345.6, "12,300 ms")],
)
def test_a_time_has_three_digits(value, said):
    assert figures.number(value, figures.Scale(unit="ms")).replace("\u00a0", " ") == said


def test_nought_stays_nought_beside_a_limit_that_needs_more_digits():
    assert figures.span((0.0, 0.29997), figures.Scale(), (0.3,)) == "0 to 0.29997"


@pytest.mark.parametrize(
    ("interval", "said"),
    [((1.0, 1.0), "1 to 1 feature"), ((1.0, 3.0), "1 to 3 features"), ((0.0, 1.0), "0 to 1 feature")],
)
def test_one_is_of_one(interval, said):
    how = figures.Scale(unit="features", whole=True)
    assert figures.span(interval, how).replace("\u00a0", " ") == said
    assert figures.plain(1, how).replace("\u00a0", " ") == "1 feature"
