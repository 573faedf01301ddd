"""Consensus values of many images, and the labels behind each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmcsc.domain.agreement.consensus import consensus
from mlmcsc.domain.agreement.references import gold_of
from mlmcsc.domain.agreement.study import Floats, Ids, Kind, Mask, Measurements
from mlmcsc.domain.consensus_labels import Agreed, Behind, annotation_of, stored_value


@dataclass(frozen=True, slots=True)
class Agreements:
    """Consensus values of images; arrays of shape `(n,)` by image, `(L,)` by label.

    Attributes:
        images: int64, ascending.
        values: float64, not yet cut at the label range.
        uncertainties: Standard uncertainty of each, float64.
        starts: Where the labels of each image begin, `(n + 1,)`.
        label_ids: int64, image by image, ascending within one.
        revisions: int64, of each label.
        assisted: Of each label, whether it was not measured blind.
        min_raters: People asked for.
        too_few: Images left out, as too few people labelled them.
    """

    images: Ids
    values: Floats
    uncertainties: Floats
    starts: Ids
    label_ids: Ids
    revisions: Ids
    assisted: Mask
    min_raters: int
    too_few: int

    def among(self, images: Ids) -> Ids:
        """Those of these images that have a consensus, ascending."""
        return np.intersect1d(self.images, images)

    def each(self, images: Ids, label_range: tuple[float, float]) -> list[Agreed]:
        """What is stored of the consensus on each of these images, all of which have one."""
        return [self._one(int(at), label_range) for at in np.searchsorted(self.images, images)]

    def _one(self, at: int, label_range: tuple[float, float]) -> Agreed:
        labels = slice(int(self.starts[at]), int(self.starts[at + 1]))
        value = stored_value(float(self.values[at]), label_range)
        behind = Behind(
            self.label_ids[labels].tolist(),
            self.revisions[labels].tolist(),
            self.min_raters,
            bool(self.assisted[labels].any()),
        )
        told = annotation_of(behind, value, float(self.uncertainties[at]), label_range)
        return Agreed(int(self.images[at]), value, told)


def agree(votes: Measurements, labels: Measurements, min_raters: int) -> Agreements:
    """The reliability-weighted consensus on every image that enough people labelled.

    Raters are weighed by all images that two people labelled, or that have a gold label.

    Args:
        votes: One label of each person on each image, as it is now.
        labels: All labels, gold among them.
        min_raters: People who must have labelled an image, 2 or more.
    """
    images, image, sizes = np.unique(votes.images, return_inverse=True, return_counts=True)
    enough = sizes >= min_raters
    if not enough.any():
        none, nothing, nobody = np.empty(0, np.int64), np.empty(0), np.empty(0, bool)
        starts, too_few = np.zeros(1, np.int64), len(images)
        return Agreements(none, nothing, nothing, starts, none, none, nobody, min_raters, too_few)
    found = consensus(votes.values, votes.images, votes.raters, reference=gold_of(votes, labels))
    counted = votes.where(enough[image])
    by_image = np.argsort(counted.images, kind="stable")  # labels ascend by id already
    starts = np.concatenate([[0], np.cumsum(sizes[enough])])
    return Agreements(
        images=images[enough],
        values=found.values[enough],
        uncertainties=found.uncertainties[enough],
        starts=starts.astype(np.int64),
        label_ids=counted.label_ids[by_image],
        revisions=counted.revisions[by_image],
        assisted=counted.kinds[by_image] != Kind.BLIND,
        min_raters=min_raters,
        too_few=int((~enough).sum()),
    )
