"""Numbers must not mislead by how they are written."""

from __future__ import annotations

import pytest

from nbdeploy.report import figures


def test_a_tiny_value_never_reads_as_zero():
    assert figures.number(3.1e-15) == "3\u00a0×\u00a010⁻¹⁵"


@pytest.mark.parametrize(("p", "said"), [(8.3e-11, "p < 0.001"), (0.000999, "p < 0.001"), (0.2376, "p = 0.238")])
def test_a_chance_has_no_more_digits_than_a_reader_needs(p: float, said: str):
    assert figures.p_value(p).replace("\u00a0", " ") == said
