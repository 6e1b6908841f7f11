"""What this evidence does not show."""

from __future__ import annotations

from collections.abc import Iterator

from nbdeploy.documents.card import Block, CardSection
from nbdeploy.documents.evidence import Evidence
from nbdeploy.documents.finding import Finding
from nbdeploy.report import reasons, wording
from nbdeploy.report.inert import deceptive_texts
from nbdeploy.report.sections import rows_told

_NAMED = 8
"""Measures that a caveat names at most."""


def caveats(evidence: Evidence) -> CardSection:
    """Return every limit of this evidence, one sentence each."""
    told = [
        *_deceptive(evidence),
        *evidence.warnings,
        *rows_told.warnings(evidence.findings),
        *_notebooks(evidence),
        *_unmeasured(evidence),
        *_limits(evidence),
    ]
    if not told:
        told = ["None beyond those of every measurement: it holds for data like the evaluated rows, and for no other."]
    return CardSection(
        id="caveats",
        title="Caveats and recommendations",
        lead="What this evidence does not show.",
        blocks=tuple(Block(kind="text", text=text, options={"item": True}) for text in told),
    )


def _deceptive(evidence: Evidence) -> Iterator[str]:
    hidden = deceptive_texts(evidence)
    if hidden:
        yield (
            f"{hidden} {'name or text holds' if hidden == 1 else 'names or texts hold'} hidden "
            "characters or letters of another alphabet "
            "that look like Latin ones; hidden ones are written out as ⟨U+…⟩. Compare fingerprints, not names."
        )


def _notebooks(evidence: Evidence) -> Iterator[str]:
    for notebook in evidence.subject.notebooks:
        if notebook.status != "completed":
            did = "was not run" if notebook.status == "not_run" else "did not run to its end"
            yield f"The notebook {notebook.name} {did}{f': {notebook.reason}' if notebook.reason else ''}."
        if notebook.edited:
            yield f"The notebook {notebook.name} is an edited copy of the one that policy lists."


def _unmeasured(evidence: Evidence) -> Iterator[str]:
    """Tell every measure without a value, those with one reason together, as plainly as what was measured."""
    why: dict[str, list[Finding]] = {}
    for finding in evidence.findings:
        if finding.value is None and not finding.by_group:
            why.setdefault(reasons.brief(finding) or "No reason was recorded.", []).append(finding)
    for reason, found in why.items():
        names = list(dict.fromkeys(wording.name(finding) for finding in found))
        shown = names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
        yield f"Not measured: {wording.listed(shown)}. {reason}"


def _limits(evidence: Evidence) -> Iterator[str]:
    if evidence.objective.content.decide == "point":
        yield (
            "Gates were judged by the measured value alone; another sample of the same size could well give "
            "another verdict."
        )
    gates = len(evidence.verdict.gates)
    if gates > 1:
        yield (
            f"Each of the {gates} gates is judged at its own level; the chance that at least one verdict is "
            "wrong is larger than for one alone."
        )
    limits = [*(one.suppressed_below for one in evidence.tallies), *(one.suppressed_below for one in evidence.errors)]
    hidden = max(limits, default=0)
    if hidden:
        yield f"Counts below {hidden} are withheld from the stored tables, to protect the people in them."
    unseen = [f for f in evidence.findings if f.verdict is not None and f.value is not None and not f.recomputed]
    if unseen:
        yield (
            f"{wording.counted(len(unseen), 'gated number')} came from inside a notebook and could not be "
            f"recomputed outside it: {wording.listed([wording.name(f) for f in unseen])}."
        )
