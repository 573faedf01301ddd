"""A laboratory that is backed up: people, images, a version, an archive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlmcsc import DatabaseManager


@dataclass
class Laboratory:
    """A database with something of everything, and its folders."""

    db: Any
    folder: Path
    draw: Any

    @property
    def place(self):
        """Where its backups go."""
        return Path(f"{self.folder / 'lab.db'}.backups")

    def files(self, below=""):
        """Names of all files in the place, leases apart."""
        names = (p.relative_to(self.place).as_posix() for p in self.place.rglob("*") if p.is_file())
        return {name for name in names if name.startswith(below) and "leases/" not in name}

    def later(self, **time):
        """From now on it is so much later."""
        store = self.db._database.store
        clock = store.clock
        store.clock = lambda: clock() + timedelta(**time)

    def keeping(self, days=1, weekly=0, monthly=0, yearly=0):
        """Its backups, under other settings."""
        chosen = {
            "retention_days": days,
            "keep_weekly": weekly,
            "keep_monthly": monthly,
            "keep_yearly": yearly,
        }
        backups = self.db.backups
        settings = backups.places.backup.model_copy(update=chosen)
        return replace(backups, places=replace(backups.places, backup=settings))


@pytest.fixture
def lab(sqlite_url, tmp_path, draw, own_settings, monkeypatch):
    """A small laboratory on SQLite; its files lie in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    Path(sqlite_url.removeprefix("sqlite:///")).replace(tmp_path / "lab.db")
    with DatabaseManager(f"sqlite:///{tmp_path / 'lab.db'}") as db:
        technician = db.register_technician("t1", "Ada Lovelace")
        for seed in range(3):
            path = draw(f"in/{seed}.png", seed=seed)
            image = db.images.add(path, storage="managed" if seed else "in_place").id
            db.store_label(image, technician, 0.5)
        db.versions.create("v1")
        yield Laboratory(db, tmp_path, draw)
