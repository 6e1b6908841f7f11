"""Is every envelope of a bundle an entry of one signed ledger?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbdeploy.audit import layout
from nbdeploy.audit.opening import Bundle
from nbdeploy.errors import BundleError, NbdeployError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.ledger.merkle import leaf_hash, verify_inclusion

_PATH = re.compile(r"([0-9a-f]{64}\n)*")


@dataclass(frozen=True)
class Logbook:
    """The entries of a bundle that are in the signed tree, and what is wrong with it.

    Attributes
    ----------
    public
        The key that the checkpoint is signed by, which the bundle names itself: hold it to the policy.
    """

    public: str
    size: int
    checkpoint: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def read_ledger(bundle: Bundle) -> Logbook:
    """Hold the checkpoint to its signature and every envelope to the checkpoint."""
    try:
        public = bundle.text(layout.PUBLIC).strip()
        note = bundle.text(layout.CHECKPOINT)
        signed = checkpoints.read(note, public)
    except NbdeployError as error:
        return Logbook("", 0, "", (), (f"{layout.CHECKPOINT}: {error}",))
    entries, problems = [], []
    for entry in _entries(bundle):
        try:
            path = _path(bundle, entry.index)
        except BundleError as error:
            problems.append(error.fact)
            continue
        if verify_inclusion(leaf_hash(entry.envelope), entry.index, signed.size, path, signed.root):
            entries.append(entry)
        else:
            problems.append(f"the envelope that is told as entry {entry.index} is not that entry of the ledger")
    return Logbook(public, signed.size, note, tuple(entries), tuple(problems))


def _entries(bundle: Bundle) -> Iterator[Entry]:
    placed = {found: name for name in bundle.names if (found := layout.envelope_of(name))}
    for (index, _), name in sorted(placed.items()):
        data = bundle.read(name)
        yield Entry(index, bytes_digest(data), data)


def _path(bundle: Bundle, index: int) -> tuple[bytes, ...]:
    name = layout.proof(index)
    text = bundle.text(name)
    if not _PATH.fullmatch(text):
        raise BundleError(f"{name} is no audit path")
    return tuple(bytes.fromhex(line) for line in text.split())
