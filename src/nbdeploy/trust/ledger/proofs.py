"""Proofs from the ledger's tables, out of a tree that grows with them."""

from __future__ import annotations

import threading

from nbdeploy.errors import LogError
from nbdeploy.trust.database import Database
from nbdeploy.trust.ledger.merkle import Tree, leaf_hash
from nbdeploy.trust.ledger.tables import entries_after, head_edge


class Proofs:
    """Shows that an entry is in the ledger, and that an earlier ledger is the beginning of a later one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tree = Tree()
        self._lock = threading.Lock()

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that entry `index` is in the tree of the first `size` entries, of all unless given."""
        tree = self._grown()
        within = len(tree) if size is None else size
        if not 0 <= index < within <= len(tree):
            raise LogError(f"the ledger has no entry {index} among {within}; it has {len(tree)}")
        return tree.inclusion(index, within)

    def consistency(self, first: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the first `first` entries are a prefix of the first `size`, of all unless given."""
        tree = self._grown()
        within = len(tree) if size is None else size
        if not 0 <= first <= within <= len(tree):
            raise LogError(f"no tree of {first} is a part of one of {within}; the ledger has {len(tree)} entries")
        return tree.consistency(first, within)

    def _grown(self) -> Tree:
        """Return the tree as it is now. Only new entries are read; all together always give the head's root."""
        with self._lock:
            with self._database.reading() as connection:
                edge = head_edge(connection)
                for entry in entries_after(connection, len(self._tree) - 1):
                    self._tree.append(leaf_hash(entry.envelope))
            if (len(self._tree), self._tree.root()) != (edge.size, edge.root()):
                self._tree = Tree()
                raise LogError("the ledger's entries do not give the root that its head says")
            return self._tree
