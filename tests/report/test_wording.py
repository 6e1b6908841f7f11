"""Numbers must not mislead by how they are written."""

from __future__ import annotations

import math
import re

import pytest

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.report import wording
from nbdeploy.report.inert import deceptive, markdown, visible


def finding(metric="recall", section="performance", **changes) -> Finding:
    return Finding(id=f"{section}.{metric}", section=section, metric=metric, **changes)


def test_a_value_just_short_of_its_bound_never_reads_as_the_bound():
    short = finding(value=0.5996, gate=GateCondition(op=">=", bound=0.6))
    assert wording.value(short) == "59.96\u00a0%"
    assert wording.condition(short) == "at least 60\u00a0%"
    ratio = finding("demographic_parity_ratio", "fairness", value=0.79996, gate=GateCondition(op=">=", bound=0.8))
    assert wording.value(ratio) == "0.79996"


def test_an_undefined_value_is_a_dash_and_never_zero():
    assert wording.value(finding()) == "—"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.64, 0.776), "64.0 to 77.6\u00a0%"),
        ((-math.inf, 0.5), "at most 50.0\u00a0%"),
        ((0.5, math.inf), "at least 50.0\u00a0%"),
        (None, ""),
    ],
)
def test_an_interval_reads_as_words(interval, text):
    assert wording.interval(finding(value=0.7, interval=interval)) == text


def test_units_and_whole_numbers():
    assert wording.value(finding("latency_p95_ms", "operations", value=6.4)) == "6.40\u00a0ms"
    assert wording.value(finding("forbidden_in_top", "explainability", value=0)) == "0\u00a0features"
    assert wording.value(finding("my_own_measure", value=12345.6)) == "12,346"
    assert wording.name(finding("my_own_measure")) == "My own measure"


def test_between_and_slices_are_told():
    judged = finding(
        value=0.5, gate=GateCondition(op="between", bound=(0.2, 0.4)), features=("sex",), slice="age >= 65"
    )
    assert wording.condition(judged) == "between 20\u00a0% and 40\u00a0%"
    assert wording.name(judged) == "Recall by sex, where age ≥ 65"


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u0000", "\ufeff", "\ud800", "\u2066", "\u00ad"])
def test_hidden_and_reordering_characters_are_written_out(hidden):
    shown = visible(f"a{hidden}b")
    assert shown == f"a⟨U+{ord(hidden):04X}⟩b"
    assert deceptive(f"a{hidden}b")


def test_absurd_length_is_cut_and_said():
    assert visible("x" * 10_000, 80) == "x" * 80 + "… (10,000 characters in all)"
    assert len(visible("a" + "\u0301" * 50)) > 100


def test_lookalike_letters_are_noticed_and_other_alphabets_are_not():
    assert deceptive("p\u0430ypal")
    assert not deceptive("Пациенты")
    assert not deceptive("größe µg/l")


def test_markdown_of_a_foreign_name_is_only_text():
    text = markdown("](javascript:alert(1)) ![x](http://evil.example) <b> | *a* `c` www.evil.example a@b")
    assert not re.search(r"(?<!\\)[\[\]!]", text)
    for dangerous in ("<b", " | ", "://", "www.", "@", " *a", " `c"):
        assert dangerous not in text


def test_a_change_of_a_bound_is_told_without_operators():
    assert wording.compared("roc_auc >= 0.80 → >= 0.75") == "roc_auc at least 0.80 → at least 0.75"
    assert wording.compared("<b> is no bound") == "<b> is no bound"
