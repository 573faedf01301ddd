"""An erasure reaches the sealed texts of every backup, whoever has the keys."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from mlmcsc import Actor, DatabaseManager
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import subjects
from mlmcsc.store.queries import data_keys

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
