"""Models' predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from mlmcsc.domain.columns import read_input
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import RowSpec
from mlmcsc.domain.filters import PredictionFilter, check_listing
from mlmcsc.domain.keywords import PredictionDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import PredictionRecord
from mlmcsc.domain.results import BulkResult, Page
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.models import images, model_versions, predictions
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries import predictions as prediction_queries
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Predictions:
    """Store and read predictions, in one actor's name."""

    db: Store
    actor: Actor
    spec: RowSpec

    @requires(Permission.PREDICT)
    def add(
        self,
        image_id: int,
        model_version_id: int,
        prediction: float,
        confidence: float,
        **details: Unpack[PredictionDetails],
    ) -> int:
        """Store one prediction, durably, and return its id.

        Args:
            image_id: The image.
            model_version_id: The model; 1 is the seeded `unversioned`.
            prediction: Finite, inside the database's label range (0 to 1 by default).
            confidence: 0 to 1.
            **details: See `mlmcsc.domain.tables.PREDICTIONS`.

        Raises:
            ValidationError: A value is wrong; nothing is written.
            UnknownRecordError: There is no such image or model version.
        """
        values = self.spec.check(
            {
                "image_id": image_id,
                "model_version_id": model_version_id,
                "prediction": prediction,
                "confidence": confidence,
                **details,
            }
        )
        with self.db.write(self.actor) as tx:
            prediction_queries.require_parents(tx, values["image_id"], values["model_version_id"])
            values["timestamp"] = values.get("timestamp") or tx.now
            prediction_id = rows.insert(tx, predictions, values)
            tx.record(AuditEvent(Operation.CREATE, "predictions", prediction_id, new_values=values))
        return prediction_id

    @requires(Permission.PREDICT)
    def add_many(
        self, data: Any = None, /, *, on_error: batches.OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many predictions in one transaction with one audit event.

        Args:
            data: Rows, a mapping of columns, a DataFrame, an Arrow table or a structured array
                with the fields of `mlmcsc.domain.tables.PREDICTIONS`.
            on_error: `raise` stores all rows or none; `collect` stores the good ones and returns
                the others with their reasons.
            **common: Arrays with a value per row, or one value for every row,
                e.g. `model_version_id=3`.

        Raises:
            RejectedRowsError: With `on_error="raise"`, when any row is wrong.
        """
        checked = read_input(self.spec, data, common)
        parents = {"image_id": images, "model_version_id": model_versions}
        with self.db.write(self.actor) as tx:
            return batches.add_checked(tx, predictions, checked, parents, on_error=on_error)

    @requires(Permission.READ)
    def get(self, prediction_id: int) -> PredictionRecord:
        """One prediction.

        Raises:
            UnknownRecordError: If there is none with this id.
        """
        with self.db.read() as view:
            record = rows.get(view, predictions, PredictionRecord, prediction_id)
        if record is None:
            raise UnknownRecordError(f"prediction {prediction_id} does not exist.")
        return record

    @requires(Permission.READ)
    def list(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[PredictionFilter],
    ) -> Page[PredictionRecord]:
        """Predictions by id, a page at a time."""
        found = check_listing(PredictionFilter, wanted, after_id, limit, image_id=image_id)
        with self.db.read() as view:
            return prediction_queries.page(view, found, after_id=after_id, limit=limit)
