"""Verdicts and cards where people work: as rows for a terminal, and as HTML, Markdown and plain text for a notebook.

The HTML survives the sanitiser of an untrusted notebook; see `nbdeploy.report.fragments`. The sign and the word of a
verdict stand in text, so nothing is lost where colours are.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding, Verdict
from nbdeploy.report import fragments, inert, pictures, reasons, wording
from nbdeploy.report.sections.summary import in_words, ordered

HEADERS = ("Gate", "Verdict", "Measured", "Interval", "Must be", "What to do")


@dataclass(frozen=True)
class VerdictRow:
    """One gate as every surface shows it; all texts are inert but not escaped."""

    id: str
    gate: str
    verdict: Verdict
    word: str
    value: str
    interval: str
    bound: str
    reason: str
    advice: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts under `HEADERS`."""
        todo = "" if self.verdict == "pass" else self.advice or self.reason
        return (self.gate, self.word, self.value, self.interval, self.bound, todo)


def verdict_row(finding: Finding) -> VerdictRow:
    """Return one gated finding as a row."""
    verdict = finding.verdict or "not_evaluated"
    return VerdictRow(
        id=inert.visible(finding.id, 160),
        gate=inert.visible(wording.name(finding), 120),
        verdict=verdict,
        word=f"{wording.MARKS[verdict]} {wording.VERDICTS[verdict].lower()}",
        value=wording.value(finding),
        interval=wording.interval(finding),
        bound=wording.condition(finding),
        reason=inert.visible(reasons.reason(finding)),
        advice=inert.visible(reasons.advice(finding)),
    )


def verdict_rows(evidence: Evidence | Card) -> tuple[VerdictRow, ...]:
    """Return every gate as a row, worst verdict first."""
    return tuple(verdict_row(finding) for finding in ordered(_gated(evidence)))


def _gated(document: Evidence | Card) -> tuple[Finding, ...]:
    return tuple(finding for finding in document.findings if finding.verdict is not None)


def headline(document: Evidence | Card) -> str:
    """Return one line: the overall verdict and the counts behind it."""
    return f"{word(document)}. {in_words(document)}"


def word(document: Evidence | Card) -> str:
    """Return the overall verdict as sign and word."""
    overall = document.verdict.overall
    return f"{wording.MARKS[overall]} {wording.VERDICTS[overall]}"


def _verdict_table(document: Evidence | Card) -> Markup:
    rows = verdict_rows(document)
    table = fragments.table(HEADERS[:5], [(_named(row), *row.cells[1:5]) for row in rows])
    advice = fragments.advice((row.cells, row.cells[5]) for row in rows if row.cells[5])
    return Markup("<p><strong>{}</strong></p>{}{}").format(headline(document), table, advice)


def _named(row: VerdictRow) -> Markup:
    """Return a gate with the id by which an approver acknowledges it."""
    return Markup("{}<br>{}").format(row.gate, fragments.named(row.id))


def verdict_markdown(document: Evidence | Card) -> str:
    """Return the table of gates as Markdown."""
    rows = [
        HEADERS,
        ("---",) * len(HEADERS),
        *(tuple(inert.markdown(cell) for cell in row.cells) for row in verdict_rows(document)),
    ]
    return "\n".join(
        [f"**{inert.markdown(headline(document))}**", "", *("| " + " | ".join(row) + " |" for row in rows)]
    )


def verdict_text(document: Evidence | Card) -> str:
    """Return the gates as plain text, advice on a line of its own."""
    rows = verdict_rows(document)
    lines = [headline(document), ""]
    table = [row.cells[:5] for row in rows]
    widths = [max((len(cells[column]) for cells in table), default=0) for column in range(5)]
    for row, cells in zip(rows, table, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
        if row.cells[5]:
            lines.append(f"    → {row.cells[5]}")
    return "\n".join(lines)


def card_html(card: Card, link: str | None = None, href: str | None = None) -> str:
    """Return a card's first page for a notebook: what it is for, the verdict, what to know, every gate.

    Parameters
    ----------
    link
        The address or path of the whole card, shown as text.
    href
        The same relative to the notebook, where that can be opened from there.
    """
    summary = card.sections[0]
    notes = Markup("").join(
        Markup("<li><strong>{}.</strong> {}</li>").format(inert.visible(b.title), inert.visible(b.text))
        for b in summary.blocks
        if b.kind == "note"
    )
    return str(
        Markup("<h3>Model card: {}</h3><p>{}</p>{}<p><strong>What you must know</strong></p><ol>{}</ol>{}{}").format(
            inert.visible(card.title, 160),
            inert.visible(summary.lead),
            _verdict_table(card),
            notes,
            pictures.html(pictures.key_pictures(card)),
            _whole(link, href),
        )
    )


def _whole(link: str | None, href: str | None) -> Markup:
    if link is None:
        return Markup("")
    opened = Markup('<a href="{}" target="_blank">open it</a>, ').format(href) if href is not None else Markup("")
    return Markup("<p>The whole card: {}{}</p>").format(opened, fragments.named(inert.visible(link)))


def card_markdown(card: Card, link: str | None = None) -> str:
    """Return a card's first page as Markdown."""
    summary = card.sections[0]
    notes = [
        f"{n}. **{inert.markdown(b.title)}.** {inert.markdown(b.text)}"
        for n, b in enumerate((b for b in summary.blocks if b.kind == "note"), 1)
    ]
    parts = [
        f"### Model card: {inert.markdown(card.title, 160)}",
        inert.markdown(summary.lead),
        verdict_markdown(card),
        "\n".join(notes),
        *(f"**{inert.markdown(one.title)}**\n\n{_items(one.words)}" for one in pictures.key_pictures(card)),
    ]
    return "\n\n".join([*parts, f"The whole card: {inert.markdown(link)}"] if link else parts)


def _items(words: tuple[str, ...]) -> str:
    return "\n".join(f"- {inert.markdown(word)}" for word in words)


def card_text(card: Card, link: str | None = None) -> str:
    """Return a card's first page as plain text."""
    summary = card.sections[0]
    notes = [
        f"{n}. {inert.visible(b.title)}. {inert.visible(b.text)}"
        for n, b in enumerate((b for b in summary.blocks if b.kind == "note"), 1)
    ]
    parts = [
        f"Model card: {inert.visible(card.title, 160)}",
        inert.visible(summary.lead),
        "",
        verdict_text(card),
        "",
        *notes,
        *(line for one in pictures.key_pictures(card) for line in ("", one.title, *(f"  {w}" for w in one.words))),
    ]
    return "\n".join([*parts, "", f"The whole card: {inert.visible(link)}"] if link else parts)
