"""An opened version: its rows, mapped from files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables.building import PEOPLE, RAW, REDACTED, ROWS_FILE, STORED
from mlmcsc.adapters.frozen_tables.drafts import mapped, prove, required, state_of
from mlmcsc.adapters.versions import ROWS
from mlmcsc.errors import StoreError

PIECE = 1 << 20
"""Pairs looked at in one go."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """Where a frozen image lies, and what it must be.

    Attributes:
        image_id: The image.
        path: Where its file lay when the version was made.
        content_hash: SHA-256, 32 bytes; None where it was never hashed.
    """

    image_id: int
    path: str
    content_hash: bytes | None


class FrozenTable:
    """The rows of a version that are not redacted, ascending by image id.

    Pickling keeps the path alone: another process maps the same files. Ids, labels, splits and
    the list of redacted rows are hashed when they are mapped (20 ms for a million rows), the
    others when they are first used.

    Args:
        folder: As `build` wrote it.
        rebuild: Writes the folder again; None in a process that has no database.

    Attributes:
        folder: The folder.
        n_rows: Rows.
        n_redacted: Rows that were redacted, and are not among them.
        image_ids: int64, shape (n_rows,), mapped.
        labels: float64, shape (n_rows,), mapped.
        splits: int8, values of `Split`, shape (n_rows,), mapped.
        redacted: Ids of the redacted rows' images, ascending.

    Raises:
        StoreError: The files are gone or damaged; they are built anew then.
    """

    def __init__(self, folder: Path, rebuild: Callable[[], None] | None = None) -> None:
        state = required(folder)
        prove(folder, state, [*RAW.values(), REDACTED])
        self.folder, self._rebuild = folder, rebuild
        self._state = state
        self.n_rows, self.n_redacted = int(state["rows"]), int(state["redacted"])
        shape = (self.n_rows,)
        self.image_ids, self.labels, self.splits = (
            mapped(folder / RAW[name], STORED[name], shape) for name in RAW
        )
        self.redacted = mapped(folder / REDACTED, "<i8", (self.n_redacted,))
        self._people: NDArray[np.int64] | None = None
        self._arrow: Any = None

    def __reduce__(self) -> tuple[type[FrozenTable], tuple[Path]]:
        return FrozenTable, (self.folder,)

    @property
    def there(self) -> bool:
        """Whether the files are still in their folder, whole."""
        return state_of(self.folder) == self._state

    def arrow(self) -> Any:
        """All rows as a `pyarrow.Table` over the mapped file: nothing is copied."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        if self._arrow is None:
            self._prove(ROWS_FILE)
            source = pa.memory_map(str(self.folder / ROWS_FILE))
            self._arrow = pa.ipc.open_file(source).read_all()
        return self._arrow

    def _prove(self, name: str) -> None:
        """Look at a file before it is first used; a damaged one is written again."""
        try:
            prove(self.folder, self._state, [name])
        except StoreError:
            if self._rebuild is None:
                raise
            self._rebuild()
            self._state = required(self.folder)
            prove(self.folder, self._state, [name])

    def _pairs(self) -> NDArray[np.int64]:
        """Row and technician of each deciding label."""
        if self._people is None:
            self._prove(PEOPLE)
            self._people = mapped(self.folder / PEOPLE, "<i8", (int(self._state["pairs"]), 2))
        return self._people

    def files(self, rows: NDArray[np.int64]) -> list[ImageFile]:
        """The image files of these rows."""
        table = self.arrow()
        paths, hashes = table.column("path"), table.column("content_hash")
        found = []
        for row in rows.tolist():
            batch, at = divmod(row, ROWS)
            path, content = paths.chunk(batch)[at].as_py(), hashes.chunk(batch)[at].as_py()
            found.append(ImageFile(int(self.image_ids[row]), path, content))
        return found

    def rows_of_people(self, technician_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows to which any of these technicians contributed a label; ascending."""
        found = [np.empty(0, np.int64)]
        if len(technician_ids):
            every = self._pairs()
            for first in range(0, len(every), PIECE):
                pairs = every[first : first + PIECE]
                found.append(pairs[np.isin(pairs[:, 1], technician_ids), 0])
        return np.unique(np.concatenate(found))

    def labels_of_people(self, technician_ids: NDArray[np.int64]) -> int:
        """How many of the deciding labels these technicians gave."""
        every = self._pairs()
        return sum(
            int(np.isin(every[first : first + PIECE, 1], technician_ids).sum())
            for first in range(0, len(every), PIECE)
        )
