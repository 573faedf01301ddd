"""A record's whole history, told in its order, also when the record is gone."""

from __future__ import annotations

import pytest

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.holds import Holds


def story(history):
    return [(e.event.operation, e.event.table_name, e.ids) for e in history.entries]


def test_an_image_tells_its_arrival_and_all_that_was_said_of_it(db, past):
    told = db.audit.history("image", 7)
    assert told.exists
    assert told.name.endswith("S_003_06.png")
    assert [entry.event.id for entry in told.entries] == sorted(
        entry.event.id for entry in told.entries
    )
    steps = [(operation, table) for operation, table, _ in story(told)]
    assert steps == [
        ("CREATE", "specimens"),
        ("INGEST", "images"),
        ("CREATE", "labels"),
        ("CREATE", "predictions"),
        ("CREATE", "labels"),
        ("UPDATE", "labels"),
        ("VERIFY", "labels"),
        ("CREATE", "features"),
        ("CREATE", "specimens"),
        ("UPDATE", "images"),
    ]
    assert ("CREATE", "labels", (7,)) in story(told)
    assert ("UPDATE", "labels", (past,)) in story(told)
    changed = told.entries[-1].event
    assert changed.old_values["specimen_id"] == "S_003"
    assert changed.new_values["specimen_id"] == "S_X"


@pytest.mark.usefixtures("past")
def test_a_row_of_a_batch_is_told_as_it_is_now(db):
    (arrival,) = (e for e in db.audit.history("label", 7).entries)
    assert arrival.now == {7: {"label": 0.5, "label_type": "manual", "is_verified": False}}


def test_another_image_tells_only_its_own_part_of_the_batches(db, past):
    told = db.audit.history("images", "1")
    assert [e.ids for e in told.entries if e.event.table_name == "labels"] == [(1,)]
    assert past not in {i for e in told.entries for i in e.ids}


@pytest.mark.usefixtures("past")
def test_an_image_is_known_by_its_path_too(db, tmp_path):
    by_path = db.audit.history("image", str(tmp_path / "S_003_06.png"))
    assert by_path == db.audit.history("image", 7)


def test_a_label_tells_how_it_was_made_corrected_and_verified(db, past):
    told = db.audit.history("label", past)
    assert [e.event.operation for e in told.entries] == ["CREATE", "UPDATE", "VERIFY"]
    in_a_batch = db.audit.history("label", 3)
    assert story(in_a_batch) == [("CREATE", "labels", (3,))]


@pytest.mark.usefixtures("past")
def test_people_specimens_and_models_are_known_by_name(db):
    db.technicians.update("tech_001", department="QA")
    assert [e.event.operation for e in db.audit.history("technician", "tech_001").entries] == [
        "CREATE",
        "UPDATE",
    ]
    specimen = db.audit.history("specimen", "S_000")
    assert ("INGEST", "images", (1, 2)) in story(specimen)
    db.register_model_version("v1", "CNN", "/m/v1.pt")
    db.register_model_version("v2", "CNN", "/m/v2.pt")
    db.set_active_model("v1")
    db.set_active_model("v2")
    ended = [
        e.event.new_values
        for e in db.audit.history("model", "v1").entries
        if e.event.operation == "ACTIVATE"
    ]
    assert ended == [{"active": "v1"}, {"active": "v2"}]


def test_a_deleted_record_keeps_its_history(db, past, sql):
    before = db.audit.history("image", 7)
    for table in ("labels", "predictions", "features"):
        sql(f"DELETE FROM {table} WHERE image_id = 7")  # names of our own
    sql("DELETE FROM images WHERE id = 7")
    after = db.audit.history("image", 7)
    assert not after.exists
    single = [e.event.id for e in before.entries if e.event.record_id is not None]
    assert set(single) <= {e.event.id for e in after.entries}
    assert ("INGEST", "images", (7,)) in story(after)
    assert ("UPDATE", "labels", (past,)) in story(after)


@pytest.mark.usefixtures("past")
def test_a_deleted_specimen_is_known_by_its_name(db, sql):
    db.register_specimen("LOST-1", material="S355")
    sql("DELETE FROM specimens WHERE specimen_id = 'LOST-1'")
    told = db.audit.history("specimen", "LOST-1")
    assert not told.exists
    assert [e.event.new_values["material"] for e in told.entries] == ["S355"]


@pytest.mark.usefixtures("past")
def test_the_removal_of_a_batch_belongs_to_each_of_its_rows(db):
    with db._database.store.write(db.actor) as tx:
        gone = {"first_id": 2, "last_id": 9, "id_ranges": [[2, 4], [8, 9]]}
        tx.record(AuditEvent(Operation.RETAIN, "images", None, gone, {"days": 730}, n_rows=5))
    last = {i: story(db.audit.history("image", i))[-1] for i in (3, 6, 8)}
    assert last[3] == ("RETAIN", "images", (3,))
    assert last[8] == ("RETAIN", "images", (8,))
    assert last[6][0] != "RETAIN"


@pytest.mark.usefixtures("past")
def test_a_legal_hold_belongs_to_its_specimen(db):
    store = db._database.store
    held = Holds(store, db.actor).hold(specimen="S_001", ground="claim 4711")
    assert story(db.audit.history("specimen", "S_001"))[-1] == ("HOLD", "privacy_holds", (held.id,))


@pytest.mark.usefixtures("past")
def test_an_import_names_its_file(db, tmp_path):
    (tmp_path / "more.csv").write_text(
        "image_id,technician,label\n2,tech_001,0.5\n3,tech_001,0.6\n"
    )
    db.exchange.import_file("labels", tmp_path / "more.csv")
    told = db.audit.history("label", 14)
    assert [e.event.operation for e in told.entries] == ["CREATE", "IMPORT"]
    assert told.entries[1].event.new_values["path"] == str(tmp_path / "more.csv")


@pytest.mark.usefixtures("past")
def test_personal_values_are_withheld_in_a_history(reader):
    (entry,) = reader.audit.history("technician", "tech_002").entries
    assert entry.event.new_values["name"] == "[withheld]"


@pytest.mark.usefixtures("past")
def test_a_record_that_never_was_is_an_error(db):
    with pytest.raises(UnknownRecordError, match="image 4711"):
        db.audit.history("image", 4711)
    with pytest.raises(ValidationError, match="Did you mean 'image"):
        db.audit.history("imgae", 7)


def test_an_event_changed_past_us_is_shown_and_marked(db, past, sql, url):
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL keeps its column types")
    sql("DROP TRIGGER audit_logs_no_update")
    sql(
        "UPDATE audit_logs SET new_values = '{broken', timestamp = 'noon' "
        "WHERE table_name = 'labels' AND operation = 'UPDATE'"
    )
    sql("UPDATE audit_logs SET new_values = '{' WHERE table_name = 'labels' AND record_id IS NULL")
    corrected = db.audit.history("label", past).entries[1].event
    assert corrected.damaged == ("new_values", "timestamp")
    assert (corrected.new_values, corrected.timestamp) == ("{broken", None)
    assert len(db.audit.list()) > 10


def test_a_forged_seal_does_not_hide_the_other_events(db, past, sql, url):
    if url.startswith("sqlite"):
        sql("DROP TRIGGER audit_logs_no_update")
    else:
        sql("ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_no_update")
    (row,) = sql("SELECT subject_id FROM subjects WHERE identifier = 'tech_001'")
    forged = f"mlmcsc:v1:{row.subject_id}:" + "A" * 64
    sql("UPDATE audit_logs SET reason = :r WHERE operation = 'VERIFY'", r=forged)
    events = {event.operation: event for event in db.audit.list(table="labels", record_id=past)}
    assert events["VERIFY"].damaged == ("sealed text",)
    assert events["CREATE"].new_values["notes"] == "edge unclear"
