"""Copies, backups and damage: no version is lost for another's sake."""

from __future__ import annotations

import shutil
import stat

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError
from mlmcsc.services.versions import creating


@pytest.fixture
def lab(tmp_path, sqlite_template, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sqlite_template, tmp_path / "lab.db")
    with DatabaseManager("sqlite:///lab.db") as db:
        insert = "INSERT INTO images (path, filename, timestamp) VALUES (?, 'a', '2026-01-01')"
        with db._database.store._writer.begin() as conn:
            conn.exec_driver_sql(insert, [(f"/{k}",) for k in range(20)])
        db.register_technician("t1", "Jo")
        db.store_labels(image_id=range(1, 21), label=[0.5] * 20, technician_id=1)
    return tmp_path


def opened(name="lab.db"):
    return DatabaseManager(f"sqlite:///{name}")


def test_an_older_backup_that_is_put_back_costs_the_newer_versions_nothing(lab):
    with opened() as db:
        db.versions.create("v1")
        db.store_label(1, 1, 0.9)
    shutil.copy("lab.db", "yesterday.db")
    with opened() as db:
        db.versions.create("v2")
    shutil.copy("lab.db", "today.db")
    shutil.copy("yesterday.db", "lab.db")
    with opened() as db:
        assert db.versions.create("other").id == 2
    shutil.copy("today.db", "lab.db")
    with opened() as db:
        assert [db.version_checks.verify(v).rows for v in ("v1", "v2")] == [20, 20]
        folder, record = db._database.versions, db.versions.get("v2")
        assert folder.manifest_path(record.id, record.root).is_file()
        assert all(folder.place(layer["sha256"]).is_file() for layer in record.layers)


def test_a_copy_may_read_in_a_configured_folder_but_not_write_until_it_claims_it(lab, monkeypatch):
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(lab / "shared"))
    with opened() as db:
        db.versions.create("v1")
        folder = db._database.versions.root
    assert stat.S_IMODE((folder / "rows").stat().st_mode) & 0o055
    shutil.copy("lab.db", "staging.db")
    with opened("staging.db") as copy:
        assert copy.version_checks.verify("v1").rows == 20
        for change in (copy.versions.create, copy.versions.delete):
            with pytest.raises(ConflictError, match=r"lab\.db.*staging\.db.*remove .*owner\.json"):
                change("v1")
        (folder / "owner.json").unlink()
        copy.versions.create("v2")
    with opened() as db, pytest.raises(ConflictError, match="belong to"):
        db.versions.create("v3")


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_where_the_last_versions_files_are_damaged_a_whole_base_is_laid_and_told(lab, damage):
    with opened() as db:
        first = db.versions.create("v1").record
        path = db._database.versions.place(first.layers[0]["sha256"])
        if damage == "lost":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])
        made = db.versions.create("v2")
        assert (made.new, made.same, made.parent) == (20, 0, None)
        assert path.name in made.new_base
        assert db.versions.create("v3").new_base is None


def test_the_name_of_a_deleted_version_is_not_given_to_other_rows(lab):
    with opened() as db:
        db.versions.create("v1")
        db.versions.create("kept")
        db.versions.delete("v1")
        assert db.versions.create("v1").root == db.versions.get("kept").root
        db.store_label(1, 1, 0.9)
        db.versions.delete("v1")
        for dry_run in (True, False):
            with pytest.raises(ConflictError, match="was deleted that held other rows"):
                db.versions.create("v1", dry_run=dry_run)
        assert db.versions.create("v2").created


def test_a_dry_run_makes_no_folder_and_waits_for_no_lock(lab):
    with opened() as db:
        assert db.versions.create("v1", dry_run=True).new == 20
        folder = db._database.versions
        assert not folder.root.exists()
        with folder.locked():
            assert db.versions.create("v1", dry_run=True).new == 20


def test_the_trail_tells_root_and_manifest_but_no_values(lab):
    with opened() as db:
        record = db.versions.create("v1").record
        events = db.audit.list(limit=1000).items
    (told,) = (each for each in events if each.table_name == "data_versions")
    assert told.new_values["root"] == told.digest == record.root
    assert "label_distribution" not in told.new_values


@pytest.mark.usefixtures("lab")
class TestMeanwhile:
    @pytest.fixture
    def during(self, monkeypatch):
        """Do something between the first snapshot and its commit; says how often it was tried."""
        original, tries = creating.commit, []

        def arrange(change):
            def commit(work, drafted):
                tries.append(drafted)
                if len(tries) == 1:
                    change(work, drafted)
                return original(work, drafted)

            monkeypatch.setattr(creating, "commit", commit)
            return tries

        return arrange

    def test_a_restriction_starts_it_over(self, during):
        with opened() as db:
            tries = during(lambda *_: db.holds.restrict("t1", "accuracy contested"))
            db.register_technician("t2", "Al")
            db.store_label(1, 2, 0.75)
            assert db.versions.create("v1").record.total_images == 1
            assert len(tries) == 2

    def test_an_erasure_that_began_starts_it_over(self, during):
        begin = (
            "INSERT INTO erasures (subject_id, labels, ground, steps, started_at) "
            "VALUES ('x', 'keep', 'g', '[]', '2026-01-01 00:00:00.000000')"
        )

        def change(work, _drafted):
            with work.db._writer.begin() as conn:
                conn.exec_driver_sql(begin)

        with opened() as db:
            tries = during(change)
            assert db.versions.create("v1").created
            assert len(tries) == 2

    def test_a_file_that_went_is_written_again(self, during):
        with opened() as db:
            tries = during(
                lambda work, drafted: work.folder.place(drafted.layers[0].sha256).unlink()
            )
            made = db.versions.create("v1").record
            assert len(tries) == 2
            assert db._database.versions.read(tries[1].layers).num_rows == made.total_images
