"""How good images, labels, people and models are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.learning import LearningServices

if TYPE_CHECKING:
    from mlmcsc.services.agreement import Agreement
    from mlmcsc.services.charpy import Charpy
    from mlmcsc.services.consensus import Consensus
    from mlmcsc.services.quality import Quality


class QualityServices(LearningServices):
    """The services of quality."""

    @cached_property
    def quality(self) -> Quality:
        """The check of all data."""
        from mlmcsc.services.quality import Quality
        from mlmcsc.services.quality.quality import Limits

        settings = self._database.config.quality
        limits = Limits(
            self._database.label_range,
            settings.min_quality_score,
            settings.flag_threshold,
            settings.interval_coverage,
        )
        return Quality(self._database.store, self.actor, limits)

    @cached_property
    def agreement(self) -> Agreement:
        """How far people, references and models agree."""
        from mlmcsc.services.agreement import Agreement

        return Agreement(self._database.store, self.actor, self._database.label_range)

    @cached_property
    def consensus(self) -> Consensus:
        """Consensus labels of what several people measured."""
        from mlmcsc.services.consensus import Consensus

        store, label_range = self._database.store, self._database.label_range
        return Consensus(store, self.actor, label_range, self.agreement.update_accuracy)

    @cached_property
    def charpy(self) -> Charpy:
        """Measured SFA, the table of specimens, transition curves."""
        from mlmcsc.services.charpy import Charpy

        label_range = self._database.label_range
        return Charpy(self._database.store, self.actor, label_range, self.labels.add)
