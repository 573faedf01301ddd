"""A laboratory with a backup, and what happened after it."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory, sqlite_template):
    """A laboratory to be copied back to its folder: its paths are absolute."""
    folder = tmp_path_factory.mktemp("laboratory") / "lab"
    keys = shutil.ignore_patterns("*.erasures.jsonl*", "*.datakeys.json*")
    shutil.copytree(os.environ["XDG_CONFIG_HOME"], folder / "settings", ignore=keys)
    shutil.copy(sqlite_template, folder / "lab.db")
    lab = Laboratory(f"sqlite:///{folder}/lab.db", folder, folder / "settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(lab.settings))
        patch.chdir(folder)
        _fill(lab)
    shutil.copytree(folder, folder.with_name("filled"))
    return lab


def _fill(lab):
    """Two people, images, labels, a version, the backup `b1`, and a label after it."""
    with lab.open() as db:
        gone = db.register_technician(STAFF, NAME, email="kanarie@vogel.example")
        other = db.register_technician("t2", "Jo Lund")
        images = []
        for seed in range(3):
            noise = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(noise).save(lab.folder / f"i{seed}.png")
            stored = db.images.add(lab.folder / f"i{seed}.png", storage="managed")
            images.append(stored.id)
        for image in images:
            db.store_label(image, gone, 0.5, notes=f"note of {NAME}")
            db.store_label(image, other, 0.4, notes=f"asked {NAME}")
        db.versions.create("v1", label_policy="mean")
        db.audit_proof.checkpoint()
        db.backups.create("b1", to=lab.place, with_images=True)
        db.store_label(images[0], other, 0.9)


@pytest.fixture
def filled(filled_once, monkeypatch):
    """The laboratory with a backup `b1`, and a label after it."""
    folder = filled_once.folder
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("filled"), folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(filled_once.settings))
    monkeypatch.chdir(folder)
    return filled_once
