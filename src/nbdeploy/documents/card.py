"""The card: what a reader needs in order to decide, frozen with the evidence that it tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from nbdeploy.documents.crosswalk import Coverage
from nbdeploy.documents.evidence import AttemptRef, Digest, ObjectiveRef, Run, Subject, VerdictSummary
from nbdeploy.documents.finding import Finding
from nbdeploy.documents.record import Document, Record

FORMS = ("html", "markdown", "json", "pdf", "cyclonedx", "huggingface", "junit", "pull-request", "csv")
"""What a card can be exported as."""


class Block(Record):
    """One piece of a section.

    ``text``: a paragraph. ``facts``: rows of [name, value]. ``findings``: a table of the findings named in `findings`.
    ``groups``: the by-group table of the findings named. ``chart``: the chart `chart` drawn from the findings named.
    ``note``: something a reader must not overlook. ``table``: `cells` under `columns`. ``coverage``: what is covered of
    the crosswalk in ``options["crosswalk"]``, or of all of them at a glance.
    """

    kind: Literal["text", "facts", "findings", "groups", "chart", "note", "table", "coverage"]
    title: str = ""
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()
    chart: str | None = None
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    options: dict[str, Any] = {}


class CardSection(Record):
    """A titled section, in the order of Mitchell et al. 2019 and then ours."""

    id: str
    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = ()


class Card(Document):
    """The document of the stage *report*. Every number in it belongs to a finding, named by id.

    HTML and Markdown are rendered from this document alone and are regenerated to check them. Where a project's own
    templates made them, `templates` names each such file with its digest.
    """

    schema_name: ClassVar[str] = "card"

    schema_: Literal["nbdeploy.card/1"] = Field(default="nbdeploy.card/1", alias="schema")
    title: str
    created: datetime
    evidence: Digest
    objective: ObjectiveRef
    subject: Subject
    run: Run
    verdict: VerdictSummary
    findings: tuple[Finding, ...]
    attempts: tuple[AttemptRef, ...] = ()
    warnings: tuple[str, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    templates: dict[str, Digest] = {}
    sections: tuple[CardSection, ...]

    def finding(self, id: str) -> Finding | None:  # noqa: A002 - the field is named id
        """Return the finding with this id, if there is one."""
        return next((finding for finding in self.findings if finding.id == id), None)
