"""The decision sheets of a bundle. Nobody signed them: each must be what the signed statements give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC

from nbdeploy.approve.chain import Chain
from nbdeploy.approve.sheet import told
from nbdeploy.audit import layout
from nbdeploy.audit.ledger import Logbook
from nbdeploy.audit.opening import Bundle
from nbdeploy.audit.story import events
from nbdeploy.documents.decision_sheet import Sheet
from nbdeploy.documents.request import Request
from nbdeploy.report.decision import decision_html, decision_lines, gate_words
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.policy.document import Policy


def draw(chain: Chain, request: Request, policy: Policy, logbook: Logbook, level: str) -> dict[str, bytes]:
    """Return the sheet of a request by file name: as text and as a page, as of its latest statement.

    Parameters
    ----------
    chain
        Of the statements in the bundle alone.
    """
    now = max(event.at for event in events(chain, request))
    one = told(chain, request.id, policy, now, level=level, words=gate_words)
    page = layout.documents(request.digests.evidence) + "card.html"
    sheet = Sheet(
        name=request.objective,
        drawn=f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        size=logbook.size,
        root=checkpoints.read(logbook.checkpoint, logbook.public).root.hex()[:16],
        decisions=(one.model_copy(update={"card": f"../{page}"}),),
    )
    text, html = layout.sheets(request.id)
    return {
        text: "".join(f"{line}\n" for line in decision_lines(one)).encode(),
        html: decision_html(sheet).encode(),
    }


def sheet_problems(bundle: Bundle, drawn: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the sheets that are missing or say anything else than they are drawn again."""
    for name, data in drawn.items():
        if name not in bundle:
            yield f"{name} is missing"
        elif bundle.read(name) != data:
            yield f"{name} is not what the statements give"
