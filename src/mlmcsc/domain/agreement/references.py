"""What a label is held against: gold, or what the other raters of the image say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmcsc.domain.agreement.consensus import consensus
from mlmcsc.domain.agreement.study import Floats, Ids, Kind, Measurements, looked_up, reference_of

LEAST_SIGMA = 1e-9
"""Nobody is taken for more exact than this, in the unit of the label range."""


@dataclass(frozen=True, slots=True)
class RaterModel:
    """What is known of raters from their blind labels; arrays of shape `(R,)`.

    Attributes:
        raters: int64, ascending.
        bias: Mean difference from the agreed value, in the unit of the label range.
        weight: One over the variance of a rater's labels, above 0.
    """

    raters: Ids
    bias: Floats
    weight: Floats

    def of(self, raters: Ids) -> tuple[Floats, Floats]:
        """Bias and weight of each of these; a rater not known weighs nothing."""
        weight = looked_up(raters, self.raters, self.weight)
        bias = looked_up(raters, self.raters, self.bias)
        return np.nan_to_num(bias), np.nan_to_num(weight)


def gold_of(found: Measurements, labels: Measurements) -> Floats:
    """The gold label of each label's image, NaN where there is none, shape `(L,)`."""
    images, gold, _ = reference_of(labels, Kind.GOLD)
    return looked_up(found.images, images, gold)


def rater_model(blind: Measurements, labels: Measurements) -> RaterModel:
    """Bias and scatter of every rater; empty where no image tells two of them apart.

    Args:
        blind: Each rater's first blind label of each image.
        labels: All labels, gold among them.
    """
    gold = gold_of(blind, labels)
    _, image, sizes = np.unique(blind.images, return_inverse=True, return_counts=True)
    if not ((sizes[image] > 1) | ~np.isnan(gold)).any():
        return RaterModel(np.empty(0, np.int64), np.empty(0), np.empty(0))
    found = consensus(blind.firsts, blind.images, blind.raters, reference=gold).raters
    return RaterModel(
        np.array([each.rater for each in found], dtype=np.int64),
        np.array([each.bias for each in found]),
        np.array([max(each.sigma, LEAST_SIGMA) ** -2 for each in found]),
    )


@dataclass(frozen=True, slots=True)
class Others:
    """Weighted sums over the blind labels of each image, of which one rater's can be taken off.

    Attributes:
        blind: The labels.
        model: What is known of their raters.
        images: int64, ascending, shape `(n,)`.
        weights: Sum of the weights, shape `(n,)`.
        sums: Sum of weight times label without bias, shape `(n,)`.
    """

    blind: Measurements
    model: RaterModel
    images: Ids
    weights: Floats
    sums: Floats

    def without(self, found: Measurements) -> tuple[Floats, Floats]:
        """What the others say of each label's image, and its standard uncertainty.

        Args:
            found: Labels; of each the maker's own blind label of the image is left out.

        Returns:
            Both of shape `(L,)`, NaN where nobody else measured the image blind.
        """
        bias, weight = self.model.of(self.blind.raters)
        known, wanted, order = _cells(self.blind, found)
        own_weight = looked_up(wanted, known, weight[order])
        own_sum = looked_up(wanted, known, (weight * (self.blind.firsts - bias))[order])
        total = np.nan_to_num(looked_up(found.images, self.images, self.weights))
        left = total - np.nan_to_num(own_weight)
        # What rounding leaves of one rater's weight is nobody.
        anybody = left > 1e-9 * total
        safe = np.where(anybody, left, 1.0)
        summed = np.nan_to_num(looked_up(found.images, self.images, self.sums))
        value = (summed - np.nan_to_num(own_sum)) / safe
        return np.where(anybody, value, np.nan), np.where(anybody, safe**-0.5, np.nan)


def others(blind: Measurements, model: RaterModel) -> Others:
    """Make ready to say what the others think, in one pass.

    Args:
        blind: Each rater's first blind label of each image.
        model: What is known of the raters.
    """
    images, image = np.unique(blind.images, return_inverse=True)
    bias, weight = model.of(blind.raters)
    weights = np.bincount(image, weight, len(images)).astype(np.float64)  # of nothing: integers
    sums = np.bincount(image, weight * (blind.firsts - bias), len(images)).astype(np.float64)
    return Others(blind, model, images, weights, sums)


def held_against(found: Measurements, labels: Measurements, rest: Others) -> Floats:
    """The reference of each label: gold that somebody else set, else what the others say.

    Args:
        found: The labels that are judged.
        labels: All labels, gold among them.
        rest: Of the blind labels.

    Returns:
        Shape `(L,)`, NaN for a label that there is nothing to hold against.
    """
    images, gold, setter = reference_of(labels, Kind.GOLD)
    value = looked_up(found.images, images, gold)
    by = looked_up(found.images, images, setter.astype(np.float64))
    return np.where(~np.isnan(value) & (by != found.raters), value, rest.without(found)[0])


def _cells(blind: Measurements, found: Measurements) -> tuple[Ids, Ids, Ids]:
    """Image and rater as one number: of `blind` ascending, of `found`, and the former's order."""
    raters = np.unique(np.concatenate([blind.raters, found.raters]))
    width = max(len(raters), 1)
    one = blind.images * width + np.searchsorted(raters, blind.raters)
    two = found.images * width + np.searchsorted(raters, found.raters)
    order = np.argsort(one, kind="stable")
    return one[order], two, order
