"""Plain SQLite files of before, as `backup restore backup_20240101.db` takes them."""

from __future__ import annotations

import shutil

import pytest

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.errors import ConflictError, IntegrityError, MissingKeyError, ValidationError
from mlmcsc.store import schema
from mlmcsc.store.migrations import HEAD


def test_a_copied_file_is_restored_and_stays_as_it_is(filled):
    copy = filled.folder / "backup_20240101.db"
    shutil.copy(filled.file, copy)
    raw = copy.read_bytes()
    with filled.open() as db:
        db.register_technician("t9", "Later")
    done = filled.restore(str(copy))
    assert any("nothing signed" in warning for warning in done.warnings)
    assert copy.read_bytes() == raw
    with filled.open() as db:
        assert "t9" not in [t.technician_id for t in db.technicians.list().items]
        assert db.get_labels()[0].notes == "note of Kanarie Vogel"


def test_a_name_alone_is_found_in_the_place(filled):
    shutil.copy(filled.file, filled.place / "backup_20240101.db")
    assert filled.restore("backup_20240101.db").restored


@pytest.mark.parametrize(
    "revision",
    [
        "0001",
        pytest.param("0002", marks=pytest.mark.slow),
        pytest.param("0003", marks=pytest.mark.slow),
    ],
)
def test_a_file_of_an_older_schema_is_brought_up_to_date(filled, revision):
    copy = filled.folder / "old.db"
    shutil.copy(filled.file, copy)
    with DatabaseManager(f"sqlite:///{copy}") as db:
        db.versions.delete("v1", force=True) if revision < "0003" else None
        schema.migrate(db._database.store, db.actor, revision)
    done = filled.restore(str(copy))
    assert done.upgraded_from == revision
    with filled.open() as db:
        assert db.health.status().schema_revision == HEAD
        assert len(db.get_labels()) == 7
        db.backups.create("b3", to=filled.place)  # it signs with the key that is kept
    assert filled.restore("b3").restored


def test_the_file_of_a_set_gets_peoples_data_keys_back_or_is_refused_without_them(filled):
    with filled.open() as db:
        db.backups.create("plain", to=filled.place, compress=False)
    file = str(filled.place / "plain" / "database" / "mlmcsc.db")
    assert filled.restore(file).keys_restored
    with filled.open() as db:
        assert db.get_labels()[0].notes == "note of Kanarie Vogel"
    for keys in filled.keys.glob("*.datakeys.json"):
        keys.unlink()
    filled.file.unlink()  # else a safety backup writes the keys of the living anew
    with pytest.raises(MissingKeyError, match="--without-names"):
        filled.restore(file)
    assert not filled.file.exists()


def test_erased_people_are_erased_from_it_too(filled):
    copy = filled.folder / "old.db"
    shutil.copy(filled.file, copy)
    with filled.open() as db:
        db.delete_user_data("kanarie_007")
    done = filled.restore(str(copy))
    copy.unlink()
    assert len(done.erased_again) == 1
    assert [n for n in filled.traces() if not n.startswith("lab.db.before")] == []


def test_a_database_of_the_original_system_is_adopted_on_the_way(lab, original_database):
    done = lab.restore(str(original_database))
    assert done.restored
    with lab.open() as db:
        assert len(db.get_labels()) == 3
    assert not list(lab.folder.glob("*.original-*"))


def test_what_is_no_such_file_is_refused_and_nothing_is_touched(filled):
    text = filled.folder / "notes.db"
    text.write_bytes(b"these are notes" * 100)
    damaged = filled.folder / "damaged.db"
    raw = filled.file.read_bytes()
    damaged.write_bytes(raw[: 10 * 16384] + b"\xff" * 20 * 16384 + raw[30 * 16384 :])
    before = filled.everything()
    with pytest.raises(ValidationError, match="no SQLite"):
        filled.restore(str(text))
    with pytest.raises(IntegrityError, match="damaged"):
        filled.restore(str(damaged))
    with pytest.raises(ConflictError, match="live database itself"):
        restore_backup(str(filled.file), filled.url)
    assert filled.everything() == before
