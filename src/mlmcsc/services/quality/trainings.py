"""What models were trained on, read when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.quality.trained import Trained
from mlmcsc.store.queries.quality import cases
from mlmcsc.store.queries.quality.cases import TrainingVersion
from mlmcsc.store.queries.rows import View

Read = Callable[[str], NDArray[np.int64] | None]
"""From the name of a model version to the images it was trained on; None: not known."""


@dataclass(frozen=True, slots=True)
class Trainings:
    """The training data of all models in one snapshot.

    Attributes:
        versions: Model version id to the data version that it was trained on, where it is known.
        read: Gives the images.
    """

    versions: Mapping[int, TrainingVersion]
    read: Read
    _found: dict[str, NDArray[np.int64] | None] = field(default_factory=dict)

    @classmethod
    def seen(cls, view: View, read: Read) -> Trainings:
        """What the models state in this snapshot."""
        return cls(cases.training_versions(view), read)

    @property
    def key(self) -> str:
        """Changes whenever a model is to have been trained on something else."""
        return ",".join(f"{model}={v.name}:{v.root}" for model, v in sorted(self.versions.items()))

    @property
    def all_read(self) -> bool:
        """Whether everything that was asked for could be read."""
        return all(images is not None for images in self._found.values())

    def of(self, models: Iterable[int]) -> Trained:
        """The images that these models were trained on."""
        known = {}
        for model in models:
            if (
                model in self.versions
                and (images := self._images(self.versions[model])) is not None
            ):
                known[model] = images
        return Trained(known)

    def _images(self, version: TrainingVersion) -> NDArray[np.int64] | None:
        if version.name not in self._found:  # models that share a version share its images
            self._found[version.name] = self.read(version.model)
        return self._found[version.name]
