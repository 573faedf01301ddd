"""Pieces of which the worlds are made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import sqlcipher3.dbapi2 as driver
from PIL import Image

from mlmcsc import DatabaseManager

FILE = "lab.db"


def opened(place: Path, name: str = FILE, *, create: bool = False) -> DatabaseManager:
    """The world's database."""
    return DatabaseManager(f"sqlite:///{place}/{name}", create=create)


@contextmanager
def rows_of(path: Path) -> Iterator[driver.Connection]:
    """The file as it is, past our own code."""
    connection = driver.connect(str(path))
    try:
        yield connection
    finally:
        connection.close()


def numbered(folder: Path, count: int) -> list[Path]:
    """Names for so many pictures."""
    return [folder / f"{number:04}.png" for number in range(count)]


def draw(files: Sequence[Path]) -> None:
    """Small pictures, all different."""
    files[0].parent.mkdir(parents=True)
    for seed, file in enumerate(files):
        noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(file)


def sha256(path: Path) -> str:
    """Of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
