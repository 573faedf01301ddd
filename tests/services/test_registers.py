"""Technicians, specimens and model versions: registered once, changed on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmcsc.errors import ConflictError, UnknownRecordError, ValidationError


def test_registering_the_same_technician_again_returns_the_same_id_and_writes_nothing(
    db, nothing_written
):
    first = db.register_technician("t1", "Jo Lund", email="jo@lab", department="QA")
    with nothing_written():
        assert db.register_technician("t1", "Jo Lund", department="QA") == first


def test_registering_a_technician_with_other_facts_is_a_conflict_that_names_them(
    db, nothing_written
):
    db.register_technician("t1", "Jo Lund")
    with nothing_written(), pytest.raises(ConflictError, match="name is 'Jo Lund', not 'Al'"):
        db.register_technician("t1", "Al")


def test_a_technician_keeps_every_documented_fact(db):
    key = db.register_technician(
        "t1", "Jo", email="jo@lab", department="QA", experience_level="expert", is_active=False
    )
    found = db.technicians.get(key)
    assert (found.email, found.department, found.experience_level) == ("jo@lab", "QA", "expert")
    assert not found.is_active
    assert db.technicians.get("t1") == found
    assert found.created_at.utcoffset().total_seconds() == 0


def test_a_technician_is_changed_on_purpose_and_the_trail_keeps_the_old_value(db, audit):
    db.register_technician("t1", "Jo", department="QA")
    assert db.technicians.update("t1", department="R&D").department == "R&D"
    event = audit()[-1]
    assert event.operation == "UPDATE"
    assert "QA" in str(event.old_values)
    assert "R&D" in str(event.new_values)


def test_model_one_is_there_before_any_model_is_registered(db):
    assert db.models.get(1).version == "unversioned"
    assert db.get_active_model() is None


def test_only_one_model_is_active_at_a_time(db):
    a = db.register_model_version("v1", "ridge", Path("/models/v1"))
    b = db.register_model_version("v2", "ridge", "/models/v2", hyperparameters={"alpha": 0.5})
    db.set_active_model(a)
    assert db.set_active_model("v2").id == b
    assert db.get_active_model().version == "v2"
    assert [m.version for m in db.models.list() if m.is_active] == ["v2"]


def test_a_model_version_keeps_every_documented_fact_and_is_idempotent(db):
    facts = {
        "description": "first",
        "config_path": "c.json",
        "created_by": "me",
        "training_accuracy": 0.9,
        "validation_accuracy": 0.8,
        "test_accuracy": 0.7,
        "training_loss": -1.5,
        "training_data_version": "d1",
        "training_duration": 12.5,
        "hyperparameters": {"layers": [1, 2]},
    }
    key = db.register_model_version("v1", "net", "/m", **facts)
    found = db.models.get(key).to_dict()
    assert {name: found[name] for name in facts} == facts
    assert db.register_model_version("v1", "net", "/m", **facts) == key
    with pytest.raises(ConflictError, match="model_path"):
        db.register_model_version("v1", "net", "/other")


def test_a_model_path_that_is_no_path_is_refused(db, nothing_written):
    with nothing_written(), pytest.raises(ValidationError, match="model_path"):
        db.register_model_version("v1", "net", None)


def test_activating_an_unknown_model_is_an_error_and_changes_nothing(db, nothing_written):
    with nothing_written(), pytest.raises(UnknownRecordError, match="no-such"):
        db.set_active_model("no-such")


def test_a_specimen_gains_facts_and_refuses_contradictions(db, nothing_written):
    key = db.register_specimen("S1", heat="H7")
    assert db.register_specimen("S1", temperature_c=-40.0, kv_joule=57.0) == key
    found = db.specimens.get("S1")
    assert (found.heat, found.temperature_c, found.kv_joule) == ("H7", -40.0, 57.0)
    with nothing_written(), pytest.raises(ConflictError, match="heat is 'H7', not 'H8'"):
        db.register_specimen("S1", heat="H8")
    assert db.specimens.update("S1", heat="H8").heat == "H8"


def test_specimens_are_registered_in_bulk_once(db):
    rows = [{"specimen_id": f"S{i}", "temperature_c": -20.0 + i} for i in range(5)]
    assert db.specimens.add_many(rows).stored == 5
    again = db.specimens.add_many([*rows, {"specimen_id": "S9"}], on_error="collect")
    assert again.stored == 1
    assert len(again.rejected) == 5


def test_what_is_neither_an_id_nor_a_name_is_refused_and_changes_nothing(db, refuses):
    db.register_technician("t1", "Jo")
    calls = [
        (db.set_active_model, "version="),
        (db.models.get, "version="),
        (db.technicians.get, "technician_id="),
        (lambda who: db.technicians.update(who, name="Al"), "technician_id="),
    ]
    for call, told in calls:
        for wrong in [True, 1.0, [1], b"v1", "", "a\x00b", "x" * 51]:
            refuses(ValidationError, told, call, wrong)
        for unknown in [2**70, -(2**70), 0, -1, "no-such"]:
            refuses(UnknownRecordError, "does not exist", call, unknown)
        refuses(ValidationError, "missing|version=|technician_id=", call, None)
    assert db.get_active_model() is None
    assert db.technicians.get("t1").name == "Jo"
    for wrong in [5, "", "a\x00b"]:
        refuses(ValidationError, "specimen_id=", db.specimens.get, wrong)


def test_whether_a_technician_may_label_is_yes_or_no(db, refuses):
    db.register_technician("t1", "Jo")
    refuses(ValidationError, "is_active", db.technicians.update, "t1", is_active=None)
    assert not db.technicians.update("t1", is_active=False).is_active
