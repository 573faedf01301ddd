"""Which images show the same specimen, and so are no independent evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmcsc.domain.agreement.study import Ids

FEWEST_SPECIMENS = 5
"""Below so many, whole specimens drawn at random tell nothing of an interval."""


@dataclass(frozen=True, slots=True)
class Specimens:
    """The specimen of each image.

    Attributes:
        images: int64, shape `(n,)`, ascending image ids.
        specimens: int64, shape `(n,)`, a number per specimen; images without one have their own.
    """

    images: Ids
    specimens: Ids

    def of(self, images: Ids) -> Ids | None:
        """The specimen of each of these images, as clusters for intervals.

        Returns:
            None where it makes no difference (no two images of one specimen), or where there are
            fewer than FEWEST_SPECIMENS.
        """
        found = self.specimens[np.searchsorted(self.images, images)]
        different = len(np.unique(found))
        if different == len(np.unique(images)) or different < FEWEST_SPECIMENS:
            return None
        return found
