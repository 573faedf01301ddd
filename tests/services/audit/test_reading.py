"""The trail as an auditor lists, searches and exports it."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)

pytestmark = pytest.mark.usefixtures("past")


def ids(page):
    return [event.id for event in page]


def test_the_newest_event_comes_first(db, audit):
    every = [row.id for row in audit()]
    assert ids(db.audit.list()) == every[::-1]
    assert ids(db.audit.list(oldest_first=True)) == every


@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_follow_each_other_without_gap_or_repetition(db, audit, oldest_first):
    found, cursor = [], {}
    while True:
        page = db.audit.list(limit=4, oldest_first=oldest_first, **cursor)
        found += ids(page)
        if page.next_cursor is None:
            break
        cursor = {"after_id" if oldest_first else "before_id": page.next_cursor}
    assert sorted(found) == [row.id for row in audit()]
    assert found == sorted(found, reverse=not oldest_first)


def test_filters_narrow_together(db):
    (corrected,) = db.audit.list(table="label", operations=["update"], record_id=13)
    assert (corrected.old_values, corrected.new_values["label"]) == ({"label": 0.42}, 0.47)
    assert corrected.reason == "lips were counted as cleavage"
    assert ids(db.audit.list(table="labels", until=corrected.timestamp, record_id=13)) == [
        corrected.id - 1
    ]
    assert not db.audit.list(since=datetime.now(UTC) + timedelta(hours=1))


def test_an_actor_is_found_by_login_and_by_subject_id(db):
    db.acting_as(replace(db.actor, subject="jane")).update_image(3, magnification=20.0)
    (by_login,) = db.audit.list(actor="jane")
    assert ids(db.audit.list(actor=by_login.subject_id)) == [by_login.id]
    assert not db.audit.list(actor="nobody")


def test_events_of_somebody_whose_name_was_erased_are_still_found(db, sql):
    db.acting_as(replace(db.actor, subject="jane", reason="asked")).update_image(
        3, magnification=20.0
    )
    (before,) = db.audit.list(actor="jane")
    sql(
        "UPDATE audit_logs SET user_id = subject_id, reason = NULL, ip_address = NULL, "
        "user_agent = NULL, who_salt = NULL WHERE id = :id",
        id=before.id,
    )
    (after,) = db.audit.list(actor="jane")
    assert (after.id, after.user_id, after.reason) == (before.id, before.subject_id, None)
    assert after.redacted == ("who",)
    assert after.leaf == before.leaf


def test_personal_texts_are_withheld_from_those_who_may_not_read_them(db, reader):
    (known,) = db.audit.list(table="technicians", record_id=1)
    (hidden,) = reader.audit.list(table="technicians", record_id=1)
    assert known.new_values["name"] == "Jo Lund"
    assert hidden.new_values["name"] == hidden.new_values["email"] == "[withheld]"
    (with_address,) = db.audit.list(table="images", record_id=7)
    assert (with_address.ip_address, with_address.user_agent) == ("10.0.0.9", "bench/1")


def test_a_table_that_is_not_there_is_told_with_its_nearest_match(db):
    with pytest.raises(ValidationError, match=r"Did you mean 'labels?'"):
        db.audit.list(table="labls")


@pytest.mark.parametrize("call", ["list", "search", "get", "history", "export"])
def test_reading_needs_its_permission(db, call, tmp_path):
    words = {"search": ["x"], "get": [1], "history": ["image", 7], "export": [tmp_path / "x.csv"]}
    nobody = db.acting_as(Actor("guest", frozenset(Permission) - {Permission.AUDIT}))
    with pytest.raises(PermissionDeniedError, match="'audit'"):
        getattr(nobody.audit, call)(*words.get(call, []))


def test_one_event_comes_with_what_opens_its_commitments(db, reader):
    newest = db.audit.list(limit=1).items[0]
    full = db.audit.get(newest.id)
    assert full.event == newest
    assert len(bytes.fromhex(full.who_salt)) == len(bytes.fromhex(full.payload_salt)) == 16
    assert (reader.audit.get(newest.id).who_salt, full.event.seq) == (None, newest.seq)
    with pytest.raises(UnknownRecordError, match="event 4711"):
        db.audit.get(4711)


@pytest.mark.parametrize(
    ("text", "table", "operation"),
    [
        ("COUNTED as cleavage", "labels", "UPDATE"),
        ("edge UNCLEAR", "labels", "CREATE"),
        ("mia röd", "technicians", "CREATE"),
        ("RÖ", "technicians", "CREATE"),
        ("10.0.0.9", "specimens", "CREATE"),
        ("s_x", "specimens", "CREATE"),
    ],
)
def test_a_text_is_found_in_reasons_values_and_addresses(db, text, table, operation):
    found = [(event.table_name, event.operation) for event in db.audit.search(text)]
    assert (table, operation) in found
    assert len(found) <= 2


def test_a_name_finds_what_the_person_did(db):
    (before,) = db.audit.search("jo lund")
    db.acting_as(replace(db.actor, subject="tech_001")).update_image(3, magnification=20.0)
    assert [event.user_id for event in db.audit.search("jo lund")] == ["tech_001", before.user_id]


def test_what_is_withheld_is_not_found(reader):
    assert not reader.audit.search("lund")
    assert not reader.audit.search("withheld")


@pytest.mark.parametrize("text", ["50%", "_", "\\", '"', "'; DROP TABLE images"])
def test_signs_with_a_meaning_elsewhere_are_plain_text(db, text):
    db.acting_as(replace(db.actor, reason=f"a {text} b")).update_image(3, magnification=20.0)
    newest = db.audit.list(limit=1).items[0]
    assert newest.id in ids(db.audit.search(f"A {text} B"))


def test_a_search_goes_on_where_it_stopped(db):
    every = ids(db.audit.search("label"))
    first = db.audit.search("label", limit=2)
    rest = db.audit.search("label", before_id=first.next_cursor)
    assert ids(first) + ids(rest) == every


def test_a_blank_search_is_refused(db):
    with pytest.raises(ValidationError, match="say what to look for"):
        db.audit.search("  ")


def test_an_export_holds_the_events_and_is_one_itself(db, tmp_path):
    events = db.audit.list(table="labels", oldest_first=True)
    done = db.audit.export(tmp_path / "trail.jsonl", table="labels")
    lines = [json.loads(line) for line in (tmp_path / "trail.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ids(events)
    assert lines[1]["new_values"]["notes"] == "edge unclear"
    assert done.events == len(lines)
    assert done.sha256 == hashlib.sha256((tmp_path / "trail.jsonl").read_bytes()).hexdigest()
    (told,) = db.audit.list(operations=["EXPORT"])
    assert (told.table_name, told.n_rows, told.digest) == ("audit_logs", len(lines), done.sha256)
    assert told.new_values["filter"] == {"table": "labels"}


def test_an_export_names_nobody_in_the_trail(db, tmp_path):
    db.audit.export(tmp_path / "of.csv", actor="tech_001")
    (told,) = db.audit.list(operations=["EXPORT"])
    assert told.new_values["filter"].keys() == {"subject_id"}
    assert "tech_001" not in json.dumps(told.new_values)


def test_an_export_withholds_like_a_listing(reader, tmp_path):
    reader.audit.export(tmp_path / "trail.csv")
    assert "Lund" not in (tmp_path / "trail.csv").read_text()


def test_a_formula_in_a_csv_export_is_only_text(db, tmp_path):
    db.acting_as(replace(db.actor, reason="=HYPERLINK(1)")).update_image(3, magnification=20.0)
    db.audit.export(tmp_path / "trail.csv")
    with (tmp_path / "trail.csv").open(newline="") as file:
        assert list(csv.DictReader(file))[-1]["reason"] == "'=HYPERLINK(1)"


def test_a_parquet_export_reads_back(db, tmp_path):
    import pyarrow.parquet as pq

    done = db.audit.export(tmp_path / "trail.parquet")
    table = pq.read_table(tmp_path / "trail.parquet")
    assert table.num_rows == done.events
    assert json.loads(table["new_values"][0].as_py())


def test_an_export_replaces_a_file_only_when_asked(db, tmp_path):
    (tmp_path / "trail.csv").write_text("mine")
    with pytest.raises(ConflictError, match="exists"):
        db.audit.export(tmp_path / "trail.csv")
    assert (tmp_path / "trail.csv").read_text() == "mine"
    assert not db.audit.list(operations=["EXPORT"])
    assert db.audit.export(tmp_path / "trail.csv", overwrite=True).events
