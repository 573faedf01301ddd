"""An HNSW index of a matrix (usearch), kept beside it; quick, and not certain.

Malkov & Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs, IEEE TPAMI 42 (2020) 824. The file has usearch's own format; no
pickle. It is derived: it grows with the matrix, and goes when the matrix is built again or the
caches are purged.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.similarity.metrics import Metric
from mlmcsc.errors import StoreError, UnsupportedError

NAMES = {Metric.COSINE: "cos", Metric.L2: "l2sq", Metric.DOT: "ip"}
BATCH = 4096
"""Vectors added at a time."""


@dataclass(frozen=True, slots=True)
class State:
    """What an index file holds.

    Attributes:
        rows: It holds the matrix's rows 0 to `rows` - 1.
        size: Bytes of the file, to recognise a torn one.
        recall: Measured recall by k.
    """

    rows: int
    size: int
    recall: dict[str, float] = field(default_factory=dict)


class ApproximateIndex:
    """The index of one matrix for one metric.

    Args:
        folder: Where the matrix's files lie.
        metric: Which distance.
        dimension: Numbers per vector.
    """

    def __init__(self, folder: Path, metric: Metric, dimension: int) -> None:
        self._engine = _usearch()
        self._metric = metric
        self._dimension = dimension
        self._file = folder / f"hnsw-{metric}.usearch"
        self._state_file = folder / f"hnsw-{metric}.json"
        self._lock = FileLock(folder / f"hnsw-{metric}.lock")
        self._index: Any = None
        self._state = State(0, 0)

    def open(self, vectors: NDArray[np.float32], progress: Progress = quiet) -> None:
        """Map the index of all rows of `vectors`; what it lacks is added first, with progress.

        Raises:
            StoreError: It cannot be kept.
        """
        try:
            with self._lock:
                state = self._read_state()
                if state.rows != len(vectors):
                    state = self._grow(state, vectors, progress)
                self._index = self._engine.Index.restore(os.fspath(self._file), view=True)
        except (OSError, RuntimeError) as error:  # usearch tells of files by RuntimeError
            raise StoreError(
                f"{self._file}: the index cannot be kept: {error}. Make room, try again, "
                "or search without approximate=True."
            ) from error
        self._state = state

    def _read_state(self) -> State:
        try:
            state = State(**json.loads(self._state_file.read_text("utf-8")))
            sound = self._file.stat().st_size == state.size
        except (OSError, ValueError, TypeError):
            return State(0, 0)  # absent or torn: a derived file is simply built again
        return state if sound else State(0, 0)

    def _grow(self, old: State, vectors: NDArray[np.float32], progress: Progress) -> State:
        if old.rows:
            index = self._engine.Index.restore(os.fspath(self._file))
        else:
            index = self._engine.Index(
                ndim=self._dimension, metric=NAMES[self._metric], dtype="f32"
            )
        for start in range(old.rows, len(vectors), BATCH):
            stop = min(start + BATCH, len(vectors))
            index.add(np.arange(start, stop), np.ascontiguousarray(vectors[start:stop]))
            progress("building the index", stop, len(vectors))
        draft = self._file.with_suffix(f".{os.getpid()}.tmp")
        try:
            index.save(os.fspath(draft))
            self._state_file.unlink(missing_ok=True)  # between the two files, there is no index
            os.replace(draft, self._file)
        finally:
            draft.unlink(missing_ok=True)
        state = State(len(vectors), self._file.stat().st_size)
        self._write_state(state)
        return state

    def _write_state(self, state: State) -> None:
        draft = self._state_file.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
        os.replace(draft, self._state_file)

    def search(self, queries: NDArray[np.float64], count: int) -> list[NDArray[np.int64]]:
        """Rows near each query, at most `count`, nearest first."""
        found: Any = self._index.search(queries.astype(np.float32), min(count, self._state.rows))
        keys = np.atleast_2d(found.keys).astype(np.int64)
        # One query gives Matches, which are all there; several give a padded batch.
        counts = [keys.shape[1]] if len(queries) == 1 else found.counts.tolist()
        return [row[:n] for row, n in zip(keys, counts, strict=True)]

    def recall(self, k: int) -> float | None:
        """The recall at k that was measured of this very index; None before."""
        return self._state.recall.get(str(k))

    def remember_recall(self, k: int, recall: float) -> None:
        """Keep a measured recall as long as the index stays as it is."""
        with self._lock:
            state = self._read_state()
            self._state = State(
                self._state.rows, self._state.size, {**self._state.recall, str(k): recall}
            )
            if (state.rows, state.size) == (self._state.rows, self._state.size):
                self._write_state(self._state)


def _usearch() -> Any:
    try:
        return import_module("usearch.index")
    except ImportError:
        raise UnsupportedError(
            "approximate=True needs usearch, which is not installed. Run: pip install mlmcsc[ann]. "
            "Without approximate=True the search is exact and needs nothing more."
        ) from None
