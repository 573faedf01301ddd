"""Vectors to search in, from a memory-mapped matrix or from memory."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.domain.similarity.metrics import norms

BLOCK_BYTES = 8 * 2**20
"""Vectors looked at at a time: large for a BLAS, small for the memory."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """N vectors; arrays of equal length.

    Attributes:
        ids: The image of each, shape `(N,)`, int64.
        values: Shape `(N, D)`, float32, in memory or mapped.
        norms: Euclidean lengths, shape `(N,)`, float64.
        rows: Which rows count, ascending; None for all.
    """

    ids: NDArray[np.int64]
    values: NDArray[np.float32]
    norms: NDArray[np.float64]
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids) if self.rows is None else len(self.rows)

    @property
    def block(self) -> int:
        """Rows that are looked at at a time."""
        return max(1, BLOCK_BYTES // (4 * int(self.values.shape[1])))

    def all_rows(self) -> NDArray[np.int64]:
        """The rows that count."""
        return np.arange(len(self.ids)) if self.rows is None else self.rows

    def only(self, image_ids: NDArray[np.int64]) -> Vectors:
        """The vectors of these images (ascending) only."""
        rows = self.all_rows()
        return self._of(rows[_among(self.ids[rows], image_ids)])

    def without(self, image_ids: NDArray[np.int64]) -> Vectors:
        """The vectors of all images but these (ascending)."""
        if not len(image_ids):
            return self
        rows = self.all_rows()
        return self._of(rows[~_among(self.ids[rows], image_ids)])

    def with_direction(self) -> Vectors:
        """The vectors that are not zero."""
        if self.norms.all():
            return self
        rows = self.all_rows()
        return self._of(rows[self.norms[rows] > 0])

    def _of(self, rows: NDArray[np.int64]) -> Vectors:
        return Vectors(self.ids, self.values, self.norms, rows)


def _among(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ids are among `wanted`, ascending: a table of flags, as ids are dense."""
    if not len(ids) or not len(wanted):
        return np.zeros(len(ids), dtype=bool)
    flags = np.zeros(int(max(ids.max(), wanted[-1])) + 1, dtype=bool)
    flags[wanted] = True
    return flags[ids]


def in_memory(ids: NDArray[np.int64], values: NDArray[np.float32]) -> Vectors:
    """Vectors that are held in memory."""
    return Vectors(ids, values, norms(values))


def of_matrix(matrix: FeatureMatrix) -> Vectors:
    """The newest vector of each image in an open matrix."""
    lengths = _kept_norms(matrix)
    return Vectors(matrix.row_ids, matrix.vectors, lengths, matrix.current_rows())


def _kept_norms(matrix: FeatureMatrix) -> NDArray[np.float64]:
    """The lengths of the matrix's rows, from the file beside it, which grows with it.

    Rows never change while they are in the matrix's folder, so those in the file stay right.
    """
    path = matrix.files / "norms.f64"
    wanted = len(matrix.row_ids)
    kept = np.fromfile(path, "<f8", count=wanted) if path.exists() else np.empty(0)
    if len(kept) == wanted:
        return kept
    step = max(1, BLOCK_BYTES // (4 * matrix.vectors.shape[1]))
    new = [norms(matrix.vectors[at : at + step]) for at in range(len(kept), wanted, step)]
    whole = np.concatenate([kept, *new])
    _replace(path, whole)
    return whole


def _replace(path: Path, numbers: NDArray[np.float64]) -> None:
    """Whole or not at all: another process may read or write it at the same time."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        draft.write_bytes(numbers.astype("<f8").tobytes())
        os.replace(draft, path)
    except FileNotFoundError:
        return  # the matrix was built again elsewhere: these files are going
    finally:
        draft.unlink(missing_ok=True)
