"""What a reader is told first."""

from __future__ import annotations

import card_examples
import pytest

from nbdeploy.documents.evidence import Evidence
from nbdeploy.flow.validation.validated import Validated
from nbdeploy.report.sections.summary import points


def leaking(share: float) -> Evidence:
    evidence = card_examples.passing()
    leakage = evidence.finding("data.leakage")
    assert leakage is not None
    findings = tuple(
        one.model_copy(update={"value": share, "verdict": None, "gate": None}) if one.id == leakage.id else one
        for one in evidence.findings
    )
    return evidence.model_copy(update={"findings": findings})


def titles(share: float) -> list[str]:
    return [point.title for point in points(leaking(share))]


def test_a_model_that_was_judged_on_its_own_training_rows_is_told_first(tmp_path):
    assert titles(1.0)[0] == "It was judged on rows that it was trained on"
    shown = Validated(leaking(1.0), tmp_path, recorded=False).show()
    assert shown.notes[0].startswith("It was judged on rows that it was trained on: 100")


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_a_few_rows_that_are_alike_are_no_news(share):
    assert "It was judged on rows that it was trained on" not in titles(share)
