"""Tags of the versions of models and of data."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

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
        (named.REMARK, "name"),
        (named.DESCRIPTION, "description"),
        (named.FILE_PATH, "backup_path"),
        (named.CREATED_BY, "created_by"),
    ),
}
"""Who made which version is personal; what it scored is not."""
