"""A backup is whole, of one moment, and costs what is new; or it is not there."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import orjson
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.backup_store import LocalStore
from mlmcsc.adapters.backup_store.local_lease import FolderLease
from mlmcsc.domain.backups.manifest import read_manifest
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    StoreError,
    UnsupportedError,
    ValidationError,
)
from mlmcsc.services.backups import creating, room


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


def test_a_set_holds_the_database_the_versions_and_the_settings(lab):
    made = lab.db.backups.create("first", compress=False)
    assert made.path == str(lab.place / "first")
    assert lab.files("first/") == {
        "first/manifest.json",
        "first/files.jsonl",
        "first/database/mlmcsc.db",
        "first/configuration/config.json",
    }
    lines = (lab.place / "first" / "files.jsonl").read_bytes().splitlines()
    files = [orjson.loads(line) for line in lines]
    assert [file["name"] for file in files] == sorted(file["name"] for file in files)
    assert {file["name"].split("/")[0] for file in files} == {
        "configuration", "database", "versions"
    }  # fmt: skip
    for file in files:
        content = (lab.place / file["key"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"] == file["stored_sha256"]
    assert made.n_files == len(files)
    assert made.left_out == ()


def test_an_uncompressed_database_opens_with_any_sqlite_and_holds_no_key_of_a_person(lab):
    made = lab.db.backups.create("first", compress=False)
    with sqlite3.connect(Path(made.path) / "database" / "mlmcsc.db") as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert plain.execute("SELECT count(*) FROM labels").fetchone() == (3,)
        keys = "SELECT count(*) FROM subjects WHERE wrapped_key IS NOT NULL"
        assert plain.execute(keys).fetchone() == (0,)
    plain.close()
    assert len(lab.db._database.data_keys.read().keys) >= 1


def test_its_manifest_is_signed_with_the_audit_key(lab):
    made = lab.db.backups.create("first")
    store = lab.db._database.store
    raw = (Path(made.path) / "manifest.json").read_bytes()
    manifest, public_key = read_manifest(raw, "first", store.vault.crypto.verify)
    with store.read() as view:
        assert public_key == store.vault.public_key(view)
    assert (manifest.set_id, manifest.n_files) == (made.set_id, made.n_files)
    assert manifest.tables["labels"].rows == 3


def test_what_is_there_already_is_not_written_again(lab):
    first = lab.db.backups.create("first", with_images=True)
    objects = lab.files("objects/")
    second = lab.db.backups.create("second", with_images=True)
    assert lab.files("objects/") == objects
    assert second.n_files == first.n_files
    own = sum((lab.place / name).stat().st_size for name in lab.files("second/"))
    manifest = (lab.place / "second" / "manifest.json").stat().st_size
    assert second.new_bytes == own - manifest
    lab.db.images.add(lab.draw("in/9.png", seed=9), storage="managed")
    lab.db.backups.create("third", with_images=True)
    assert len(lab.files("objects/") - objects) == 1


def test_a_full_one_shares_nothing(lab):
    lab.db.backups.create("first", with_images=True)
    objects = lab.files("objects/")
    lab.db.backups.create("second", with_images=True, full=True)
    new = lab.files("objects/") - objects
    assert len(new) == len(objects)
    for name in objects:
        (lab.place / name).unlink()
    assert lab.db.backups.verify("second", deep=True).whole
    assert not lab.db.backups.verify("first").whole


def test_an_encrypted_one_tells_nothing_and_shares_nothing_with_plain_ones(lab):
    lab.db.backups.create("plain", with_images=True)
    lab.db.backups.create("sealed", with_images=True, encrypt=True, compress=False)
    assert lab.db.backups.verify("sealed", deep=True).whole
    assert (
        b"SQLite format 3" not in (lab.place / "sealed" / "database" / "mlmcsc.db.enc").read_bytes()
    )
    lines = (lab.place / "sealed" / "files.jsonl").read_bytes().splitlines()
    assert {orjson.loads(line)["coding"] for line in lines} == {"aes-256-gcm"}
    entry = lab.db.backups.show("sealed")
    assert entry.encrypted


def test_images_that_are_gone_or_changed_are_told_and_not_taken_for_themselves(lab):
    images = [lab.db.get_image(number).path for number in (2, 3)]
    Path(images[0]).unlink()
    with open(images[1], "r+b") as file:
        file.seek(60)
        file.write(b"\xff\x00\xff")
    made = lab.db.backups.create("first", with_images=True)
    told = {fault.name.rpartition("/")[2]: fault.problem for fault in made.left_out}
    assert set(told) == {Path(path).name for path in images}
    assert "No such file" in told[Path(images[0]).name]
    assert "was changed or damaged" in told[Path(images[1]).name]
    listed = lab.db.backups.verify("first", deep=True)
    assert listed.whole
    lab.draw("in/1.png", seed=1)
    again = lab.db.backups.create("second", with_images=True)
    assert len(again.left_out) == 2  # the managed copies are what is backed up


def test_an_image_that_was_lost_stays_in_later_backups(lab):
    lab.db.backups.create("first", with_images=True)
    Path(lab.db.get_image(2).path).unlink()
    assert lab.db.backups.create("second", with_images=True).left_out == ()
    assert lab.db.backups.verify("second", deep=True).whole


def test_a_missing_file_of_a_version_is_told(lab):
    (rows,) = (lab.folder / "lab.db.versions" / "rows").iterdir()
    rows.unlink()
    made = lab.db.backups.create("first")
    assert [fault.name for fault in made.left_out] == [f"versions/rows/{rows.name}"]
    assert lab.db.versions.get("v1").backup_path is None


def test_a_version_says_which_backup_holds_it(lab):
    record = lab.db.versions.get("v1")
    assert (record.backup_path, record.backup_size, record.backup_checksum) == (None, None, None)
    made = lab.db.backups.create("first")
    record = lab.db.versions.get("v1")
    manifest = (Path(made.path) / "manifest.json").read_bytes()
    assert record.backup_path == made.path
    assert record.backup_checksum == hashlib.sha256(manifest).hexdigest()
    folder = lab.folder / "lab.db.versions"
    files = [*(folder / "rows").iterdir(), *(folder / "manifests").iterdir()]
    assert record.backup_size == sum(file.stat().st_size for file in files)
    assert lab.db.version_checks.verify("v1").intact


def test_the_trail_and_the_register_tell_of_it(lab):
    made = lab.db.backups.create("first")
    (event,) = (e for e in lab.db.audit.list(limit=1000).items if e.table_name == "backups")
    assert event.operation == "BACKUP"
    assert event.new_values["set_id"] == made.set_id
    (entry,) = lab.db.backups.list()
    assert (entry.name, entry.state, entry.kind) == ("first", "ok", "manual")
    assert entry.verified_at is not None


def test_progress_is_told_of_the_copying_and_then_of_what_goes_into_the_set(lab):
    told = []
    made = lab.db.backups.create("first", progress=lambda *each: told.append(each))
    copying = [each[1:] for each in told if each[0] == "copying the database"]
    size = (lab.folder / "lab.db").stat().st_size
    assert copying[-1][0] == copying[-1][1] >= size > 0
    assert told[0][0] == "copying the database"
    backing = [each for each in told if each[0] == "backing up"]
    assert made.n_bytes >= backing[-1][1] >= size
    assert told[-1][0] == "reading back"
    assert told[-1][1] == told[-1][2] > 0


def test_only_what_was_read_whole_is_called_verified(lab):
    assert lab.db.backups.create("first", with_images=True).verified
    second = lab.db.backups.create("second", with_images=True)
    assert not second.verified
    assert 0 < second.n_unread < second.n_files
    assert lab.db.backups.show("second").verified_at is None
    assert lab.db.backups.create("third", with_images=True, full=True).verified


def test_what_was_not_read_for_a_week_is_read_again(lab):
    lab.db.backups.create("first", with_images=True)
    lab.later(days=8)
    second = lab.db.backups.create("second", with_images=True)
    assert (second.verified, second.n_unread, second.written_anew) == (True, 0, ())


def test_a_damaged_shared_file_is_found_within_a_week_and_written_anew(lab):
    lab.db.backups.create("first", with_images=True)
    damaged = min(lab.files("objects/"))
    flip(lab.place / damaged)
    lab.later(days=8)
    second = lab.db.backups.create("second", with_images=True)
    assert [fault.name for fault in second.written_anew] == [damaged]
    assert second.verified
    assert lab.db.backups.verify("second", deep=True).whole


def test_nothing_is_built_unread_upon_what_a_check_found_damaged(lab):
    lab.db.backups.create("first", with_images=True)
    flip(lab.place / min(lab.files("objects/")))
    assert not lab.db.backups.verify("first").whole
    assert len(lab.db.backups.create("second", with_images=True).written_anew) == 1
    assert lab.db.backups.verify("second", deep=True).whole


def test_a_lease_that_cannot_be_given_back_undoes_nothing(lab, monkeypatch):
    write = FolderLease.write

    def full(self, content, tag):
        if b'"token":""' in content:
            raise StoreError("no space left on device")
        return write(self, content, tag)

    monkeypatch.setattr(FolderLease, "write", full)
    made = lab.db.backups.create("first")
    assert made.not_recorded is None
    assert [e.name for e in lab.db.backups.list()] == ["first"]


def test_what_pruning_left_half_way_does_not_take_the_name(lab):
    remains = lab.place / "first"
    remains.mkdir(parents=True)
    (remains / "proof.json").write_bytes(b"{}")
    lab.db.backups.create("first")
    assert lab.db.backups.verify("first").whole


def test_a_folder_of_somebody_else_is_not_overwritten(lab):
    notes = lab.place / "notes"
    notes.mkdir(parents=True)
    (notes / "readme.txt").write_text("mine")
    with pytest.raises(ConflictError, match="no backup and is called 'notes'"):
        lab.db.backups.create("notes")
    assert (notes / "readme.txt").read_text() == "mine"


@pytest.mark.parametrize("inside", ["objects/b", "first", "first/database/deeper"])
def test_a_place_among_the_files_of_another_is_refused(lab, inside):
    lab.db.backups.create("first")
    before = lab.files()
    with pytest.raises(ValidationError, match="part of a place of backups"):
        lab.db.backups.create("second", to=lab.place / inside)
    assert lab.files() == before


def test_room_for_images_is_asked_for_before_anything_is_copied(lab, monkeypatch):
    size = (lab.folder / "lab.db").stat().st_size
    monkeypatch.setattr(creating, "take", None)
    monkeypatch.setattr(room, "image_bytes", lambda _: 10**12)
    monkeypatch.setattr(room, "SPARE", 1.0)
    monkeypatch.setattr(LocalStore, "free_bytes", lambda _: 2 * size + 20_000)
    with pytest.raises(StoreError, match="MB left, and the backup needs"):
        lab.db.backups.create("first", with_images=True)
    assert lab.files() == set()


def test_the_documented_call_returns_the_path(lab):
    assert lab.db.backup_database("backup_20240101") == str(lab.place / "backup_20240101")
    unnamed = [Path(lab.db.backup_database()).name for _ in range(2)]
    assert len(set(unnamed)) == 2


@pytest.mark.parametrize("name", ["../out", "a/b", "/x", "", ".hidden", "objects", "x" * 101])
def test_a_name_is_no_path(lab, name):
    with pytest.raises(ValidationError, match="name="):
        lab.db.backups.create(name)
    assert not lab.place.exists()


@pytest.mark.parametrize("again", ["first", "FIRST"])
def test_a_backup_is_never_overwritten(lab, again):
    lab.db.backups.create("first")
    before = lab.files()
    with pytest.raises(ConflictError, match="never overwritten"):
        lab.db.backups.create(again)
    assert lab.files() == before


def test_a_database_in_memory_is_refused():
    with (
        DatabaseManager("sqlite://") as db,
        pytest.raises(UnsupportedError, match=r"backup\.directory"),
    ):
        db.backups.create("first")


def test_too_little_space_is_told_before_anything_is_written(lab, monkeypatch):
    monkeypatch.setattr(LocalStore, "free_bytes", lambda _: 1000)
    with pytest.raises(StoreError, match="MB left, and the backup needs"):
        lab.db.backups.create("first")
    assert lab.files() == set()


def test_a_disk_that_fills_up_leaves_nothing_that_looks_like_a_backup(lab, monkeypatch):
    lab.db.backups.create("first", with_images=True)
    before = lab.files()
    lab.db.images.add(lab.draw("in/8.png", seed=8), storage="managed")
    put = LocalStore.put_file

    def full(self, key, *args, **options):
        if key.endswith("config.json.zst"):
            raise StoreError("no space left on device") from OSError(errno.ENOSPC, "full")
        put(self, key, *args, **options)

    monkeypatch.setattr(LocalStore, "put_file", full)
    with pytest.raises(StoreError, match="no space left"):
        lab.db.backups.create("second", with_images=True)
    assert lab.files() == before
    assert [e.name for e in lab.db.backups.list()] == ["first"]


def test_bytes_that_the_disk_did_not_keep_are_found_before_it_counts(lab, monkeypatch):
    put = LocalStore.put_file

    def flipping(self, key, *args, **options):
        put(self, key, *args, **options)
        path = Path(self.place, key)
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)

    monkeypatch.setattr(LocalStore, "put_file", flipping)
    with pytest.raises(IntegrityError, match="did not keep what was written"):
        lab.db.backups.create("first")
    assert lab.files() == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told(lab):
    lab.place.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="permissions"):
        lab.db.backups.create("first")


def test_the_remains_of_a_killed_run_are_tidied(lab):
    lab.db.backups.create("first")
    remains = lab.place / f".incomplete-{'01' * 16}" / "database"
    remains.mkdir(parents=True)
    (remains / "mlmcsc.db").write_bytes(b"half")
    assert [e.name for e in lab.db.backups.list()] == ["first"]
    lab.db.backups.create("second")
    assert not remains.exists()


def test_without_the_data_keys_file_there_is_no_backup(lab):
    lab.db.backups.create("first")
    lab.db._database.data_keys.path.write_text("{")
    with pytest.raises(IntegrityError, match="data keys"):
        lab.db.backups.create("second")
    assert [e.name for e in lab.db.backups.list()] == ["first"]


def test_a_backup_that_the_database_cannot_note_is_kept_and_told(lab, monkeypatch):
    from mlmcsc.services.backups import remembering

    def fails(*_):
        raise StoreError("the disk of the database is full")

    with monkeypatch.context() as patch:
        patch.setattr(remembering.queries, "enter", fails)
        made = lab.db.backups.create("first")
    assert made.not_recorded == "the disk of the database is full"
    assert lab.db.backups.verify("first").whole


def test_many_at_once_are_made_one_after_the_other(lab):
    made, failed = [], []

    def make(number):
        try:
            made.append(lab.db.backups.create(f"b{number}", with_images=True).name)
        except Exception as error:  # noqa: BLE001  # told below
            failed.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert all(lab.db.backups.verify(name).whole for name in made)
    assert len(made) == 4


def test_writers_go_on_while_it_is_made(lab):
    stop, written = threading.Event(), []

    def label():
        while not stop.is_set():
            written.append(lab.db.store_label(1, 1, 0.25))

    writer = threading.Thread(target=label)
    writer.start()
    try:
        for number in range(3):
            before = len(written)
            made = lab.db.backups.create(f"b{number}", compress=False)
            with sqlite3.connect(Path(made.path) / "database" / "mlmcsc.db") as plain:
                (rows,) = plain.execute("SELECT count(*) FROM labels").fetchone()
                assert plain.execute("PRAGMA foreign_key_check").fetchall() == []
            plain.close()
            assert before + 3 <= rows <= len(written) + 3 + 1
    finally:
        stop.set()
        writer.join()


def test_a_server_keeps_its_backups_where_the_settings_say(
    db, url, tmp_path, monkeypatch, postgres_programs
):
    if not url.startswith("sqlite"):
        with pytest.raises(UnsupportedError, match=r"--to .*backup\.directory"):
            db.backups.create("first")
    monkeypatch.setenv("MLMCSC_BACKUP__POSTGRESQL_TOOLS", str(postgres_programs))
    monkeypatch.setenv("MLMCSC_BACKUP__DIRECTORY", str(tmp_path / "backups"))
    with DatabaseManager(url) as other:
        other.register_technician("t1", "Ada")
        made = other.backups.create("first", encrypt=True)
        assert made.place == str(tmp_path / "backups")
        assert other.backups.verify("first", deep=True).whole
        assert other.backups.show("first").engine == ("sqlite" if "sqlite" in url else "postgresql")
