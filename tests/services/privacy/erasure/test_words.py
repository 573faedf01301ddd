"""Ordinary words and numbers as names: nobody else's data suffer; other spellings are found."""

from __future__ import annotations

import unicodedata

import pytest

pytestmark = pytest.mark.sqlite_tells


@pytest.fixture
def tom(db):
    return db.register_technician("tom", "Tom Lund")


def test_no_measurement_is_lost_where_keys_become_the_same(db, tom, images_of):
    db.register_technician("19388", "Anna Berg")
    regions = {"Anna Berg": {"area": 1}, "19388": {"area": 2}, "anna berg": {"area": 3}}
    label = db.store_label(images_of(1)[0], tom, 0.5, annotation_data=regions)
    db.delete_user_data("19388")
    left = only(db, label).annotation_data
    assert sorted(each["area"] for each in left.values()) == [1, 2, 3]
    assert set(left) == {"[erased]", "[erased] 2", "[erased] 3"}


def only(db, label):
    return next(each for each in db.get_labels() if each.id == label)


def lost_payloads(sql):
    """Tables and records of events whose values were redacted."""
    return sql(
        "SELECT table_name, record_id FROM audit_logs "
        "WHERE payload_commit IS NOT NULL AND payload_salt IS NULL ORDER BY id"
    )


@pytest.mark.parametrize("staff", ["label", "specimen_id", "manual", "12345"])
def test_a_word_of_the_program_or_a_number_as_a_name_takes_nothing_of_others(
    db, tom, images_of, sql, staff
):
    db.register_technician(staff, "Normal Name")
    regions = {"label": "cleavage", "n": 12345, "v": "1.12345", "label_type": "manual"}
    label = db.store_label(
        images_of(1)[0], tom, 0.12345, annotation_data=regions, notes="the label is 0.12345 mm"
    )
    planned = db.delete_user_data(staff, dry_run=True)
    done = db.delete_user_data(staff)
    kept = only(db, label)
    assert kept.annotation_data == regions
    assert kept.notes == "the label is 0.12345 mm"
    assert {table for table, _ in lost_payloads(sql)} <= {"technicians", "accounts"}
    collateral = {f"{f.table}.{f.column}": f.count for f in planned.fields}
    assert collateral["audit_logs.new_values"] == 1  # of their own entry
    told = any("words of the program itself" in line for line in done.not_reached)
    assert told is (staff != "12345")


def test_an_event_in_which_a_text_names_the_person_is_redacted_and_counted(db, tom, sql):
    db.register_technician("tech_001", "Anna Berg")
    db.register_specimen("S1", notes="by Anna Berg")
    planned = db.delete_user_data("tech_001", dry_run=True)
    counts = {f"{f.table}.{f.column}": f.count for f in planned.fields}
    assert counts["audit_logs.new_values"] == 2  # the specimen's, and their own
    db.delete_user_data("tech_001")
    assert "specimens" in {table for table, _ in lost_payloads(sql)}


def test_a_name_is_found_in_any_case_order_and_form_of_unicode(db, tom, images_of, sql):
    db.register_technician("\u00c5SA_01", "\u00c5sa \u00d6berg")
    name = "\u00c5sa \u00d6berg"
    written = [
        "\u00e5sa_01", name, name.upper(), unicodedata.normalize("NFD", name),
        "\u00d6berg, \u00c5sa", "\u00e5sa-01",
    ]  # fmt: skip
    for image, who in zip(images_of(len(written)), written, strict=True):
        db.verify_label(db.store_label(image, tom, 0.5, notes=f"with {who}"), who)
    copy = db.export_user_data("\u00c5SA_01")
    assert copy["counts"]["verifications"] == len(written)
    db.delete_user_data("\u00c5SA_01")
    assert all(who.startswith("erased-") for (who,) in sql("SELECT verified_by FROM labels"))
    assert {label.notes for label in db.get_labels()} == {"with [erased]"}
    assert all(
        erased is not None
        for who, erased in sql("SELECT identifier, erased_at FROM subjects")
        if who not in {"tom", None} and "sa" in who.casefold()
    )


def test_a_colleague_with_a_similar_staff_number_keeps_theirs(db, images_of, sql):
    db.register_technician("tech_1", "Anna Berg")
    db.register_technician("tech-1", "Eva Roth")
    tom = db.register_technician("tom", "Tom Lund")
    db.verify_label(db.store_label(images_of(1)[0], tom, 0.5), "tech-1")
    db.delete_user_data("tech_1")
    assert sql("SELECT verified_by FROM labels") == [("tech-1",)]


def test_exports_of_other_tables_go_if_they_name_the_person(db, tom, tmp_path):
    db.register_technician("tech_001", "Anna Berg")
    db.register_specimen("S1", notes="nobody")
    clean = tmp_path / "clean.csv"
    db.exchange.export_file("specimens", clean)
    db.register_specimen("S2", notes="by ANNA BERG")
    named = [tmp_path / "specimens.jsonl", tmp_path / "specimens.parquet"]
    for path in named:
        db.exchange.export_file("specimens", path)
    planned = db.delete_user_data("tech_001", dry_run=True)
    assert set(planned.files) == {str(path) for path in named}
    done = db.delete_user_data("tech_001")
    assert not any(path.exists() for path in named)
    assert clean.exists()
    assert done.exports_left[str(clean)] == "it does not name the person"


def test_archived_rows_are_counted_before_and_after(db, tom, images_of, sql):
    from datetime import timedelta

    anna = db.register_technician("tech_001", "Anna Berg")
    db.store_label(images_of(1)[0], anna, 0.5, notes="mine")
    db.verify_label(db.store_label(images_of(1)[0], tom, 0.5, notes="by Anna Berg"), "tech_001")
    sql("UPDATE labels SET timestamp = '2015-01-01 00:00:00.000000'")
    db.archives.create("labels", timedelta(days=365), compact=False)
    planned = db.delete_user_data("tech_001", dry_run=True)
    done = db.delete_user_data("tech_001")
    for report in (planned, done):
        counts = {f"{f.table}.{f.column}": f.count for f in report.fields}
        assert counts["labels.notes"] == 2  # their own, and the colleague's
        assert (counts["labels.verified_by"], counts["labels.label"]) == (1, 1)
    (notes,) = [
        f for f in done.certificate["fields"] if (f["table"], f["column"]) == ("labels", "notes")
    ]
    assert notes["count"] == 2
