"""Which single value stands for an image that several labels speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.errors import ValidationError

Column = TypeVar("Column", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One value per image, and the labels that it was made of.

    Attributes:
        images: `int64[M]`, ascending and unique.
        values: `float64[M]`.
        rows: `int64[K]`, rows of the labels that went into a value, ascending by label id.
        owners: `int64[K]`, the place in `images` of the image of each.
    """

    images: NDArray[np.int64]
    values: NDArray[np.float64]
    rows: NDArray[np.int64]
    owners: NDArray[np.int64]

    def by_image(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each image's rows begin, `int64[M + 1]`, and the rows image by image, `int64[K]`.

        The rows of an image are ascending by label id.
        """
        sizes = np.bincount(self.owners, minlength=len(self.images))
        offsets = np.concatenate([[0], sizes.cumsum()])
        return offsets.astype(np.int64), self.rows[np.argsort(self.owners, kind="stable")]


def choose_labels(
    image_ids: NDArray[np.int64],
    values: NDArray[np.float64],
    label_ids: NDArray[np.int64],
    *,
    policy: LabelPolicy,
    technician_ids: NDArray[np.int64] | None = None,
    verified: NDArray[np.bool_] | None = None,
    consensus: NDArray[np.bool_] | None = None,
) -> Chosen:
    """One value per image.

    * latest: the value of the highest label id.
    * mean: the mean of each technician's latest label; who labels twice has one vote. A consensus
      label is made of these votes and is none itself, unless the image has no other label.
    * consensus: the latest consensus label or, where there is none, the median of each
      technician's latest label.
    * verified: the latest verified label; an image without one is left out.

    Args:
        image_ids: `int64[N]`, the image of each label.
        values: `float64[N]`, finite, in the unit of the label range.
        label_ids: `int64[N]`, distinct; ascending order saves a sort.
        policy: The rule.
        technician_ids: `int64[N]`, needed by mean and consensus. Labels of one id are one vote:
            give unknown technicians ids of their own.
        verified: `bool[N]`, needed by verified.
        consensus: `bool[N]`, which labels are of the type consensus; needed by consensus, and
            heeded by mean where it is given.

    Raises:
        ValidationError: When a column is missing or of another length, a label id appears twice,
            or the policy is unknown.
    """
    if policy not in list(LabelPolicy):
        raise ValidationError(
            f"Unknown label policy {policy!r}; choose one of {', '.join(LabelPolicy)}."
        )
    n, order = len(label_ids), _label_order(label_ids)
    images, rows_of = np.unique(_column("image_ids", image_ids, n, order), return_inverse=True)
    values = _column("values", values, n, order)
    if policy == LabelPolicy.LATEST:
        rows = _last_rows(rows_of)
        return Chosen(images, values[rows], _as_given(rows, order), np.arange(len(rows)))
    if policy == LabelPolicy.VERIFIED:
        present, rows = _last_among(rows_of, _column("verified", verified, n, order))
        given = _as_given(rows, order)
        return Chosen(images[present], values[rows], given, np.arange(len(rows)))
    people = _column("technician_ids", technician_ids, n, order)
    if policy == LabelPolicy.MEAN and consensus is not None:
        rows = _of_people(rows_of, people, _column("consensus", consensus, n, order))
    else:
        rows = _votes(rows_of, people)
    if policy == LabelPolicy.MEAN:
        means = _means(rows_of[rows], values[rows])
        return Chosen(images, means, _as_given(rows, order), rows_of[rows])
    medians = _medians(rows_of[rows], values[rows])
    agreed, agreements = _last_among(rows_of, _column("consensus", consensus, n, order))
    medians[agreed] = values[agreements]
    rows = _without(rows, rows_of, agreed, agreements)
    return Chosen(images, medians, _as_given(rows, order), rows_of[rows])


def _without(
    votes: NDArray[np.int64],
    image: NDArray[np.int64],
    agreed: NDArray[np.int64],
    agreements: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The rows that count: where there is an agreement, it alone."""
    if not len(agreed):
        return votes
    settled = np.zeros(image.max(initial=-1) + 1, dtype=bool)
    settled[agreed] = True
    return np.sort(np.concatenate([votes[~settled[image[votes]]], agreements]))


def _as_given(rows: NDArray[np.int64], order: NDArray[np.int64] | slice) -> NDArray[np.int64]:
    """Rows of the sorted columns as rows of those that were passed."""
    return rows if isinstance(order, slice) else order[rows]


def _label_order(label_ids: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    if (label_ids[1:] > label_ids[:-1]).all():
        return slice(None)
    order = np.argsort(label_ids)
    ascending = label_ids[order]
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    if repeated.size:
        raise ValidationError(
            f"Label {repeated[0]} appears more than once; pass each label once "
            "(a join may have multiplied the rows)."
        )
    return order


def _column(
    name: str, column: NDArray[Column] | None, n: int, order: NDArray[np.int64] | slice
) -> NDArray[Column]:
    if column is None:
        raise ValidationError(f"This label policy needs {name}; pass one value per label.")
    if len(column) != n:
        raise ValidationError(
            f"{name} has {len(column)} rows for {n} labels; pass one value per label."
        )
    return column[order]


def _last_rows(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Last row of each group; groups are dense codes, none of them empty."""
    last = np.zeros(groups.max(initial=-1) + 1, dtype=np.int64)
    np.maximum.at(last, groups, np.arange(len(groups)))
    return last


def _last_among(
    groups: NDArray[np.int64], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The groups that have a wanted row, and the last such row of each."""
    rows = np.flatnonzero(wanted)
    present, dense = np.unique(groups[rows], return_inverse=True)
    return present, rows[_last_rows(dense)]


def _votes(image: NDArray[np.int64], technician: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the latest label of each technician on each image, in label order."""
    people, person = np.unique(technician, return_inverse=True)
    _, pairs = np.unique(image * len(people) + person, return_inverse=True)
    return np.sort(_last_rows(pairs))


def _of_people(
    image: NDArray[np.int64], technician: NDArray[np.int64], consensus: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The votes without consensus labels, but for images that have nothing else."""
    measured = np.bincount(image, ~consensus, minlength=image.max(initial=-1) + 1) > 0
    counted = np.flatnonzero(~consensus | ~measured[image])
    _, dense = np.unique(image[counted], return_inverse=True)
    votes: NDArray[np.int64] = counted[_votes(dense, technician[counted])]
    return votes


def _means(image: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    # bincount adds in row order, hence the same last bit on every machine; np.sum would not.
    means: NDArray[np.float64] = np.bincount(image, weights=values) / np.bincount(image)
    return means


def _medians(image: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each image's values; with an even count, midway between the middle two.

    Sorts one integer, image then rank of the value, at a fraction of the cost of `np.lexsort`.
    """
    by_value = np.argsort(values)
    rank = np.empty(len(values), dtype=np.int64)
    rank[by_value] = np.arange(len(values))
    ascending = values[by_value[np.sort(image * len(values) + rank) % max(len(values), 1)]]
    sizes = np.bincount(image)
    start = sizes.cumsum() - sizes
    medians: NDArray[np.float64] = (
        ascending[start + (sizes - 1) // 2] + ascending[start + sizes // 2]
    ) / 2
    return medians
