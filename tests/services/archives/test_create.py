"""Old rows leave the database, whole and signed; what is held or young stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.archives import read_rows
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    PermissionDeniedError,
    UnsupportedError,
    ValidationError,
)

pytestmark = pytest.mark.sqlite_tells

TABLES = {"predictions": 12, "features": 12, "system_metrics": 3, "labels": 12}
YEAR = timedelta(days=365)


@pytest.mark.parametrize(("table", "n_rows"), TABLES.items())
def test_old_rows_go_and_young_ones_stay(laboratory, contents, table, n_rows):
    before = contents()
    plan = laboratory.archives.plan(table, YEAR)
    assert contents() == before
    report = laboratory.archives.create(table, YEAR)
    assert (plan.n_rows, report.archive.n_rows, plan.n_held) == (n_rows, n_rows, 0)
    after = contents()
    assert after[table] == before[table][n_rows:]
    untouched = before.keys() - {table, "label_revisions", "split_anchors", "technicians"}
    assert {n: after[n] for n in untouched} == {n: before[n] for n in untouched}
    (entry,) = laboratory.archives.list(verify=True)
    assert (entry.state, entry.verified, entry.problem) == ("archived", True, None)
    assert entry.archive.oldest == entry.archive.newest == plan.oldest


def test_the_files_hold_the_rows_to_the_letter(laboratory, contents, place):
    sealed = contents("labels")["labels"][:12]
    archive = laboratory.archives.create("labels", YEAR).archive
    manifest = archive.manifest
    labels, revisions = manifest["files"]
    rows = [
        row
        for chunk in read_rows(place(archive) / "labels.parquet", dict(labels["columns"]))
        for row in chunk
    ]
    names = [name for name, _ in labels["columns"]]
    at = names.index("notes")
    assert [row[at] for row in rows] == [row[at] for row in sealed]
    assert all(row[at].startswith("mlmcsc:v1:") for row in rows)
    of_sqlite, of_postgresql = '{"b":[1,2.5],"a":null}', '{"a": null, "b": [1, 2.5]}'
    assert rows[0][names.index("annotation_data")] in {of_sqlite, of_postgresql}
    assert rows[1][names.index("annotation_data")] == "0.5"
    assert revisions["n_rows"] == 1


def test_labels_take_their_earlier_states_along_and_no_split_moves(laboratory, contents):
    homes = _homes(laboratory)
    laboratory.archives.create("labels", YEAR)
    after = contents()
    assert after["label_revisions"] == []
    assert len(after["split_anchors"]) == 12
    assert _homes(laboratory) == homes


def _homes(db):
    data = db.get_training_data(seed=3)
    return {int(i): name for name in ("train", "val", "test") for i, *_ in data[name]}


def test_every_count_stays_right(laboratory):
    for table in TABLES:
        laboratory.archives.create(table, YEAR)
    wrong = {f.check for f in laboratory.maintenance.validate()} - {"file_missing"}
    assert wrong == set()


def test_training_never_sees_an_archived_vector(laboratory):
    ids = [r.image_id for r in laboratory.get_features(limit=12).items]
    laboratory.get_features_for_training(ids, "cnn", "v2020")  # builds the matrix
    laboratory.archives.create("features", YEAR)
    assert [s.extractor_version for s in laboratory.features.sets()] == [f"v{datetime.now(UTC):%Y}"]
    laboratory.store_features(ids[0], "cnn", np.ones(4, np.float32), "v2020")
    found = laboratory.get_features_for_training(ids, "cnn", "v2020", missing="nan")
    assert np.isnan(found[1:]).all()
    assert (found[0] == 1).all()


def test_the_trail_tells_what_went_where(laboratory, audit):
    report = laboratory.archives.create("labels", YEAR)
    labels, revisions = [row for row in audit() if row.operation == "ARCHIVE"]
    assert (labels.table_name, labels.n_rows) == ("labels", 12)
    assert labels.digest == report.archive.manifest["files"][0]["rows_sha256"]
    assert (revisions.table_name, revisions.n_rows) == ("label_revisions", 1)
    told = str(labels.new_values)
    assert all(word in told for word in (report.archive.name, "first_id", "manifest_sha256"))


@pytest.mark.parametrize(
    ("target", "table", "stay"),
    [
        ("specimen_id", "labels", 3),
        ("specimen_id", "predictions", 3),
        ("specimen_id", "features", 3),
        ("subject_id", "labels", 12),
    ],
)
def test_what_is_under_a_legal_hold_stays(laboratory, sql, contents, target, table, stay):
    value = "SPEC_A"
    if target == "subject_id":
        ((value,),) = sql("SELECT subject_id FROM subjects WHERE identifier = 'tech_001'")
    sql(
        f"INSERT INTO privacy_holds (kind, {target}, ground, placed_at, placed_by) "
        f"VALUES ('hold', '{value}', 'lawsuit', '2026-01-01 00:00:00', 'p1')"
    )
    kept = contents(table)[table]
    report = laboratory.archives.create(table, YEAR)
    if target == "subject_id":
        stay = report.plan.n_held
        assert stay >= 6  # the person's labels, and what belongs to their images
    assert (report.plan.n_rows, report.plan.n_held) == (12 - stay, stay)
    left = contents(table)[table]
    assert len(left) == 12 + stay
    assert set(map(repr, left)) <= set(map(repr, kept))
    sql("UPDATE privacy_holds SET released_at = '2026-02-01 00:00:00'")
    assert laboratory.archives.create(table, YEAR).plan.n_rows == stay


def test_nothing_old_enough_leaves_no_trace(laboratory, nothing_written, folders):
    laboratory.archives.create("predictions", YEAR)
    with nothing_written():
        report = laboratory.archives.create("predictions", YEAR)
    assert (report.archive, report.plan.n_rows, report.bytes_before) == (None, 0, None)
    assert len(folders()) == 1


@pytest.mark.parametrize("table", ["images", "audit_logs", "nonsense", "label_revisions"])
def test_other_tables_are_refused(laboratory, refuses, table):
    refuses(ValidationError, "can: predictions", laboratory.archives.create, table, YEAR)


@pytest.mark.parametrize("age", [timedelta(hours=23), timedelta(days=-1), timedelta.max, 365])
def test_today_is_never_archived_nor_what_no_calendar_holds(laboratory, refuses, age):
    refuses(ValidationError, "from one day", laboratory.archives.create, "labels", age)


def test_it_needs_the_right_to_keep_and_apply_retention(laboratory, refuses):
    reader = laboratory.acting_as(Actor("r", frozenset({Permission.READ})))
    for right, call in (
        ("'retain'", lambda: reader.archives.plan("labels", YEAR)),
        ("'retain'", lambda: reader.archives.create("labels", YEAR)),
        ("'retain'", lambda: reader.archives.restore("x")),
        ("'privacy'", lambda: reader.archives.erase_person(1, "p", [], "q", labels="keep")),
    ):
        refuses(PermissionDeniedError, right, call)
    assert reader.archives.list() == []


def test_that_right_is_enough_to_archive_and_restore(laboratory):
    keeper = laboratory.acting_as(Actor("k", frozenset({Permission.READ, Permission.RETAIN})))
    made = keeper.archives.create("labels", YEAR).archive
    assert keeper.archives.restore(made.name).n_rows == made.n_rows > 0


def test_a_row_that_changes_meanwhile_stops_it_and_nothing_is_moved(
    laboratory, contents, sql, folders, monkeypatch
):
    publish = type(laboratory.archives.folder).publish

    def and_somebody_writes(self, path, manifest):
        publish(self, path, manifest)
        sql("UPDATE predictions SET confidence = 0.1 WHERE id = (SELECT min(id) FROM predictions)")

    monkeypatch.setattr(type(laboratory.archives.folder), "publish", and_somebody_writes)
    with pytest.raises(ConflictError, match="changed while they were archived"):
        laboratory.archives.create("predictions", YEAR)
    assert len(contents("predictions")["predictions"]) == 24
    assert folders() == []
    monkeypatch.undo()
    assert laboratory.archives.create("predictions", YEAR).archive.n_rows == 12


def test_a_hold_that_is_placed_meanwhile_wins(laboratory, contents, sql, monkeypatch):
    publish = type(laboratory.archives.folder).publish

    def and_somebody_holds(self, path, manifest):
        publish(self, path, manifest)
        sql(
            "INSERT INTO privacy_holds (kind, specimen_id, ground, placed_at, placed_by) "
            "VALUES ('hold', 'SPEC_B', 'lawsuit', '2026-01-01 00:00:00', 'p1')"
        )

    monkeypatch.setattr(type(laboratory.archives.folder), "publish", and_somebody_holds)
    with pytest.raises(ConflictError):
        laboratory.archives.create("labels", YEAR)
    assert len(contents("labels")["labels"]) == 24


def test_a_disk_that_lies_is_found_before_a_row_is_deleted(
    laboratory, contents, folders, monkeypatch
):
    check = type(laboratory.archives.folder).check_draft

    def on_a_bad_disk(self, manifest):
        path = self.root / f".{manifest.path}.partial" / "predictions.parquet"
        path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
        check(self, manifest)

    monkeypatch.setattr(type(laboratory.archives.folder), "check_draft", on_a_bad_disk)
    with pytest.raises(IntegrityError, match=r"predictions\.parquet"):
        laboratory.archives.create("predictions", YEAR)
    assert len(contents("predictions")["predictions"]) == 24
    assert folders() == []


@pytest.mark.postgres
def test_a_server_without_a_folder_names_the_setting(postgres_url):
    with DatabaseManager(postgres_url) as db:
        with pytest.raises(UnsupportedError, match=r"retention\.archive_directory"):
            db.archives.create("labels", YEAR)
        assert db.archives.list() == []


def test_a_folder_of_a_copy_of_the_database_is_told_and_left_alone(laboratory, folders, sql):
    archive = laboratory.archives.create("predictions", YEAR).archive
    sql("DELETE FROM archives")  # as in a database restored from an earlier backup
    report = laboratory.archives.create("features", YEAR)
    assert report.unknown == (archive.path,) == tuple(laboratory.archives.unknown())
    assert archive.path in folders()


def test_a_draft_that_this_database_did_not_begin_is_told_too(laboratory):
    laboratory.archives.create("predictions", YEAR)
    draft = laboratory.archives.folder.draft("labels-20250101T000000Z-000000")
    assert laboratory.archives.unknown() == ("labels-20250101T000000Z-000000",)
    assert draft.is_dir()
