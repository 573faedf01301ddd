"""Archived rows come back to the letter, all of them or none."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from mlmcsc.errors import ConflictError, IntegrityError, SchemaError, UnknownRecordError

pytestmark = pytest.mark.sqlite_tells

YEAR = timedelta(days=365)
TABLES = ["predictions", "features", "system_metrics", "labels"]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_comes_back_as_it_was(laboratory, contents, folders, table):
    before = contents()
    archive = laboratory.archives.create(table, YEAR).archive
    dry = laboratory.archives.restore(archive.name, dry_run=True)
    assert len(folders()) == 1
    report = laboratory.archives.restore(archive.name)
    assert (dry.n_rows, dry.n_revisions) == (report.n_rows, report.n_revisions)
    assert contents() == before
    assert folders() == []
    (entry,) = laboratory.archives.list(verify=True)
    assert (entry.state, entry.archive.restored_at is None) == ("restored", False)
    assert {f.check for f in laboratory.maintenance.validate()} <= {"file_missing"}


def test_restored_vectors_are_read_again(laboratory):
    ids = [r.image_id for r in laboratory.get_features(limit=12).items]
    before = laboratory.get_features_for_training(ids, "cnn", "v2020")
    archive = laboratory.archives.create("features", YEAR).archive
    laboratory.archives.restore(archive.name)
    np.testing.assert_array_equal(laboratory.get_features_for_training(ids, "cnn", "v2020"), before)


def test_rows_can_go_and_come_back_again_and_again(laboratory, contents):
    before = contents()
    for _ in range(3):
        archive = laboratory.archives.create("labels", YEAR, compact=False).archive
        laboratory.archives.restore(archive.name)
    assert contents() == before
    assert len(laboratory.archives.list()) == 3


def test_two_archives_come_back_in_any_order(laboratory, contents, sql):
    before = contents()
    sql(
        "INSERT INTO privacy_holds (kind, specimen_id, ground, placed_at, placed_by) "
        "VALUES ('hold', 'SPEC_A', 'lawsuit', '2026-01-01 00:00:00', 'p1')"
    )
    first = laboratory.archives.create("labels", YEAR).archive
    sql("UPDATE privacy_holds SET released_at = '2026-02-01 00:00:00'")
    second = laboratory.archives.create("labels", YEAR).archive
    laboratory.archives.restore(first.name)
    laboratory.archives.restore(second.name)
    assert contents() == before


def test_the_trail_tells_what_came_back(laboratory, audit):
    archive = laboratory.archives.create("labels", YEAR).archive
    laboratory.archives.restore(archive.name)
    by_table = {}
    for row in audit():
        if row.operation in {"ARCHIVE", "RESTORE"}:
            by_table.setdefault(row.table_name, []).append((row.n_rows, row.digest))
    assert by_table["labels"][0] == by_table["labels"][1]
    assert by_table["label_revisions"][0] == by_table["label_revisions"][1]


def test_an_unknown_or_restored_archive_is_told(laboratory, refuses):
    archive = laboratory.archives.create("predictions", YEAR).archive
    refuses(UnknownRecordError, "no archive 'x'", laboratory.archives.restore, "x")
    laboratory.archives.restore(archive.name)
    refuses(ConflictError, "was restored at", laboratory.archives.restore, archive.name)


def test_a_taken_id_stops_it_and_nothing_is_changed(laboratory, refuses, sql, contents):
    archive = laboratory.archives.create("predictions", YEAR).archive
    sql(
        "INSERT INTO predictions (id, image_id, model_version_id, prediction, confidence, "
        "timestamp) SELECT :last, min(id), 1, 0.5, 0.5, '2026-01-01 00:00:00' FROM images",
        last=archive.last_id,
    )
    before = contents()
    refuses(ConflictError, f"e.g. {archive.last_id}", laboratory.archives.restore, archive.name)
    assert contents() == before


def test_a_newer_vector_in_the_place_of_an_archived_one_stops_it(laboratory, refuses):
    image = laboratory.get_features(limit=1).items[0].image_id
    archive = laboratory.archives.create("features", YEAR).archive
    laboratory.store_features(image, "cnn", np.ones(4, np.float32), "v2020")
    refuses(ConflictError, "new vectors since", laboratory.archives.restore, archive.name)


def test_an_image_that_is_gone_stops_it(laboratory, refuses, sql):
    archive = laboratory.archives.create("system_metrics", YEAR).archive
    laboratory.archives.restore(archive.name)
    archive = laboratory.archives.create("features", YEAR).archive
    image = laboratory.get_images(limit=1).items[0].id
    for table in ("labels", "predictions", "features"):
        sql(f"DELETE FROM {table} WHERE image_id = {image}")
    sql(f"DELETE FROM images WHERE id = {image}")
    refuses(ConflictError, f"images that are gone, e.g. {image}", laboratory.archives.restore,
            archive.name)  # fmt: skip


def test_columns_that_are_gone_from_the_schema_are_named(laboratory, refuses, monkeypatch):
    archive = laboratory.archives.create("predictions", YEAR).archive
    from mlmcsc.store.queries import archives

    monkeypatch.setattr(archives, "columns", lambda _table: {"id": "integer"})
    refuses(SchemaError, "no columns confidence", laboratory.archives.restore, archive.name)


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "manifest", "folder"])
def test_a_damaged_archive_is_told_and_never_read(laboratory, place, refuses, damage):
    archive = laboratory.archives.create("predictions", YEAR).archive
    folder = place(archive)
    file = folder / ("manifest.json" if damage == "manifest" else "predictions.parquet")
    sound = file.read_bytes()
    match damage:
        case "flip" | "manifest":
            file.write_bytes(sound[:300] + bytes([sound[300] ^ 1]) + sound[301:])
        case "cut":
            file.write_bytes(sound[:-1])
        case "remove":
            file.unlink()
        case "folder":
            folder.rename(folder.with_name("elsewhere"))
    for call in (
        lambda: laboratory.archives.restore(archive.name),
        lambda: laboratory.archives.find("predictions", archive.first_id),
    ):
        refuses(IntegrityError, f"{archive.path}.*from a copy", call)
    (entry,) = laboratory.archives.list(verify=True)
    assert entry.state == ("missing" if damage == "folder" else "damaged")
    assert str(folder) in entry.problem


def test_an_archive_of_a_copy_of_the_database_with_other_content_is_refused(
    laboratory, place, refuses
):
    first = laboratory.archives.create("predictions", YEAR).archive
    other = laboratory.archives.create("system_metrics", YEAR).archive
    place(first).rename(place(first).with_name("aside"))
    place(other).rename(place(first))
    refuses(IntegrityError, "not the one that was signed", laboratory.archives.restore, first.name)


def test_people_erased_meanwhile_come_back_without_notes(laboratory, sql):
    archive = laboratory.archives.create("labels", YEAR).archive
    sql("UPDATE subjects SET erased_at = '2026-01-01 00:00:00' WHERE identifier = 'tech_001'")
    report = laboratory.archives.restore(archive.name)
    left = sql(
        "SELECT t.technician_id, count(*), count(l.notes) FROM labels l JOIN technicians t "
        "ON t.id = l.technician_id WHERE l.timestamp < '2021-01-01 00:00:00' "
        "GROUP BY t.technician_id ORDER BY 1"
    )
    assert [tuple(row) for row in left] == [("tech_001", 6, 0), ("tech_002", 6, 6)]
    assert sql("SELECT count(notes) FROM label_revisions")[0][0] == 0
    assert report.n_erased == 7


def test_nothing_comes_back_while_a_person_is_being_erased(laboratory, refuses, sql, contents):
    archive = laboratory.archives.create("labels", YEAR).archive
    sql(
        "INSERT INTO erasures (subject_id, labels, ground, steps, started_at) "
        "VALUES ('p1', 'keep', 'Art. 17', '[]', '2026-01-01 00:00:00')"
    )
    refuses(ConflictError, "erasure is under way", laboratory.archives.restore, archive.name)
    sql("UPDATE erasures SET finished_at = '2026-01-01 00:00:01'")
    assert laboratory.archives.restore(archive.name).n_rows == 12
