"""RFC 6962 Merkle tree hashing: roots, inclusion and consistency proofs.

The right edge (`Edge`) is all that an append needs: the roots of the full subtrees of the current size, largest first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, by RFC 6962's recursion."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the audit path of one leaf (RFC 6962 section 2.1.1)."""
    if len(leaves) <= 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), tree_root(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), tree_root(leaves[:split]))


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


def consistency_proof(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of the first `first` leaves is a prefix of this one (RFC 6962 section 2.1.2)."""

    # `whole` is RFC 6962's b: the known tree is one that the verifier has the root of already.
    def subproof(known: int, part: Sequence[bytes], whole: bool) -> tuple[bytes, ...]:
        if known == len(part):
            return () if whole else (tree_root(part),)
        split = _split(len(part))
        if known <= split:
            return (*subproof(known, part[:split], whole), tree_root(part[split:]))
        return (*subproof(known - split, part[split:], False), tree_root(part[:split]))

    return subproof(first, leaves, True) if 0 < first < len(leaves) else ()


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
