"""How good images, labels, people and models are."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.learning import LearningServices
from mlmcsc.domain.permissions import Permission

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlmcsc.services.agreement import Agreement
    from mlmcsc.services.charpy import Charpy
    from mlmcsc.services.consensus import Consensus
    from mlmcsc.services.drift import Drift
    from mlmcsc.services.image_quality import ImageQuality
    from mlmcsc.services.label_queue import LabelQueue
    from mlmcsc.services.quality import Quality
    from mlmcsc.services.suspicious_labels import SuspiciousLabels


class QualityServices(LearningServices):
    """The services of quality."""

    @cached_property
    def image_quality(self) -> ImageQuality:
        """How good images are, by their pixels."""
        from mlmcsc.services.image_quality import ImageQuality

        database = self._database
        threshold = database.config.quality.min_quality_score
        return ImageQuality(database.store, self.actor, database.images, threshold)

    @cached_property
    def quality(self) -> Quality:
        """The check of all data."""
        from mlmcsc.services.quality import Quality
        from mlmcsc.services.quality.quality import Limits

        config = self._database.config
        limits = Limits(
            self._database.label_range,
            config.quality.min_quality_score,
            config.quality.flag_threshold,
            config.quality.interval_coverage,
        )
        return Quality(self._database.store, self.actor, limits, self._trained_on)

    @cached_property
    def agreement(self) -> Agreement:
        """How far people, references and models agree."""
        from mlmcsc.services.agreement import Agreement

        store, label_range = self._database.store, self._database.label_range
        return Agreement(store, self.actor, label_range, self._trained_on)

    @cached_property
    def consensus(self) -> Consensus:
        """Consensus labels of what several people measured."""
        from mlmcsc.services.consensus import Consensus

        store, label_range = self._database.store, self._database.label_range
        return Consensus(store, self.actor, label_range, self.agreement.update_accuracy)

    @cached_property
    def drift(self) -> Drift:
        """Whether data, models or people have drifted."""
        from mlmcsc.services.drift import Drift

        # A comparison reads versions to tell what changed: for that this service's right serves.
        reading = replace(self.actor, permissions=frozenset({Permission.TRAIN}))
        open_version = replace(self.datasets, actor=reading).rows
        return Drift(self._database.store, self.actor, open_version)

    @cached_property
    def charpy(self) -> Charpy:
        """Measured SFA, the table of specimens, transition curves."""
        from mlmcsc.services.charpy import Charpy

        label_range = self._database.label_range
        return Charpy(self._database.store, self.actor, label_range, self.labels.add)

    @cached_property
    def suspicious_labels(self) -> SuspiciousLabels:
        """Labels that are probably wrong."""
        from mlmcsc.services.suspicious_labels import SuspiciousLabels

        store, label_range = self._database.store, self._database.label_range
        return SuspiciousLabels(store, self.actor, label_range, self._vectors_of)

    @cached_property
    def label_queue(self) -> LabelQueue:
        """What to label next."""
        from mlmcsc.domain.label_queue import Shares
        from mlmcsc.services.label_queue import LabelQueue, QueueSettings

        quality = self._database.config.quality
        shares = Shares(quality.duplicate_share, quality.gold_share)
        settings = QueueSettings(quality.reservation_minutes, shares)
        return LabelQueue(self._database.store, self.actor, settings, self._vectors_of)

    def _vectors_of(self, image_ids: NDArray[np.int64], feature_type: str) -> NDArray[np.float32]:
        """Vectors of images, to compare them: for that the right to look is enough."""
        reading = replace(self.actor, permissions=frozenset({Permission.TRAIN}))
        reads = replace(self.feature_reads, actor=reading)
        return reads.for_training(image_ids, feature_type, missing="nan")

    def _trained_on(self, model_version: str) -> NDArray[np.int64] | None:
        """Images that a model version was trained on, ascending; None where that is not known.

        Not known: no data version was stated, or its list of images is not here or damaged. What
        was redacted from a version counts as trained on.

        Args:
            model_version: As it is registered.

        Raises:
            UnknownRecordError: There is no such model version.
        """
        import numpy as np

        from mlmcsc.config.logs import logger
        from mlmcsc.domain.splits import Split
        from mlmcsc.errors import IntegrityError, UnsupportedError
        from mlmcsc.services.lineage.telling import link

        reading = replace(self.actor, permissions=frozenset({Permission.READ, Permission.TRAIN}))
        model = replace(self.models, actor=reading).get(model_version)
        with self._database.store.read() as view:
            version = link(view, model).version
        if version is None:
            return None
        try:
            _, _, table = replace(self.datasets, actor=reading).rows(version)
        except UnsupportedError:
            return None
        except IntegrityError as error:
            logger(__name__).warning("data_version_unreadable", version=version, why=str(error))
            return None
        trained = table.image_ids[table.splits == Split.TRAIN]
        return np.union1d(trained, table.redacted)
