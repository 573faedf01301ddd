"""An erasure reaches the sealed texts of every backup, whoever has the keys."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from filelock import FileLock

from mlmcsc import Actor, DatabaseManager
from mlmcsc.errors import ConflictError
from mlmcsc.services.privacy.erasure import Erasure
from mlmcsc.store.models import subjects
from mlmcsc.store.queries import data_keys, persons
from mlmcsc.store.schema import read_setting

KEPT = "eva"
GONE = "jo"


@pytest.fixture
def db(sqlite_url, own_settings, tmp_path, monkeypatch, draw):
    """Two people with sealed names and notes, and three backups that hold them."""
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(sqlite_url) as manager:
        for number, name in enumerate((GONE, KEPT), 1):
            row = manager.register_technician(name, f"{name} Lund", email=f"{name}@lund.se")
            image = manager.store_image(draw(f"{name}.png", seed=number))
            manager.store_label(image, row, 0.5, notes=f"{name}'s own note")
        manager.backups.create("plain", compress=False)
        manager.backups.create("packed")
        manager.backups.create("encrypted", encrypt=True)
        yield manager


def wrapped(db):
    """The wrapped data keys, by subject id."""
    return db._database.data_keys.read().keys


def files(root):
    return {path: path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}


def test_no_data_key_is_in_a_backup_in_whatever_form(db):
    held = files("mlmcsc.db.backups/plain")
    assert any(GONE.encode() in content for content in held.values())
    for _, key in wrapped(db).values():
        for form in (key, key.hex().encode(), base64.b64encode(key)):
            assert not [path for path, content in held.items() if form in content]


def opened(db, tmp_path):
    """Everything that whoever has backup, master key and data-keys file can read."""
    shutil.copy("mlmcsc.db.backups/plain/database/mlmcsc.db", tmp_path / "stolen.db")
    with DatabaseManager(f"sqlite:///{tmp_path / 'stolen.db'}") as stolen:
        assert stolen._database.data_keys.path == db._database.data_keys.path
        with stolen._database.store.write(Actor("thief")) as tx:
            keys = stolen._database.data_keys.read().keys
            back = data_keys.put_back(tx, keys)
        labels = [label.notes for label in stolen.labels.list().items]
        names = [each.name for each in stolen.technicians.list().items]
        trail = str([e.to_dict() for e in stolen.audit.list().items])
        with stolen._database.store.read() as view:
            still = view.conn.execute(subjects.select()).all()
        return back, {*labels, *names}, trail, {row.subject_id: row for row in still}


def test_after_an_erasure_nobody_can_open_the_persons_texts_in_any_backup(db, tmp_path):
    _, before, trail, _ = opened(db, tmp_path)
    assert {"jo Lund", "jo's own note", "eva Lund", "eva's own note"} <= before
    assert "jo's own note" in trail
    file = db._database.data_keys.path.read_bytes()
    who = db.delete_user_data(GONE).subject_id
    back, after, trail, rows = opened(db, tmp_path)
    assert {"eva Lund", "eva's own note"} <= after
    assert not any("jo Lund" in text or "jo's" in text for text in after)
    assert "jo's own note" not in trail
    assert who in back.missing
    assert rows[who].wrapped_key is None
    # Nor is it anywhere else: the file as it was is the only thing that would open them.
    key = base64.b64decode(_entry(file, who))
    gone = [p for p, content in files(tmp_path).items() if key in content]
    assert gone == []
    assert base64.b64encode(key) not in db._database.data_keys.path.read_bytes()


def _entry(file, who):
    import orjson

    return orjson.loads(file)["keys"][who]["wrapped"]


def test_the_certificate_tells_of_the_backups_that_name_the_person(db):
    told = db.delete_user_data(GONE).certificate["not_reached"]
    (found,) = [line for line in told if line.startswith("Looked for backups")]
    assert found.endswith("mlmcsc.db.backups: 3 found.")
    assert any(line.startswith("The last of these 3 backups is gone by 20") for line in told)


def test_a_key_that_an_encrypted_backup_needs_is_kept_until_the_backup_is_gone(db):
    old = db.vault_keys.state().current
    assert db.vault_keys.backups().by_key == {old: (str(Path.cwd() / ENCRYPTED),)}
    with pytest.raises(ConflictError, match="encrypted"):
        db.vault_keys.refuse_lost_backups()
    db.vault_keys.rotate()
    with pytest.raises(ConflictError, match=old):
        db.vault_keys.destroy_retired()
    shutil.rmtree(ENCRYPTED)
    assert db.vault_keys.destroy_retired().destroyed == (old,)


ENCRYPTED = Path("mlmcsc.db.backups", "encrypted")

LEFT = f"mlmcsc.db.restoring-{'ab' * 16}"
DRILL = ".mlmcsc.db.drill-x7"


@pytest.fixture
def left(db):
    """Copies as killed restores and drills leave them, and as the program keeps them aside."""
    raw = Path("mlmcsc.db").read_bytes() + Path("mlmcsc.db-wal").read_bytes()
    dead = [
        LEFT,
        f"{LEFT}-wal",
        f"{LEFT}.files/database/mlmcsc.db",
        f"{DRILL}/restored/x.db",
        UNFINISHED,
    ]
    kept = [f"mlmcsc.db.before-restore-{STAMP}", f"mlmcsc.db.original-{STAMP}.db"]
    for name in (*dead, f"{DRILL}/lock", *kept):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(raw)
    return [
        str(Path(name).absolute()) for name in (LEFT, f"{LEFT}-wal", f"{LEFT}.files", DRILL, SET)
    ]


SET = f"mlmcsc.db.backups/.incomplete-{'cd' * 16}"
UNFINISHED = f"{SET}/scratch/mlmcsc.db"
STAMP = "20261123T220000Z"


def test_what_killed_restores_drills_and_backups_left_is_shredded_with_the_person(
    db, left, tmp_path
):
    who = next(iter(persons_keys(db, GONE)))
    _, key = wrapped(db)[who]
    planned = db.delete_user_data(GONE, dry_run=True)
    assert set(left) <= set(planned.files)
    assert Path(LEFT).exists()
    report = db.delete_user_data(GONE)
    assert set(left) <= set(report.files)
    assert not [path for path in left if Path(path).exists()]
    holding = {path.name for path, content in files(tmp_path).items() if key in content}
    assert holding == {f"mlmcsc.db.before-restore-{STAMP}", f"mlmcsc.db.original-{STAMP}.db"}
    # What was kept on purpose is named, with the command that removes it, until it is gone.
    for name in holding:
        copy = str(Path(name).absolute())
        assert any(copy in t and f"shred -u {copy}" in t for t in planned.not_reached)
        assert any(copy in t for t in report.certificate["not_reached"])
        assert any(copy in line for line in db.generate_privacy_report().to_do)
        Path(name).unlink()
    assert db.generate_privacy_report().is_fine


def persons_keys(db, name):
    with db._database.store.read() as view:
        person = persons.living(view, name)
    return {person.subject_id}


def test_a_restore_drill_or_backup_at_work_is_left_alone_and_told(db, left):
    making = FileLock("mlmcsc.db.backups/leases/.place.lock")
    with FileLock("mlmcsc.db.restoring.lock"), FileLock(f"{DRILL}/lock"), making:
        told = db.delete_user_data(GONE).not_reached
    assert all(Path(path).exists() for path in left)
    assert all(any(line.startswith(f"{path}: a ") for line in told) for path in left)


def test_a_leftover_that_is_the_database_itself_by_another_name_is_not_overwritten(db):
    os.link("mlmcsc.db", LEFT)  # a restore killed between its link and its unlink
    db.delete_user_data(GONE)
    assert not Path(LEFT).exists()
    assert [each.name for each in db.technicians.list().items if each.name == "eva Lund"]


def test_a_drill_writes_no_copy_of_the_data_keys(db, monkeypatch):
    seen, replay = [], Erasure.replay

    def looking(self, *given, **named):
        seen.append([p.name for p in Path().glob(".mlmcsc.db.drill-*/restored/outside/*")])
        return replay(self, *given, **named)

    monkeypatch.setattr(Erasure, "replay", looking)
    assert db.backup_drills.drill("packed").passed
    assert len(seen) == 1
    assert not [name for name in seen[0] if "datakeys" in name]


def test_an_older_file_of_data_keys_that_was_put_back_is_told(db):
    older = db._database.data_keys.path.read_bytes()
    who = db.delete_user_data(GONE).subject_id
    db._database.data_keys.path.write_bytes(older)
    (line,) = db.generate_privacy_report().to_do
    assert "older copy and holds the keys of 1 erased" in line
    db.backups.create("next")
    assert who not in wrapped(db)
    assert db.generate_privacy_report().is_fine


def test_on_a_server_dead_databases_are_dropped_and_kept_ones_told(
    postgres_server, postgres_url, own_settings, tmp_path
):
    name = sa.make_url(postgres_url).database
    with DatabaseManager(postgres_url) as db:
        db.register_technician(GONE, "jo Lund")
        with db._database.store.read() as view:
            own = read_setting(view.conn, "database_id")[:8]
        before = f"{name}_before_0badcafe"
        dead = [f"mlmcsc_drill_{own}_0badcafe", f"{name}_restoring_0badcafe"]
        others = [f"{name}x_restoring_0badcafe", "mlmcsc_drill_00000000_0badcafe"]
        for each in (before, *dead, *others):
            postgres_server.psql(f"CREATE DATABASE {each};")
        try:
            with psycopg.connect(postgres_server.get_uri()) as restoring:
                restoring.execute(LOCK, (f"mlmcsc restore {name}",))
                told = db.delete_user_data(GONE, dry_run=True)
            assert any(dead[0] in file for file in told.files)
            assert any(f"{dead[1]} on the server: a " in line for line in told.not_reached)
            told = db.delete_user_data(GONE)
            assert all(any(each in file for file in told.files) for each in dead)
            assert any(f'DROP DATABASE "{before}"' in line for line in told.not_reached)
            there = postgres_server.psql("SELECT datname FROM pg_database;")
            assert all(each in there for each in (before, *others))
            assert not [each for each in dead if each in there]
            assert any(before in line for line in db.generate_privacy_report().to_do)
        finally:
            for each in (before, *dead, *others):
                postgres_server.psql(f"DROP DATABASE IF EXISTS {each};")


LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
