"""RFC 6962 Merkle tree hashing: roots, inclusion and consistency proofs.

The right edge (`Edge`) is all that an append needs: the roots of the full subtrees of the current size, largest first.
A `Tree` keeps every full subtree, and gives any proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ data), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Edge:
    """The tree of `size` leaves as its full subtrees' roots, largest first: one per bit set in `size`."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Edge:
        """Return the edge after one more leaf hash: O(log n)."""
        roots = [*self.roots, leaf]
        filled = self.size
        while filled & 1:
            right, left = roots.pop(), roots.pop()
            roots.append(node_hash(left, right))
            filled >>= 1
        return Edge(self.size + 1, tuple(roots))

    def root(self) -> bytes:
        """Return the tree's root; that of no leaf is SHA-256 of nothing."""
        if not self.roots:
            return hashlib.sha256().digest()
        found = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            found = node_hash(left, found)
        return found


class Tree:
    """Leaf hashes with the roots of all full subtrees above them, so that a root or a proof costs O(log² n)."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the end."""
        node = leaf
        for height in range(len(self).bit_length() + 1):
            if height == len(self._levels):
                self._levels.append([])
            row = self._levels[height]
            row.append(node)
            if len(row) & 1:
                return
            node = node_hash(row[-2], row[-1])

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, of all unless given; that of none is SHA-256 of nothing."""
        return self._root(0, len(self) if size is None else size)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the audit path of one leaf in the tree of the first `size` (RFC 6962 section 2.1.1)."""
        start, stop = 0, len(self) if size is None else size
        path = []
        while stop - start > 1:
            split = start + _split(stop - start)
            if index < split:
                path.append(self._root(split, stop))
                stop = split
            else:
                path.append(self._root(start, split))
                start = split
        return tuple(reversed(path))

    def consistency(self, first: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that `first` leaves are a prefix of the first `size` (RFC 6962 section 2.1.2)."""
        start, stop = 0, len(self) if size is None else size
        if not 0 < first < stop:
            return ()
        path = []
        whole = True  # RFC 6962's b: the known tree is one that the verifier has the root of already
        while first != stop:
            split = start + _split(stop - start)
            if first <= split:
                path.append(self._root(split, stop))
                stop = split
            else:
                path.append(self._root(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._root(start, stop))
        return tuple(reversed(path))

    def _root(self, start: int, stop: int) -> bytes:
        """Return the root over some leaves; `start` is a multiple of a power of two not below their number."""
        found = b""
        for node in reversed(list(self._full(start, stop))):
            found = node_hash(node, found) if found else node
        return found or hashlib.sha256().digest()

    def _full(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the roots of the full subtrees that some leaves are made of, largest first."""
        for height in reversed(range((stop - start).bit_length())):
            if (stop - start) >> height & 1:
                yield self._levels[height][start >> height]
                start += 1 << height


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows `leaf` at `index` of a tree of `size` with `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(node, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, node)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `first` leaves is a prefix of that of `second` (RFC 9162 section 2.1.4.2)."""
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return False
    nodes = list(proof)
    if first & (first - 1) == 0:
        nodes.insert(0, first_root)
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, node)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
