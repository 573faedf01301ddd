"""A laboratory with two versions of its data, and hands to tamper with them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmcsc import DatabaseManager


@dataclass
class Lab:
    db: DatabaseManager
    images: list[int]
    labels: list[int]
    technician: int
    folder: Path
    draw: Any
    sql: Any

    @property
    def versions(self):
        """The folder of versions."""
        return self.db._database.versions.root

    def path(self, image_id):
        return Path(self.db.get_image(image_id).path)

    def layers(self, version):
        """The files of a version's rows, base first."""
        rows = self.db.versions.get(version).layers
        return [self.versions / "rows" / f"{layer['sha256']}.parquet" for layer in rows]

    def set(self, version, **columns):
        """Change columns of `data_versions`, past mlmcsc."""
        for name, value in columns.items():
            stored = json.dumps(value) if isinstance(value, list | dict) else value
            self.sql(
                f"UPDATE data_versions SET {name} = :v WHERE version = :n", v=stored, n=version
            )

    def kinds(self, version, **how):
        """What a verification finds."""
        found = self.db.version_checks.verify(version, **how)
        assert found.n_findings == len(found.findings)
        return [finding.kind for finding in found.findings]


def laboratory(db, sql, draw, folder):
    """Twelve images of six specimens, labelled; version v1; then changes, and version v2."""
    for number in range(12):
        draw(f"images/S{number // 2}_{number:02d}.png", seed=number)
    db.ingest(folder / "images", workers=0, specimen_from=r"(S\d)_")
    images = [image.id for image in db.images.list()]
    who = db.register_technician("tech_001", "Jo Lund")
    values = [i / 12 for i in range(12)]
    db.store_labels({"image_id": images[:11], "label": values[:11]}, technician_id=who)
    db.features.add_many(
        {"image_id": images, "feature_vector": np.eye(12, 4, dtype=np.float32)},
        feature_type="cnn",
        extractor_version="1",
    )
    labels = [label.id for label in db.labels.list()]
    db.versions.create("v1")
    db.labels.correct(labels[0], label=0.4, reason="misread")
    db.labels.correct(labels[3], label=0.05, reason="misread")
    db.store_label(images[11], who, 0.9)
    db.versions.create("v2", seed=0, train_split=0.7)
    return Lab(db, images, labels, who, folder, draw, sql)


def raw(db):
    import sqlalchemy as sa

    def run(statement, **values):
        with db._database.store._writer.begin() as conn:
            result = conn.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else []

    return run


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory, sqlite_template):
    """A laboratory on disk, to be copied."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("two-versions")
    shutil.copy(sqlite_template, folder / "lab.db")

    def draw(name, seed=0):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 48), Image.Resampling.BICUBIC).save(path)
        return path

    with DatabaseManager(f"sqlite:///{folder}/lab.db") as db:
        laboratory(db, raw(db), draw, folder)
    (folder / "images").rename(folder / "moved")  # nothing is left where the versions say
    return folder


@pytest.fixture
def lab(two_versions, tmp_path, draw):
    """That laboratory, with files of its own; paths of images stay those of the first."""
    folder = tmp_path / "lab"
    shutil.copytree(two_versions, folder, copy_function=shutil.copy2)
    (folder / "moved").rename(folder / "images")
    with DatabaseManager(f"sqlite:///{folder}/lab.db") as db:
        sql = raw(db)
        for table in ("images", "image_aliases"):
            moved = f"UPDATE {table} SET path = replace(path, :old, :new)"
            sql(moved, old=str(two_versions), new=str(folder))
        images = [image.id for image in db.images.list()]
        labels = [label.id for label in db.labels.list()]
        who = db.technicians.get("tech_001").id
        yield Lab(db, images, labels, who, folder, draw, sql)


def rewrite(path, change):
    """Change a file's bytes, keeping its size and time."""
    status = os.stat(path)
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def flip():
    """Flip one bit in the middle of a file; its size and time stay."""

    def in_the_middle(data):
        data[len(data) // 2] ^= 1

    return lambda path: rewrite(path, in_the_middle)


@pytest.fixture
def laboratory_in():
    """Make the laboratory in any database."""
    return lambda db, draw, folder: laboratory(db, raw(db), draw, folder)
