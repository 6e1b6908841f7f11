"""CI reads a gate that is not decided neither as green nor as red."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import card_examples
import pytest

from nbdeploy.report.junit import junit


@pytest.mark.parametrize("name", card_examples.ALL)
def test_one_case_for_each_gate(name):
    evidence = card_examples.ALL[name]()
    root = ET.fromstring(junit(evidence).encode())  # noqa: S314 - our own output
    assert len(root.findall(".//testcase")) == len(evidence.gated()) == int(root.get("tests"))
    assert len(root.findall(".//failure")) == sum(finding.verdict == "fail" for finding in evidence.gated())


def test_undecided_gates_are_skipped_with_verdict_value_and_advice():
    root = ET.fromstring(junit(card_examples.failing()).encode())  # noqa: S314 - our own output
    case = next(c for c in root.iter("testcase") if c.get("name") == "performance.expected_calibration_error")
    message = case.find("skipped").get("message")
    assert message.startswith("inconclusive: Calibration error is 0.082 (0.060 to 0.104), must be at most 0.1.")
    assert "1,900 rows" in message


def test_hostile_text_stays_in_its_attribute():
    root = ET.fromstring(junit(card_examples.hostile()).encode())  # noqa: S314 - our own output
    assert root.findall(".//evil") == []
