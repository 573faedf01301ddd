"""Tags of what people and models say of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import (
    Columns,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)

MEASUREMENT = Tag(
    "measurements",
    SubjectKind.TECHNICIAN,
    why.TRACING,
    named.LABELS,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    "kept as an anonymous measurement",
    source=Source.PERSON,
)
MEASURED_AT = replace(MEASUREMENT, category="times of measurements", source=Source.GENERATED)
MEASURED_BY = replace(
    MEASUREMENT,
    category="who measured",
    how="kept: it leads to a row that bears a random pseudonym only",
)
MEASURED_REGIONS = replace(
    MEASUREMENT,
    category="measured regions, with remarks",
    how="numbers are kept as an anonymous measurement; a text in it that names the person is "
    "replaced by [erased]",
    free_text=True,
)
OPINION = replace(MEASUREMENT, category="opinions on the difficulty of a measurement")
SPEED = replace(
    MEASUREMENT,
    category="performance: time spent on a measurement",
    activity=why.COMPETENCE,
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=named.EMPTIED,
    source=Source.GENERATED,
)
HANDED_OUT = replace(
    MEASUREMENT,
    category="images handed out to be measured",
    retention=named.OPERATION,
    how="kept: it leads to a row that bears a random pseudonym only",
    source=Source.GENERATED,
)
HANDED_OUT_TO = replace(HANDED_OUT, category="to whom images were handed out")
HANDED_OUT_AT = replace(HANDED_OUT, category="times of handing out")
NOTE = Tag(
    "remarks",
    SubjectKind.AUTHOR,
    why.TRACING,
    named.LABELS,
    EraseAction.ERASE,
    why.RIGHT_TO_ERASURE,
    named.UNREADABLE,
    sealed=True,
    free_text=True,
    source=Source.PERSON,
)
VERIFIED_BY = Tag(
    "who checked a measurement",
    SubjectKind.VERIFIER,
    why.TRACING,
    named.LABELS,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    named.PSEUDONYM,
    identifier=True,
    source=Source.COLLEAGUE,
)
VERIFIED_AT = replace(
    VERIFIED_BY,
    category="times of checks",
    how="kept as an anonymous fact of the measurement",
    identifier=False,
    source=Source.GENERATED,
)
CORRECTED_BY = replace(
    VERIFIED_BY,
    category="who corrected a measurement",
    subject=SubjectKind.ACTOR,
    source=Source.GENERATED,
)
CORRECTED_AT = replace(VERIFIED_AT, category="times of corrections", subject=SubjectKind.ACTOR)
CORRECTION_REASON = replace(
    NOTE, category="reasons of corrections", sealed=False, how=named.TEXT_CLEARED
)

ANNOTATIONS: Mapping[str, Columns] = {
    "predictions": columns(
        (named.MODEL_RESULT, "id image_id model_version_id prediction confidence detection_bbox"),
        (
            named.MODEL_RESULT,
            "detection_confidence detection_class processing_time timestamp raw_output",
        ),
        (named.PARAMETERS, "preprocessing_params"),
    ),
    "labels": columns(
        (MEASUREMENT, "id image_id label label_type original_prediction original_confidence"),
        (MEASUREMENT, "model_version_used is_verified revision"),
        (MEASURED_BY, "technician_id"),
        (MEASURED_AT, "timestamp"),
        (SPEED, "time_spent"),
        (OPINION, "difficulty_rating"),
        (NOTE, "notes"),
        (VERIFIED_BY, "verified_by"),
        (VERIFIED_AT, "verification_timestamp"),
        (MEASURED_REGIONS, "annotation_data"),
    ),
    "label_revisions": columns(
        (MEASUREMENT, "id label_id revision label label_type is_verified"),
        (OPINION, "difficulty_rating"),
        (NOTE, "notes"),
        (MEASURED_REGIONS, "annotation_data"),
        (VERIFIED_BY, "verified_by"),
        (CORRECTED_AT, "replaced_at"),
        (CORRECTED_BY, "replaced_by"),
        (CORRECTION_REASON, "reason"),
    ),
    "label_reservations": columns(
        (HANDED_OUT, "id image_id purpose strategy label_id"),
        (HANDED_OUT_TO, "technician_id"),
        (HANDED_OUT_AT, "reserved_at expires_at released_at"),
    ),
    "features": columns(
        (
            named.MODEL_RESULT,
            "id image_id feature_type extractor_version extraction_timestamp feature_dimension",
        ),
        (named.MODEL_RESULT, "dtype extraction_time feature_vector"),
        (named.PARAMETERS, "preprocessing_params"),
    ),
    "feature_sets": columns(
        (
            named.NOT_PERSONAL,
            "id feature_type extractor_version feature_dimension dtype n_vectors tokens",
        ),
    ),
}
"""Predictions, labels and feature vectors."""
