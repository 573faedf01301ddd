"""Killed at any moment, archiving loses no row, doubles none, and leaves nothing behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlmcsc import DatabaseManager
from mlmcsc.adapters.archives import read_rows
from mlmcsc.store.queries import persons

PROGRAM = Path(__file__).with_name("killed_archives.py")
YEAR = timedelta(days=365)
OLD = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def source(tmp_path, sqlite_template):
    """A folder with a database of 40 old labels by two people, one of them corrected."""
    place = tmp_path / "source"
    place.mkdir()
    shutil.copy(sqlite_template, place / "lab.db")
    with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
        insert = sa.text(
            "INSERT INTO images (path, filename, timestamp) VALUES (:p, 'a', '2020-01-01 00:00:00')"
        )
        with db._database.store._writer.begin() as conn:
            conn.execute(insert, [{"p": f"/{k}"} for k in range(40)])
        people = [db.register_technician(f"tech_00{k}", "Jo") for k in (1, 2)]
        columns = {
            "image_id": range(1, 41),
            "technician_id": people * 20,
            "label": [k / 40 for k in range(40)],
            "notes": [f"note {k}" for k in range(40)],
        }
        db.store_labels(columns, timestamp=OLD)
        db.update_label(1, label=0.9, reason="scale")
    return place


def everywhere(db):
    """Rows of labels and revisions, in the table and in archives that the database knows."""
    rows = Counter()
    with db._database.store.read() as view:
        for table in ("labels", "label_revisions"):
            for row in view.conn.execute(sa.text(f"SELECT id, label FROM {table}")):
                rows[table, *row] += 1
    for entry in db.archives.list(verify=True):
        assert entry.state in {"archived", "restored"}, entry.problem
        if entry.state == "restored":
            continue
        for file in entry.archive.manifest["files"]:
            columns = dict(file["columns"])
            path = db.archives.folder.place(entry.archive.path) / f"{file['table']}.parquet"
            for chunk in read_rows(path, columns):
                for values in chunk:
                    row = dict(zip(columns, values, strict=True))
                    rows[file["table"], row["id"], row["label"]] += 1
    return rows


def kill_at_every(what, source, tmp_path, count):
    folder = tmp_path / what
    folder.mkdir()
    command = [sys.executable, PROGRAM, source, folder, what, str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(run.stdout) >= count * 0.9
    return [folder / str(number) for number in range(count)]


def folders(db):
    root = db.archives.folder.root
    return sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []


@pytest.mark.parametrize(
    "count",
    [pytest.param(16, id="16 kills"), pytest.param(150, id="150 kills", marks=pytest.mark.slow)],
)
def test_a_killed_archive_create_loses_and_doubles_nothing(source, tmp_path, count):
    with DatabaseManager(f"sqlite:///{source}/lab.db") as db:
        rows = everywhere(db)
    outcomes = set()
    for place in kill_at_every("create", source, tmp_path, count):
        with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
            assert everywhere(db) == rows
            left = set(folders(db)) - {e.archive.path for e in db.archives.list()}
            moved = bool(db.archives.list())
            report = db.archives.create("labels", YEAR)
            outcomes |= {"moved" if moved else "left" if left else "nothing"}
            assert (report.archive is None) == moved
            assert set(report.cleaned) == {
                name.strip(".").removesuffix(".partial") for name in left
            }
            assert report.unknown == ()
            assert everywhere(db) == rows
            assert folders(db) == [e.archive.path for e in db.archives.list()]
            told = db.archives.list()[0].archive
            with db._database.store.read() as view:
                events = view.conn.scalar(
                    sa.text("SELECT count(*) FROM audit_logs WHERE operation = 'ARCHIVE'")
                )
            assert (events, told.n_rows) == (2, 40)
    assert outcomes == {"nothing", "left", "moved"}


def test_a_killed_restore_loses_and_doubles_nothing(source, tmp_path):
    with DatabaseManager(f"sqlite:///{source}/lab.db") as db:
        rows = everywhere(db)
        db.archives.create("labels", YEAR)
    outcomes = set()
    for place in kill_at_every("restore", source, tmp_path, 10):
        with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
            assert everywhere(db) == rows
            (entry,) = db.archives.list()
            outcomes.add(entry.state)
            if entry.state == "archived":
                db.archives.restore(entry.archive.name)
            db.archives.create("predictions", YEAR)
            assert folders(db) == []
            assert everywhere(db) == rows
    assert outcomes == {"archived", "restored"}


def test_a_killed_erasure_is_finished_by_the_next(source, tmp_path):
    with DatabaseManager(f"sqlite:///{source}/lab.db") as db:
        rows = everywhere(db)
        archive = db.archives.create("labels", YEAR).archive
        who = db.technicians.get("tech_001").id
        with db._database.store.read() as view:
            subject = persons.resolve(view, who).subject_id
    for place in kill_at_every("erase", source, tmp_path, 12):
        with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
            assert everywhere(db) == rows
            db.archives.erase_person(who, subject, ["tech_001"], "erased-00000000", labels="keep")
            assert everywhere(db) == rows
            (entry,) = db.archives.list(verify=True)
            assert folders(db) == [entry.archive.path] == [f"{archive.name}.2"]
            notes = [
                found.values["notes"]
                for image in range(1, 41)
                for found in db.archives.find("labels", image_id=image)
            ]
            assert [note is None for note in notes] == [True, False] * 20
