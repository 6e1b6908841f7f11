"""Impact ratios as rules under New York City's Local Law 144 ask for them (6 RCNY § 5-301).

For each category of sex, of race or ethnicity, and of both together: how many people, which share was selected, and
that share divided by the highest share of any category. The features are those that the objective declares for it;
nothing is guessed from names of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.objective import ImpactAudit
from nbdeploy.documents.record import Interval, Scalar

SMALLEST_SHARE = 0.02
"""Categories with less of the data may be left out of the ratios, with their number and rate told (§ 5-301(d))."""

MISSING = "(missing)"

RATES = ("favourable_rate", "scoring_rate")
"""Selection rate: the share with the favourable decision. Scoring rate: the share above the median score of all."""


@dataclass(frozen=True)
class Category:
    """One category. `ratio` is None where it is left out, and `left_out` then says why."""

    group: dict[str, Scalar]
    n: int
    rate: float | None
    interval: Interval | None
    ratio: float | None = None
    ratio_interval: tuple[float, float] | None = None
    highest: bool = False
    left_out: str = ""


@dataclass(frozen=True)
class AuditTable:
    """One table: the categories of `features` by the rate of `finding`."""

    features: tuple[str, ...]
    finding: Finding
    categories: tuple[Category, ...]

    @property
    def unknown(self) -> int:
        """People whose category is unknown."""
        return sum(category.n for category in self.categories if category.left_out == UNKNOWN)


UNKNOWN = "unknown category"
WITHHELD = "withheld: so few people could be recognised"
SMALL = "under 2 % of the data"


def audited(evidence: Evidence) -> tuple[AuditTable, ...]:
    """Return the tables that the declared categories allow; none where the objective declares none."""
    audit = evidence.objective.content.regulations.local_law_144
    if audit is None:
        return ()
    fewest = _threshold(evidence)
    return tuple(_table(features, finding, audit, fewest) for features, finding in told_rates(evidence))


def told_rates(evidence: Evidence) -> tuple[tuple[tuple[str, ...], Finding], ...]:
    """Return each rate by declared categories: sex, race or ethnicity, and both together."""
    audit = evidence.objective.content.regulations.local_law_144
    if audit is None:
        return ()
    wanted = ((audit.sex,), (audit.race_ethnicity,), (audit.sex, audit.race_ethnicity))
    return tuple(
        (features, finding) for rate in RATES for features in wanted for finding in _findings(evidence, rate, features)
    )


def _threshold(evidence: Evidence) -> int:
    return max((table.suppressed_below for table in evidence.tallies), default=0)


def _findings(evidence: Evidence, rate: str, features: Sequence[str]) -> Iterator[Finding]:
    for finding in evidence.findings:
        same = finding.section == "fairness" and finding.metric == rate and finding.slice is None
        if same and {*finding.features} == {*features} and finding.by_group:
            yield finding


def _table(features: tuple[str, ...], finding: Finding, audit: ImpactAudit, fewest: int) -> AuditTable:
    total = sum(value.n for value in finding.by_group)
    unknown = {MISSING, *(str(value) for value in audit.unknown)}
    categories = [_category(value, features, total, unknown, fewest) for value in finding.by_group]
    return AuditTable(features, finding, tuple(_against_highest(categories, finding.level or 0.95)))


def _category(value: GroupValue, features: tuple[str, ...], total: int, unknown: set[str], fewest: int) -> Category:
    group = {feature: value.group[feature] for feature in features}
    why = ""
    if value.n < fewest or value.value is None:
        return Category(group, value.n, None, None, left_out=WITHHELD)
    if any(str(part) in unknown for part in group.values()):
        why = UNKNOWN
    elif value.n < SMALLEST_SHARE * total:
        why = SMALL
    return Category(group, value.n, value.value, value.interval, left_out=why)


def _against_highest(categories: list[Category], level: float) -> Iterator[Category]:
    """Yield every category with its ratio to the highest rate among those that are compared."""
    compared = [one for one in categories if not one.left_out and one.rate is not None]
    best = max(compared, key=lambda one: (one.rate or 0.0, one.n), default=None)
    if best is None or not best.rate:
        yield from categories
        return
    limits = iter(_limits([one for one in compared if one is not best], best, level))
    for one in categories:
        if one is best:
            yield replace(one, ratio=1.0, highest=True)
        elif one.left_out or one.rate is None:
            yield one
        else:
            yield replace(one, ratio=one.rate / best.rate, ratio_interval=next(limits))


def _limits(others: list[Category], best: Category, level: float) -> list[tuple[float, float]]:
    """Return Miettinen and Nurminen's limits of each ratio of two rates, for that pair alone."""
    from nbdeploy.stats.two_proportions import ratio_interval

    if not others:
        return []
    selected = [round((one.rate or 0.0) * one.n) for one in others]
    low, high = ratio_interval(
        selected, [one.n for one in others], round((best.rate or 0.0) * best.n), best.n, level=level
    )
    return list(zip(low.tolist(), high.tolist(), strict=True))
