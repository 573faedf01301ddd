"""The first schema: the nine documented tables and what stands beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

from mlmcsc.store.types import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    low, high = context.config.attributes["label_range"]
    low, high = float(low), float(high)
    op.create_table(
        "alerts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("details", Json, nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=100), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'acknowledged', 'resolved')", name=op.f("ck_alerts_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_alerts_state_opened_at", "alerts", ["state", "opened_at"], unique=False)
    op.create_table(
        "audit_checkpoints",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("tree_size", BigId, nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoints")),
        sa.UniqueConstraint("tree_size", name=op.f("uq_audit_checkpoints_tree_size")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_logs",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("operation", sa.String(length=50), nullable=False),
        sa.Column("table_name", sa.String(length=50), nullable=False),
        sa.Column("record_id", BigId, nullable=True),
        sa.Column("user_id", sa.String(length=100), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("old_values", Json, nullable=True),
        sa.Column("new_values", Json, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=500), nullable=True),
        sa.Column("n_rows", sa.Integer(), server_default="1", nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "n_rows >= 0 AND n_rows <= 1e308", name=op.f("ck_audit_logs_n_rows_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_logs")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "idx_audit_logs_table_name_record_id",
        "audit_logs",
        ["table_name", "record_id"],
        unique=False,
    )
    op.create_index(op.f("idx_audit_logs_timestamp"), "audit_logs", ["timestamp"], unique=False)
    op.create_index(op.f("idx_audit_logs_user_id"), "audit_logs", ["user_id"], unique=False)
    op.create_table(
        "data_versions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("created_by", sa.String(length=100), nullable=True),
        sa.Column("total_images", sa.Integer(), nullable=True),
        sa.Column("total_labels", sa.Integer(), nullable=True),
        sa.Column("train_split", sa.Float(), nullable=True),
        sa.Column("val_split", sa.Float(), nullable=True),
        sa.Column("test_split", sa.Float(), nullable=True),
        sa.Column("avg_quality_score", sa.Float(), nullable=True),
        sa.Column("label_distribution", Json, nullable=True),
        sa.Column("backup_path", sa.String(length=500), nullable=True),
        sa.Column("backup_size", BigId, nullable=True),
        sa.Column("backup_checksum", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "avg_quality_score >= 0 AND avg_quality_score <= 1",
            name=op.f("ck_data_versions_avg_quality_score_range"),
        ),
        sa.CheckConstraint(
            "test_split >= 0 AND test_split <= 1", name=op.f("ck_data_versions_test_split_range")
        ),
        sa.CheckConstraint(
            "train_split >= 0 AND train_split <= 1", name=op.f("ck_data_versions_train_split_range")
        ),
        sa.CheckConstraint(
            "val_split >= 0 AND val_split <= 1", name=op.f("ck_data_versions_val_split_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_versions")),
        sa.UniqueConstraint("version", name=op.f("uq_data_versions_version")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_data_versions_created_at", "data_versions", ["created_at"], unique=False)
    op.create_table(
        "feature_sets",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("feature_type", sa.String(length=50), nullable=False),
        sa.Column("extractor_version", sa.String(length=50), nullable=False),
        sa.Column("feature_dimension", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(length=10), nullable=False),
        sa.Column("n_vectors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tokens", Json, server_default="[]", nullable=False),
        sa.CheckConstraint(
            "n_vectors >= 0 AND n_vectors <= 1e308", name=op.f("ck_feature_sets_n_vectors_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_sets")),
        sa.UniqueConstraint(
            "feature_type",
            "extractor_version",
            name=op.f("uq_feature_sets_feature_type_extractor_version"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job_leases",
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("fencing_token", BigId, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_leases")),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("slot", UtcDateTime(), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("fencing_token", BigId, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("numbers", Json, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
        sa.UniqueConstraint("job", "slot", name=op.f("uq_job_runs_job_slot")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "login_attempts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "idx_login_attempts_username_timestamp",
        "login_attempts",
        ["username", "timestamp"],
        unique=False,
    )
    op.create_table(
        "model_versions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("model_path", sa.String(length=500), nullable=False),
        sa.Column("config_path", sa.String(length=500), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("created_by", sa.String(length=100), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("training_accuracy", sa.Float(), nullable=True),
        sa.Column("validation_accuracy", sa.Float(), nullable=True),
        sa.Column("test_accuracy", sa.Float(), nullable=True),
        sa.Column("training_loss", sa.Float(), nullable=True),
        sa.Column("training_data_version", sa.String(length=50), nullable=True),
        sa.Column("training_duration", sa.Float(), nullable=True),
        sa.Column("hyperparameters", Json, nullable=True),
        sa.CheckConstraint(
            "test_accuracy >= 0 AND test_accuracy <= 1",
            name=op.f("ck_model_versions_test_accuracy_range"),
        ),
        sa.CheckConstraint(
            "training_accuracy >= 0 AND training_accuracy <= 1",
            name=op.f("ck_model_versions_training_accuracy_range"),
        ),
        sa.CheckConstraint(
            "training_duration >= 0 AND training_duration <= 1e308",
            name=op.f("ck_model_versions_training_duration_range"),
        ),
        sa.CheckConstraint(
            "training_loss >= -1e308 AND training_loss <= 1e308",
            name=op.f("ck_model_versions_training_loss_range"),
        ),
        sa.CheckConstraint(
            "validation_accuracy >= 0 AND validation_accuracy <= 1",
            name=op.f("ck_model_versions_validation_accuracy_range"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("version", name=op.f("uq_model_versions_version")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_model_versions_created_at", "model_versions", ["created_at"], unique=False)
    op.create_index(
        "uq_model_versions_one_active",
        "model_versions",
        ["is_active"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.String(length=50), nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
        comment="Facts that belong to this database: its id, its label range",
    )
    op.create_table(
        "specimens",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("specimen_id", sa.String(length=100), nullable=False),
        sa.Column("material", sa.String(length=100), nullable=True),
        sa.Column("heat", sa.String(length=100), nullable=True),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("orientation", sa.String(length=20), nullable=True),
        sa.Column("kv_joule", sa.Float(), nullable=True),
        sa.Column("le_mm", sa.Float(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("updated_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kv_joule >= 0 AND kv_joule <= 1e308", name=op.f("ck_specimens_kv_joule_range")
        ),
        sa.CheckConstraint("le_mm >= 0 AND le_mm <= 1e308", name=op.f("ck_specimens_le_mm_range")),
        sa.CheckConstraint(
            "temperature_c >= -273.15 AND temperature_c <= 2000",
            name=op.f("ck_specimens_temperature_c_range"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specimens")),
        sa.UniqueConstraint("specimen_id", name=op.f("uq_specimens_specimen_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("idx_specimens_heat"), "specimens", ["heat"], unique=False)
    op.create_table(
        "system_metrics",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("metric_name", sa.String(length=100), nullable=False),
        sa.Column("metric_value", sa.Float(), nullable=False),
        sa.Column("metric_unit", sa.String(length=20), nullable=True),
        sa.Column("component", sa.String(length=50), nullable=True),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("metric_metadata", Json, nullable=True),
        sa.CheckConstraint(
            "metric_value >= -1e308 AND metric_value <= 1e308",
            name=op.f("ck_system_metrics_metric_value_range"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_system_metrics")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("idx_system_metrics_component"), "system_metrics", ["component"], unique=False
    )
    op.create_index(
        "idx_system_metrics_metric_name_timestamp",
        "system_metrics",
        ["metric_name", "timestamp"],
        unique=False,
    )
    op.create_index(
        op.f("idx_system_metrics_timestamp"), "system_metrics", ["timestamp"], unique=False
    )
    op.create_table(
        "technicians",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("technician_id", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=100), nullable=True),
        sa.Column("department", sa.String(length=100), nullable=True),
        sa.Column("experience_level", sa.String(length=20), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("last_active", UtcDateTime(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("total_labels", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accuracy_score", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "accuracy_score >= 0 AND accuracy_score <= 1",
            name=op.f("ck_technicians_accuracy_score_range"),
        ),
        sa.CheckConstraint(
            "total_labels >= 0 AND total_labels <= 1e308",
            name=op.f("ck_technicians_total_labels_range"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_technicians")),
        sa.UniqueConstraint("technician_id", name=op.f("uq_technicians_technician_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_technicians_is_active", "technicians", ["is_active"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("technician_id", BigId, nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("last_login", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_accounts_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_accounts_username")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "images",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("updated_at", UtcDateTime(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("file_size", BigId, nullable=True),
        sa.Column("format", sa.String(length=10), nullable=True),
        sa.Column("magnification", sa.Float(), nullable=True),
        sa.Column("specimen_id", sa.String(length=100), nullable=True),
        sa.Column("acquisition_settings", Json, nullable=True),
        sa.Column("is_valid", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("quality_score", sa.Float(), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("hash_algorithm", sa.String(length=16), nullable=True),
        sa.Column("file_mtime_ns", BigId, nullable=True),
        sa.Column("bit_depth", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("pixel_size_um", sa.Float(), nullable=True),
        sa.Column("detector", sa.String(length=100), nullable=True),
        sa.Column("accelerating_voltage_kv", sa.Float(), nullable=True),
        sa.Column("instrument", sa.String(length=100), nullable=True),
        sa.Column("storage", sa.String(length=16), server_default="in_place", nullable=False),
        sa.CheckConstraint(
            "storage IN ('in_place', 'managed')", name=op.f("ck_images_storage_known")
        ),
        sa.CheckConstraint(
            "accelerating_voltage_kv >= 0 AND accelerating_voltage_kv <= 1e308",
            name=op.f("ck_images_accelerating_voltage_kv_range"),
        ),
        sa.CheckConstraint(
            "height >= 1 AND height <= 2147483647", name=op.f("ck_images_height_range")
        ),
        sa.CheckConstraint(
            "magnification >= 0 AND magnification <= 1e308",
            name=op.f("ck_images_magnification_range"),
        ),
        sa.CheckConstraint(
            "pixel_size_um >= 0 AND pixel_size_um <= 1e308",
            name=op.f("ck_images_pixel_size_um_range"),
        ),
        sa.CheckConstraint(
            "quality_score >= 0 AND quality_score <= 1", name=op.f("ck_images_quality_score_range")
        ),
        sa.CheckConstraint(
            "width >= 1 AND width <= 2147483647", name=op.f("ck_images_width_range")
        ),
        sa.ForeignKeyConstraint(
            ["specimen_id"], ["specimens.specimen_id"], name=op.f("fk_images_specimen_id_specimens")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_images_content_hash")),
        sa.UniqueConstraint("path", name=op.f("uq_images_path")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "idx_images_is_valid_quality_score", "images", ["is_valid", "quality_score"], unique=False
    )
    op.create_index(op.f("idx_images_quality_score"), "images", ["quality_score"], unique=False)
    op.create_index(op.f("idx_images_specimen_id"), "images", ["specimen_id"], unique=False)
    op.create_index(op.f("idx_images_timestamp"), "images", ["timestamp"], unique=False)
    op.create_table(
        "subjects",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("technician_id", BigId, nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(length=64), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["technician_id"],
            ["technicians.id"],
            name=op.f("fk_subjects_technician_id_technicians"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_subjects_subject_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_used", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_api_tokens_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_api_tokens_account_id", "api_tokens", ["account_id"], unique=False)
    op.create_table(
        "features",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("feature_type", sa.String(length=50), nullable=False),
        sa.Column("extractor_version", sa.String(length=50), nullable=False),
        sa.Column("extraction_timestamp", UtcDateTime(), nullable=False),
        sa.Column("feature_dimension", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(length=10), server_default="float32", nullable=False),
        sa.Column("extraction_time", sa.Float(), nullable=True),
        sa.Column("preprocessing_params", Json, nullable=True),
        sa.Column("feature_vector", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "dtype IN ('float16', 'float32', 'float64')", name=op.f("ck_features_dtype_known")
        ),
        sa.CheckConstraint(
            "extraction_time >= 0 AND extraction_time <= 1e308",
            name=op.f("ck_features_extraction_time_range"),
        ),
        sa.CheckConstraint(
            "feature_dimension >= 1 AND feature_dimension <= 2147483647",
            name=op.f("ck_features_feature_dimension_range"),
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_features_image_id_images")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_features")),
        sa.UniqueConstraint(
            "feature_type",
            "extractor_version",
            "image_id",
            name=op.f("uq_features_feature_type_extractor_version_image_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("idx_features_extraction_timestamp"),
        "features",
        ["extraction_timestamp"],
        unique=False,
    )
    op.create_index("idx_features_image_id", "features", ["image_id"], unique=False)
    op.create_table(
        "image_aliases",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("file_size", BigId, nullable=True),
        sa.Column("file_mtime_ns", BigId, nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_image_aliases_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_aliases")),
        sa.UniqueConstraint("path", name=op.f("uq_image_aliases_path")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_image_aliases_image_id", "image_aliases", ["image_id"], unique=False)
    op.create_table(
        "image_fingerprints",
        sa.Column("image_id", BigId, autoincrement=False, nullable=False),
        sa.Column("coarse", sa.BigInteger(), nullable=False),
        sa.Column("fine", sa.LargeBinary(), nullable=False),
        sa.Column("key0", sa.Integer(), nullable=False),
        sa.Column("key1", sa.Integer(), nullable=False),
        sa.Column("key2", sa.Integer(), nullable=False),
        sa.Column("key3", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_image_fingerprints_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_image_fingerprints")),
    )
    op.create_index(
        "idx_image_fingerprints_key0",
        "image_fingerprints",
        ["key0", "image_id"],
        unique=False,
    )
    op.create_index(
        "idx_image_fingerprints_key1",
        "image_fingerprints",
        ["key1", "image_id"],
        unique=False,
    )
    op.create_index(
        "idx_image_fingerprints_key2",
        "image_fingerprints",
        ["key2", "image_id"],
        unique=False,
    )
    op.create_index(
        "idx_image_fingerprints_key3",
        "image_fingerprints",
        ["key3", "image_id"],
        unique=False,
    )
    op.create_table(
        "labels",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("technician_id", BigId, nullable=False),
        sa.Column("label", sa.Float(), nullable=False),
        sa.Column("label_type", sa.String(length=50), server_default="manual", nullable=False),
        sa.Column("original_prediction", sa.Float(), nullable=True),
        sa.Column("original_confidence", sa.Float(), nullable=True),
        sa.Column("model_version_used", sa.String(length=50), nullable=True),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("time_spent", sa.Float(), nullable=True),
        sa.Column("difficulty_rating", sa.Integer(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("verified_by", sa.String(length=50), nullable=True),
        sa.Column("verification_timestamp", UtcDateTime(), nullable=True),
        sa.Column("annotation_data", Json, nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "difficulty_rating >= 1 AND difficulty_rating <= 5",
            name=op.f("ck_labels_difficulty_rating_range"),
        ),
        sa.CheckConstraint(
            f"label >= {low!r} AND label <= {high!r}", name=op.f("ck_labels_label_range")
        ),
        sa.CheckConstraint(
            "original_confidence >= 0 AND original_confidence <= 1",
            name=op.f("ck_labels_original_confidence_range"),
        ),
        sa.CheckConstraint(
            f"original_prediction >= {low!r} AND original_prediction <= {high!r}",
            name=op.f("ck_labels_original_prediction_range"),
        ),
        sa.CheckConstraint(
            "revision >= 1 AND revision <= 2147483647", name=op.f("ck_labels_revision_range")
        ),
        sa.CheckConstraint(
            "time_spent >= 0 AND time_spent <= 1e308", name=op.f("ck_labels_time_spent_range")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_labels_image_id_images")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technicians.id"], name=op.f("fk_labels_technician_id_technicians")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_labels_image_id", "labels", ["image_id"], unique=False)
    op.create_index("idx_labels_is_verified", "labels", ["is_verified"], unique=False)
    op.create_index("idx_labels_label_type", "labels", ["label_type"], unique=False)
    op.create_index("idx_labels_technician_id", "labels", ["technician_id"], unique=False)
    op.create_index(op.f("idx_labels_timestamp"), "labels", ["timestamp"], unique=False)
    op.create_table(
        "near_duplicates",
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("older_image_id", BigId, nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["images.id"],
            name=op.f("fk_near_duplicates_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["older_image_id"],
            ["images.id"],
            name=op.f("fk_near_duplicates_older_image_id_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("image_id", "older_image_id", name=op.f("pk_near_duplicates")),
    )
    op.create_index(
        "idx_near_duplicates_older_image_id", "near_duplicates", ["older_image_id"], unique=False
    )
    op.create_table(
        "predictions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("image_id", BigId, nullable=False),
        sa.Column("model_version_id", BigId, nullable=False),
        sa.Column("prediction", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("detection_bbox", Json, nullable=True),
        sa.Column("detection_confidence", sa.Float(), nullable=True),
        sa.Column("detection_class", sa.String(length=50), nullable=True),
        sa.Column("processing_time", sa.Float(), nullable=True),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("raw_output", Json, nullable=True),
        sa.Column("preprocessing_params", Json, nullable=True),
        sa.CheckConstraint(
            "confidence >= 0 AND confidence <= 1", name=op.f("ck_predictions_confidence_range")
        ),
        sa.CheckConstraint(
            "detection_confidence >= 0 AND detection_confidence <= 1",
            name=op.f("ck_predictions_detection_confidence_range"),
        ),
        sa.CheckConstraint(
            f"prediction >= {low!r} AND prediction <= {high!r}",
            name=op.f("ck_predictions_prediction_range"),
        ),
        sa.CheckConstraint(
            "processing_time >= 0 AND processing_time <= 1e308",
            name=op.f("ck_predictions_processing_time_range"),
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_predictions_image_id_images")
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_predictions_model_version_id_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_predictions_confidence", "predictions", ["confidence"], unique=False)
    op.create_index("idx_predictions_image_id", "predictions", ["image_id"], unique=False)
    op.create_index(
        "idx_predictions_model_version_id", "predictions", ["model_version_id"], unique=False
    )
    op.create_index(op.f("idx_predictions_timestamp"), "predictions", ["timestamp"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("last_seen", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_sessions_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_sessions_account_id", "sessions", ["account_id"], unique=False)
    op.create_index(op.f("idx_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "label_revisions",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("label_id", BigId, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("label", sa.Float(), nullable=False),
        sa.Column("label_type", sa.String(length=50), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("difficulty_rating", sa.Integer(), nullable=True),
        sa.Column("annotation_data", Json, nullable=True),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("verified_by", sa.String(length=50), nullable=True),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"],
            ["labels.id"],
            name=op.f("fk_label_revisions_label_id_labels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_revisions")),
        sa.UniqueConstraint(
            "label_id", "revision", name=op.f("uq_label_revisions_label_id_revision")
        ),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("label_revisions")
    op.drop_table("sessions")
    op.drop_table("predictions")
    op.drop_table("near_duplicates")
    op.drop_table("labels")
    op.drop_table("image_fingerprints")
    op.drop_table("image_aliases")
    op.drop_table("features")
    op.drop_table("api_tokens")
    op.drop_table("subjects")
    op.drop_table("images")
    op.drop_table("accounts")
    op.drop_table("technicians")
    op.drop_table("system_metrics")
    op.drop_table("specimens")
    op.drop_table("settings")
    op.drop_table("model_versions")
    op.drop_table("login_attempts")
    op.drop_table("job_runs")
    op.drop_table("job_leases")
    op.drop_table("feature_sets")
    op.drop_table("data_versions")
    op.drop_table("audit_logs")
    op.drop_table("audit_checkpoints")
    op.drop_table("alerts")
