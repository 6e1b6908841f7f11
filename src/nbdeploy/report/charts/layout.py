"""How rows of a chart are laid out: names beside them where there is room, above them on a phone.

Both are drawn, and the style sheet shows one: a page without script cannot ask how wide it is, and a chart that is only
made smaller has text that nobody can read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nbdeploy.report.charts.text import width


@dataclass(frozen=True)
class Layout:
    """Widths in pixels: of the drawing, of the names to the left and of the numbers to the right of the plot."""

    width: float
    left: float
    right: float
    above: bool = False

    def room(self, number: str) -> float:
        """Return the pixels that a name has, beside the plot or on one line with its number."""
        return self.width - self.left - width(number) - 18 if self.above else self.left - 4

    @property
    def beside(self) -> float:
        """The pixels that a number has."""
        return self.width - 12 if self.above else self.right - 14


NARROW = Layout(360, 6, 12, above=True)


def roomy(names: Sequence[str], right: float) -> Layout:
    """Return a layout as wide as a page, the plot as wide as the longest name leaves it."""
    longest = max(map(width, names), default=0)
    return Layout(880, min(max(longest + 12, 90), 340), right)


def both(draw: Callable[[Layout], Markup], names: Sequence[str], right: float) -> Markup:
    """Draw for a page and for a phone."""
    return Markup('<div class="roomy">{}</div><div class="narrow" hidden>{}</div>').format(
        draw(roomy(names, right)), draw(NARROW)
    )
