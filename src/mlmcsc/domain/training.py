"""Training data: what comes back, and how a query is put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.filters import FIELDS
from mlmcsc.domain.records import Record
from mlmcsc.domain.splits import earliest_relatives
from mlmcsc.errors import ValidationError

Pairs = list[tuple[int, float]]
GroupBy = Literal["specimen", "image"]


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which labelled images are wanted; None means any.

    Attributes:
        min_confidence: Least confidence of the prediction stored last, 0 to 1.
        model_version_id: Whose predictions count.
        feature_type: The kind of vector they must have.
        extractor_version: Its extractor.
    """

    min_confidence: float | None
    model_version_id: int | None
    feature_type: str | None
    extractor_version: str | None

    @classmethod
    def checked(
        cls,
        min_confidence: Any,
        model_version_id: Any,
        feature_type: Any,
        extractor_version: Any,
    ) -> Self:
        """From what a caller gave.

        Raises:
            ValidationError: A value is wrong, or narrows what was not asked for.
        """
        asked = {
            "min_confidence": min_confidence,
            "model_version_id": model_version_id,
            "feature_type": feature_type,
            "extractor_version": extractor_version,
        }
        for name, needed in NEEDS.items():
            if asked[name] is not None and asked[needed] is None:
                raise ValidationError(f"{name}={asked[name]!r}: give {needed} with it.")
        return cls(**{k: None if v is None else FIELDS[k].check(v) for k, v in asked.items()})


NEEDS = {"model_version_id": "min_confidence", "extractor_version": "feature_type"}


@dataclass(frozen=True, slots=True)
class TrainingReport(Record):
    """How a training set came about.

    Attributes:
        labelled_images: Images with any label.
        used: Images in the three splits.
        left_out: Reason to number of labelled images left out for it; each is counted once.
        groups: Number of specimens (or single images) per split.
        near_duplicate_links: Pairs of look-alikes that were kept together.
        label_policy: Which value stands for an image.
        seed: The seed.
        restricted_labels: Labels set aside because the processing of their maker's data is
            restricted (GDPR Art. 18).
    """

    labelled_images: int
    used: int
    left_out: dict[str, int]
    groups: dict[str, int]
    near_duplicate_links: int
    label_policy: str
    seed: int
    restricted_labels: int


class TrainingData(dict[str, Pairs]):
    """`{"train": [(image_id, label), …], "val": […], "test": […]}`, ascending by image id.

    Attributes:
        report: What was left out and why; how many groups each split has.
    """

    def __init__(self, splits: dict[str, Pairs], report: TrainingReport) -> None:
        super().__init__(splits)
        self.report = report


@dataclass(frozen=True, slots=True)
class Places:
    """What decides the splits: all images that ever had a label, ascending; arrays of shape (M,).

    Attributes:
        images: int64 ids; labels and image may be gone.
        first_ids: int64, the id of the first label that each was ever given.
        initial: float64, its value before any correction; where it is gone, the centre of its
            stratum.
    """

    images: NDArray[np.int64]
    first_ids: NDArray[np.int64]
    initial: NDArray[np.float64]

    def anchored(self, anchors: Places) -> Places:
        """With the places of those whose first label is gone: they are older than any left."""
        if not len(anchors.images):
            return self
        newer = ~np.isin(self.images, anchors.images, assume_unique=True)
        images = np.concatenate([anchors.images, self.images[newer]])
        order = np.argsort(images)
        return Places(
            images[order],
            np.concatenate([anchors.first_ids, self.first_ids[newer]])[order],
            np.concatenate([anchors.initial, self.initial[newer]])[order],
        )


def units(
    image_ids: NDArray[np.int64], members: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Dense codes of what must stay together: a specimen, or an image that has none.

    Args:
        image_ids: Ascending, unique, shape (M,).
        members: Images that belong to a group.
        groups: Their group codes, as long as `members`.

    Returns:
        Codes 0..U-1, shape (M,).
    """
    largest = int(max(image_ids.max(initial=0), members.max(initial=0)))
    group_of = np.full(largest + 1, -1, dtype=np.int64)
    group_of[members] = groups
    found = group_of[image_ids]
    alone = found < 0
    found[alone] = int(groups.max(initial=-1)) + 1 + np.arange(int(alone.sum()))
    used = np.zeros(int(found.max(initial=-1)) + 1, dtype=bool)
    used[found] = True
    codes = np.cumsum(used) - 1
    return codes[found]


def links_among(image_ids: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Look-alike pairs as links among the images at hand, through others where need be.

    A and B stay together even when they are connected only by an image that has no label.

    Args:
        image_ids: Ascending, unique, shape (M,).
        pairs: Image ids, shape (L, 2).

    Returns:
        Indices into `image_ids`, shape (K, 2).
    """
    if not len(pairs):
        return np.empty((0, 2), dtype=np.int64)
    nodes, edges = np.unique(pairs, return_inverse=True)
    root = earliest_relatives(len(nodes), edges.reshape(-1, 2))
    at = np.searchsorted(image_ids, nodes)
    present = at < len(image_ids)
    present[present] = image_ids[at[present]] == nodes[present]
    at, root = at[present], root[present]
    order = np.lexsort((at, root))
    at, root = at[order], root[order]
    same = root[1:] == root[:-1]
    return np.stack([at[1:][same], at[:-1][same]], axis=1)
