"""Images, people, models, and what models and people say of images."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.bound import Bound

if TYPE_CHECKING:
    from mlmcsc.services.images import Images
    from mlmcsc.services.labels import Labels
    from mlmcsc.services.models import Models
    from mlmcsc.services.predictions import Predictions
    from mlmcsc.services.specimens import Specimens
    from mlmcsc.services.technicians import Technicians


class RecordServices(Bound):
    """The services that keep records."""

    @cached_property
    def images(self) -> Images:
        """Images: stored, described, found and shown."""
        from mlmcsc.services.images import Images

        return Images(self._database.store, self.actor, self._database.images)

    @cached_property
    def specimens(self) -> Specimens:
        """Charpy specimens."""
        from mlmcsc.services.specimens import Specimens

        return Specimens(self._database.store, self.actor)

    @cached_property
    def technicians(self) -> Technicians:
        """The people who label."""
        from mlmcsc.services.technicians import Technicians

        return Technicians(self._database.store, self.actor)

    @cached_property
    def models(self) -> Models:
        """Model versions, and which one is active."""
        from mlmcsc.services.models import Models

        return Models(self._database.store, self.actor)

    @cached_property
    def predictions(self) -> Predictions:
        """Models' answers for images."""
        from mlmcsc.domain.tables import PREDICTIONS
        from mlmcsc.services.predictions import Predictions

        fields = PREDICTIONS.within(*self._database.label_range)
        return Predictions(self._database.store, self.actor, fields)

    @cached_property
    def labels(self) -> Labels:
        """People's labels of images."""
        from mlmcsc.domain.tables import LABELS
        from mlmcsc.services.labels import Labels

        fields = LABELS.within(*self._database.label_range)
        return Labels(self._database.store, self.actor, fields)
