"""Findings named by pattern: ``fairness.*``, or any one of ``performance.roc_auc | performance.r2``."""

from __future__ import annotations

import re
from functools import cache

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import Record
from nbdeploy.documents.sections import SECTIONS

_PATTERN = re.compile(r"^([a-z]+)\.([a-z0-9_*]+)(:crossed)?$")


class FindingPattern(Record):
    """Findings of one section whose measure fits `metric`, where ``*`` stands for anything.

    `crossed` asks for groups by two or more sensitive features together.
    """

    section: str
    metric: str
    crossed: bool = False

    def fits(self, section: str, metric: str, features: tuple[str, ...] = ()) -> bool:
        """Whether a finding of this measure and these features is one of them."""
        if section != self.section or (self.crossed and len(features) < 2):
            return False
        return _glob(self.metric).fullmatch(metric) is not None


@cache
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))))


@cache
def alternatives(text: str) -> tuple[FindingPattern, ...]:
    """Read ``performance.roc_auc | performance.r2``: any one of them is enough.

    Raises
    ------
    ValueError
        One is not ``SECTION.MEASURE`` or ``SECTION.MEASURE:crossed``, or there is no such section.
    """
    found = []
    for part in text.split("|"):
        match = _PATTERN.match(part.strip())
        if not match:
            raise ValueError(
                f"{part.strip()!r} names no findings; write SECTION.MEASURE, such as fairness.* or "
                "performance.roc_auc, with :crossed for groups by several features"
            )
        if match[1] not in SECTIONS:
            raise ValueError(f"{part.strip()!r}: there is no section {match[1]!r} (sections: {', '.join(SECTIONS)})")
        found.append(FindingPattern(section=match[1], metric=match[2], crossed=bool(match[3])))
    return tuple(found)


def valued(finding: Finding) -> bool:
    """Whether anything was measured; a measure by group may have values in groups alone. Rows alone are nothing."""
    if finding.metric == "count" and not finding.features:
        return False
    return finding.value is not None or any(group.value is not None for group in finding.by_group)


def shows(finding: Finding, text: str) -> bool:
    """Whether a finding has a value and fits one of the patterns of `alternatives`."""
    return valued(finding) and any(
        pattern.fits(finding.section, finding.metric, finding.features) for pattern in alternatives(text)
    )
