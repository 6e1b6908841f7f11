"""Every number that two cards both tell, and whether its change is more than chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite, isinf
from typing import Literal

from nbdeploy.documents import catalog
from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import group_label
from nbdeploy.report import figures, wording
from nbdeploy.stats.mover import difference_interval

GAIN = "_gain_over_previous"
"""Ends the name of a measure that was paired, row by row, with another version."""

Outcome = Literal["better", "worse", "other", "chance", "same", "unknown"]

OUTCOMES: dict[Outcome, str] = {
    "worse": "Really worse",
    "better": "Really better",
    "other": "Really changed",
    "chance": "Chance could do this",
    "same": "The same",
    "unknown": "Cannot be told",
}
_ORDER: tuple[Outcome, ...] = ("worse", "other", "better", "unknown", "chance", "same")

MOVER = "MOVER difference of two independent intervals (Zou and Donner 2008)"


@dataclass(frozen=True)
class Change:
    """One number before and after. `interval` is of after − before, or of the gain where rows were paired."""

    before: Finding
    after: Finding
    outcome: Outcome
    method: str
    interval: tuple[float, float] | None = None
    group: str = ""

    @property
    def name(self) -> str:
        """The measure and what it is about."""
        if self.group:
            return f"{wording.label(self.after.section, self.after.metric)} in {self.group}"
        return wording.name(self.after)

    @property
    def difference(self) -> str:
        """The change with its interval in words."""
        if self.before.value is None or self.after.value is None:
            return ""
        told = _signed(self.after.value - self.before.value, self.after)
        if self.interval is None or not all(map(isfinite, self.interval)):
            return told
        low, high = (figures.bare(_signed(limit, self.after), told) for limit in self.interval)
        return f"{told} ({low} to {high})"


def changes(before: Card, after: Card) -> tuple[Change, ...]:
    """Return what became of every measure that both cards tell; what really became worse first."""
    earlier = {finding.id: finding for finding in before.findings}
    pairs = [(earlier[new.id], new) for new in after.findings if new.id in earlier and _compared(new)]
    found = [_change(before, after, old, new) for old, new in pairs if not _of_groups(new)]
    same = same_rows(before, after)
    found += [change for old, new in pairs if _of_groups(new) for change in _in_groups(old, new, same=same)]
    return tuple(sorted(found, key=lambda change: _ORDER.index(change.outcome)))


def missing(before: Card, after: Card) -> tuple[Finding, ...]:
    """Return the measures with a value in the first card that the second does not tell, or tells without one."""
    later = {finding.id: finding for finding in after.findings if finding.value is not None}
    return tuple(f for f in before.findings if f.value is not None and f.id not in later and _compared(f))


def same_rows(before: Card, after: Card) -> bool:
    """Whether both were measured on the same bytes."""
    rows, others = _evaluated(before), _evaluated(after)
    return bool(rows) and rows == others


def _evaluated(card: Card) -> set[str]:
    return {data.digest for data in card.subject.data if data.role in ("evaluation", "predictions")}


def _of_groups(finding: Finding) -> bool:
    """Whether a finding tells a measure group by group; its own value is then that of all rows, told elsewhere too."""
    known = catalog.measure(finding.section, finding.metric)
    return finding.section == "fairness" and bool(finding.by_group) and known is not None and known.kind != "disparity"


def _in_groups(old: Finding, new: Finding, *, same: bool) -> Iterator[Change]:
    """Yield what became of a measure in each group that both cards judge."""
    earlier = {group_label(value.group): value for value in old.by_group}
    for value in new.by_group:
        label = group_label(value.group)
        was = earlier.get(label)
        if was is None or was.excluded or value.excluded or was.value is None or value.value is None:
            continue
        one, other = (
            finding.model_copy(update={"value": told.value, "interval": told.interval})
            for finding, told in ((old, was), (new, value))
        )
        if (one.value, one.interval) == (other.value, other.interval):
            yield Change(one, other, "same", "the same number", group=label)
        else:
            yield replace(_by_intervals(one, other, same=same), group=label)


def _compared(finding: Finding) -> bool:
    # Counts describe the data; gains are of another pair of models than this one.
    return finding.metric != "count" and not finding.metric.endswith(GAIN)


def _change(before: Card, after: Card, old: Finding, new: Finding) -> Change:
    if old.value is None or new.value is None:
        if old.value is None and new.value is None:
            return Change(old, new, "same", "no value on either card")
        return Change(old, new, "unknown", "no value before" if old.value is None else "no value any more")
    if old.data.get("decided_by") != new.data.get("decided_by"):
        return Change(old, new, "unknown", "another group decides: these are numbers of two groups")
    if old.value == new.value and old.interval == new.interval:
        return Change(old, new, "same", "the same number")
    gain = _paired(before, after, old, new)
    if gain is not None and gain.interval is not None:
        low, high = _closed(gain.interval)
        outcome: Outcome = "better" if low > 0 else "worse" if high < 0 else "chance"
        # A gain points to the better side; the table tells after − before.
        turned = (-high, -low) if _better(new) == "lower" else (low, high)
        return Change(old, new, outcome, f"paired, row by row: {gain.method}", turned)
    return _by_intervals(old, new, same=same_rows(before, after))


def _by_intervals(old: Finding, new: Finding, *, same: bool) -> Change:
    if old.value is None or new.value is None or old.interval is None or new.interval is None:
        return Change(old, new, "unknown", "no interval on both cards, so what chance does is not known")
    if old.level != new.level or isinf(old.value) or isinf(new.value):
        return Change(old, new, "unknown", "the intervals are of different levels, or a value is infinite")
    limits = difference_interval(new.value, new.interval, old.value, old.interval)
    rows = "; the same rows: not independent, as a rule too careful, not exact" if same else ""
    if limits[0] <= 0 <= limits[1]:
        return Change(old, new, "chance", MOVER + rows, limits)
    better = _better(new)
    rising = limits[0] > 0
    outcome: Outcome = "other" if better is None else "better" if rising == (better == "higher") else "worse"
    return Change(old, new, outcome, MOVER + rows, limits)


def _paired(before: Card, after: Card, old: Finding, new: Finding) -> Finding | None:
    """Return the gain that the later card paired with these earlier numbers: same rows, same value."""
    gain = after.finding(new.id.replace(new.metric, new.metric + GAIN, 1))
    if gain is None or gain.value is None or not same_rows(before, after) or old.value is None or new.value is None:
        return None
    sign = -1 if _better(new) == "lower" else 1
    return gain if abs(sign * (new.value - old.value) - gain.value) < 1e-9 else None


def _better(finding: Finding) -> str | None:
    known = catalog.measure(finding.section, finding.metric)
    return known.better if known else None


def _closed(interval: tuple[float | None, float | None]) -> tuple[float, float]:
    low, high = interval
    return float("-inf") if low is None else low, float("inf") if high is None else high


def _signed(value: float, finding: Finding) -> str:
    scale = figures.scale(finding.section, finding.metric)
    # A rate that goes from 80 % to 76 % loses 4 points, not 4 %.
    text = figures.number(value, replace(scale, truth=False)).replace("\u00a0%", "\u00a0points")
    return text if value <= 0 else f"+{text}"


def really(found: tuple[Change, ...], outcome: Outcome) -> Iterator[Change]:
    """Yield the changes of one outcome."""
    return (change for change in found if change.outcome == outcome)
