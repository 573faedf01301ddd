"""A laboratory with a backup, and what happened after it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.config import load_config

NEEDLE = b"anarie"
STAFF, NAME = "kanarie_007", "Kanarie Vogel"


@dataclass
class Laboratory:
    """One database and its surroundings.

    Attributes:
        url: The database.
        folder: Where everything lies.
        settings: The folder of keys, ledger and data keys.
    """

    url: str
    folder: Path
    settings: Path

    @property
    def file(self):
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def place(self):
        return self.folder / "backups"

    @property
    def keys(self):
        return self.settings / "mlmcsc" / "keys"

    def open(self):
        return DatabaseManager(self.url)

    def restore(self, name="b1", **options: Any):
        return restore_backup(name, self.url, load_config(), place=self.place, **options)

    def everything(self):
        """Each file but the backups, with its hash: what a refused restore must leave as it is."""
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        return {
            str(p): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
            if not p.is_relative_to(self.place)
        }

    def traces(self):
        """Files other than backups in which the erased person can still be read."""
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        return [
            p.name
            for p in files
            if not p.is_relative_to(self.place)
            and not p.is_relative_to(self.settings)
            and NEEDLE in p.read_bytes()
        ]

    def elsewhere(self):
        """Another machine: what was kept apart, and nothing else."""
        for path in self.folder.iterdir():
            if path not in (self.place, self.settings):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def lab(sqlite_url, tmp_path, own_settings, monkeypatch):
    """A laboratory on SQLite, its folder to itself."""
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.move(sqlite_url.removeprefix("sqlite:///"), folder / "lab.db")
    shutil.move(own_settings, folder / "settings")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "settings"))
    monkeypatch.chdir(folder)
    return Laboratory(f"sqlite:///{folder}/lab.db", folder, folder / "settings")


@pytest.fixture
def fill(draw):
    """Put two people, images, labels and a version into a laboratory; ids of people and images."""

    def make(lab):
        with lab.open() as db:
            gone = db.register_technician(STAFF, NAME, email="kanarie@vogel.example")
            other = db.register_technician("t2", "Jo Lund")
            images = [
                db.images.add(draw(f"lab/i{n}.png", seed=n), storage="managed").id for n in range(3)
            ]
            for image in images:
                db.store_label(image, gone, 0.5, notes=f"note of {NAME}")
                db.store_label(image, other, 0.4, notes=f"asked {NAME}")
            db.versions.create("v1", label_policy="mean")
            db.audit_proof.checkpoint()
            db.backups.create("b1", to=lab.place, with_images=True)
        return gone, other, images

    return make


@pytest.fixture
def filled(lab, fill):
    """The laboratory with a backup `b1`, and a label after it."""
    _, other, images = fill(lab)
    with lab.open() as db:
        db.store_label(images[0], other, 0.9)
    return lab
