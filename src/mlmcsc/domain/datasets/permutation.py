"""Shuffling without a list: where the number i of 0..n-1 goes, in O(1) memory.

The generalised Feistel network with cycle walking of J. Black and P. Rogaway, "Ciphers with
Arbitrary Finite Domains" (CT-RSA 2002, sections 3 and 5): a number below `a·b` is a pair (left,
right); each round adds a pseudo-random function of one half to the other, modulo the size of that
other; what lands at n or above is sent through again until it is below n. `a·b` exceeds n by less
than `2·√n + 1`, so hardly anything walks.

The round function is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom
Number Generators", OOPSLA 2014) of the half and the round's key; the upper 32 bits of it become a
number below `a` by multiplication (Lemire, "Fast Random Integer Generation in an Interval", 2019).
Keys are SHA-512 of seed and epoch. Whole numbers only: the same on every machine. It shuffles
well; it keeps no secret.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ROUNDS: Final = 8
"""Even, so that the halves end where they began; one key of 8 bytes each from a SHA-512."""
MOST: Final = 2**62
"""Numbers that can be shuffled: halves stay below 2^32."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = (np.uint64(shift) for shift in (30, 27, 31, 32))


@dataclass(frozen=True, slots=True)
class Permutation:
    """A bijection of 0..n-1 that seed and epoch decide.

    Attributes:
        n: How many numbers, 0 to 2^62.
        seed: Any integer.
        epoch: Any integer; every epoch has another order.
    """

    n: int
    seed: int
    epoch: int = 0

    def __call__(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each of `numbers` (each 0 to n-1, shape (N,)) goes; shape (N,), int64."""
        keys = _keys(self.seed, self.epoch)
        left = math.isqrt(max(self.n - 1, 0)) + 1  # the square root, rounded up
        right = max(1, -(-self.n // left))
        found = _once(numbers.astype(np.uint64), left, right, keys)
        walking = np.flatnonzero(found >= np.uint64(self.n))
        while len(walking):
            found[walking] = _once(found[walking], left, right, keys)
            walking = walking[found[walking] >= np.uint64(self.n)]
        return found.astype(np.int64)


def _keys(seed: int, epoch: int) -> tuple[np.uint64, ...]:
    digest = hashlib.sha512(f"mlmcsc-order-1:{seed}:{epoch}".encode()).digest()
    return tuple(np.uint64(key) for key in struct.unpack(f"<{ROUNDS}Q", digest))


def _once(
    numbers: NDArray[np.uint64], left: int, right: int, keys: tuple[np.uint64, ...]
) -> NDArray[np.uint64]:
    """One pass through the network on 0..left·right-1."""
    size, other = np.uint64(left), np.uint64(right)
    a, b = np.divmod(numbers, other)
    for key in keys:
        a = a + ((_mixed(b, key) >> _S32) * size >> _S32)
        a = np.minimum(a, a - size)  # below zero wraps around to a huge number
        a, b, size, other = b, a, other, size
    return a * other + b


def _mixed(half: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    z = half * _GOLDEN
    z ^= key
    z ^= z >> _S30
    z *= _FIRST
    z ^= z >> _S27
    z *= _SECOND
    z ^= z >> _S31
    return z
