"""Which predictions a model made of images that it had been trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPLITS: Final = ("held_out", "trained_on", "not_known")
"""What an image was to the model that read it, by its code; the first that there is leads."""
HELD_OUT, TRAINED_ON, NOT_KNOWN = range(len(SPLITS))


@dataclass(frozen=True, slots=True)
class Trained:
    """The images that models were trained on.

    Attributes:
        images: Model version id to image ids, int64, ascending; of a model that is missing it is
            not known.
    """

    images: Mapping[int, NDArray[np.int64]]

    def splits(self, models: NDArray[np.int64], images: NDArray[np.int64]) -> NDArray[np.int64]:
        """What each image was to each model.

        Args:
            models: Model version ids `(N,)`.
            images: Image ids `(N,)`.

        Returns:
            Places in `SPLITS`, int64 `(N,)`.
        """
        found = np.full(len(models), NOT_KNOWN, dtype=np.int64)
        for model in np.unique(models).tolist():
            if model in self.images:
                of_model = models == model
                found[of_model] = _among(images[of_model], self.images[model])
        return found


def _among(images: NDArray[np.int64], trained: NDArray[np.int64]) -> NDArray[np.int64]:
    """A search and not `np.isin`: a few images are looked up among up to millions, many times."""
    if not len(trained):
        return np.full(len(images), HELD_OUT, dtype=np.int64)
    at = np.minimum(np.searchsorted(trained, images), len(trained) - 1)
    return np.where(trained[at] == images, TRAINED_ON, HELD_OUT)


NOTHING_KNOWN: Final = Trained({})
