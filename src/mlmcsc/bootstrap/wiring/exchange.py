"""Files that come in and go out; what they bring is stored by the other services."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.learning import LearningServices

if TYPE_CHECKING:
    from mlmcsc.services.dataset_imports import DatasetImports
    from mlmcsc.services.dataset_imports import Doors as DatasetDoors
    from mlmcsc.services.exchange import Doors, Exchange
    from mlmcsc.store.uow import Store


class ExchangeServices(LearningServices):
    """The services of imports and exports."""

    @cached_property
    def exchange(self) -> Exchange:
        """Tables as CSV, Parquet or JSONL files."""
        from mlmcsc.domain.tables import WRITABLE
        from mlmcsc.services.exchange import Exchange

        fields = {n: spec.within(*self._database.label_range) for n, spec in WRITABLE.items()}
        return Exchange(self._database.store, self.actor, fields, self._doors)

    @cached_property
    def dataset_imports(self) -> DatasetImports:
        """Labelled images of other programs."""
        from mlmcsc.domain.tables import LABELS
        from mlmcsc.services.dataset_imports import DatasetImports

        fields = LABELS.within(*self._database.label_range)
        return DatasetImports(self._database.store, self.actor, fields, self._dataset_doors)

    def _writing_into(self, joined: Store) -> LearningServices:
        """The same services; what they write is whole or undone with the import's own rows."""
        return LearningServices(replace(self._database, store=joined), self.actor)

    def _doors(self, joined: Store) -> Doors:
        """What an import needs of the other services."""
        from mlmcsc.services.exchange import Doors

        parts = self._writing_into(joined)
        return Doors(
            add_image=parts.images.add,
            add_specimens=parts.specimens.add_many,
            add_predictions=parts.predictions.add_many,
            add_labels=parts.labels.add_many,
            add_features=parts.features.add_many,
            register_specimen=parts.specimens.register,
            register_technician=parts.technicians.register,
            register_model=parts.models.register,
        )

    def _dataset_doors(self, joined: Store) -> DatasetDoors:
        """What an import of a dataset needs of the other services."""
        from mlmcsc.services.dataset_imports import Doors

        parts = self._writing_into(joined)
        return Doors(
            technician=parts.technicians.get,
            ingest=parts.images.ingest,
            add_labels=parts.labels.add_many,
        )
