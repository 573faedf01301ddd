"""An opened version: its rows, mapped from files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables.building import RAW, STORED
from mlmcsc.adapters.frozen_tables.drafts import mapped, required
from mlmcsc.adapters.versions import ROWS

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

    Pickling keeps the path alone: another process maps the same files.

    Args:
        folder: As `build` wrote it.

    Attributes:
        folder: The folder.
        n_rows: Rows.
        n_redacted: Rows that were redacted, and are not among them.
        image_ids: int64, shape (n_rows,), mapped.
        labels: float64, shape (n_rows,), mapped.
        splits: int8, values of `Split`, shape (n_rows,), mapped.

    Raises:
        StoreError: The files are gone.
    """

    def __init__(self, folder: Path) -> None:
        state = required(folder)
        self.folder = folder
        self.n_rows, self.n_redacted = int(state["rows"]), int(state["redacted"])
        shape = (self.n_rows,)
        self.image_ids, self.labels, self.splits = (
            mapped(folder / RAW[name], STORED[name], shape) for name in RAW
        )
        self._pairs = mapped(folder / "technicians.i64", "<i8", (int(state["pairs"]), 2))
        self._arrow: Any = None

    def __reduce__(self) -> tuple[type[FrozenTable], tuple[Path]]:
        return FrozenTable, (self.folder,)

    @property
    def redacted(self) -> NDArray[np.int64]:
        """Ids of the redacted rows' images, ascending."""
        return mapped(self.folder / "redacted.i64", "<i8", (self.n_redacted,))

    def arrow(self) -> Any:
        """All rows as a `pyarrow.Table` over the mapped file: nothing is copied."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        if self._arrow is None:
            source = pa.memory_map(str(self.folder / "rows.arrow"))
            self._arrow = pa.ipc.open_file(source).read_all()
        return self._arrow

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
            for first in range(0, len(self._pairs), PIECE):
                pairs = self._pairs[first : first + PIECE]
                found.append(pairs[np.isin(pairs[:, 1], technician_ids), 0])
        return np.unique(np.concatenate(found))

    def labels_of_people(self, technician_ids: NDArray[np.int64]) -> int:
        """How many of the deciding labels these technicians gave."""
        return sum(
            int(np.isin(self._pairs[first : first + PIECE, 1], technician_ids).sum())
            for first in range(0, len(self._pairs), PIECE)
        )
