"""The rule that gives every labelled image its split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.splits.clusters import earliest_relatives
from mlmcsc.domain.splits.ratios import SplitRatios
from mlmcsc.domain.splits.sequence import STRATA, deal
from mlmcsc.errors import ValidationError


def assign_splits(
    *,
    unit_of_image: NDArray[np.int64],
    first_label_id: NDArray[np.int64],
    initial_value: NDArray[np.float64],
    ratios: SplitRatios,
    seed: int,
    stratify: bool,
    label_range: tuple[float, float],
    links: NDArray[np.int64],
) -> NDArray[np.int8]:
    """Assign every labelled image to train, val or test.

    A unit (a specimen, or an image on its own) is dealt a split when its first label arrives: its
    place in the series is that label's id, its stratum one of ten equal bins of that label's value
    before any correction. Neither ever changes, so later images, labels, corrections and
    verifications leave every split as it was. Units that near-duplicates tie together all go where
    the earliest of them went, so only a unit found to duplicate an older one can ever move.

    Pass ALL images that ever had a label and filter the result: then no filter decides where an
    image goes. Pass those too whose labels, or which themselves, are deleted (a row each, with its
    two frozen facts, and its links): a missing one moves those after it. The table `split_anchors`
    keeps their facts; of the value it keeps the centre of its bin, which is all that counts here.

    Args:
        unit_of_image: `int64[M]`, the unit of each image as a dense code, 0 to U - 1. Any order,
            any numbering.
        first_label_id: `int64[M]`, the id of the first label each image was ever given; distinct.
        initial_value: `float64[M]`, that label's value before any correction, in `label_range`.
        ratios: Shares of the units.
        seed: Any integer; another seed gives another split.
        stratify: Balance each bin of the label range on its own; if false, all units together.
        label_range: Lowest and highest possible label. Changing it changes the splits.
        links: `int64[L, 2]`, near-duplicate pairs as indices into the M images; may be empty.

    Returns:
        `int8[M]` of `Split` values, one per image in the order given.

    Raises:
        ValidationError: When the seed is not an integer, the arrays disagree in length, a code or
            link is out of bounds, a label id appears twice, or a value is outside the range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValidationError(f"The seed must be an integer, not {seed!r}; pass for example 0.")
    _check_rows(unit_of_image, first_label_id, initial_value, links)
    arrival = np.argsort(first_label_id)
    _check_distinct(first_label_id[arrival])
    unit = unit_of_image[arrival]
    is_first, series_of_unit = _series(unit)
    if stratify:
        strata = _bins(initial_value[arrival[is_first]], label_range)
    else:
        strata = np.zeros(np.count_nonzero(is_first), dtype=np.uint8)
    dealt = deal(strata, ratios, int(seed))
    place = series_of_unit[unit_of_image]
    return dealt[earliest_relatives(len(dealt), place[links])[place]]


def _series(unit: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows bring a new unit, and each unit's place in the order of arrival.

    Args:
        unit: `int64[M]`, unit codes in order of arrival.
    """
    rows = np.arange(len(unit))
    first_row = np.full(unit.max(initial=-1) + 1, len(unit))
    np.minimum.at(first_row, unit, rows)
    is_first = first_row[unit] == rows
    series_of_unit = np.zeros(len(first_row), dtype=np.int64)
    series_of_unit[unit[is_first]] = np.arange(np.count_nonzero(is_first))
    return is_first, series_of_unit


def _bins(values: NDArray[np.float64], label_range: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = label_range
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValidationError(
            f"label_range ({low}, {high}) is empty; give finite limits, the lower one first."
        )
    outside = ~((values >= low) & (values <= high))
    if outside.any():
        raise ValidationError(
            f"{np.count_nonzero(outside)} first label(s) lie outside the label range {low} to "
            f"{high}, such as {values[outside][0]}; configure the range the labels were made in."
        )
    bins = np.floor((values - low) / (high - low) * STRATA)
    return np.minimum(bins, STRATA - 1).astype(np.uint8)


def _check_rows(
    unit_of_image: NDArray[np.int64],
    first_label_id: NDArray[np.int64],
    initial_value: NDArray[np.float64],
    links: NDArray[np.int64],
) -> None:
    n = len(unit_of_image)
    if not n == len(first_label_id) == len(initial_value):
        raise ValidationError(
            f"unit_of_image, first_label_id and initial_value have {n}, {len(first_label_id)} and "
            f"{len(initial_value)} rows; pass one row per image in each."
        )
    if n and not 0 <= unit_of_image.min() <= unit_of_image.max() < n:
        raise ValidationError(
            f"Unit codes run from {unit_of_image.min()} to {unit_of_image.max()} for {n} images; "
            "number the units densely from 0, as np.unique(..., return_inverse=True) does."
        )
    pair = (2,)
    if links.shape[1:] != pair or (links.size and not 0 <= links.min() <= links.max() < n):
        raise ValidationError(
            f"links of shape {links.shape} are not pairs of indices into {n} images; "
            "pass int64[L, 2] with values from 0 to M - 1."
        )


def _check_distinct(ascending_ids: NDArray[np.int64]) -> None:
    repeated = ascending_ids[1:][ascending_ids[1:] == ascending_ids[:-1]]
    if repeated.size:
        raise ValidationError(
            f"Label {repeated[0]} is given as the first label of two images; a label belongs to "
            "one image, so pass each image once."
        )
