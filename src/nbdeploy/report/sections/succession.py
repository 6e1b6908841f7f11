"""What the change of version means: what got worse, and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.report import wording
from nbdeploy.report.sections.outcomes import Point

_GAIN = "_gain_over_previous"


def worse_than_before(evidence: Evidence) -> Iterator[Point]:
    """Tell what this model does clearly worse than the version before it, in all or for a group of people.

    A gate that fails by it tells it already.
    """
    gains = [f for f in evidence.findings if f.metric.endswith(_GAIN) and f.verdict != "fail"]
    lost = [f for f in gains if not f.features and _lost(f)]
    if lost:
        told = wording.listed([_what(f) for f in lost])
        yield Point(
            f"Worse than {_previous(evidence)}",
            f"On the same rows this model is clearly worse than the version before it in {told}.",
            tuple(f.id for f in lost),
        )
    groups = {str(group): f for f in gains if f.features for group in f.data.get("worse") or ()}
    if groups and not lost:
        named = list(groups)
        shown = wording.listed(named) if len(named) <= 4 else f"{', '.join(named[:3])} and {len(named) - 3} more groups"
        yield Point(
            f"{_previous(evidence)} was better for some",
            f"Clearly worse off than with the version before: {shown}.",
            tuple(dict.fromkeys(f.id for f in groups.values())),
        )


def _lost(finding: Finding) -> bool:
    return finding.interval is not None and finding.interval[1] is not None and finding.interval[1] < 0


def _what(finding: Finding) -> str:
    label = wording.lowered(wording.label("performance", finding.metric.removesuffix(_GAIN)))
    return f"{label} ({wording.value(finding)}, {wording.interval(finding)})"


def _previous(evidence: Evidence) -> str:
    names = (finding.data.get("previous") for finding in evidence.findings if finding.metric.endswith(_GAIN))
    return next((str(name) for name in names if name), "the version before")
