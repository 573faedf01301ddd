"""A million vectors: in a database, and the same in a flat file that is mapped into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds import Ids, Worlds, open_db

DIMENSION = 512
TYPE, EXTRACTOR = "cnn", "v1"
CHUNK = 50_000
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """The same vectors twice; image i has row i - 1.

    Attributes:
        database: Ours, with a label for every image.
        file: Plain float32, row by row.
        count: How many.
    """

    database: Path
    file: Path
    count: int

    @cached_property
    def flat(self) -> Matrix:
        """The file, mapped."""
        return np.memmap(self.file, np.float32, "r", shape=(self.count, DIMENSION))


def shared(worlds: Worlds) -> Vectors:
    """The run's database of vectors and its flat file, made when first asked for."""
    found = Vectors(
        worlds.folder / "vectors.db", worlds.folder / "vectors.f32", worlds.size(1_000_000)
    )
    if not found.file.exists():
        worlds.copy(worlds.large, "vectors")
        with open_db(found.database) as db:
            for ids, vectors in numbers(found.count):
                db.store_features(ids, TYPE, vectors, EXTRACTOR)
        write_flat(found.file, found.count)
    return found


def numbers(size: int) -> Iterator[tuple[Ids, Matrix]]:
    """Image ids and their vectors; the same numbers in every call."""
    rng = np.random.default_rng(4)
    for start in range(0, size, CHUNK):
        ids = np.arange(start + 1, min(start + CHUNK, size) + 1, dtype=np.int64)
        yield ids, rng.random((len(ids), DIMENSION), dtype=np.float32)


def write_flat(path: Path, size: int) -> None:
    """The vectors without anything else."""
    with path.open("wb") as file:
        for _, vectors in numbers(size):
            file.write(vectors.tobytes())
