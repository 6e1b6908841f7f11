"""Values as other programs read them: numbers with every digit that was recorded, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping

from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import group_label


def number(value: float | None) -> str:
    """Return a number such that reading it gives the same number; empty where there is none."""
    return "" if value is None else repr(value)


def group_told(finding: Finding) -> str:
    """Return the group that a finding's value is of, where a gate judged the groups one by one; else empty."""
    decided = finding.data.get("decided_by")
    if isinstance(decided, Mapping):
        return group_label(decided)
    return str(decided) if decided else ""
