"""Every call needs its right, and the audit trail says who, from where and why."""

from __future__ import annotations

import pytest

from mlmcsc import Actor, Permission
from mlmcsc.domain.permissions import ALL_PERMISSIONS
from mlmcsc.errors import PermissionDeniedError

CALLS = [
    (Permission.QUALITY, "image_quality.update_scores", (), {}),
    (Permission.READ, "image_quality.get", (1,), {}),
    (Permission.READ, "image_quality.list", (), {}),
    (Permission.INGEST, "images.add", ("a.png",), {}),
    (Permission.INGEST, "images.ingest", ("folder",), {}),
    (Permission.INGEST, "images.update", (1,), {"magnification": 2.0}),
    (Permission.INGEST, "images.update_quality", (1, 0.5), {}),
    (Permission.READ, "images.get", (1,), {}),
    (Permission.READ, "images.list", (), {}),
    (Permission.READ, "images.near_duplicates", (1,), {}),
    (Permission.READ, "images.thumbnail", (1,), {}),
    (Permission.INGEST, "specimens.register", ("S1",), {}),
    (Permission.INGEST, "specimens.update", ("S1",), {"heat": "H"}),
    (Permission.INGEST, "specimens.add_many", ([{"specimen_id": "S1"}],), {}),
    (Permission.READ, "specimens.get", ("S1",), {}),
    (Permission.READ, "specimens.list", (), {}),
    (Permission.MANAGE_PEOPLE, "technicians.register", ("t9", "Al"), {}),
    (Permission.MANAGE_PEOPLE, "technicians.update", ("t9",), {"name": "Al"}),
    (Permission.READ, "technicians.get", ("t9",), {}),
    (Permission.READ, "technicians.list", (), {}),
    (Permission.MANAGE_MODELS, "models.register", ("v9", "net", "/m"), {}),
    (Permission.MANAGE_MODELS, "models.set_active", (1,), {}),
    (Permission.READ, "models.get", (1,), {}),
    (Permission.READ, "models.active", (), {}),
    (Permission.READ, "models.list", (), {}),
    (Permission.PREDICT, "predictions.add", (1, 1, 0.5, 0.5), {}),
    (Permission.PREDICT, "predictions.add_many", ([],), {}),
    (Permission.READ, "predictions.get", (1,), {}),
    (Permission.READ, "predictions.list", (), {}),
    (Permission.LABEL, "labels.add", (1, 1, 0.5), {}),
    (Permission.LABEL, "labels.add_many", ([],), {}),
    (Permission.LABEL, "labels.correct", (1,), {"label": 0.4, "reason": "r"}),
    (Permission.VERIFY, "labels.verify", (1, "chief"), {}),
    (Permission.READ, "labels.get", (1,), {}),
    (Permission.READ, "labels.list", (), {}),
    (Permission.READ, "labels.revisions", (1,), {}),
    (Permission.PREDICT, "features.add", (1, "cnn", [1.0], "v1"), {}),
    (Permission.PREDICT, "features.add_many", ([],), {}),
    (Permission.PREDICT, "features.store", (1, "cnn", [1.0], "v1"), {}),
    (Permission.READ, "features.list", (), {}),
    (Permission.READ, "features.sets", (), {}),
    (Permission.TRAIN, "feature_reads.for_training", ([1], "cnn"), {}),
    (Permission.TRAIN, "feature_reads.matrix_of", ("cnn", "1"), {}),
    (Permission.TRAIN, "training.splits", (), {}),
    (Permission.TRAIN, "datasets.open", ("v1",), {}),
    (Permission.TRAIN, "datasets.rows", ("v1",), {}),
    (Permission.READ, "features.search", ([1.0],), {"feature_type": "cnn"}),
    (Permission.READ, "features.similar", (1,), {}),
    (Permission.TRAIN, "datasets.training_data", ("v1", {}), {}),
    (Permission.BACKUP, "backups.create", (), {}),
    (Permission.BACKUP, "backups.list", (), {}),
    (Permission.BACKUP, "backups.show", ("a",), {}),
    (Permission.BACKUP, "backups.verify", ("a",), {}),
    (Permission.BACKUP, "backups.prune", (), {}),
    (Permission.BACKUP, "backups.scrub", (), {}),
    (Permission.READ, "health.status", (), {}),
    (Permission.READ, "quality.check", (), {}),
    (Permission.INGEST, "charpy.measure", ("S1",), {"a_mm": 1.0, "b_mm": 1.0}),
    (Permission.LABEL, "charpy.label", (1, 1), {"a_mm": 1.0, "b_mm": 1.0}),
    (Permission.READ, "charpy.table", (), {}),
    (Permission.READ, "charpy.curve", (), {}),
    (Permission.QUALITY, "agreement.report", (), {}),
    (Permission.QUALITY, "agreement.update_accuracy", (), {}),
    (Permission.QUALITY, "consensus.create", (), {}),
    (Permission.QUALITY, "suspicious_labels.list", (), {}),
    (Permission.LABEL, "label_queue.next", (1,), {}),
    (Permission.LABEL, "label_queue.release", (1,), {}),
    (Permission.LABEL, "label_queue.status", (), {}),
    (Permission.BACKUP, "backup_drills.drill", (), {}),
    (Permission.BACKUP, "backup_drills.drill_all", (), {}),
    (Permission.BACKUP, "backup_drills.history", (), {}),
    (Permission.BACKUP, "backup_drills.standing", (), {}),
    (Permission.BACKUP, "backup_drills.create_due", (), {}),
    (Permission.QUALITY, "drift.compare", ("a", "b"), {}),
    (Permission.QUALITY, "drift.last", ("a",), {}),
    (Permission.QUALITY, "drift.compare_versions", ("a", "b"), {}),
]
COVERED = {
    "drift",
    "image_quality",
    "backup_drills",
    "images",
    "specimens",
    "technicians",
    "models",
    "predictions",
    "labels",
    "features",
    "feature_reads",
    "datasets",
    "training",
    "health",
    "quality",
    "agreement",
    "charpy",
    "consensus",
    "suspicious_labels",
    "label_queue",
    "backups",
}


def test_every_call_is_refused_to_an_actor_without_its_right(db, refuses):
    for permission, path, args, keywords in CALLS:
        helpless = Actor("nobody", ALL_PERMISSIONS - {permission})
        service, method = path.split(".")
        call = getattr(getattr(db.acting_as(helpless), service), method)
        refuses(PermissionDeniedError, permission.value, call, *args, **keywords)


def test_no_public_call_of_these_services_is_left_out(db):
    public = {
        f"{service}.{name}"
        for service in COVERED
        for name, member in vars(type(getattr(db, service))).items()
        if callable(member) and not name.startswith("_")
    }
    assert public == {path for _, path, _, _ in CALLS}


def test_reading_is_enough_to_read(db):
    reader = db.acting_as(Actor("reader", frozenset({Permission.READ})))
    assert len(reader.get_images()) == 0
    assert reader.get_system_health()["status"] in {"healthy", "degraded"}


def test_the_trail_names_the_actor_where_from_and_why(db, audit, image):
    actor = Actor("al", ip="10.0.0.7", user_agent="probe/1", reason="re-measurement")
    bound = db.acting_as(actor)
    who = bound.register_technician("t1", "Al")
    key = bound.store_label(image, who, 0.5)
    bound.update_label(key, label=0.6, reason="typing error")
    mine = [e for e in audit() if e.user_id == "al"]
    assert [(e.operation, e.table_name, e.record_id) for e in mine] == [
        ("CREATE", "technicians", who),
        ("CREATE", "labels", key),
        ("UPDATE", "labels", key),
    ]
    assert {(e.ip_address, e.user_agent) for e in mine} == {("10.0.0.7", "probe/1")}
    assert [e.reason for e in mine] == ["re-measurement", "re-measurement", "typing error"]


def test_acting_as_leaves_the_other_manager_as_it_was(db):
    assert db.acting_as(Actor("al")).actor.subject == "al"
    assert db.actor.subject != "al"


def test_an_actor_cannot_be_changed_after_the_fact():
    with pytest.raises(AttributeError):
        Actor("al").subject = "bo"
