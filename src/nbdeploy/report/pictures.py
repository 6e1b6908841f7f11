"""Key charts of a card where no style sheet reaches: each as a picture of its own, and in words for those without it.

A notebook's sanitiser drops ``svg`` and keeps ``img``; JupyterLab (4.6) keeps one whose address is its content too,
even in a notebook that nobody trusts. Nothing is fetched, and what stands in a picture can neither run nor ask.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from nbdeploy.documents.card import Block, Card
from nbdeploy.documents.finding import Finding
from nbdeploy.report import charts, figures, inert, wording
from nbdeploy.templates import path

_KEY = {"fairness": ("compared", "forest"), "explainability": ("importance",), "performance": ("roc", "residuals")}
"""The charts of each section that a reader needs first; of each section the first that the card holds is shown."""

_NAMED = 6
"""Values that the words of a chart name at most."""


@dataclass(frozen=True)
class Picture:
    """A chart by itself: its title, its drawing as the address of an image, and what it shows in words."""

    title: str
    address: str
    words: tuple[str, ...]

    @property
    def alternative(self) -> str:
        """What is said where the picture is not seen."""
        return f"{self.title}. {'; '.join(self.words)}."


def key_pictures(card: Card) -> tuple[Picture, ...]:
    """Return the charts that a reader needs first, as far as the card holds them."""
    by_id = {finding.id: finding for finding in card.findings}
    found = []
    for section, wanted in _KEY.items():
        blocks = [block for one in card.sections if one.id == section for block in one.blocks if block.chart in wanted]
        for block in blocks[:1]:
            findings = [by_id[name] for name in block.findings if name in by_id]
            drawing = re.search(r"<svg.*?</svg>", charts.draw(block.chart or "", findings), re.DOTALL)
            if drawing:
                found.append(Picture(block.title, _address(drawing[0]), tuple(_words(block, findings))))
    return tuple(found)


def _words(block: Block, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the values of a chart, the most telling first, at most `_NAMED`."""
    if block.chart == "importance":
        names = [str(one["feature"]) for one in findings[0].data["features"][:_NAMED]]
        yield inert.visible(f"Most important first: {', '.join(names)}", 300)
        return
    if block.chart == "forest":
        how = figures.scale(findings[0].section, findings[0].metric)
        known = [group for group in findings[0].by_group if group.value is not None and not group.excluded]
        told = [
            f"{wording.within(one.group)}: {figures.number(one.value, how)}{_within(figures.span(one.interval, how))}"
            for one in sorted(known, key=lambda group: group.value or 0)
        ]
    else:
        told = [
            f"{wording.name(finding)}: {wording.value(finding)} {wording.interval(finding)}" for finding in findings
        ]
    yield from (inert.visible(text.strip(), 160) for text in told[:_NAMED])
    if len(told) > _NAMED:
        yield f"and {len(told) - _NAMED} more, in the whole card"


def _within(interval: str) -> str:
    return f" ({interval})" if interval else ""


def _address(drawing: str) -> str:
    """Return a drawing as an image's address; it brings its style along, since a page's does not reach it."""
    width, height = (float(re.search(rf'{side}="([\d.]+)"', drawing)[1]) for side in (" width", " height"))  # type: ignore[index]  # our own drawing: both are there
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 24:g}" height="{height + 24:g}" '
        f'viewBox="-12 -12 {width + 24:g} {height + 24:g}"><style>{_style()}</style>'
        f'<rect x="-12" y="-12" width="100%" height="100%" fill="#ffffff"/>'
    )
    whole = re.sub(r"^<svg[^>]*>", lambda _: opening, drawing)
    return "data:image/svg+xml;base64," + base64.b64encode(whole.encode()).decode()


@cache
def _style() -> str:
    """Return the card's style of charts in its light colours: a picture cannot know a notebook's theme."""
    css = path("card", "card.css").read_text("utf-8")
    light = re.search(r"^:root \{.*?^\}", css, re.DOTALL | re.MULTILINE)
    rules = re.findall(r"^\.(?:c|is)-.*\}$", css, re.MULTILINE)
    colours = light[0].replace("color-scheme: light dark;", "") if light else ""
    return f"{colours} svg {{ font-family: system-ui, sans-serif; }} {' '.join(rules)}"


def html(pictures: Sequence[Picture]) -> Markup:
    """Return pictures for a notebook, each with its words folded under it."""
    return Markup("").join(
        Markup(
            '<p><strong>{}</strong></p><p><img alt="{}" src="{}"></p><details><summary>In words</summary>{}</details>'
        ).format(
            one.title,
            one.alternative,
            Markup(one.address),  # noqa: S704 - base64
            Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(word) for word in one.words)),
        )
        for one in pictures
    )
