"""The configured period of each data type."""

from __future__ import annotations

from mlmcsc.config import RetentionSection
from mlmcsc.domain.retention import Periods


def periods(retention: RetentionSection) -> Periods:
    """Days by data type; None where the settings switch it off."""
    return {
        "labels": retention.label_retention_days,
        "predictions": retention.prediction_retention_days,
        "images": retention.image_retention_days,
        "archived_labels": retention.label_retention_days,
        "archived_predictions": retention.prediction_retention_days,
        "archived_metrics": retention.metrics_retention_days,
        "metrics": retention.metrics_retention_days,
        "login_attempts": retention.login_attempt_retention_days,
        "sessions": retention.session_retention_days,
        "api_tokens": retention.session_retention_days,
        "alerts": retention.operation_retention_days,
        "job_runs": retention.operation_retention_days,
        "label_reservations": retention.operation_retention_days,
        "privacy_requests": retention.privacy_request_retention_days,
        "privacy_holds": retention.privacy_request_retention_days,
        "audit": retention.audit_retention_days,
        "technicians": (
            retention.anonymize_after_days if retention.anonymization_enabled else None
        ),
    }
