"""Measures, bounds and verdicts in words, the same in card, table, terminal and notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nbdeploy.documents.catalog import measure
from nbdeploy.documents.finding import Finding, Verdict
from nbdeploy.documents.gate import GateCondition
from nbdeploy.documents.record import Scalar, group_label
from nbdeploy.documents.sections import Section
from nbdeploy.report import figures

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


def label(section: str, metric: str) -> str:
    """Return the measure's standard name; a project's own measure keeps its name, underscores as spaces."""
    known = measure(section, metric)
    return known.label if known else metric.replace("_", " ").capitalize()


def explanation(section: str, metric: str) -> str:
    """Return one plain sentence on what the measure means, empty for a project's own measure."""
    known = measure(section, metric)
    return known.explanation if known else ""


def bounds(gate: GateCondition | None) -> tuple[float, ...]:
    """Return the bound or bounds of a gate."""
    if gate is None:
        return ()
    return gate.bound if isinstance(gate.bound, tuple) else (gate.bound,)


def condition(finding: Finding) -> str:
    """Return the gate in words: ``at least 75 %``."""
    return asked(finding.gate, figures.scale(finding.section, finding.metric)) if finding.gate else ""


def asked(gate: GateCondition, how: figures.Scale | None = None) -> str:
    """Return a gate in words, its bound written like the measure's values."""
    how = how or figures.Scale()
    if isinstance(gate.bound, tuple):
        return f"between {figures.plain(gate.bound[0], how)} and {figures.plain(gate.bound[1], how)}"
    if how.truth and gate.bound in (0, 1):
        return figures.plain(gate.bound, how)
    return f"{COMPARED[gate.op]} {figures.plain(gate.bound, how)}"


def spoken(text: str) -> str:
    """Return a declared condition without the operators of a programming language: ``at most 42``, ``age ≥ 65``."""
    for operator in (">=", "<=", "==", ">", "<"):
        if text.startswith(operator):
            return f"{COMPARED[operator]} {text.removeprefix(operator).strip()}"
    named = re.sub(r"`([^`]+)`", r"\1", text)
    return named.replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("!=", "≠")


def compared(text: str) -> str:
    """Return text in which a bound has words for its operator: ``roc_auc at least 0.8 → at least 0.75``."""
    return re.sub(r"(>=|<=|==|[<>])\s*(?=[\d.−-])", lambda found: f"{COMPARED[found[1]]} ", text)


def of_all_rows(finding: Finding) -> Finding:
    """Return a finding about groups with what it says of all rows.

    Where a gate judged the groups one by one, its value, interval and rows are those of the group that decided; of all
    rows the value alone is kept then.
    """
    if "decided_by" not in finding.data:
        return finding
    overall = finding.data.get("overall")
    value = float(overall) if isinstance(overall, (int, float)) else None
    rows = sum(group.n for group in finding.by_group)
    return finding.model_copy(update={"value": value, "interval": None, "n": rows})


def value(finding: Finding) -> str:
    """Return the finding's value, told apart from its gate's bound."""
    return figures.number(
        finding.value, figures.scale(finding.section, finding.metric), apart_from=bounds(finding.gate)
    )


def interval(finding: Finding) -> str:
    """Return the finding's interval in words, empty where it has none."""
    return figures.span(finding.interval, figures.scale(finding.section, finding.metric), bounds(finding.gate))


def level(finding: Finding) -> str:
    """Return ``95 %``, empty where no level is known."""
    return figures.plain(finding.level, figures.Scale(percent=True)) if finding.level is not None else ""


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


def spelled(n: int, noun: str) -> str:
    """Return ``One gate``, ``Five gates``, ``12 gates``: for the start of a title in a numbered list."""
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    return counted(n, noun).replace(str(n), words[n], 1) if n < len(words) else counted(n, noun)


def within(group: Mapping[str, Scalar]) -> str:
    """Return a group's name where a title names its feature: ``60+`` under *By age_band*, ``sex=2, age_band=60+``."""
    return str(next(iter(group.values()))) if len(group) == 1 else group_label(group)


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
