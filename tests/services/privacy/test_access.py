"""A person gets a whole copy of their data, and nobody else's."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.privacy.others import ANOTHER
from mlmcsc.errors import ConflictError, PermissionDeniedError, UnknownRecordError

pytestmark = pytest.mark.sqlite_tells

COLLEAGUES = (
    "tech_002", "Jane", "Roe", "jane@lab.example", "JANE-SECRET", "Quill", "root",
)  # fmt: skip


def part(copy, name):
    return copy["parts"][name]["rows"]


@pytest.fixture
def copy(db, staffed):
    return db.export_user_data("tech_001")


def test_the_profile_is_in_clear(copy):
    (profile,) = part(copy, "technicians")
    assert profile["name"] == "John Doe"
    assert profile["email"] == "john@lab.example"
    assert profile["department"] == "Fractography"


def test_measurements_come_with_notes_and_earlier_states(copy, staffed):
    (label,) = part(copy, "labels")
    assert label["id"] == staffed["first"]
    assert label["label"] == 0.4
    assert label["notes"] == "as [another person] ([another person]) said, ductile"
    (revision,) = part(copy, "label_revisions")
    assert revision["label"] == 0.5
    assert revision["replaced_by"] == "[another person]"
    assert revision["verified_by"] == "[another person]"
    assert revision["reason"] == "[another person] saw it"


def test_of_a_colleagues_measurement_only_the_persons_own_act_is_told(copy):
    (act,) = part(copy, "corrections")
    assert act["reason"] == "my own reason"
    assert act["replaced_by"] == "tech_001"
    assert not {"label", "notes", "technician_id"} & act.keys()


def test_no_colleague_is_named_anywhere(copy):
    text = json.dumps(copy)
    assert [name for name in COLLEAGUES if name in text] == []


def test_own_acts_are_told_with_their_address_and_acts_about_the_person_without(copy):
    events = part(copy, "audit")
    own = [e for e in events if e["role"] == "by you"]
    about = [e for e in events if e["role"] == "about you"]
    assert {e["ip_address"] for e in own} == {"10.1.2.3"}
    assert {e["user_agent"] for e in own} == {"probe/1"}
    assert {e["ip_address"] for e in about} == {None}
    assert {e["user_id"] for e in about} == {"[another person]"}
    assert all(e["purpose"] and e["timestamp"] and e["operation"] for e in events)
    (created,) = [e for e in about if e["table_name"] == "technicians"]
    assert created["new_values"]["name"] == "John Doe"


def test_each_part_tells_purpose_basis_recipients_source_and_end(db, copy):
    facts = copy["parts"]["labels"]
    notes = facts["explained"]["notes"]
    assert {"purpose", "legal_basis", "recipients", "retention", "source"} <= notes.keys()
    (label,) = facts["rows"]
    made = datetime.fromisoformat(label["timestamp"])
    assert datetime.fromisoformat(label["kept_until"]) == made + timedelta(days=1095)
    assert facts["kept_days"] == 1095


def test_the_rights_and_the_absence_of_automated_decisions_are_told(copy):
    assert "complaint" in copy["rights"]
    assert "erasure" in copy["rights"]
    assert "Art. 15(1)(h)" in copy["automated_decisions"]


def test_counts_are_those_of_the_rows(copy):
    assert copy["counts"] == {name: len(p["rows"]) for name, p in copy["parts"].items()}


def test_a_written_name_that_only_verifies_gets_a_copy(db, staffed):
    copy = db.export_user_data("Dr. Quill")
    # Jane's correction of the label has undone the check; its earlier state still tells of it.
    assert len(part(copy, "earlier_verifications")) == 1
    assert part(copy, "labels") == []
    assert "John" not in json.dumps(copy)


def test_a_login_that_only_acts_gets_a_copy(db, staffed):
    copy = db.export_user_data(db.actor.subject)
    assert {e["role"] for e in part(copy, "audit")} == {"by you"}
    assert "John" not in json.dumps(copy)


def test_a_verifier_written_by_raw_sql_is_found(db, staffed, sql):
    sql("UPDATE labels SET is_verified = true, verified_by = 'Raw Name' WHERE id = 2")
    assert len(part(db.export_user_data("Raw Name"), "verifications")) == 1


def test_an_account_and_its_technician_are_one_person(db, staffed, sql):
    sql(
        "INSERT INTO accounts (username, role, technician_id) VALUES ('jdoe', 'labeller', :who)",
        who=staffed["john"],
    )
    by_login, by_number = db.export_user_data("jdoe"), db.export_user_data("tech_001")
    assert part(by_login, "labels") == part(by_number, "labels") != []
    (account,) = part(by_number, "accounts")
    assert account["username"] == "jdoe"
    assert "password_hash" not in account


def test_requests_holds_and_exports_are_told(db, staffed, tmp_path):
    db.requests.add("tech_001", "access")
    db.holds.hold("tech_001", ground="claim of Jane Roe")
    db.exchange.export_file("labels", tmp_path / "all.csv")
    copy = db.export_user_data("tech_001")
    assert [r["kind"] for r in part(copy, "privacy_requests")] == ["access"]
    assert [r["ground"] for r in part(copy, "privacy_holds")] == ["claim of [another person]"]
    assert copy["person"]["legal_hold"]
    (export,) = part(copy, "exports")
    assert export["table_name"] == "labels"
    assert export["new_values"]["path"].endswith("all.csv")


def test_what_was_handed_out_to_the_person_is_told_with_its_purpose(db, staffed, images_of):
    images = images_of(2)
    db.label_queue.next(db.technicians.get("tech_001").id, n=1)
    (told,) = part(db.export_user_data("tech_001"), "label_reservations")
    assert (told["purpose"], told["strategy"] is not None) == ("new", True)
    assert told["image_id"] in {*images, *range(1, images[0])}
    assert part(db.export_user_data("tech_002"), "label_reservations") == []


def test_a_restricted_person_gets_their_copy(db, staffed):
    db.holds.restrict("tech_001", "accuracy contested")
    copy = db.export_user_data("tech_001")
    assert copy["person"]["restricted"]
    assert part(copy, "technicians")[0]["name"] == "John Doe"


def test_people_may_export_themselves_and_nobody_else(db, staffed):
    john = db.acting_as(Actor("tech_001", frozenset({Permission.READ})))
    assert part(john.export_user_data("tech_001"), "technicians")[0]["name"] == "John Doe"
    for other in ("tech_002", "nobody"):
        with pytest.raises(PermissionDeniedError):
            john.export_user_data(other)


@pytest.mark.parametrize("person", ["nobody", 4711, "p0123456789abcdef01234567"])
def test_nobody_unknown_gets_a_file(db, staffed, tmp_path, nothing_written, person):
    with nothing_written(), pytest.raises(UnknownRecordError):
        db.access.write(person, tmp_path / "copy.json", csv=tmp_path / "csv")
    assert not list(tmp_path.glob("copy*"))
    assert not (tmp_path / "csv").exists()


def test_the_file_holds_the_same_as_the_call(db, staffed, tmp_path):
    db.access.write("tech_001", tmp_path / "copy.json")
    read = json.loads((tmp_path / "copy.json").read_text("utf-8"))
    told = db.export_user_data("tech_001")
    for name in ("person", "technicians", "labels", "label_revisions", "corrections"):
        assert read["parts"][name] == told["parts"][name]
    assert read.keys() == told.keys()
    assert read["counts"] == {name: len(p["rows"]) for name, p in read["parts"].items()}


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_files_are_for_their_owner_only(db, staffed, tmp_path):
    db.access.write("tech_001", tmp_path / "copy.json", csv=tmp_path / "csv")
    files = [tmp_path / "copy.json", *(tmp_path / "csv").iterdir()]
    assert {stat.S_IMODE(os.stat(file).st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(os.stat(tmp_path / "csv").st_mode) == 0o700


def test_csv_cells_are_no_formulas(db, staffed, tmp_path):
    label = db.store_label(staffed["image"], staffed["john"], 0.5, notes="=HYPERLINK(1)")
    db.access.write("tech_001", tmp_path / "copy.json", csv=tmp_path / "csv")
    with (tmp_path / "csv" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows[str(label)]["notes"] == "'=HYPERLINK(1)"
    assert not (tmp_path / "csv" / "sessions.csv").exists()


def test_an_event_leads_to_the_file_without_a_name(db, staffed, tmp_path, sql):
    report = db.access.write("tech_001", tmp_path / "copy.json")
    ((table, told, digest),) = sql(
        "SELECT table_name, CAST(new_values AS TEXT), digest FROM audit_logs "
        "WHERE operation = 'EXPORT'"
    )
    told = json.loads(told)
    assert table == "subjects"
    assert told["subject_id"] == report.subject_id
    assert told["path"] == str(tmp_path / "copy.json")
    assert told["sha256"] == digest == report.sha256
    assert "tech_001" not in json.dumps(told)


def test_what_is_there_is_not_overwritten(db, staffed, tmp_path):
    (tmp_path / "copy.json").write_text("mine")
    with pytest.raises(ConflictError):
        db.access.write("tech_001", tmp_path / "copy.json")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "mine").touch()
    with pytest.raises(ConflictError):
        db.access.write("tech_001", tmp_path / "other.json", csv=tmp_path / "csv")
    assert (tmp_path / "copy.json").read_text() == "mine"
    assert not (tmp_path / "other.json").exists()
    db.access.write("tech_001", tmp_path / "copy.json", overwrite=True)


def test_many_labels_are_not_held_in_memory(db, staffed, tmp_path, monkeypatch):
    import tracemalloc

    def peak(count):
        db.store_labels(
            image_id=[staffed["image"]] * count,
            label=[0.5] * count,
            technician_id=staffed["john"],
            notes=["a remark of some length, to weigh something"] * count,
        )
        tracemalloc.start()
        db.access.write("tech_001", tmp_path / f"{count}.json")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(12_000) < 1.5 * peak(3_000)


def test_archived_measurements_belong_to_the_copy(db, url, staffed, sql, tmp_path, monkeypatch):
    old = datetime.now(UTC) - timedelta(days=400)
    sql("UPDATE labels SET timestamp = :t", t=old.strftime("%Y-%m-%d %H:%M:%S.%f"))
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archives"))
    with DatabaseManager(url) as again:
        again.archives.create("labels", timedelta(days=300), compact=False)
        (row,) = part(again.export_user_data("tech_001"), "archived_labels")
    assert row["notes"].endswith("ductile")
    assert row["archive"]
    assert "Jane" not in row["notes"]


def test_who_was_erased_is_unknown(db, staffed, tmp_path):
    subject = db.export_user_data("tech_001")["person"]["subject_ids"][0]
    db.access.write("tech_001", tmp_path / "copy.json", csv=tmp_path / "csv")
    db.delete_user_data("tech_001")
    for name in ("tech_001", subject, staffed["john"]):
        with pytest.raises(UnknownRecordError):
            db.export_user_data(name)


def test_archiving_takes_no_row_out_of_the_copy(db, url, staffed, sql, tmp_path, monkeypatch):
    old = datetime.now(UTC) - timedelta(days=400)
    sql("UPDATE labels SET timestamp = :t", t=old.strftime("%Y-%m-%d %H:%M:%S.%f"))
    monkeypatch.setenv("MLMCSC_RETENTION__ARCHIVE_DIRECTORY", str(tmp_path / "archives"))
    with DatabaseManager(url) as again:
        again.verify_label(staffed["second"], "John Doe")
        again.update_label(staffed["second"], label=0.1, reason="again")
        again.verify_label(staffed["second"], "tech_001")
        before = again.export_user_data("tech_001")["counts"]
        again.archives.create("labels", timedelta(days=300), compact=False)
        copy = again.export_user_data("tech_001")
    after = copy["counts"]
    moved = ("labels", "label_revisions", "corrections", "verifications", "earlier_verifications")
    assert all(before[name] for name in moved)
    assert {name: after[f"archived_{name}"] for name in moved} == {n: before[n] for n in moved}
    assert {e["id"] for e in part(copy, "audit") if e["table_name"] == "labels"}
    assert after["audit"] >= before["audit"]
    assert "Jane" not in str(part(copy, "archived_label_revisions"))


def test_what_colleagues_wrote_about_the_person_is_theirs_too(db, staffed, draw):
    db.store_label(
        db.store_image(draw("two.png")), staffed["jane"], 0.1, notes="Roe: JOHN DOE was late"
    )
    db.register_specimen("S1", notes="tech_001 broke it")
    found = part(db.export_user_data("tech_001"), "mentions")
    assert {(row["table"], row["column"], row["text"]) for row in found} == {
        ("labels", "notes", f"{ANOTHER}: JOHN DOE was late"),
        ("specimens", "notes", "tech_001 broke it"),
    }
