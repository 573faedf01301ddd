"""Whether two clouds of vectors differ: the maximum mean discrepancy (MMD)."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 1000
"""Vectors per side: the kernel of both is 16 MB then."""
PERMUTATIONS: Final = 2000
ENOUGH: Final = 20
"""Permutations as far out as what was seen, after which no more are drawn."""
FEW: Final = 10
"""Below so many the tail is fitted: 2,000 permutations tell no p-value below 1 / 2,001, which
would never alarm beside a hundred quiet channels."""
_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """What MMD found.

    Attributes:
        mmd2: Unbiased estimate of MMD²; may be below 0 where nothing differs.
        unlike: MMD² over the likeness within periods: by which share two images of different
            periods are less alike than two of the same; 0 where nothing differs, at most 1.
        p: From permutations of whole clusters, or from the tail fitted to them.
        bandwidth: Of the kernel, in the unit of the vectors.
        permutations: How many were drawn.
    """

    mmd2: float
    unlike: float
    p: float
    bandwidth: float
    permutations: int


def discrepancy(
    reference: tuple[NDArray[np.float32], NDArray[np.int64]],
    current: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Discrepancy:
    """MMD² with a Gaussian kernel, and how probable it is without any change.

    Gretton and others, A Kernel Two-Sample Test, JMLR 13 (2012): the unbiased estimate (lemma 6),
    bandwidth by the median distance. Pairs within a cluster are left out, as they are alike
    whatever the period; permutations move clusters as a whole, so that clusters alone never alarm.

    Permutations are drawn until 20 are as far out (Besag and Clifford, Biometrika 78, 1991).

    Args:
        reference: Vectors, shape `(N, D)`, and the cluster of each, shape `(N,)`.
        current: Likewise, shape `(M, D)`.
        seed: Of the permutations.
        permutations: The most that are drawn.
    """
    vectors = np.concatenate([reference[0], current[0]]).astype(np.float64)
    first = np.unique(reference[1], return_inverse=True)[1]
    second = np.unique(current[1], return_inverse=True)[1] + first.max() + 1
    blocks = np.concatenate([first, second])
    kernel, bandwidth = _kernel(vectors, blocks)
    own = np.zeros((1, int(blocks.max()) + 1), dtype=np.float32)
    own[:, : int(first.max()) + 1] = 1
    squares = np.bincount(blocks).astype(np.float64) ** 2
    observed, likeness = _statistics(kernel, own, blocks, squares)[0].tolist()
    rng = np.random.default_rng(seed)
    drawn = np.empty(0)
    while len(drawn) < permutations and (drawn >= observed - 1e-12).sum() < ENOUGH:
        some = np.repeat(own, min(_AT_ONCE, permutations - len(drawn)), axis=0)
        rng.permuted(some, axis=1, out=some)
        drawn = np.concatenate([drawn, _statistics(kernel, some, blocks, squares)[:, 0]])
    return Discrepancy(
        mmd2=observed,
        unlike=max(0.0, observed / likeness) if likeness > 0 else 0.0,
        p=_probability(observed, drawn, comb(own.shape[1], int(own.sum()))),
        bandwidth=bandwidth,
        permutations=len(drawn),
    )


def _probability(observed: float, drawn: NDArray[np.float64], possible: int) -> float:
    """Share of permutations that are as far out; of few, the tail of a Pearson III curve.

    The curve has the mean, variance and skewness of what was drawn (Mielke and Berry, Permutation
    Methods, 2001; Minas and Montana, Statistical Analysis and Data Mining 7, 2014). It is never
    below 1 / `possible`, the number of ways in which clusters can be dealt out.
    """
    from scipy.special import gammaincc, ndtr  # noqa: PLC0415  # not for --help

    beyond = int((drawn >= observed - 1e-12).sum())
    share = (1 + beyond) / (len(drawn) + 1)
    spread = float(drawn.std())
    if beyond >= FEW or spread <= 0:
        return share
    far = (observed - float(drawn.mean())) / spread
    skewness = float(((drawn - drawn.mean()) ** 3).mean()) / spread**3
    if skewness > 1e-3:  # noqa: PLR2004  # below, it is the normal curve; left-skewed is lighter
        form = 4 / skewness**2
        tail = float(gammaincc(form, max(form + 2 * far / skewness, 0.0)))
    else:
        tail = float(ndtr(-far))
    return max(tail, 1 / possible)


def _kernel(
    vectors: NDArray[np.float64], blocks: NDArray[np.int64]
) -> tuple[NDArray[np.float32], float]:
    """exp(-d² / 2h²) of all pairs of different clusters, 0 within them; h the median distance."""
    vectors = vectors - vectors.mean(axis=0)  # lengths near the distances: fewer digits lost
    lengths = (vectors**2).sum(axis=1)
    squares = lengths[:, None] + lengths[None, :] - 2 * vectors @ vectors.T
    np.maximum(squares, 0, out=squares)
    apart = blocks[:, None] != blocks[None, :]
    middle = float(np.median(squares[apart])) if apart.any() else 0.0
    if middle <= 0:  # more than half of the pairs are equal
        middle = float(squares.mean()) or 1.0
    kernel = np.where(apart, np.exp(squares / (-2 * middle)), 0).astype(np.float32)
    return kernel, float(np.sqrt(middle))


def _statistics(
    kernel: NDArray[np.float32],
    sides: NDArray[np.float32],
    blocks: NDArray[np.int64],
    squares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """MMD² and the likeness within sides, for each row of `sides` (1: reference); shape `(P, 2)`.

    A side whose vectors are all of one cluster has no pairs to look at: its likeness counts as 0.
    """
    chosen = sides[:, blocks]
    rows = (chosen @ kernel).astype(np.float64)
    one = (rows * chosen).sum(axis=1)
    across = rows.sum(axis=1) - one
    other = float(kernel.sum(dtype=np.float64)) - one - 2 * across
    n, total = chosen.sum(axis=1, dtype=np.float64), float(len(blocks))
    pairs_one = n**2 - sides @ squares
    pairs_other = (total - n) ** 2 - (1 - sides) @ squares
    within = one / np.maximum(pairs_one, 1) + other / np.maximum(pairs_other, 1)
    between = across / np.maximum(n * (total - n), 1)
    return np.stack([within - 2 * between, within], axis=1)
