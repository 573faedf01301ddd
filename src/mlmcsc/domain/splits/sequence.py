"""Deals a growing series of units into the splits, in balance at every length.

A unit's split is a function of the seed, of its stratum and of how many units came before it, never
of what comes after. Random dealing has these properties too but fails small laboratories: of twelve
specimens at 0.7/0.15/0.15 it leaves a split empty in one case of four. So:

* The first 20 units are one *start-up block*, whatever their strata, which are too thin then to
  balance anything. Of 64 seeded shuffles it is the one that keeps nearest to the shares.
* From then on each stratum is dealt in blocks of 20 (stratified permuted-block randomisation:
  Zelen, J. Chronic Dis. 27 (1974) 365, the rule by which trials allot patients as they come).
  A block visits 20 equally spaced points of the unit circle, on which the splits are arcs: shares
  in steps of 5 % are exact in every block. It visits them in golden-ratio order, the most even at
  every prefix (three-distance theorem: Knuth, TAOCP 3, 6.4), from a start that the seed redraws
  for each block (Cranley & Patterson, SIAM J. Numer. Anal. 13 (1976) 904). One unbroken golden
  sequence would put every 8th or 21st unit in the same split for a long stretch, and laboratories
  do work in such series.
* Strata start evenly spread round the circle, in seeded order, so that their unfinished blocks
  make up for one another.

All integers: the same on every machine and under every numpy. Changing a constant or a formula here
moves images between the splits of existing users.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.splits.ratios import CIRCLE, SplitRatios

BLOCK: Final = 20
STRATA: Final = 10
CELL: Final = CIRCLE // BLOCK
STRATUM_STEP: Final = CIRCLE // STRATA + CIRCLE // (STRATA * BLOCK)
"""A tenth of the circle and a tenth of a cell: the strata's points interleave, so that shares in
steps of 0.5 % come out exact over ten full blocks."""

SHUFFLES: Final = 64
JUDGED: Final = slice(4, 12)
"""The lengths, in units, at which the start-up shuffles are judged (first excluded)."""
BASIS_POINTS: Final = 10_000

GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, odd."""
GOLDEN_ORDER: Final = np.argsort(np.argsort(np.arange(BLOCK, dtype=np.uint64) * np.uint64(GOLDEN)))
"""Cell visited at each position of a block: the rank of frac(position / golden ratio)."""


def deal(strata: NDArray[np.uint8], ratios: SplitRatios, seed: int) -> NDArray[np.int8]:
    """Split of every unit.

    Args:
        strata: `uint8[U]`, 0 to 9; the stratum of each unit, units in order of arrival.
        ratios: Shares of the splits.
        seed: Any integer.

    Returns:
        `int8[U]` of `Split` values. The first k depend on the first k strata only.
    """
    points = np.empty(len(strata), dtype=np.int64)
    points[:BLOCK] = _startup_points(ratios, seed)[: len(strata)]
    points[BLOCK:] = _stratified_points(strata[BLOCK:], seed)
    return _split_at(points, ratios)


def _stratified_points(strata: NDArray[np.uint8], seed: int) -> NDArray[np.int64]:
    block, position = np.divmod(_ranks(strata), BLOCK)
    n_blocks = int(block.max(initial=-1)) + 1
    start = (_draws(seed, "block starts", n_blocks) % np.uint64(CIRCLE)).astype(np.int64)
    offset = np.argsort(_draws(seed, "strata", STRATA)) * STRATUM_STEP
    points: NDArray[np.int64] = start[block] + offset[strata] + GOLDEN_ORDER[position] * CELL
    return points % CIRCLE


def _startup_points(ratios: SplitRatios, seed: int) -> NDArray[np.int64]:
    """Points of the first 20 units: the shuffle with the least chi-square against the shares."""
    cells = np.argsort(_draws(seed, "start-up", SHUFFLES * BLOCK).reshape(SHUFFLES, BLOCK), axis=1)
    start = (_draws(seed, "start-up starts", SHUFFLES) % np.uint64(CIRCLE)).astype(np.int64)
    points = (start[:, None] + cells * CELL) % CIRCLE
    shares = np.diff([0, *ratios.cuts, CIRCLE]) * BASIS_POINTS // CIRCLE
    dealt = _split_at(points, ratios)[:, :, None] == np.arange(len(shares))
    length = np.arange(1, BLOCK + 1)[JUDGED, None]
    deviation = dealt.cumsum(axis=1)[:, JUDGED] * BASIS_POINTS - length * shares
    chi_square = deviation**2 // (length * np.maximum(shares, 1))
    best: NDArray[np.int64] = points[np.argmin(chi_square.sum(axis=(1, 2)))]
    return best


def _split_at(points: NDArray[np.int64], ratios: SplitRatios) -> NDArray[np.int8]:
    val, test = ratios.cuts
    return (points >= val).astype(np.int8) + (points >= test)


def _ranks(strata: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many earlier units share each unit's stratum."""
    order = np.argsort(strata, kind="stable")
    sizes = np.bincount(strata, minlength=STRATA)
    ranks = np.empty(len(strata), dtype=np.int64)
    ranks[order] = np.arange(len(strata)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return ranks


def _draws(seed: int, purpose: str, n: int) -> NDArray[np.uint64]:
    """The first `n` outputs of splitmix64 (Steele, Lea & Flood, OOPSLA 2014), keyed by BLAKE2b.

    Written out because the streams of `numpy.random` may change between releases. The seed goes in
    as hexadecimal, which Python writes at any length.
    """
    key = hashlib.blake2b(f"mlmcsc splits 1/{purpose}/{seed:x}".encode(), digest_size=8).digest()
    z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.frombuffer(key, dtype="<u8")
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    draws: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return draws
