"""`database validate --fix` on rows: only what is safe, audited with both values."""

from __future__ import annotations

import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import PermissionDeniedError


def seen(findings):
    return {(f.check, f.table, f.ids) for f in findings}


def test_a_wrong_label_that_a_person_corrected_is_no_finding_any_more(laboratory, plant):
    plant(laboratory, "UPDATE labels SET label = 7.5 WHERE id = 3")
    assert len(laboratory.maintenance.validate()) == 1
    laboratory.update_label(3, label=0.75, reason="typed into the database by hand")
    assert laboratory.get_label_revisions(3)[0].label == 7.5
    assert laboratory.maintenance.validate() == ()


def test_an_id_sequence_behind_the_ids_in_use_is_found_and_advanced(laboratory, plant):
    if laboratory.labels.db.engine.dialect.name == "sqlite":
        plant(laboratory, "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'labels'")
    else:
        plant(laboratory, "SELECT setval(pg_get_serial_sequence('labels', 'id'), 1, false)")
    found = laboratory.maintenance.validate()
    assert seen(found) == {("sequence", "labels", ())}
    (repair,) = laboratory.maintenance.repair(found)
    assert (repair.count, repair.left) == (1, 0)
    assert laboratory.maintenance.validate() == ()
    assert laboratory.store_label(1, 1, 0.5) == 4


def test_counters_are_set_right_and_audited_with_both_values(laboratory, plant):
    plant(
        laboratory,
        "UPDATE technicians SET total_labels = 40",
        "UPDATE feature_sets SET n_vectors = 7",
    )
    found = laboratory.maintenance.validate()
    repairs = laboratory.maintenance.repair(found)
    assert {(r.check, r.ids, r.done) for r in repairs} == {
        ("label_count", (1,), True),
        ("vector_count", (1,), True),
    }
    assert laboratory.maintenance.validate() == ()
    assert laboratory.technicians.get(1).total_labels == 3
    with laboratory.labels.db.engine.connect() as conn:
        events = conn.exec_driver_sql(
            "SELECT table_name, record_id, CAST(old_values AS text), CAST(new_values AS text), "
            "user_id FROM audit_logs WHERE operation = 'REPAIR' ORDER BY table_name"
        ).all()
    assert [event[:2] for event in events] == [("feature_sets", 1), ("technicians", 1)]
    assert "40" in events[1][2]
    assert "3" in events[1][3]
    assert events[1][4] == laboratory.actor.subject


def test_a_dry_run_says_what_would_be_done_and_does_nothing(laboratory, plant):
    plant(laboratory, "UPDATE technicians SET total_labels = 40")
    found = laboratory.maintenance.validate()
    (planned,) = laboratory.maintenance.repair(found, dry_run=True)
    assert not planned.done
    assert laboratory.maintenance.validate() == found


def test_measured_values_are_never_repaired(laboratory, plant):
    plant(
        laboratory,
        "UPDATE labels SET label = 7.5 WHERE id = 3",
        "UPDATE predictions SET image_id = 99",
        "DELETE FROM label_revisions",
    )
    found = laboratory.maintenance.validate()
    assert len(found) == 3
    assert laboratory.maintenance.repair(found) == ()
    assert laboratory.maintenance.validate() == found


def test_repairing_needs_the_right_to_administer(laboratory):
    reader = Actor("guest", permissions=frozenset({Permission.READ}))
    guest = laboratory.acting_as(reader)
    assert guest.maintenance.validate() == ()
    with pytest.raises(PermissionDeniedError, match="administer"):
        guest.maintenance.repair(())
