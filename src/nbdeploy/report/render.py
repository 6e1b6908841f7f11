"""From ``card.json`` to what people read: one offline HTML file, and Markdown. The card alone decides every byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from nbdeploy.documents.card import Block, Card
from nbdeploy.documents.crosswalk import Coverage
from nbdeploy.documents.finding import SEVERITY, Finding
from nbdeploy.documents.measurement import GroupValue
from nbdeploy.documents.record import group_label
from nbdeploy.report import charts, coverage, figures, inert, overrides, reasons, wording
from nbdeploy.report.sections.history import attempt
from nbdeploy.templates import path


def render_html(card: Card, templates: Path | None = None) -> str:
    """Return the card as one HTML file: no script, nothing from outside, every foreign text inert.

    Parameters
    ----------
    templates
        The folder of a project's own card templates. Those that the card names are used, and no others.

    Raises
    ------
    CardError
        The card was made with templates that are not there, or a template is broken.
    """
    return _rendered("html", card, templates)


def render_markdown(card: Card, templates: Path | None = None) -> str:
    """Return the card as Markdown, tables and words only; `templates` as for `render_html`."""
    text = _rendered("md", card, templates)
    lines = [line.rstrip() for line in text.split("\n")]
    kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    return "\n".join(kept).strip() + "\n"


def prepare_pages() -> None:
    """Compile the templates, which takes as long as a page does: at a time when a processor has nothing to do."""
    for form in ("html", "md"):
        environment = _environment(form)
        for name in environment.list_templates():
            if name.endswith(f".{form}.j2"):
                environment.get_template(name)


def _rendered(form: str, card: Card, templates: Path | None) -> str:
    sources = overrides.sources(card, templates)
    css = sources.get("card.css") or path("card", "card.css").read_text("utf-8")
    parts = _parts(card) | {"css": Markup(css)}  # noqa: S704 - a file of ours, or of the project's owner
    with overrides.told(card):
        environment = _made(form, SandboxedEnvironment, overrides.loader(sources)) if sources else _environment(form)
        return environment.get_template(f"card.{form}.j2").render(parts)


class Literal(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _visible(value: Any) -> Any:
    return inert.upright(inert.visible(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _literal(value: Any) -> Any:
    return inert.markdown(value) if isinstance(value, str) and not isinstance(value, Literal) else value


@cache
def _environment(form: str) -> Environment:
    return _made(form, Environment, FileSystemLoader(path("card")))


def _made(form: str, engine: type[Environment], loader: BaseLoader) -> Environment:
    """Return a template engine; its `finalize` sees every value that a template writes, so none is forgotten."""
    environment = engine(
        loader=loader,
        autoescape=form == "html",  # Markdown is escaped by `finalize` instead
        undefined=StrictUndefined,
        finalize=_visible if form == "html" else _literal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        w=wording,
        fig=figures,
        severity=tuple(reversed(SEVERITY)),
        group_label=group_label,
        attempt=attempt,
        wide=WIDE,
        group_rows=group_rows,
        why=reasons.reason,
        briefly=reasons.brief,
        advice=reasons.advice,
        draw=charts.draw,
        gate_line=charts.gate_line,
        group_cell=charts.group_cell,
        states=coverage.STATES,
        lacking=coverage.lacking_words,
    )
    environment.filters.update(
        brief=_brief, markdown=inert.markdown, literal=Literal, plainly=_plainly, breakable=_breakable, jointed=_jointed
    )
    return environment


def _brief(text: str, limit: int = 90) -> str:
    """Cut a name for a table cell; templates set the limit."""
    return inert.visible(text, limit)


def _breakable(text: str) -> Markup:
    """Let a group's name break after its equals sign."""
    return Markup("=<wbr>").join(map(inert.upright, text.split("=")))


def _jointed(text: str) -> Markup:
    """Let an id break after its joints, not in the middle of a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[._:,])(?=\w)", text))


def _plainly(text: str) -> Literal:
    """Return one line of an indented code block, where Markdown interprets nothing."""
    return Literal(inert.visible(text))


def _parts(card: Card) -> dict[str, Any]:
    by_id = {finding.id: finding for finding in card.findings}
    summary, *sections = card.sections
    tabled = {
        name for section in sections for block in section.blocks if block.kind == "findings" for name in block.findings
    }
    anchors = {finding.id: f"f{index}" for index, finding in enumerate(card.findings)}
    rows_in = _rows_in(card, by_id)
    gated = [finding for finding in card.findings if finding.verdict is not None]
    return {
        "card": card,
        "summary": summary,
        "sections": sections,
        "points": [block for block in summary.blocks if block.kind == "note"],
        "gated": sorted(gated, key=lambda finding: -SEVERITY.index(finding.verdict or "pass")),
        "lone": _lone(card),
        "named": lambda block: _named(block, by_id),
        "anchors": anchors,
        "tabled": tabled,
        "rows_at": lambda title: anchors.get(rows_in.get(title, "")),
        "covered": lambda block: _covered(block, card),
        "finding": by_id.get,
        "evaluated": next((data for data in card.subject.data if data.role in ("evaluation", "predictions")), None),
    }


WIDE = {"compared", "forest", "spreads", *charts.WIDE}
"""Charts as wide as the page; the others stand two abreast."""


def _lone(card: Card) -> set[str]:
    """Return the charts, by finding and name, that would stand two abreast but have no partner."""
    alone: set[str] = set()
    for section in card.sections:
        waiting: list[str] = []
        for block in (*section.blocks, None):
            if block is not None and block.kind == "chart" and block.chart not in WIDE:
                waiting.append(f"{block.findings[0]} {block.chart}")
            else:
                alone |= set(waiting[len(waiting) // 2 * 2 :])
                waiting = []
    return alone


def _named(block: Block, by_id: dict[str, Finding]) -> list[Finding]:
    """Return the findings that a block names."""
    return [by_id[name] for name in block.findings if name in by_id]


def _rows_in(card: Card, by_id: dict[str, Finding]) -> dict[str, str]:
    """Return the first table of groups, by title, that tells each count of rows: links to the count lead there."""
    first: dict[str, str] = {}
    for block in (block for section in card.sections for block in section.blocks if block.kind == "groups"):
        named = _named(block, by_id)
        if any(
            finding.metric != "count" for finding in named
        ):  # else the count has a column, and its place, of its own
            first |= {f.id: block.title for f in named if f.metric == "count" and f.id not in first}
    return {title: name for name, title in first.items()}


def _covered(block: Block, card: Card) -> list[Coverage]:
    """Return the crosswalks that a block tells of."""
    wanted = block.options.get("crosswalk")
    return [one for one in card.coverage if wanted in (None, one.id)]


def group_rows(findings: Sequence[Finding]) -> list[tuple[GroupValue, list[GroupValue | None]]]:
    """Return one row for each group: its first value, then its value in each finding."""
    rows: dict[str, dict[str, GroupValue]] = {}
    for finding in findings:
        for value in finding.by_group:
            rows.setdefault(group_label(value.group), {})[finding.id] = value
    return [(next(iter(row.values())), [row.get(finding.id) for finding in findings]) for row in rows.values()]
