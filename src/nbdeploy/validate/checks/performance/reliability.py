"""Reliability curves as a card draws them: what was promised and what happened, bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbdeploy.stats.curves import Points
from nbdeploy.validate.checks.drawing import BLUE, FAINT, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TENTHS = 10


def bins_of(points: Points) -> list[dict[str, Any]]:
    """Return the bins that have rows, from `curves.reliability`: their ends, mean score, share, rows and interval."""
    return [
        {
            "low": max(tenth, 0) / _TENTHS,
            "high": (max(tenth, 0) + 1) / _TENTHS,
            "mean_score": mean,
            "rate": share,
            "n": int(n or 0),
            "interval": (low, high),
        }
        for mean, share, n, low, high in zip(
            points["mean_score"], points["share"], points["n"], points["lower"], points["upper"], strict=True
        )
        # The bins are (a, b]; a mean on its upper edge belongs to the bin below.
        for tenth in [-(-round((mean or 0) * _TENTHS, 9) // 1) - 1]
    ]


def draw(axis: Axes, bins: list[dict[str, Any]], title: str) -> None:
    """Draw what happened against what was promised, with intervals."""
    axis.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle=(0, (3, 2)))
    for one in bins:
        axis.plot([one["mean_score"]] * 2, one["interval"], color=BLUE, linewidth=2, alpha=0.45, solid_capstyle="butt")
    axis.plot([one["mean_score"] for one in bins], [one["rate"] for one in bins], "o-", color=BLUE, markersize=5)
    heading(axis, title)
    axis.set(xlabel="Score given", ylabel="Share that happened", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
