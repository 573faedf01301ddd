"""A laboratory with frozen, archived and exported data, and a first backup of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config


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
            if path.name not in {"mlmcsc.db", "mlmcsc.db-wal", "mlmcsc.db-shm", "proof.json"}
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


@pytest.fixture
def lab(tmp_path, sqlite_url, own_settings, draw, settings):
    with DatabaseManager(sqlite_url, config=load_config(environ={}, overrides=settings)) as db:
        for number in range(4):
            draw(f"photos/{number}.png", seed=number)
        db.ingest(tmp_path / "photos", workers=0)
        for name in ("t1", "t2"):
            who = db.register_technician(name, f"Person {name}")
            old = datetime.now(UTC) - timedelta(days=400)
            db.store_label(1, who, 0.5, timestamp=old)
            db.store_label(2, who, 0.25)
        db.versions.create("v1")
        db.archives.create("labels", timedelta(days=365))
        yield Lab(db, tmp_path, sqlite_url)
