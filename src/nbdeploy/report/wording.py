"""Numbers, bounds and verdicts in words, the same in card, table, terminal and notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.finding import Finding, GateCondition, Verdict
from nbdeploy.documents.objective import Gate, Section
from nbdeploy.documents.record import Interval

VERDICTS: dict[Verdict, str] = {
    "pass": "Pass",
    "inconclusive": "Inconclusive",
    "not_evaluated": "Not evaluated",
    "fail": "Fail",
}
MARKS: dict[Verdict, str] = {"pass": "✓", "inconclusive": "≈", "not_evaluated": "–", "fail": "✕"}
"""One sign for each verdict, drawn beside the word and never instead of it."""

MEANINGS: dict[Verdict, str] = {
    "pass": "The whole interval satisfies the gate.",
    "inconclusive": "The interval crosses the bound: this data cannot tell.",
    "not_evaluated": "There is no evidence. This never counts as a pass.",
    "fail": "The whole interval violates the gate.",
}

COMPARED = {">=": "at least", "<=": "at most", ">": "above", "<": "below", "==": "exactly"}
NONE = "—"
"""Shown where a quantity is undefined or was not measured."""


@dataclass(frozen=True)
class Scale:
    """How a measure is written: as a percentage, as a plain number, with a unit, or as yes and no."""

    percent: bool = False
    truth: bool = False
    unit: str = ""
    whole: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)


def scale(section: str, metric: str) -> Scale:
    """Return how the values of a measure are written."""
    known = measure(section, metric)
    if known is None:
        return Scale()
    if known.kind == "rate":
        return Scale(percent=True, limits=(0, 1))
    if metric == "loads_in_clean_process":
        return Scale(truth=True)
    if known.kind == "quantity":
        whole = not known.unit or (known.unit.isalpha() and known.unit not in ("ms", "MB"))
        return Scale(unit=known.unit, whole=whole, limits=(0, math.inf))
    if known.kind == "disparity":
        return Scale(limits=(0, 1) if metric.endswith("_ratio") else (0, math.inf))
    return Scale()


def label(section: str, metric: str) -> str:
    """Return the measure's standard name; a project's own measure keeps its name, underscores as spaces."""
    known = measure(section, metric)
    return known.label if known else metric.replace("_", " ").capitalize()


def explanation(section: str, metric: str) -> str:
    """Return one plain sentence on what the measure means, empty for a project's own measure."""
    known = measure(section, metric)
    return known.explanation if known else ""


def number(value: float | None, how: Scale = Scale(), *, apart_from: tuple[float, ...] = ()) -> str:
    """Write one number.

    Decimals are added until the text differs from the text of every bound in `apart_from`: 0.7996 must not read as the
    0.80 that it misses.
    """
    if value is None:
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if how.truth and value in (0, 1):
        return "yes" if value else "no"
    if how.unit == "MB" and 0 < abs(value) < 0.1:
        return number(value * 1000, replace(how, unit="kB"), apart_from=tuple(bound * 1000 for bound in apart_from))
    factor = 100 if how.percent else 1
    shown = value * factor
    decimals = _decimals(shown, how)
    others = [bound * factor for bound in apart_from if bound != value]
    while decimals < 8 and any(round(shown, decimals) == round(other, decimals) for other in others):
        decimals += 1
    text = f"{shown:,.{decimals}f}" if decimals >= 0 else f"{round(shown, decimals):,.0f}"
    if not shown.is_integer() and float(text.replace(",", "")) == 0:
        text = _tiny(shown)
    text = text.replace("-", "−")
    if how.percent:
        return f"{text}\u00a0%"
    return f"{text}\u00a0{how.unit}" if how.unit else text


def _tiny(shown: float) -> str:
    """Write a number next to nothing as ``9 × 10⁻¹⁶``: it must not read as zero."""
    if abs(shown) >= 1e-4:
        return f"{shown:.1g}"
    digit, exponent = f"{shown:.0e}".split("e")
    return f"{digit}\u00a0×\u00a010{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _decimals(shown: float, how: Scale) -> int:
    if how.whole and float(shown).is_integer():
        return 0
    if how.unit == "rows/s" and abs(shown) >= 100:
        return 2 - math.floor(math.log10(abs(shown)))  # three digits: a second measurement gives no more
    if how.percent:
        return 1
    if abs(shown) >= 1000:
        return 0
    if abs(shown) >= 100:
        return 1
    return 2 if abs(shown) >= 10 or how.unit else 3


def plain(value: float, how: Scale) -> str:
    """Write a declared bound without trailing zeros: ``80 %``, ``0.1``, ``50 ms``."""
    if how.truth and value in (0, 1):
        return "yes" if value else "no"
    shown = value * 100 if how.percent else value
    text = f"{round(shown, 9):,.9f}".rstrip("0").rstrip(".").replace("-", "−")
    if how.percent:
        return f"{text}\u00a0%"
    return f"{text}\u00a0{how.unit}" if how.unit else text


def bounds(gate: GateCondition | None) -> tuple[float, ...]:
    """Return the bound or bounds of a gate."""
    if gate is None:
        return ()
    return gate.bound if isinstance(gate.bound, tuple) else (gate.bound,)


def condition(finding: Finding) -> str:
    """Return the gate in words: ``at least 75 %``."""
    return asked(finding.gate, scale(finding.section, finding.metric)) if finding.gate else ""


def asked(gate: Gate | GateCondition, how: Scale = Scale()) -> str:
    """Return a gate in words, its bound written like the measure's values."""
    if isinstance(gate.bound, tuple):
        return f"between {plain(gate.bound[0], how)} and {plain(gate.bound[1], how)}"
    if how.truth and gate.bound in (0, 1):
        return plain(gate.bound, how)
    return f"{COMPARED[gate.op]} {plain(gate.bound, how)}"


def spoken(text: str) -> str:
    """Return a declared condition without the operators of a programming language: ``at most 42``, ``age ≥ 65``."""
    for operator in (">=", "<=", "==", ">", "<"):
        if text.startswith(operator):
            return f"{COMPARED[operator]} {text.removeprefix(operator).strip()}"
    return text.replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("!=", "≠")


def value(finding: Finding) -> str:
    """Return the finding's value, told apart from its gate's bound."""
    return number(finding.value, scale(finding.section, finding.metric), apart_from=bounds(finding.gate))


def span(interval: Interval | None, how: Scale, apart_from: tuple[float, ...] = ()) -> str:
    """Return an interval in words: ``64.0 to 77.6 %``; one-sided where a limit does not exist."""
    if interval is None or interval == (None, None):
        return ""
    low, high = interval
    if low is None or low == -math.inf:
        return f"at most {number(high, how, apart_from=apart_from)}"
    if high is None or high == math.inf:
        return f"at least {number(low, how, apart_from=apart_from)}"
    bare = number(low, how, apart_from=apart_from).split("\u00a0")[0]
    return f"{bare} to {number(high, how, apart_from=apart_from)}"


def interval(finding: Finding) -> str:
    """Return the finding's interval in words, empty where it has none."""
    return span(finding.interval, scale(finding.section, finding.metric), bounds(finding.gate))


def level(finding: Finding) -> str:
    """Return ``95 %``, empty where no level is known."""
    return plain(finding.level, Scale(percent=True)) if finding.level is not None else ""


_COUNTS = {
    "missing_share": "cell",
    "outlier_share": "cell",
    "drifted_columns": "column",
    "environment_mismatches": "package",
    "unsafe_files": "file",
    "unknown_globals": "file",
    "latency_p50_ms": "call",
    "latency_p95_ms": "call",
    "latency_p99_ms": "call",
}


def counts(finding: Finding) -> str:
    """Return what a finding's `n` and `denominator` count: rows, unless it is a measure of something else."""
    return _COUNTS.get(finding.metric, "row")


def rests_on(finding: Finding) -> str:
    """Return how many rows (or cells, calls) the value rests on; empty where that is unknown, or no value is."""
    if finding.value is None:
        return ""
    if finding.denominator is not None:
        return counted(finding.denominator, counts(finding))
    if finding.sample is not None:
        return f"sample of {counted(finding.sample, counts(finding))}"
    return counted(finding.n, counts(finding)) if finding.n is not None else ""


def subject(finding: Finding) -> str:
    """Return what a finding is about beyond its measure: ``by sex and age_band``, ``where age >= 65``."""
    parts = [f"by {listed(finding.features)}"] if finding.features else []
    if finding.slice:
        parts.append(f"where {spoken(finding.slice)}")
    return ", ".join(parts)


def name(finding: Finding) -> str:
    """Return the measure's label and what it is about."""
    about = subject(finding)
    return f"{label(finding.section, finding.metric)} {about}" if about else label(finding.section, finding.metric)


def lowered(text: str) -> str:
    """Return a label for the middle of a sentence; ``ROC AUC`` stays as it is."""
    return text if text[1:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def sentence(text: str) -> str:
    """Return text as a sentence: a capital if it starts with a word, a full stop if it ends without one."""
    first = text.partition(" ")[0]
    # A command keeps its small letter: it is typed as it stands.
    opened = f"{text[0].upper()}{text[1:]}" if first.isalpha() and first != "nbdeploy" else text
    return opened if not opened or opened.endswith((".", "!", "?")) else f"{opened}."


def counted(n: int, noun: str, many: str | None = None) -> str:
    """Return ``1 gate``, ``1,200 gates``."""
    return f"{n:,} {noun if n == 1 else many or noun + 's'}"


def listed(items: tuple[str, ...] | list[str], last: str = "and") -> str:
    """Return ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def section_name(section: Section | str) -> str:
    """Return the title that a section of measures has on the card."""
    return {
        "data": "Data quality",
        "performance": "Performance",
        "fairness": "Bias and fairness",
        "robustness": "Robustness",
        "explainability": "Explainability",
        "operations": "Operations",
    }.get(section, section)
