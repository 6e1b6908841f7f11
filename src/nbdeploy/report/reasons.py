"""A verdict's reason and advice for a reader without Python.

The stage *validate* writes them for every surface alike: with operators, names of measures as in code, numbers to four
digits. What is of a known form is said here in words and with the card's own numbers, from the finding's fields; what
is not of a known form is shown as it was recorded. The evidence keeps the recorded text.
"""

from __future__ import annotations

import re

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.gate import GateCondition
from nbdeploy.report import figures, wording

_NUMBER = r"-?(?:\d[\d.]*(?:e[+-]?\d+)?|inf)"
_FORM = (
    r"(?:(?P<every>every group satisfies the gate; the closest is )?(?P<group>.+): )?"
    rf"{_NUMBER}(?: \({_NUMBER} to {_NUMBER}\))?(?P<sure>: the (?:whole )?interval)? "
    r"(?P<how>satisfies|violates|lies on both sides of) GATE"
    r"(?:, judged by its value: (?P<alone>it has no interval|the gate asks for one exact value"
    r"|the objective says `decide: point`))?"
    r"(?:; (?P<shown>shown by|left open by|closest to the bound:) (?P<pair>.+))?"
)
_ALONE = {"the objective says `decide: point`": "the objective asks for that"}
_TOO_FEW = re.compile(r"fewer than two groups have (?P<least>\S+) rows that (?P<metric>\w+) divides by")
_ALL_ZERO = re.compile(r"(?P<metric>\w+) is 0 in every group, and 0/0 is undefined")
_COUNT_FOR = re.compile(r"(rows that count for )([a-z]+(?:_[a-z]+)+(?: and [a-z]+(?:_[a-z]+)+)*)")
_BEYOND = re.compile(rf"(?P<by>{_NUMBER}) (?P<side>above|below) the bound of (?P<bound>{_NUMBER}(?<!\.))")
_NEEDS_SCORES = re.compile(r"(?P<metric>[a-z]\w+) needs (?P<what>scores, .+)")
_NAMED = 6
"""Groups that a reason names at most."""
_LEFT_OUT = "; left out, too few rows: "


def reason(finding: Finding) -> str:
    """Return why the verdict is what it is, as sentences; empty where nothing was recorded."""
    _, _, small = finding.reason.partition(_LEFT_OUT)
    # Equalized odds compares two rates, each with rows of its own: a group can be left out of one and not of the other.
    two = finding.metric.startswith("equalized_odds")
    left_out = "Too few rows for at least one of its two rates" if two else "Left out, too few rows"
    return f"{brief(finding)} {left_out}: {_few(small)}." if small else brief(finding)


def _few(small: str) -> str:
    """Return the first of the groups that were left out; with many of them nobody would find what comes after."""
    groups = small.split("; ")
    if len(groups) <= _NAMED:
        return small
    return f"{'; '.join(groups[:_NAMED])}; and {len(groups) - _NAMED} more, which the tables of groups show"


def brief(finding: Finding) -> str:
    """Return the reason without the list of groups that were left out."""
    why, _, _ = finding.reason.partition(_LEFT_OUT)
    found = re.fullmatch(_FORM.replace("GATE", re.escape(_gate(finding.gate))), why, re.DOTALL)
    return _judged(finding, found) if found else wording.sentence(_undefined(finding, why))


def advice(finding: Finding) -> str:
    """Return what would mend or decide the verdict, as a sentence; empty where nothing was recorded."""
    recorded = _BEYOND.sub(lambda found: _beyond(finding, found), finding.advice)
    text = _COUNT_FOR.sub(lambda found: f"{found[1]}{_measures(finding, found[2])}", recorded)
    ends_in_command = ": nbdeploy " in text
    return wording.sentence(text).removesuffix(".") if ends_in_command else wording.sentence(text)


def _beyond(finding: Finding, found: re.Match[str]) -> str:
    """Say how far a value lies beyond its bound, in the units of the card; a difference of shares is in points."""
    how = figures.scale(finding.section, finding.metric)
    by, bound = float(found["by"]), float(found["bound"])
    gap = f"{figures.plain(round(by * 100, 2), figures.Scale())} percentage points" if how.percent else found["by"]
    return f"{gap} {found['side']} the bound of {figures.plain(bound, how)}"


def _gate(gate: GateCondition | None) -> str:
    """Return the gate as reasons write it."""
    return "no gate" if gate is None else str(gate)


def _judged(finding: Finding, found: re.Match[str]) -> str:
    """Say how the interval, or the value alone, lies to the gate, and which groups that rests on."""
    asked, interval = wording.condition(finding), wording.interval(finding)
    told = []
    if found["every"]:
        told.append(f"Every group satisfies the gate; the closest is {found['group']}.")
    elif found["group"]:
        told.append(f"Decided by {found['group']}.")
    if found["sure"]:
        told.append(
            {
                "satisfies": f"The whole interval, {interval}, is {asked}.",
                "violates": f"Nothing in the interval, {interval}, is {asked}.",
                "lies on both sides of": f"Only part of the interval, {interval}, is {asked}.",
            }[found["how"]]
        )
    else:
        is_it = "is" if found["how"] == "satisfies" else "is not"
        alone = f"; the value alone decides: {_ALONE.get(found['alone'], found['alone'])}" if found["alone"] else ""
        told.append(f"{wording.value(finding)} {is_it} {asked}{alone}.")
    if found["pair"]:
        told.append(f"{found['shown'].capitalize()} {_pair(finding, found['pair'])}.")
    return " ".join(told)


def _pair(finding: Finding, recorded: str) -> str:
    metric = finding.pair.metric if finding.pair else None
    if metric and recorded.endswith(f" in {metric}"):
        return f"{recorded.removesuffix(f' in {metric}')}, in {_measure(finding, metric)}"
    return recorded


def _undefined(finding: Finding, why: str) -> str:
    few, zero, scores = _TOO_FEW.fullmatch(why), _ALL_ZERO.fullmatch(why), _NEEDS_SCORES.fullmatch(why)
    if few:
        return (
            f"fewer than two groups have the {few['least']} rows that {_measure(finding, few['metric'])} is counted on"
        )
    if zero:
        return f"{_measure(finding, zero['metric'])} is 0 in every group, so there is no ratio to compare"
    if scores:
        return f"{wording.label(finding.section, scores['metric'])} needs {scores['what']}"
    return why


def _measures(finding: Finding, names: str) -> str:
    return " and ".join(_measure(finding, metric) for metric in names.split(" and "))


def _measure(finding: Finding, metric: str) -> str:
    return f"the {wording.lowered(wording.label(finding.section, metric))}"
