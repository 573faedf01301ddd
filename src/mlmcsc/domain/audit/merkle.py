"""Merkle trees: one hash that stands for a whole sequence, and short proofs about it.

Trees and proofs as in RFC 6962 §2.1, their verification as in RFC 9162 §2.1.3.2 and §2.1.4.2, with
SHA-256. Leaves come in hashed already (32 bytes, marked 0x00); a node is `H(0x01 ‖ left ‖ right)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from mlmcsc.errors import ValidationError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 §2.1)."""

_NODE_MARK: Final = b"\x01"


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees, left before right."""
    return sha256(_NODE_MARK + left + right).digest()


def _parents(nodes: Sequence[bytes]) -> list[bytes]:
    """The nodes above an even number of nodes."""
    hashed, mark = sha256, _NODE_MARK  # local: this loop runs once for every leaf ever
    pairs = zip(nodes[::2], nodes[1::2], strict=True)
    return [hashed(mark + left + right).digest() for left, right in pairs]


class GrowingTree:
    """A tree that leaves are appended to; it keeps O(log n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        # At height h, the root of a full subtree of 2^h leaves that waits for its sibling.
        self._waiting: list[bytes | None] = []

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes, 32 bytes each."""
        self.size += len(leaves)
        nodes = list(leaves)
        height = 0
        while nodes:
            if height == len(self._waiting):
                self._waiting.append(None)
            waiting = self._waiting[height]
            if waiting is not None:
                nodes.insert(0, waiting)
            self._waiting[height] = nodes.pop() if len(nodes) % 2 else None
            nodes = _parents(nodes)
            height += 1

    def root(self) -> bytes:
        """The hash of all leaves so far, 32 bytes."""
        root: bytes | None = None
        for waiting in self._waiting:
            if waiting is not None:
                root = waiting if root is None else node(waiting, root)
        return EMPTY_ROOT if root is None else root


class ProvingTree:
    """A whole tree in memory, 64 bytes a leaf, that makes proofs.

    Args:
        leaves: The leaf hashes one behind the other: n x 32 bytes.

    Raises:
        ValidationError: If the length is no multiple of 32.
    """

    def __init__(self, leaves: bytes) -> None:
        if len(leaves) % HASH_BYTES:
            raise ValidationError(
                f"{len(leaves)} bytes of leaf hashes: must be a multiple of {HASH_BYTES}."
            )
        self.size = len(leaves) // HASH_BYTES
        self._levels = [leaves]
        while len(self._levels[-1]) > HASH_BYTES:
            self._levels.append(_level_above(self._levels[-1]))

    def root(self) -> bytes:
        """The hash of all leaves, 32 bytes."""
        return self._levels[-1] or EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """The path from a leaf to the root: PATH(m, D[n]) of RFC 6962 §2.1.1, siblings first.

        Raises:
            ValidationError: If there is no such leaf.
        """
        if not 0 <= index < self.size:
            raise ValidationError(f"leaf {index}: the tree has leaves 0 to {self.size - 1}.")
        path = []
        for level in self._levels[:-1]:
            sibling = (index ^ 1) * HASH_BYTES
            if sibling < len(level):  # else this node is the last one and moves up as it is
                path.append(level[sibling : sibling + HASH_BYTES])
            index //= 2
        return path

    def consistency(self, old_size: int) -> list[bytes]:
        """That the first `old_size` leaves are still the same: PROOF(m, D[n]), RFC 6962 §2.1.2.

        Raises:
            ValidationError: If the tree never had that size.
        """
        if not 0 < old_size <= self.size:
            raise ValidationError(f"old size {old_size}: the tree had sizes 1 to {self.size}.")
        proof: list[bytes] = []
        first, end = 0, self.size
        while old_size < end:
            middle = first + (1 << (end - first - 1).bit_length() - 1)
            if old_size <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(first, middle))
                first = middle
        if first:  # else this subtree is the old tree, whose root the reader has
            proof.append(self._subtree(first, end))
        return proof[::-1]

    def _subtree(self, first: int, end: int) -> bytes:
        """MTH(D[first:end]), for a range that is a node of the tree."""
        height = (end - first - 1).bit_length()
        at = (first >> height) * HASH_BYTES
        return self._levels[height][at : at + HASH_BYTES]


def _level_above(level: bytes) -> bytes:
    """The next level; a last node without sibling moves up as it is."""
    nodes = [level[at : at + HASH_BYTES] for at in range(0, len(level), HASH_BYTES)]
    odd = [nodes.pop()] if len(nodes) % 2 else []
    return b"".join(_parents(nodes) + odd)


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is number `index` of the `size` leaves under `root` (RFC 9162 §2.1.3.2)."""
    found = _climb(index, size - 1, leaf, path) if 0 <= index < size else None
    return found is not None and found[1] == root


def consistency_holds(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the old tree is the beginning of the new one (RFC 9162 §2.1.4.2)."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    here, last = old_size - 1, new_size - 1
    while here % 2:
        here, last = here >> 1, last >> 1
    return _climb(here, last, path[0], path[1:]) == (old_root, new_root)


def _climb(here: int, last: int, start: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """From node `here` of a level that ends with `last` up to the root; None if it is not reached.

    The second hash takes every sibling, the first those on the left alone: a consistency proof
    needs both, an inclusion proof the second.
    """
    left = every = start
    for sibling in path:
        if last == 0:
            return None
        if here % 2 or here == last:
            left, every = node(sibling, left), node(sibling, every)
            while here % 2 == 0 and here:
                here, last = here >> 1, last >> 1
        else:
            every = node(every, sibling)
        here, last = here >> 1, last >> 1
    return (left, every) if last == 0 else None
