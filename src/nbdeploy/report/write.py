"""Writing a card beside its evidence, and checking later that what lies there still belongs together."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nbdeploy.documents.card import Card
from nbdeploy.documents.evidence import Digest, Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.run_files import CARD, EVIDENCE, HTML, JUNIT, MARKDOWN, OBJECTIVE
from nbdeploy.errors import CardError, FormatError
from nbdeploy.report.assemble import assemble
from nbdeploy.report.junit import junit
from nbdeploy.report.naming import differing
from nbdeploy.report.overrides import used
from nbdeploy.report.render import render_html, render_markdown


def write_card(evidence_bytes: bytes, folder: Path, templates: Path | None = None) -> Card:
    """Write ``card.json``, ``card.html``, ``card.md`` and ``junit.xml`` for the evidence as it is stored.

    Parameters
    ----------
    evidence_bytes
        The exact bytes of ``evidence.json``; the card names their digest.
    folder
        Where to write; it must exist.
    templates
        The folder of the project's own card templates; what lies there stands for ours of the same name.

    Returns
    -------
    Card
        The card, equal to what ``card.json`` reads back to.

    Raises
    ------
    FormatError
        The bytes are no evidence.
    CardError
        One of the project's templates is broken.
    """
    evidence = Evidence.from_bytes(evidence_bytes)
    stored = assemble(evidence, _digest(evidence_bytes), used(templates)).to_bytes()
    # Rendered from what was stored, so that anybody who has card.json gets the same bytes.
    card = Card.from_bytes(stored)
    html, markdown = render_html(card, templates), render_markdown(card, templates)
    (folder / CARD).write_bytes(stored)
    (folder / HTML).write_bytes(html.encode())
    (folder / MARKDOWN).write_bytes(markdown.encode())
    (folder / JUNIT).write_bytes(junit(evidence).encode())
    return card


def verify_card(folder: Path, templates: Path | None = None) -> tuple[str, ...]:
    """Check the documents of a run folder against each other.

    Parameters
    ----------
    templates
        The folder of the project's own card templates, for a card that was made with some.

    Returns
    -------
    tuple of str
        One sentence for each thing that does not belong together; empty when all is well.

    Raises
    ------
    CardError
        There is no card to check, or a document cannot be read.
    """
    evidence_bytes, card_bytes = _read(folder, EVIDENCE), _read(folder, CARD)
    try:
        evidence, card = Evidence.from_bytes(evidence_bytes), Card.from_bytes(card_bytes)
    except FormatError as error:
        raise CardError(
            f"the card in {folder} cannot be checked ({error.fact})", next="take the documents from the registry again"
        ) from None
    problems = [
        *_belongs(evidence, card, _digest(evidence_bytes)),
        *_objective(folder, evidence),
        *_pages(folder, evidence, card, templates),
    ]
    return tuple(problems)


def _belongs(evidence: Evidence, card: Card, digest: Digest) -> list[str]:
    """Compare the card with the evidence, naming each number that differs."""
    problems = []
    if card.evidence != digest:
        problems.append(
            f"{CARD} was made from other evidence: it names {card.evidence[:19]}…, {EVIDENCE} is {digest[:19]}…"
        )
    told = {finding.id: finding for finding in card.findings}
    for finding in evidence.findings:
        if finding.id not in told:
            problems.append(f"{CARD} leaves out the finding {finding.id}")
        elif told[finding.id] != finding:
            problems.append(
                f"{CARD} tells {finding.id} otherwise than {EVIDENCE}: {_otherwise(told[finding.id], finding)}"
            )
    invented = [finding.id for finding in card.findings if evidence.finding(finding.id) is None]
    problems += [f"{CARD} tells a finding that {EVIDENCE} does not hold: {name}" for name in invented]
    if card.verdict != evidence.verdict:
        problems.append(
            f"{CARD} tells another verdict ({card.verdict.overall}) than {EVIDENCE} ({evidence.verdict.overall})"
        )
    # Words may change with the version of nbdeploy; whatever else differs was not written by it.
    if not problems and card != assemble(evidence, digest, card.templates):
        problems.append(
            f"{CARD} says something that does not follow from {EVIDENCE} (card and evidence were made by "
            f"nbdeploy {card.run.nbdeploy})"
        )
    return problems


def _objective(folder: Path, evidence: Evidence) -> list[str]:
    file = folder / OBJECTIVE
    if not file.is_file():
        return [f"{OBJECTIVE} is missing, so its digest cannot be checked"]
    if _digest(file.read_bytes()) != evidence.objective.digest:
        return [f"{OBJECTIVE} is not the objective that the evidence was judged by"]
    return []


def _pages(folder: Path, evidence: Evidence, card: Card, templates: Path | None) -> list[str]:
    """Make every page again and compare the bytes."""
    try:
        html, markdown = render_html(card, templates), render_markdown(card, templates)
    except CardError as error:
        return [f"{HTML} and {MARKDOWN} cannot be made again: {error.fact}"]
    made = (
        (HTML, html, CARD),
        (MARKDOWN, markdown, CARD),
        (JUNIT, junit(evidence), EVIDENCE),
    )
    problems = []
    # A page is held to the evidence, not to a card.json that was changed with it.
    right = _from_evidence(evidence, card, templates)
    for name, text, source in made:
        file = folder / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif file.read_bytes() != text.encode():
            problems.append(f"{name} is not what {source} gives")
            if source == CARD:
                problems += differing(name, _text(file), right.get(name, text), card)
    return problems


def _from_evidence(evidence: Evidence, card: Card, templates: Path | None) -> dict[str, str]:
    if card.findings == evidence.findings and card.verdict == evidence.verdict:
        return {}
    sound = assemble(evidence, card.evidence, card.templates)
    return {HTML: render_html(sound, templates), MARKDOWN: render_markdown(sound, templates)}


def _otherwise(told: Finding, given: Finding) -> str:
    """Return each field that differs, as told and as the evidence gives it."""
    names = [name for name in Finding.model_fields if getattr(told, name) != getattr(given, name)]
    return "; ".join(f"{name} {getattr(told, name)!r:.80} instead of {getattr(given, name)!r:.80}" for name in names)


def verify_page(page: Path, templates: Path | None = None) -> tuple[str, ...]:
    """Check one ``card.html``, ``card.md`` or ``card.json`` against the evidence beside it.

    Returns
    -------
    tuple of str
        One sentence for each finding that the page tells otherwise; empty when all is well.

    Raises
    ------
    CardError
        The page or the evidence cannot be read, or the page is of another kind.
    """
    data = _read(page.parent, EVIDENCE)
    try:
        evidence = Evidence.from_bytes(data)
        if page.suffix == ".json":
            return tuple(_belongs(evidence, Card.from_bytes(page.read_bytes()), _digest(data)))
        card = assemble(evidence, _digest(data), used(templates))
    except FormatError as error:
        raise CardError(f"{page} cannot be checked ({error.fact})", next="take it from the registry again") from None
    makers = {".html": render_html, ".md": render_markdown}
    if page.suffix not in makers:
        raise CardError(f"{page} is no page of a card", next="name a run's folder, card.html, card.md or card.json")
    given, told = makers[page.suffix](card, templates), _text(page)
    if told == given:
        return ()
    return (f"{page.name} is not what {EVIDENCE} gives", *differing(page.name, told, given, card))


def _text(page: Path) -> str:
    # A byte that is no UTF-8 is a difference like any other.
    return page.read_bytes().decode("utf-8", "replace")


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError:
        raise CardError(
            f"there is no {name} in {folder}", next="make a card with: nbdeploy validate OBJECTIVE --out DIR"
        ) from None


def _digest(data: bytes) -> Digest:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
