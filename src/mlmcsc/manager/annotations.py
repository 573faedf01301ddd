"""Documented calls on what models and people say of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain import keywords as kw
    from mlmcsc.domain.filters import LabelFilter, PredictionFilter
    from mlmcsc.domain.records import LabelRecord, LabelRevisionRecord, PredictionRecord
    from mlmcsc.domain.results import BulkResult, Page

OnError = Literal["raise", "collect"]


class AnnotationCalls(Services):
    """Each one line onto `Predictions` or `Labels`."""

    def store_prediction(
        self,
        image_id: int,
        model_version_id: int,
        prediction: float,
        confidence: float,
        **details: Unpack[kw.PredictionDetails],
    ) -> int:
        """Store one prediction and return its id; see `Predictions.add`."""
        return self.predictions.add(image_id, model_version_id, prediction, confidence, **details)

    def store_predictions(
        self, data: Any = None, /, *, on_error: OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many predictions at once; see `Predictions.add_many`."""
        return self.predictions.add_many(data, on_error=on_error, **common)

    def get_predictions(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[PredictionFilter],
    ) -> Page[PredictionRecord]:
        """Predictions by id, a page at a time; see `Predictions.list`."""
        return self.predictions.list(image_id, after_id=after_id, limit=limit, **wanted)

    def store_label(
        self, image_id: int, technician_id: int, label: float, **details: Unpack[kw.LabelDetails]
    ) -> int:
        """Store one label and return its id; see `Labels.add`."""
        return self.labels.add(image_id, technician_id, label, **details)

    def store_labels(
        self, data: Any = None, /, *, on_error: OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many labels at once; see `Labels.add_many`."""
        return self.labels.add_many(data, on_error=on_error, **common)

    def get_labels(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[LabelFilter],
    ) -> Page[LabelRecord]:
        """Labels by id, a page at a time; see `Labels.list`."""
        return self.labels.list(image_id, after_id=after_id, limit=limit, **wanted)

    def update_label(
        self, label_id: int, *, reason: str, **change: Unpack[kw.LabelCorrection]
    ) -> LabelRecord:
        """Correct a label, keeping its earlier state; see `Labels.correct`."""
        return self.labels.correct(label_id, reason=reason, **change)

    def verify_label(
        self, label_id: int, verified_by: str, **verdict: Unpack[kw.LabelVerdict]
    ) -> LabelRecord:
        """Record that somebody checked a label; see `Labels.verify`."""
        return self.labels.verify(label_id, verified_by, **verdict)

    def get_label_revisions(self, label_id: int) -> list[LabelRevisionRecord]:
        """A label's earlier states; see `Labels.revisions`."""
        return self.labels.revisions(label_id)
