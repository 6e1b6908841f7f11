"""One state of the ledger's tables, held to itself: the entries to the head, and the head to what was signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from nbdeploy.errors import LogError
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.checkpoints import Checkpoint
from nbdeploy.trust.ledger.log import Entry
from nbdeploy.trust.ledger.merkle import Edge, Tree, leaf_hash
from nbdeploy.trust.ledger.tables import entries_after, head_edge, head_note


@dataclass(frozen=True)
class State:
    """What the tables say at one moment. Nothing of it is believed before `tree` and `signed` returned."""

    entries: list[Entry]
    edge: Edge
    note: str

    @classmethod
    def read(cls, connection: Connection) -> State:
        """Read it within one transaction."""
        return cls(list(entries_after(connection, -1)), head_edge(connection), head_note(connection))

    def tree(self) -> Tree:
        """Return the tree of the entries, which must be the head's.

        Raises
        ------
        LogError
            An entry was edited, dropped, swapped or added past the head.
        """
        tree = Tree(self._leaves())
        if len(tree) != self.edge.size:
            raise LogError(f"the ledger has {len(tree)} entries, and its head says {self.edge.size}")
        if tree.root() != self.edge.root():
            raise LogError("the ledger's entries do not give the root that its head says")
        return tree

    def signed(self, public: str | None) -> Checkpoint | None:
        """Return the checkpoint that was signed for the head; None where nothing was logged or signed yet.

        Raises
        ------
        LogError
            There is none, `public` did not sign it, or it is of another tree.
        """
        if not self.edge.size and not self.note:
            return None
        found = checkpoints.read(self.note, public)
        if (found.size, found.root) != (self.edge.size, self.edge.root()):
            raise LogError(
                f"the signed checkpoint is of another tree than that of the ledger's {self.edge.size} entries"
            )
        return found

    def _leaves(self) -> Iterator[bytes]:
        for position, entry in enumerate(self.entries):
            if entry.index != position:
                raise LogError(f"ledger entry {position} is missing")
            if bytes_digest(entry.envelope) != entry.digest:
                raise LogError(f"ledger entry {position} was edited")
            yield leaf_hash(entry.envelope)
