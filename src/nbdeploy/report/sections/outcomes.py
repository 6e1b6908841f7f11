"""What came out, as things that a reader must know: what fails, what nobody knows, the widest gap between groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding, Verdict
from nbdeploy.documents.measurement import Pair
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, reasons, wording


@dataclass(frozen=True)
class Point:
    """One thing that a reader must know, and the findings that its numbers are of."""

    title: str
    text: str
    findings: tuple[str, ...] = ()


_LEAKS = 0.05
"""Share of evaluated rows in the training data from which on a reader must know; a few are alike by nature."""

_ASKS = {
    "demographic_parity": "whether the good outcome comes equally often in every group",
    "equalized_odds": "whether the model is right, and wrong, equally often in every group",
    "equal_opportunity": "whether those it should find are found equally often in every group",
}
"""What the standard disparities ask, for a reader who does not know their names."""


def _judged(evidence: Evidence, verdict: Verdict) -> list[Finding]:
    return [finding for finding in evidence.gated() if finding.verdict == verdict]


def failed(evidence: Evidence) -> Iterator[Point]:
    """Tell up to two gates that fail one by one; of more, the first, and the others by name.

    So there stays room for a third thing, such as that the model was not seen.
    """
    broken = _judged(evidence, "fail")
    alone = broken if len(broken) <= 2 else broken[:1]
    for finding in alone:
        text = f"Measured {wording.value(finding)}{_between(finding)}; the gate asks {wording.condition(finding)}."
        if finding.pair is not None:
            text += f" It is decided by {pair(finding)}."
        yield Point(f"{wording.name(finding)} fails", text, (finding.id,))
    rest = broken[len(alone) :]
    if rest:
        title = f"{wording.spelled(len(rest), 'more gate')} fail"
        yield Point(title, f"{named(rest)}.", tuple(finding.id for finding in rest))


def _between(finding: Finding) -> str:
    known = wording.interval(finding)
    return f" ({wording.level(finding)} interval {known})" if known and finding.level else ""


def pair(finding: Finding) -> str:
    """Return the two groups that decide a disparity; empty where none are known."""
    compared: Pair | None = finding.pair
    if compared is None:
        return ""
    text = f"{group_label(compared.first)} against {group_label(compared.second)}"
    return f"{text}, in the {wording.lowered(wording.label('fairness', compared.metric))}" if compared.metric else text


def named(findings: Sequence[Finding]) -> str:
    """Return names with what each measure is about told once: ``Recall and Equalized odds (by sex, by age)``."""
    about: dict[str, list[str]] = {}
    for finding in findings:
        about.setdefault(wording.label(finding.section, finding.metric), []).append(wording.subject(finding))
    told = [
        f"{label} ({', '.join(subject or 'overall' for subject in subjects)})"
        if len(subjects) > 1
        else " ".join([label, *filter(None, subjects)])
        for label, subjects in about.items()
    ]
    return wording.listed(told) if len(told) <= 4 else f"{', '.join(told[:3])} and {len(told) - 3} more measures"


def missing(evidence: Evidence) -> Iterator[Point]:
    """Tell which gates have no evidence, and the commonest reason."""
    unknown = _judged(evidence, "not_evaluated")
    if not unknown:
        return
    causes = Counter(reasons.brief(finding) or "No reason was recorded." for finding in unknown)
    cause, _ = causes.most_common(1)[0]
    others = f" The others have {wording.counted(len(causes) - 1, 'other reason')}." if len(causes) > 1 else ""
    title = f"{wording.spelled(len(unknown), 'gate')} {'was' if len(unknown) == 1 else 'were'} not evaluated"
    asks = _asks(unknown[0]) if len(unknown) == 1 else ""
    text = f"{named(unknown)}{f' asks {asks}' if asks else ''}. {cause}{others}{_would_give(unknown)}"
    yield Point(title, text, tuple(finding.id for finding in unknown))


def _would_give(unknown: Sequence[Finding]) -> str:
    rows = unknown[0].rows_needed
    return f" About {_rounded(rows):,} rows like these would give it a value." if len(unknown) == 1 and rows else ""


def _asks(finding: Finding) -> str:
    family = finding.metric.removesuffix("_difference").removesuffix("_ratio")
    return _ASKS.get(family, "")


def undecided(evidence: Evidence) -> Iterator[Point]:
    """Tell which gates this data cannot decide, and how many rows could."""
    open_ = _judged(evidence, "inconclusive")
    if not open_:
        return
    title = f"{wording.spelled(len(open_), 'gate')} cannot be decided with this data"
    text = f"{named(open_)}: what was measured fits a kept promise and a broken one alike."
    yield Point(title, f"{text}{_rows_needed(open_)}", tuple(finding.id for finding in open_))


def _rows_needed(undecided: Sequence[Finding]) -> str:
    """Return the rows that would decide, from the least to the most: one number for all would mislead."""
    known = [(f.rows_needed, f) for f in undecided if f.rows_needed is not None and wording.counts(f) == "row"]
    if not known:
        return ""
    (least, easiest), (most, hardest) = min(known, key=lambda pair: pair[0]), max(known, key=lambda pair: pair[0])
    some = "" if len(known) == len(undecided) else f", for {len(known)} of the {len(undecided)}"
    if _rounded(least) == _rounded(most):
        return f" About {_rounded(most):,} rows like these would decide {'it' if len(known) == 1 else 'them'}{some}."
    return (
        f" To decide takes from about {_rounded(least):,} rows like these ({wording.lowered(wording.name(easiest))}) "
        f"to about {_rounded(most):,} ({wording.lowered(wording.name(hardest))}){some}."
    )


def _rounded(rows: int) -> int:
    """Return rows rounded up to two leading digits, as the advice does: an extrapolation knows no more."""
    unit = 10 ** max(len(str(rows)) - 2, 0)
    return int(-(-rows // unit) * unit)


def small_groups(evidence: Evidence) -> Iterator[Point]:
    """Tell which groups are too small to compare."""
    least = evidence.objective.content.min_group_size
    small = tuple(
        dict.fromkeys(
            group_label(group.group)
            for finding in evidence.findings
            if finding.section == "fairness" and finding.metric == "count"
            for group in finding.by_group
            if group.excluded or group.n < least
        )
    )
    if small:
        shown = wording.listed(list(small)) if len(small) <= 4 else f"{', '.join(small[:3])} and {len(small) - 3} more"
        has = "has" if len(small) == 1 else "have"
        yield Point(
            f"{wording.spelled(len(small), 'group')} too small to compare",
            f"{shown} {has} fewer than {least} rows: shown, but left out of every comparison.",
        )


def widest_gap(evidence: Evidence) -> Iterator[Point]:
    """Tell the lowest ratio of the rates at which groups get the favourable outcome."""
    gaps = [f for f in evidence.findings if f.metric == "demographic_parity_ratio" and f.value is not None]
    if gaps:
        worst = min(gaps, key=lambda finding: finding.value or 0)
        rates = {group_label(one.group): one.value for one in worst.by_group}
        names = [group_label(group) for group in (worst.pair.first, worst.pair.second)] if worst.pair else []
        known = [(rates.get(name), name) for name in names]
        told = "The lowest rate of the favourable outcome is"
        times = f"{wording.value(worst)} times the highest"
        between = f", between {' and '.join(names)}" if names else ""
        if known and all(rate is not None for rate, _ in known):
            both = [f"{figures.number(rate, figures.Scale(percent=True))} of {name}" for rate, name in known]
            told, between = f"The favourable outcome goes to {' and '.join(both)}:", ""
            times = f"{wording.value(worst)} times as often"
        text = f"{told} {times}{_between(worst)}{between}; 1 would be equal."
        yield Point("The widest gap between groups", text, (worst.id,))


def known_by_heart(evidence: Evidence) -> Iterator[Point]:
    """Tell that rows were evaluated which the model was trained on."""
    finding = evidence.finding("data.leakage")
    if finding is not None and finding.value is not None and finding.value >= _LEAKS and finding.verdict != "fail":
        text = (
            f"{wording.value(finding)} of the evaluated rows also stand in the training data. What a model knows by "
            "heart says nothing about new rows, where it may do worse than is told here."
        )
        yield Point("It was judged on rows that it was trained on", text, (finding.id,))


def headline(evidence: Evidence) -> Iterator[Point]:
    """Tell the measure of performance that says most."""
    for metric in ("recall", "roc_auc", "accuracy", "r2"):
        finding = evidence.finding(f"performance.{metric}")
        if finding is not None and finding.value is not None:
            text = f"{wording.explanation('performance', metric)} Measured {wording.value(finding)}{_between(finding)}."
            yield Point(f"{wording.name(finding)}: {wording.value(finding)}", text, (finding.id,))
            return
