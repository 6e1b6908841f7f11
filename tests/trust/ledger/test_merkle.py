"""The Merkle tree: published vectors, and that no proof shows what is not so (case L4 of the attack list)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbdeploy.trust.ledger.merkle import (
    Edge,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

# The reference data of the Certificate Transparency project (google/certificate-transparency, merkletree tests): eight
# leaves, the roots of the trees of the first 0, 1, … 8 of them, and proofs. Leaf numbers start at 0 here, at 1 there.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
ZERO, ONE_TWO = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", ROOTS[2]
TWO_THREE = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
SECOND_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
INCLUSION = [
    (0, 1, []),
    (0, 8, [ZERO, TWO_THREE, SECOND_HALF]),
    (5, 8, [FIFTH, LAST_TWO, ROOTS[4]]),
    (2, 3, [ONE_TWO]),
    (1, 5, [ROOTS[1], TWO_THREE, FIFTH]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [ZERO, TWO_THREE, SECOND_HALF]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", LAST_TWO, ROOTS[4]]),
    (2, 5, [TWO_THREE, FIFTH]),
]

LEAVES = [leaf_hash(data) for data in INPUTS]


def unhex(proof: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(node) for node in proof)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int):
    assert Tree(LEAVES[:size]).root().hex() == ROOTS[size]
    edge = Edge()
    for leaf in LEAVES[:size]:
        edge = edge.append(leaf)
    assert (edge.size, edge.root().hex()) == (size, ROOTS[size])


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, proof: list[str]):
    assert Tree(LEAVES[:size]).inclusion(index) == unhex(proof)
    assert verify_inclusion(LEAVES[index], index, size, unhex(proof), bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(first: int, second: int, proof: list[str]):
    assert Tree(LEAVES[:second]).consistency(first) == unhex(proof)
    assert verify_consistency(first, unhex([ROOTS[first]])[0], second, unhex([ROOTS[second]])[0], unhex(proof))


# Another implementation -----------------------------------------------------------------------------------------------


def slow_root(data: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word and over the data itself."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + slow_root(data[:k]) + slow_root(data[k:])).digest()


def slow_path(m: int, data: list[bytes]) -> tuple[bytes, ...]:
    """RFC 6962 section 2.1.1: PATH(m, D[n])."""
    if len(data) == 1:
        return ()
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m < k:
        return (*slow_path(m, data[:k]), slow_root(data[k:]))
    return (*slow_path(m - k, data[k:]), slow_root(data[:k]))


def slow_proof(m: int, data: list[bytes], whole: bool = True) -> tuple[bytes, ...]:
    """RFC 6962 section 2.1.2: SUBPROOF(m, D[n], b)."""
    if m == len(data):
        return () if whole else (slow_root(data),)
    k = 1
    while k * 2 < len(data):
        k *= 2
    if m <= k:
        return (*slow_proof(m, data[:k], whole), slow_root(data[k:]))
    return (*slow_proof(m - k, data[k:], False), slow_root(data[:k]))


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 64, 65])
def test_every_root_and_proof_is_that_of_the_recursion_over_the_data(size: int):
    data = [bytes([n]) * (n % 5) for n in range(size)]
    tree = Tree(leaf_hash(entry) for entry in data)
    assert len(tree) == size
    for within in range(size + 1):
        assert tree.root(within) == slow_root(data[:within])
    for index in range(size):
        assert tree.inclusion(index) == slow_path(index, data)
    for first in range(1, size):
        assert tree.consistency(first) == slow_proof(first, data)


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40), st.data())
def test_a_proof_in_an_earlier_tree_is_what_it_was_then(entries: list[bytes], data: st.DataObject):
    """A service is asked for proofs in the tree of a checkpoint, and has grown since."""
    tree = Tree(leaf_hash(entry) for entry in entries)
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    assert tree.inclusion(index, size) == slow_path(index, entries[:size])
    if index:
        assert tree.consistency(index, size) == slow_proof(index, entries[:size])


# Any tree ------------------------------------------------------------------------------------------------------------

trees = st.integers(1, 70).map(lambda size: [leaf_hash(bytes([n])) for n in range(size)])


@given(trees)
def test_appending_gives_the_root_of_the_recursion(leaves: list[bytes]):
    edge = Edge()
    for leaf in leaves:
        edge = edge.append(leaf)
    assert edge.root() == Tree(leaves).root()
    assert len(edge.roots) == len(leaves).bit_count()


@given(trees, st.data())
def test_an_inclusion_proof_shows_its_leaf_at_its_place_and_nothing_else(leaves: list[bytes], data: st.DataObject):
    """Case L4: the proof of another entry, and one with more, less or other nodes."""
    size, root = len(leaves), Tree(leaves).root()
    index = data.draw(st.integers(0, size - 1))
    proof = Tree(leaves).inclusion(index)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    for other in range(size):
        assert other == index or not verify_inclusion(leaves[index], other, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, (*proof, root), root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)
        assert not verify_inclusion(leaves[index], index, size, proof[1:], root)
        broken = data.draw(st.integers(0, len(proof) - 1))
        flipped = bytes([proof[broken][0] ^ 1]) + proof[broken][1:]
        assert not verify_inclusion(leaves[index], index, size, (*proof[:broken], flipped, *proof[broken + 1 :]), root)


@given(trees, st.data())
def test_a_consistency_proof_shows_a_prefix_and_nothing_else(leaves: list[bytes], data: st.DataObject):
    second, root = len(leaves), Tree(leaves).root()
    first = data.draw(st.integers(1, second))
    proof, old = Tree(leaves).consistency(first), Tree(leaves[:first]).root()
    assert verify_consistency(first, old, second, root, proof)
    forked = [leaf_hash(b"fork"), *leaves[1:]]
    assert not verify_consistency(first, Tree(forked[:first]).root(), second, root, proof)
    assert not verify_consistency(first, old, second, Tree(forked).root(), proof)
    assert not verify_consistency(first, old, second, root, (*proof, root))
    if proof:
        assert not verify_consistency(first, old, second, root, proof[:-1])
    for other in range(1, second):
        if other != first and first < second:
            assert not verify_consistency(other, old, second, root, proof)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 8), (8, 8)], ids=["size 0", "past the end", "negative", "at the end"]
)
def test_a_place_that_does_not_exist_proves_nothing(index: int, size: int):
    """Case L4: size 0, and a place beyond the end."""
    assert not verify_inclusion(LEAVES[0], index, size, (), LEAVES[0])


@pytest.mark.parametrize(("first", "second"), [(0, 8), (9, 8), (-1, 8)])
def test_an_empty_or_larger_tree_is_a_prefix_of_nothing(first: int, second: int):
    root = Tree(LEAVES).root()
    assert not verify_consistency(first, Tree([]).root(), second, root, ())
    assert not verify_consistency(first, root, second, root, (root,))


def test_an_inner_node_is_never_taken_for_a_leaf():
    """Case L4, a second preimage: data that is two hashes end to end has another leaf hash than their node."""
    left, right = LEAVES[0], LEAVES[1]
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(left + right) != hashlib.sha256(left + right).digest()
    assert Tree([leaf_hash(left + right)]).root() != Tree([left, right]).root()
