"""Databases to measure on, built once per run through the product's own bulk calls."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from mlmcsc import DatabaseManager
from mlmcsc.config import Config
from mlmcsc.domain.enums import Operation
from mlmcsc.store.models import images, specimens
from mlmcsc.store.queries import batches

CHUNK = 100_000
IMAGES_PER_SPECIMEN = 20
Ids = NDArray[np.int64]


def open_db(path: Path) -> DatabaseManager:
    """The product on a SQLite file, with built-in settings whatever this machine configures."""
    return DatabaseManager(f"sqlite:///{path}", config=Config())


@dataclass
class Worlds:
    """The run's databases.

    Attributes:
        folder: Temporary folder on a real disk.
        quick: Ten times smaller, to try the benchmarks out.
    """

    folder: Path
    quick: bool = False

    def size(self, full: int) -> int:
        """`full`, or a tenth of it in a quick run."""
        return full // 10 if self.quick else full

    @cached_property
    def large(self) -> Path:
        """1M images of 50k specimens, with 1M labels and 1M predictions."""
        path = self.folder / "large.db"
        _build(path, self.size(1_000_000))
        return path

    @cached_property
    def medium(self) -> Path:
        """100k images with as many labels and predictions: a template to copy and write to."""
        path = self.folder / "medium.db"
        _build(path, self.size(100_000))
        return path

    def copy(self, template: Path, name: str) -> Path:
        """A closed database of its own, equal to `template` byte by byte."""
        path = self.folder / f"{name}.db"
        self.remove(path)
        shutil.copyfile(template, path)
        return path

    def remove(self, path: Path) -> None:
        """Delete a database with everything beside it."""
        for beside in path.parent.glob(f"{path.name}*"):
            shutil.rmtree(beside) if beside.is_dir() else beside.unlink()


def _build(path: Path, size: int) -> None:
    with open_db(path) as db:
        fill(db, size)


def fill(db: DatabaseManager, size: int) -> None:
    """Images, without files, with one label and one prediction each."""
    rng = np.random.default_rng(0)
    who = db.register_technician("tech_001", "Benchmark Technician")
    _add_images(db, size)
    for start in range(1, size + 1, CHUNK):
        ids = np.arange(start, min(start + CHUNK, size + 1), dtype=np.int64)
        db.store_labels(labels_of(ids, who, rng))
        db.store_predictions(predictions_of(ids, rng))


def _add_images(db: DatabaseManager, size: int) -> None:
    """Image rows without files: reading a million files is the ingest benchmark's business."""
    store = db._database.store  # noqa: SLF001  # no public call stores images without files
    with store.write(db.actor) as tx:
        names = [{"specimen_id": _specimen(i)} for i in range(size // IMAGES_PER_SPECIMEN + 1)]
        tx.conn.execute(insert(specimens), names)
    for start in range(0, size, CHUNK):
        numbers = range(start, min(start + CHUNK, size))
        count = len(numbers)
        with store.write(db.actor) as tx:
            columns = {
                "path": [f"/micrographs/{i // 1000:04d}/{i:07d}.jpg" for i in numbers],
                "filename": [f"{i:07d}.jpg" for i in numbers],
                "timestamp": [tx.now] * count,
                "width": [256] * count,
                "height": [256] * count,
                "channels": [1] * count,
                "file_size": [30_000 + i % 5000 for i in numbers],
                "format": ["jpeg"] * count,
                "specimen_id": [_specimen(i // IMAGES_PER_SPECIMEN) for i in numbers],
                "content_hash": [f"{i * 0x9E3779B97F4A7C15 % 2**64:064x}" for i in numbers],
                "hash_algorithm": ["sha256"] * count,
            }
            batches.insert_batch(tx, images, columns, Operation.INGEST)


def _specimen(number: int) -> str:
    return f"S{number:06d}"


def labels_of(ids: Ids, technician: int, rng: np.random.Generator) -> dict[str, NDArray[np.number]]:
    """One label for each image."""
    return {
        "image_id": ids,
        "technician_id": np.full(len(ids), technician),
        "label": rng.random(len(ids)),
    }


def predictions_of(ids: Ids, rng: np.random.Generator) -> dict[str, NDArray[np.number]]:
    """One prediction for each image."""
    return {
        "image_id": ids,
        "model_version_id": np.ones(len(ids), dtype=np.int64),
        "prediction": rng.random(len(ids)),
        "confidence": rng.random(len(ids)),
    }
