"""Tags of the versions of models and of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import (
    WHILE_RECORD_LIVES,
    Columns,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)

EXPORTED_BY = Tag(
    "who gave a dataset away (random subject id)",
    SubjectKind.PERSON,
    why.RIGHTS,
    WHILE_RECORD_LIVES,
    EraseAction.RESTRICT,
    why.ACCOUNTABILITY,
    named.UNDER_SUBJECT_ID,
    source=Source.GENERATED,
)
FROZEN = Tag(
    "measurements in files of data versions, under the number of the technician's row",
    SubjectKind.TECHNICIAN,
    why.TRACING,
    WHILE_RECORD_LIVES,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    "kept as anonymous measurements: the number leads to a random pseudonym only; rows whose "
    "annotation names the person are redacted, so that the version's root stays",
    source=Source.PERSON,
)
EXPORTED_WHOSE = replace(
    EXPORTED_BY,
    category="whose measurements a dataset holds (row numbers)",
    action=EraseAction.ANONYMISE,
    ground=why.RESEARCH,
    how="kept: it leads to a row that bears a random pseudonym only",
)
RECIPIENT = replace(
    named.DESCRIPTION,
    category="recipients of datasets",
    activity=why.RIGHTS,
    retention=WHILE_RECORD_LIVES,
    source=Source.COLLEAGUE,
)

VERSIONS: Mapping[str, Columns] = {
    "model_versions": columns(
        (
            named.NOT_PERSONAL,
            "id version created_at is_active training_accuracy validation_accuracy",
        ),
        (
            named.NOT_PERSONAL,
            "test_accuracy training_loss training_data_version training_duration",
        ),
        (named.REMARK, "name"),
        (named.PARAMETERS, "hyperparameters"),
        (named.DESCRIPTION, "description"),
        (named.FILE_PATH, "model_path config_path"),
        (named.CREATED_BY, "created_by"),
    ),
    "data_versions": columns(
        (
            named.NOT_PERSONAL,
            "id version created_at total_images total_labels train_split val_split",
        ),
        (
            named.NOT_PERSONAL,
            "test_split avg_quality_score label_distribution backup_size backup_checksum",
        ),
        (named.NOT_PERSONAL, "root manifest n_redacted"),
        (FROZEN, "layers"),
        (named.REMARK, "name"),
        (named.DESCRIPTION, "description"),
        (named.FILE_PATH, "backup_path"),
        (named.CREATED_BY, "created_by"),
    ),
    "version_tags": columns((named.NOT_PERSONAL, "id tag version_id created_at")),
    "version_features": columns(
        (named.NOT_PERSONAL, "id version_id feature_type extractor_version feature_dimension"),
        (named.NOT_PERSONAL, "dtype n_vectors marker digest"),
    ),
    "feature_revisions": columns(
        (named.MODEL_RESULT, "id image_id feature_type extractor_version dtype gone_at"),
        (named.MODEL_RESULT, "feature_vector"),
    ),
    "frozen_images": columns((named.NOT_PERSONAL, "image_id")),
    "dataset_exports": columns(
        (named.NOT_PERSONAL, "id version root format n_rows n_bytes sha256 with_people"),
        (named.NOT_PERSONAL, "exported_at"),
        (EXPORTED_WHOSE, "technicians"),
        (named.FILE_PATH, "path"),
        (RECIPIENT, "recipient"),
        (EXPORTED_BY, "exported_by"),
    ),
}
"""Who made which version is personal; what it scored is not."""
