"""What lies where in an audit bundle: plain files that ordinary tools read.

::

    RECIPE.txt  verify.sh           how anybody checks all of it with sha256sum, jq and openssl
    SHA256SUMS                      every other file
    bundle.json                     what the bundle is about
    ledger/checkpoint  ledger/public
    ledger/proofs/000004            where entry 4 is in the signed tree: RFC 6962 audit path, one hash a line
    envelopes/000004-request.json   the signed statement, as it was logged
    policy/HEX.toml                 each policy that was in force, under its digest; .sig.json if roots signed it
    policy/presets/team.toml        the preset that it builds on
    documents/HEX12/                objective, evidence, card, executed notebooks; HEX12 begins the evidence's digest
    decisions/r-….txt  decisions/r-….html
    model/MANIFEST  model/files/    the model's files by name and digest; their bytes only if they were asked for
    templates/card/                 the project's own card templates, where a card was made with some
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from nbdeploy.documents.record import Document

INDEX, SUMS, RECIPE, SCRIPT = "bundle.json", "SHA256SUMS", "RECIPE.txt", "verify.sh"
CHECKPOINT, PUBLIC = "ledger/checkpoint", "ledger/public"
MANIFEST, MODEL = "model/MANIFEST", "model/files/"
TEMPLATES, PRESETS = "templates/card/", "policy/presets/"

_ENVELOPE = re.compile(r"envelopes/([0-9]{6,})-([a-z]+)\.json")
_KNOWN = re.compile(
    r"bundle\.json|SHA256SUMS|RECIPE\.txt|verify\.sh|ledger/(checkpoint|public|proofs/[0-9]{6,})"
    r"|envelopes/[0-9]{6,}-[a-z]+\.json|policy/[0-9a-f]{64}\.toml(\.sig\.json)?|policy/presets/[a-z]+\.toml"
    r"|documents/[0-9a-f]{12}/[^/]+(/[^/]+)?|decisions/[^/]+\.(txt|html)|model/MANIFEST|model/files/.+"
    r"|templates/card/[^/]+"
)


class Index(Document):
    """What a bundle is about. Nothing is decided by it: whatever it says stands in signed statements too.

    Attributes
    ----------
    level
        How much the ledger proves, as the decision sheets tell it: local or team.
    entries
        Entries of the ledger; `envelopes` of them are here.
    absent
        What could not be put in, with the reason.
    """

    schema_name: ClassVar[str] = "bundle"

    schema_: Literal["nbdeploy.bundle/1"] = Field(default="nbdeploy.bundle/1", alias="schema")
    subject: str
    requests: tuple[str, ...]
    level: Literal["local", "team"]
    entries: int
    envelopes: int
    nbdeploy: str
    absent: dict[str, str] = {}


def envelope(index: int, kind: str) -> str:
    """Return where the envelope of a ledger entry lies."""
    return f"envelopes/{index:06d}-{kind}.json"


def proof(index: int) -> str:
    """Return where the audit path of a ledger entry lies."""
    return f"ledger/proofs/{index:06d}"


def policy(digest: str) -> str:
    """Return where the policy with this digest lies."""
    return f"policy/{digest.removeprefix('sha256:')}.toml"


def policy_signed(digest: str) -> str:
    """Return where the signatures of the roots lie, which a policy that names roots has."""
    return f"{policy(digest)}.sig.json"


def preset(name: str) -> str:
    """Return where the preset of this name lies."""
    return f"{PRESETS}{name}.toml"


def sheets(request: str) -> tuple[str, str]:
    """Return where the decision sheet of a request lies, as text and as a page."""
    return f"decisions/{request}.txt", f"decisions/{request}.html"


def documents(evidence: str) -> str:
    """Return the folder of the documents that belong to the evidence with this digest."""
    return f"documents/{evidence.removeprefix('sha256:')[:12]}/"


def envelope_of(name: str) -> tuple[int, str] | None:
    """Return index and kind of an envelope's file, None for another file."""
    found = _ENVELOPE.fullmatch(name)
    return (int(found[1]), found[2]) if found and name == envelope(int(found[1]), found[2]) else None


def is_known(name: str) -> bool:
    """Whether a bundle has a place for a file of this name."""
    return _KNOWN.fullmatch(name) is not None
