"""A laboratory with frozen, archived and exported data, and a first backup of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config

OWN = {"mlmcsc.db", "mlmcsc.db-wal", "mlmcsc.db-shm", "proof.json", "place.json"}
"""What a drill writes: its row, the proof, and who holds the place."""


@dataclass
class Lab:
    """The open database, its folder, and how to open it with other settings."""

    db: DatabaseManager
    folder: Path
    url: str

    def file(self, name):
        return self.folder / f"mlmcsc.db.backups/{name}"

    def proof(self, name):
        return json.loads(self.file(f"{name}/proof.json").read_bytes())

    def everything(self):
        """Every file that is not the database's own, with a hash of its content."""
        outside = Path(self.db._database.ledger_file).parent
        files = [p for top in (self.folder, outside) for p in top.rglob("*") if p.is_file()]
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.name not in OWN
        }

    def damage(self, name):
        """Change one byte of the backup's database."""
        (stored,) = self.file(f"{name}/database").iterdir()
        content = bytearray(stored.read_bytes())
        content[len(content) // 2] ^= 1
        stored.write_bytes(content)

    def rows(self, table):
        with self.db._database.store.engine.connect() as conn:
            return [dict(r) for r in conn.exec_driver_sql(f"SELECT * FROM {table}").mappings()]


@pytest.fixture
def settings():
    """Settings of the laboratory; a test may change them before it asks for `lab`."""
    return {"backup": {"schedule": "daily"}}


@pytest.fixture(scope="session")
def filled(tmp_path_factory, sqlite_template):
    """A filled laboratory and its keys, made once: tests work on copies."""
    top = tmp_path_factory.mktemp("laboratory")
    folder, keys = top / "lab", top / "settings"
    ledgers = shutil.ignore_patterns("*.erasures.jsonl*", "*.datakeys.json*")
    shutil.copytree(os.environ["XDG_CONFIG_HOME"], keys, ignore=ledgers)
    (folder / "photos").mkdir(parents=True)
    shutil.copy(sqlite_template, folder / "mlmcsc.db")
    for number in range(4):
        Image.new("RGB", (64, 48), (60 * number, 80, 90)).save(folder / f"photos/{number}.png")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(keys))
        with DatabaseManager(f"sqlite:///{folder}/mlmcsc.db") as db:
            db.ingest(folder / "photos", workers=0)
            for name in ("t1", "t2"):
                who = db.register_technician(name, f"Person {name}")
                old = datetime.now(UTC) - timedelta(days=400)
                db.store_label(1, who, 0.5, timestamp=old)
                db.store_label(2, who, 0.25)
            db.versions.create("v1")
            db.archives.create("labels", timedelta(days=365))
    return folder, keys


@pytest.fixture
def lab(tmp_path, filled, own_settings, settings):
    folder, keys = filled
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.copytree(keys, own_settings, dirs_exist_ok=True)
    url = f"sqlite:///{tmp_path}/mlmcsc.db"
    with DatabaseManager(url, config=load_config(environ={}, overrides=settings)) as db:
        yield Lab(db, tmp_path, url)
