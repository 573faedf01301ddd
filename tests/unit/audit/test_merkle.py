"""Trees and proofs are those of RFC 6962: against a naive reference, and known answers."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.audit.merkle import (
    EMPTY_ROOT,
    GrowingTree,
    ProvingTree,
    consistency_holds,
    inclusion_holds,
)
from mlmcsc.errors import ValidationError

sizes = st.integers(1, 130)


def sha(data):
    return hashlib.sha256(data).digest()


def leaves_of(size):
    return [sha(b"\0" + str(i).encode()) for i in range(size)]


# RFC 6962 §2.1, word for word.


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha(b"")
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha(b"\1" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m, d, *, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole=whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], whole=False), mth(d[:k])]


@pytest.mark.parametrize(
    ("size", "root"),
    [
        # From the test vectors of Google's Certificate Transparency implementation.
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_the_roots_of_the_known_inputs_are_the_known_ones(size, root):
    known = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    known.append("606162636465666768696a6b6c6d6e6f")
    leaves = [sha(b"\0" + bytes.fromhex(text)) for text in known[:size]]
    tree = GrowingTree()
    tree.extend(leaves)

    assert tree.root().hex() == root
    assert ProvingTree(b"".join(leaves)).root().hex() == root


def test_a_tree_without_leaves_has_the_hash_of_nothing():
    assert GrowingTree().root() == ProvingTree(b"").root() == EMPTY_ROOT == sha(b"")


@given(st.lists(st.integers(0, 40), max_size=12))
def test_a_tree_grown_in_any_pieces_has_the_root_of_the_whole(pieces):
    leaves = leaves_of(sum(pieces))
    tree, done = GrowingTree(), 0
    for piece in pieces:
        tree.extend(leaves[done : done + piece])
        done += piece
        assert tree.root() == mth(leaves[:done])
    assert tree.size == len(leaves)


def test_a_growing_tree_keeps_few_hashes():
    tree = GrowingTree()
    tree.extend(leaves_of(10_000))

    assert len(tree._waiting) <= 14


@given(sizes, st.data())
def test_an_inclusion_proof_is_that_of_the_rfc_and_holds(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = ProvingTree(b"".join(leaves)).inclusion(index)

    assert proof == path(index, leaves)
    assert inclusion_holds(leaves[index], index, size, proof, mth(leaves))


@given(sizes, st.data())
def test_a_consistency_proof_is_that_of_the_rfc_and_holds(size, data):
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size))
    proof = ProvingTree(b"".join(leaves)).consistency(old)

    assert proof == subproof(old, leaves, whole=True)
    assert consistency_holds(old, mth(leaves[:old]), size, mth(leaves), proof)


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_nothing_else(size, data):
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    proof, root = ProvingTree(b"".join(leaves)).inclusion(index), mth(leaves)
    other = data.draw(st.integers(-1, size + 1).filter(lambda i: i != index))

    assert not inclusion_holds(leaves[index], other, size, proof, root)
    assert not inclusion_holds(sha(b"else"), index, size, proof, root)
    assert not inclusion_holds(leaves[index], index, size, [*proof, root], root)
    assert not proof or not inclusion_holds(leaves[index], index, size, proof[:-1], root)


@given(st.integers(2, 130), st.data())
def test_a_consistency_proof_holds_for_no_other_past(size, data):
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    past = [*leaves[:changed], sha(b"else"), *leaves[changed + 1 : old]]
    proof = ProvingTree(b"".join(leaves)).consistency(old)

    assert not consistency_holds(old, mth(past), size, mth(leaves), proof)
    assert not consistency_holds(old, mth(leaves[:old]), size, mth([*past, *leaves[old:]]), proof)
    assert not consistency_holds(size, mth(leaves), old, mth(leaves[:old]), proof)
    assert not consistency_holds(old, mth(leaves[:old]), size, mth(leaves), [])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index):
    with pytest.raises(ValidationError, match="leaves 0 to 2"):
        ProvingTree(b"".join(leaves_of(3))).inclusion(index)


@pytest.mark.parametrize("old", [0, 4])
def test_there_is_no_proof_from_a_size_that_never_was(old):
    with pytest.raises(ValidationError, match="sizes 1 to 3"):
        ProvingTree(b"".join(leaves_of(3))).consistency(old)


def test_leaves_of_another_length_are_refused():
    with pytest.raises(ValidationError, match="multiple of 32"):
        ProvingTree(bytes(33))
