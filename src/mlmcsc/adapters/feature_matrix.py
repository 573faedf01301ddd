"""Feature vectors as one flat, memory-mapped file: fast to read, never the record.

A matrix is derived from the table of vectors. It grows by appending; a replaced vector's old
row stays in the file, unreferenced, until the next rebuild. `state.json` is written last,
atomically and when the rows it vouches for are on the disk, so that a process or a machine that
dies half-way leaves the earlier state, whose rows are all still there. Anything that does not add
up means: build again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.vectors import as_float32

Chunk = Sequence[tuple[int, int, bytes]]
MISSING = -1


@dataclass(frozen=True, slots=True)
class State:
    """What a matrix file holds.

    Attributes:
        token: The set's newest write when it was read.
        rows: Vectors in the file, stale ones included.
        last_id: Highest feature id in it; later ones are still to be appended.
        dimension: Numbers per vector.
        folder: Sub-folder of the files that belong together.
    """

    token: str
    rows: int
    last_id: int
    dimension: int
    folder: str


class FeatureMatrix:
    """One set's matrix on disk, open for reading."""

    def __init__(self, root: Path, dimension: int) -> None:
        self._root = root
        self._dimension = dimension
        self._state: State | None = None
        self._vectors: NDArray[np.float32] = np.empty((0, dimension), np.float32)
        self._row_of: NDArray[np.int64] = np.empty(0, np.int64)
        self._row_ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._images = 0

    @property
    def last_id(self) -> int:
        """The highest feature id that the open matrix holds, 0 for none."""
        return self._state.last_id if self._state else 0

    @property
    def token(self) -> str | None:
        """The write of the set that the open matrix shows, None for none."""
        return self._state.token if self._state else None

    @property
    def images(self) -> int:
        """How many images have a vector in it."""
        return self._images

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Every row of the file, shape `(rows, dimension)`, mapped; stale ones included."""
        return self._vectors

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """The image of each row, shape `(rows,)`."""
        return self._row_ids

    @property
    def files(self) -> Path:
        """The folder of the open files; what is derived from them goes when they go."""
        return self._root / (self._state.folder if self._state else "")

    def current_rows(self) -> NDArray[np.int64] | None:
        """The rows that show an image's newest vector, ascending; None where all do."""
        if self._images == len(self._row_ids):
            return None
        return np.sort(self._row_of[self._row_of != MISSING])

    @property
    def rows(self) -> int:
        """Vectors in the open files, stale ones included; 0 for none."""
        return self._state.rows if self._state else 0

    @property
    def vectors_file(self) -> Path:
        """File of the vectors, float32; it only grows, and is left behind by a rebuild."""
        return self._root / (self._state.folder if self._state else "") / "vectors.f32"

    def open(self) -> bool:
        """Map what is on disk; False when there is nothing usable."""
        state = self._read_state()
        if state is None:
            return False
        if state == self._state:
            return True
        files = self._root / state.folder
        size = state.rows * self._dimension * 4
        try:
            sound = (files / "vectors.f32").stat().st_size >= size
            ids = np.fromfile(files / "image_ids.i64", dtype="<i8", count=state.rows)
            if not sound or len(ids) != state.rows or state.dimension != self._dimension:
                return False
            if state.rows:
                self._vectors = np.memmap(
                    files / "vectors.f32", "<f4", "r", shape=(state.rows, self._dimension)
                )
        except OSError:
            return False  # torn, or another process has just built it again
        self._row_ids = ids
        self._row_of = np.full(int(ids.max(initial=0)) + 1, MISSING, dtype=np.int64)
        self._row_of[ids] = np.arange(state.rows)  # the last row of an image wins
        self._images = int(np.count_nonzero(self._row_of != MISSING))
        self._state = state
        return True

    def _read_state(self) -> State | None:
        try:
            state = State(**json.loads((self._root / "state.json").read_text("utf-8")))
            uuid.UUID(hex=state.folder)  # a name of ours: it will be opened, grown and removed
        except (OSError, ValueError, TypeError, AttributeError):
            return None  # absent or torn: a derived file is simply built again
        return state

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One builder at a time, across processes."""
        self._root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / "lock"):
            yield

    def extend(self, chunks: Iterable[Chunk], dtype: str, token: str, images: int) -> bool:
        """Append vectors to the open matrix; call under `locked`.

        Returns:
            Whether it then shows so many images. If not, it stays as it was: vectors were removed,
            or their ids were committed out of order.
        """
        if self._state is None:
            return False
        state = self._append(chunks, dtype, token, self._state)
        ids = np.fromfile(self._root / state.folder / "image_ids.i64", "<i8", count=state.rows)
        shown = np.zeros(int(ids.max(initial=0)) + 1, dtype=bool)
        shown[ids] = True
        if np.count_nonzero(shown) != images:
            return False
        self._publish(state)
        return self.open()

    def rebuild(self, chunks: Iterable[Chunk], dtype: str, token: str) -> None:
        """Write everything anew beside the old files and open the result; call under `locked`."""
        empty = State(token, 0, 0, self._dimension, uuid.uuid4().hex)
        self._publish(self._append(chunks, dtype, token, empty))
        self.open()
        for part in self._root.iterdir():  # the old files, and those of builders that died
            if part.is_dir() and part.name != empty.folder:
                shutil.rmtree(part, ignore_errors=True)

    def _append(self, chunks: Iterable[Chunk], dtype: str, token: str, at: State) -> State:
        files = self._root / at.folder
        files.mkdir(parents=True, exist_ok=True)
        rows, last_id = at.rows, at.last_id
        stored = np.dtype(dtype).newbyteorder("<")
        with (
            _append_at(files / "vectors.f32", rows * self._dimension * 4) as vectors,
            _append_at(files / "image_ids.i64", rows * 8) as ids,
        ):
            for chunk in chunks:
                raw = b"".join(row[2] for row in chunk)
                if stored != np.dtype("<f4"):
                    raw = as_float32(np.frombuffer(raw, stored)).tobytes()
                vectors.write(raw)
                ids.write(np.fromiter((row[1] for row in chunk), "<i8", len(chunk)).tobytes())
                rows += len(chunk)
                last_id = int(chunk[-1][0])
        sync_folder(files)
        return State(token, rows, last_id, self._dimension, at.folder)

    def _publish(self, state: State) -> None:
        """Let readers see rows that are on the disk."""
        draft = self._root / f"state.{os.getpid()}.tmp"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._root / "state.json")
        sync_folder(self._root)

    def rows_of(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each image, -1 where it has no vector."""
        known = image_ids < len(self._row_of)
        if known.all():
            return self._row_of[image_ids]
        found = np.full(len(image_ids), MISSING, dtype=np.int64)
        found[known] = self._row_of[image_ids[known]]
        return found

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors at these rows, shape `(len(rows), dimension)`, float32, a copy."""
        return np.take(self._vectors, rows, axis=0)


@contextlib.contextmanager
def _append_at(path: Path, size: int) -> Iterator[BinaryIO]:
    """A file cut to what its state vouches for, open at that end; on the disk when left."""
    path.touch()
    with path.open("r+b", buffering=1 << 20) as file:
        file.truncate(size)
        file.seek(size)
        yield file
        file.flush()
        os.fsync(file.fileno())
