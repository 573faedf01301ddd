"""Feature vectors, and what models are trained from."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.records import RecordServices
from mlmcsc.domain.permissions import Permission

if TYPE_CHECKING:
    from mlmcsc.services.datasets import Datasets
    from mlmcsc.services.feature_reads import FeatureReads
    from mlmcsc.services.features import Features
    from mlmcsc.services.similarity import Similarity
    from mlmcsc.services.training import Training


class LearningServices(RecordServices):
    """The services that training needs."""

    @cached_property
    def features(self) -> Features:
        """Stored feature vectors."""
        from mlmcsc.services.features import Features

        return Features(self._database.store, self.actor, self.similarity)

    @cached_property
    def feature_reads(self) -> FeatureReads:
        """Vectors of many images at once."""
        from mlmcsc.services.feature_reads import FeatureReads

        return FeatureReads(self._database.store, self.actor, self._database.matrices)

    @cached_property
    def similarity(self) -> Similarity:
        """Images whose vectors lie close together."""
        from mlmcsc.services.similarity import Similarity

        # A search reads vectors to compare them, for which the right to look is enough.
        reading = replace(self.actor, permissions=frozenset({Permission.TRAIN}))
        return Similarity(
            self._database.store,
            self.actor,
            replace(self.datasets, actor=reading).rows,
            replace(self.feature_reads, actor=reading).matrix_of,
            self.images.thumbnail,
            self._database.label_range,
        )

    @cached_property
    def training(self) -> Training:
        """Splits of the labelled images."""
        from mlmcsc.services.training import Training

        label_range = self._database.label_range
        return Training(self._database.store, self.actor, label_range, self.datasets.training_data)

    @cached_property
    def datasets(self) -> Datasets:
        """Dataset versions, opened for training."""
        from mlmcsc.services.datasets import Datasets
        from mlmcsc.services.datasets.datasets import Places

        images = self._database.images
        places = Places(self._database.versions, images.thumbnails.parent, images.max_pixels)
        return Datasets(self._database.store, self.actor, places, self.feature_reads.matrix_of)
