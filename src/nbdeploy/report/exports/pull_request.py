"""A card as a short comment on a pull request: the verdict, the gates, what nobody evaluated, how to check."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.card import Card
from nbdeploy.documents.finding import Finding
from nbdeploy.report import reasons, views, wording
from nbdeploy.report.inert import markdown
from nbdeploy.report.sections.history import attempt
from nbdeploy.report.sections.summary import in_words, ordered

GATES, UNSEEN, REASON, POINT = 22, 8, 160, 700
"""Gates and unevaluated things listed, characters of a reason and of a point: a comment is read, not studied."""


def pull_request(card: Card) -> str:
    """Return a card as GitHub-flavoured Markdown of at most 60 lines; no foreign text links, mentions or embeds."""
    lines = [
        f"### {markdown(views.word(card))}: model card of {markdown(card.title, 120)}",
        "",
        markdown(in_words(card)),
        "",
        *_points(card),
        *_gates(ordered(tuple(finding for finding in card.findings if finding.verdict is not None))),
        *_unseen(card),
        *_checking(card),
    ]
    return "\n".join(lines) + "\n"


def _points(card: Card) -> Iterator[str]:
    """Yield what a reader must know, as the card tells it."""
    notes = [block for block in card.sections[0].blocks if block.kind == "note"]
    yield from (f"{n}. **{markdown(one.title)}.** {markdown(one.text, POINT)}" for n, one in enumerate(notes, 1))
    if notes:
        yield ""


def _gates(gated: tuple[Finding, ...]) -> Iterator[str]:
    if not gated:
        return
    yield "| Gate | Verdict | Measured [interval] | Must be |"
    yield "| --- | --- | --- | --- |"
    for finding in gated[:GATES]:
        row = views.verdict_row(finding)
        measured = f"{row.value} [{row.interval}]" if row.interval else row.value
        yield "| " + " | ".join(markdown(text) for text in (row.gate, row.word, measured, row.bound)) + " |"
    if len(gated) > GATES:
        yield f"| … and {len(gated) - GATES} more, none with a worse verdict | | | |"
    yield ""


def _unseen(card: Card) -> Iterator[str]:
    """Yield what was not evaluated: gates without evidence, notebooks that did not finish, an unseen model."""
    unseen = [
        f"{wording.name(finding)}: {reasons.brief(finding)}"
        for finding in card.findings
        if finding.verdict == "not_evaluated"
    ]
    if card.subject.model is None:
        unseen.insert(0, "The model itself: only its predictions were given.")
    unseen += [
        f"The notebook {notebook.name} ({notebook.status.replace('_', ' ')}): {notebook.reason}"
        for notebook in card.subject.notebooks
        if notebook.status != "completed"
    ]
    if not unseen:
        yield "Every declared gate was evaluated."
    else:
        yield "**Not evaluated**, which never counts as a pass:"
        yield ""
        yield from (f"- {markdown(text, REASON)}" for text in unseen[:UNSEEN])
        if len(unseen) > UNSEEN:
            yield f"- … and {len(unseen) - UNSEEN} more, on the card"
    yield ""


def _checking(card: Card) -> Iterator[str]:
    run = "a draft, never deployable" if card.run.draft else attempt(card.run)
    yield f"Objective {markdown(card.objective.name, 120)}, {run}, {card.created:%Y-%m-%d}."
    yield ""
    yield "<details><summary>Fingerprints, and how to check them</summary>"
    yield ""
    yield f"- evidence.json `{card.evidence}`"
    yield f"- objective.yaml `{card.objective.digest}`"
    if card.subject.model is not None:
        yield f"- model `{card.subject.model.digest}`"
    yield ""
    yield "```"
    yield "sha256sum evidence.json objective.yaml"
    yield "nbdeploy card verify FOLDER"
    yield "```"
    yield ""
    yield "</details>"
