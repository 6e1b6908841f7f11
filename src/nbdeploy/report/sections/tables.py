"""Tables of findings."""

from __future__ import annotations

from collections.abc import Sequence

from nbdeploy.documents.card import Block
from nbdeploy.documents.finding import Finding


def table(title: str, findings: Sequence[Finding], *, folded: bool = False) -> Block:
    """Return a table of findings, those with a gate first."""
    gated = [finding for finding in findings if finding.verdict is not None]
    rest = [finding for finding in findings if finding.verdict is None]
    named = tuple(finding.id for finding in (*gated, *rest))
    return Block(kind="findings", title=title, findings=named, options={"folded": True} if folded else {})
