"""Every table, by name."""

from mlmcsc.store.base import metadata
from mlmcsc.store.models.annotations import (
    LABEL_RANGE,
    feature_sets,
    features,
    label_revisions,
    labels,
    predictions,
)
from mlmcsc.store.models.backups import backup_drills, backups
from mlmcsc.store.models.images import (
    image_aliases,
    image_fingerprints,
    images,
    near_duplicates,
    specimens,
)
from mlmcsc.store.models.operations import (
    alerts,
    audit_checkpoints,
    audit_logs,
    job_leases,
    job_runs,
    settings,
    system_metrics,
)
from mlmcsc.store.models.people import accounts, api_tokens, login_attempts, sessions, technicians
from mlmcsc.store.models.privacy import (
    archives,
    erasures,
    privacy_holds,
    privacy_requests,
    split_anchors,
    split_links,
    subjects,
)
from mlmcsc.store.models.quality import (
    IMAGES_PER_CHUNK,
    image_quality,
    label_reservations,
    quality_aggregates,
    quality_marks,
)
from mlmcsc.store.models.versions import (
    UNVERSIONED_MODEL,
    data_versions,
    dataset_exports,
    feature_revisions,
    frozen_images,
    model_versions,
    version_features,
    version_tags,
)

__all__ = [
    "IMAGES_PER_CHUNK",
    "LABEL_RANGE",
    "UNVERSIONED_MODEL",
    "accounts",
    "alerts",
    "api_tokens",
    "archives",
    "audit_checkpoints",
    "audit_logs",
    "backup_drills",
    "backups",
    "data_versions",
    "dataset_exports",
    "erasures",
    "feature_revisions",
    "feature_sets",
    "features",
    "frozen_images",
    "image_aliases",
    "image_fingerprints",
    "image_quality",
    "images",
    "job_leases",
    "job_runs",
    "label_reservations",
    "label_revisions",
    "labels",
    "login_attempts",
    "metadata",
    "model_versions",
    "near_duplicates",
    "predictions",
    "privacy_holds",
    "privacy_requests",
    "quality_aggregates",
    "quality_marks",
    "sessions",
    "settings",
    "specimens",
    "split_anchors",
    "split_links",
    "subjects",
    "system_metrics",
    "technicians",
    "version_features",
    "version_tags",
]
