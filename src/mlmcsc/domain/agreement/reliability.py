"""Variance and bias of each rater from the items that several raters labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from mlmcsc.domain.agreement.arrays import Floats, Indices, added_up
from mlmcsc.errors import ValidationError

PRIOR_LABELS = 4.0
"""Labels' worth of the pooled variance that every rater's own is mixed with: two labels that
happen to agree with others must not make a rater infallible."""
PRIOR_RATERS = 2.0
"""Raters' worth by which the spread of biases is taken to be that of labels: few raters who happen
to agree do not show that all others would."""
FEWEST_GOLD = 5
"""Gold images below which gold says nothing of the level that all raters share."""
WILD = 4.0
"""Robust standard deviations from the middle beyond which a gold value tells nothing of raters."""
ROUNDS = 300
TO_SD = 1.4826
"""From the median absolute deviation to the standard deviation, of a normal distribution."""
TAIL = 0.975
MOVED = 1e-4
"""Relative change of variances, and of biases in pooled standard deviations, that ends it."""


@dataclass(frozen=True, slots=True)
class Cells:
    """One value for each rater and item.

    Attributes:
        value: Shape `(c,)`.
        item: Number of the item of each.
        rater: Number of the rater of each.
        items: How many items there are.
        raters: How many raters there are.
        known: True value of each item, shape `(items,)`; NaN where it is not known.
    """

    value: Floats
    item: Indices
    rater: Indices
    items: int
    raters: int
    known: Floats


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was found of each rater, every array of shape `(raters,)`.

    Attributes:
        variance: Of the rater's labels, above 0, to weigh by.
        scale: Factor from `variance` to true variances: 1, or 0 when all raters agree exactly.
        bias: Of the rater.
        bias_variance: Squared standard uncertainty of the bias, without that of the level.
        level: What all biases have in common, against gold; part of `bias`. 0 without enough gold.
        level_variance: Its squared standard uncertainty, the same error in all items.
        gold: Images with a gold value that told the level; 0: too few.
        wild: Gold values left out, as they are far from all others.
        shared: Items that tell of the rater.
        borrowed: Share of the variance that is the pooled one's.
        iterations: Rounds.
        converged: Whether nothing moved any more.
    """

    variance: Floats
    scale: float
    bias: Floats
    bias_variance: Floats
    level: float
    level_variance: float
    gold: int
    wild: int
    shared: Indices
    borrowed: Floats
    iterations: int
    converged: bool


def reliability(cells: Cells, *, correct_bias: bool, floor: float) -> Reliability:
    """Variances by iterated restricted maximum likelihood, biases as random effects.

    At its fixed point Σ residual² = variance · Σ(1 - h) for each rater, with h the share of a
    label in its item's mean, which is REML's equation for unequal variances (Rao 1970, iterated
    MINQUE), here with the pooled variance mixed in as `PRIOR_LABELS` labels more.

    Labels tell biases but for a level that all share. With `FEWEST_GOLD` gold images it is the
    mean difference from gold, times L²/(L² + se²); else 0, and as uncertain as the mean of so
    many random biases is.

    Args:
        cells: One value for each rater and item.
        correct_bias: Whether raters have biases; without, all are 0.
        floor: Least variance, at least 0.

    Raises:
        ValidationError: No item has two raters or a known value.
    """
    telling = (np.bincount(cells.item, minlength=cells.items) > 1) | ~np.isnan(cells.known)
    used = telling[cells.item]
    if not used.any():
        raise ValidationError(
            f"{len(cells.value)} labels, and no item has labels of two raters or a gold value: "
            "raters cannot be told apart; at least one item with two raters is needed."
        )
    fit = _Fit(cells, used, correct_bias=correct_bias, floor=floor)
    rounds, converged = 0, False
    while rounds < ROUNDS and not converged:
        rounds += 1
        converged = fit.step()
    return fit.result(rounds, converged=converged)


class _Fit:
    """The state of the iteration; labels that tell nothing of their rater are left out."""

    def __init__(
        self, cells: Cells, used: NDArray[np.bool_], *, correct_bias: bool, floor: float
    ) -> None:
        _, self.item = np.unique(cells.item[used], return_inverse=True)
        self.value, self.rater, self.raters = cells.value[used], cells.rater[used], cells.raters
        self.items = int(self.item.max()) + 1
        self.known = np.full(self.items, np.nan)
        self.known[self.item] = cells.known[cells.item[used]]
        gold = self._gold()
        self.wild = int((~np.isnan(self.known) & ~gold).sum())
        # One or two gold images, right or wrong, must not move all others.
        self.gold = int(gold.sum()) if int(gold.sum()) + self.wild >= FEWEST_GOLD else 0
        alone = len(self.value) == self.items  # nothing but gold tells raters apart
        self.fixed = gold if self.gold or alone else np.zeros(self.items, np.bool_)
        self.level = self.scatter = 0.0
        self.count = np.bincount(self.rater, minlength=cells.raters)
        self.there = self.count > 0
        self.correct_bias, self.floor = correct_bias, floor
        self.variance: Floats = np.ones(cells.raters)
        self.bias: Floats = np.zeros(cells.raters)
        self.bias_variance: Floats = np.zeros(cells.raters)
        self.free: Floats = np.zeros(cells.raters)
        self.pooled = self.spread = 0.0

    def step(self) -> bool:
        """One round; whether nothing moved."""
        before = self.variance, self.bias, self.pooled
        weight = 1 / self.variance[self.rater]
        total = added_up(self.item, weight, self.items)
        sums = added_up(self.item, weight * (self.value - self.bias[self.rater]), self.items)
        mean = sums / total
        self._update_level(mean, 1 / total)
        centre = np.where(self.fixed, self.known + self.level, mean)
        share = np.where(self.fixed[self.item], 0.0, weight / total[self.item])
        self.free = self._by_rater(1 - share)
        off = self.value - centre[self.item]
        lost = self._update_biases(off) if self.correct_bias and self.pooled else 0.0
        residual = off - self.bias[self.rater]
        self._update_variances(self._by_rater(residual**2), lost)
        if not self.pooled:
            return True
        moved = np.abs(self.bias - before[1]).max() / self.pooled**0.5
        changed = np.abs(self.variance / before[0] - 1).max()
        return bool(before[2] and max(moved, changed) < MOVED)

    def _update_biases(self, off: Floats) -> Floats:
        """Shrink each rater's mean difference; return the degrees of freedom that takes."""
        if not self.spread:
            self.spread = self.pooled
        own = self.variance / np.maximum(self.count, 1)
        kept = np.where(self.there, self.spread / (self.spread + own), 0.0)
        bias = kept * self._by_rater(off) / np.maximum(self.count, 1)
        number, anchored = int(self.there.sum()), bool(self.fixed.any())
        bias[self.there] -= bias[self.there].mean()  # what all share is the level
        self.bias = bias
        self.bias_variance = 1 / (1 / self.spread + self.free / self.variance)
        of_there = float((self.bias**2 + self.bias_variance)[self.there].sum())
        usual = 1 / float((1 / self.variance[self.there]).mean())  # of the better raters
        self.spread = (of_there + PRIOR_RATERS * usual) / (number - 1 + PRIOR_RATERS)
        lost: Floats = kept * (1.0 if anchored else (number - 1) / number)
        return lost

    def _update_variances(self, squares: Floats, lost: Floats | float) -> None:
        free = np.maximum(self.free - lost, 0.0)
        together = float(squares.sum()) / max(float(free.sum()), 1e-9)
        self.pooled = together if together > self._dust() else 0.0
        if self.pooled:
            own = np.where(free > 0, squares / np.where(free > 0, free, 1.0), self.pooled)
            mixed = (PRIOR_LABELS * self.pooled + self.count * own) / (PRIOR_LABELS + self.count)
            self.variance = np.maximum(mixed, self.floor)

    def _by_rater(self, values: Floats) -> Floats:
        return added_up(self.rater, values, self.raters)

    def _gold(self) -> NDArray[np.bool_]:
        """Items with a gold value that is not far from all others."""
        known: NDArray[np.bool_] = ~np.isnan(self.known)
        count = np.bincount(self.item, minlength=self.items)
        mean = added_up(self.item, self.value, self.items) / count
        within = float(((self.value - mean[self.item]) ** 2).sum())
        usual = (within / max(len(self.value) - self.items, 1)) ** 0.5
        if not known.any():
            return known
        off = mean - self.known
        off -= np.median(off[known])
        limit = WILD * max(TO_SD * float(np.median(np.abs(off[known]))), usual)
        near: NDArray[np.bool_] = np.abs(off) <= limit + self._dust() ** 0.5
        return known & near

    def _update_level(self, mean: Floats, internal: Floats) -> None:
        """Mean difference from gold, and its scatter between images, at least that of labels."""
        if self.fixed.any():
            off = (mean - self.known)[self.fixed]
            self.level = float(off.mean())
            own = float(off.var(ddof=1)) if len(off) > 1 else 0.0
            self.scatter = max(own, float(internal[self.fixed].mean()) if self.pooled else 0.0)

    def _dust(self) -> float:
        return (16 * np.finfo(np.float64).eps * float(np.abs(self.value).max())) ** 2

    def _leveled(self) -> tuple[float, float]:
        """The level, shrunk by its own uncertainty, and its variance."""
        open_ = self.spread / max(int(self.there.sum()), 1) if self.correct_bias else 0.0
        if not self.gold or not self.correct_bias:
            return 0.0, open_
        # Of few images the scatter itself is uncertain: Student's t in place of 1.96.
        wider = float(stdtrit(self.gold - 1, TAIL)) / float(ndtri(TAIL)) if self.gold > 1 else 1.0
        variance = wider**2 * self.scatter / self.gold
        among = max(open_, self.level**2)
        kept = among / (among + variance) if among else 0.0
        return kept * self.level, kept * variance

    def result(self, rounds: int, *, converged: bool) -> Reliability:
        """What was found; all raters weigh the same when nothing but biases tells them apart."""
        level, level_variance = self._leveled()
        return Reliability(
            variance=self.variance if self.pooled else np.ones(self.raters),
            scale=1.0 if self.pooled else self.floor,
            bias=self.bias + level,
            bias_variance=self.bias_variance,
            level=level,
            level_variance=level_variance,
            gold=self.gold,
            wild=self.wild,
            shared=self.count,
            borrowed=(PRIOR_LABELS / (PRIOR_LABELS + self.count)).astype(np.float64),
            iterations=rounds,
            converged=converged,
        )
