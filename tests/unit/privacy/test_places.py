from __future__ import annotations

from mlmcsc.domain.privacy.places import (
    free_text_places,
    identifier_places,
    personal_places,
    sealed_places,
)
from mlmcsc.store.models import metadata


def test_names_addresses_connections_and_notes_are_sealed():
    assert sealed_places() == {
        "technicians.name",
        "technicians.email",
        "technicians.department",
        "labels.notes",
        "label_revisions.notes",
        "audit_logs.ip_address",
        "audit_logs.user_agent",
        "sessions.ip_address",
        "sessions.user_agent",
        "login_attempts.ip_address",
    }


def test_staff_numbers_logins_and_written_names_lie_in_clear_here_only():
    assert identifier_places() == {
        "technicians.technician_id",
        "labels.verified_by",
        "label_revisions.verified_by",
        "label_revisions.replaced_by",
        "model_versions.created_by",
        "data_versions.created_by",
        "alerts.acknowledged_by",
        "accounts.username",
        "login_attempts.username",
        "audit_logs.user_id",
        "subjects.identifier",
        "erasures.identifier",
    }


def test_nothing_is_both_a_clear_identifier_and_sealed():
    assert identifier_places() & sealed_places() == set()


def test_texts_in_peoples_own_words_may_name_somebody():
    assert free_text_places() >= {
        "labels.notes",
        "label_revisions.notes",
        "label_revisions.reason",
        "audit_logs.reason",
        "specimens.notes",
        "privacy_holds.ground",
        "privacy_holds.release_reason",
        "privacy_requests.outcome",
        "erasures.ground",
    }


def test_columns_that_take_any_text_or_object_of_a_user_are_thought_of():
    names = {"notes", "reason", "description", "annotation_data", "acquisition_settings", "outcome"}
    written = {
        f"{column.table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name in names and column.table.name != "job_runs"
    }
    assert len(written) >= len(names)
    assert written <= free_text_places()


def test_sealed_texts_names_and_own_words_are_personal():
    assert sealed_places() | identifier_places() | free_text_places() <= personal_places()


def test_what_a_machine_measured_is_not_personal():
    assert (
        personal_places()
        & {
            "predictions.prediction",
            "images.width",
            "features.feature_vector",
            "specimens.kv_joule",
            "system_metrics.metric_value",
        }
        == set()
    )


def test_performance_data_is_personal_though_it_is_a_number():
    assert personal_places() >= {
        "labels.time_spent",
        "labels.difficulty_rating",
        "technicians.accuracy_score",
        "technicians.total_labels",
        "technicians.last_active",
    }
