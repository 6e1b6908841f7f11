"""How rows of a chart are laid out: names beside them where there is room, above them on a phone.

Both are drawn, and the style sheet shows one: a page without script cannot ask how wide it is, and a chart that is only
made smaller has text that nobody can read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

CHARACTER = 7.8
"""Pixels that a character of a name takes at most on average, in the widest of the usual system fonts."""


@dataclass(frozen=True)
class Layout:
    """Widths in pixels: of the drawing, of the names to the left and of the numbers to the right of the plot."""

    width: float
    left: float
    right: float
    above: bool = False

    @property
    def limit(self) -> int:
        """The characters of a name that fit."""
        return 34 if self.above else int((self.left - 16) / CHARACTER)


NARROW = Layout(360, 6, 12, above=True)


def roomy(names: Sequence[str], right: float) -> Layout:
    """Return a layout as wide as a page, the plot as wide as the longest name leaves it."""
    longest = max((len(name) for name in names), default=0)
    return Layout(880, min(max(longest * CHARACTER + 18, 90), 340), right)


def both(draw: Callable[[Layout], Markup], names: Sequence[str], right: float) -> Markup:
    """Draw for a page and for a phone."""
    return Markup('<div class="roomy">{}</div><div class="narrow">{}</div>').format(
        draw(roomy(names, right)), draw(NARROW)
    )
