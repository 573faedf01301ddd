"""Which rows of an opened version are read: all, or those that a file lists."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables.drafts import mapped
from mlmcsc.errors import StoreError

PIECE = 1 << 20


class Selection:
    """Row numbers, ascending; mapped, so that millions of them cost no memory.

    Args:
        fingerprint: Names what was selected.
        n: How many rows.
        path: File of their int64 numbers; None: the rows 0 to n - 1.
    """

    def __init__(self, fingerprint: str, n: int, path: Path | None = None) -> None:
        self.fingerprint, self.n, self._path = fingerprint, n, path
        try:
            self._rows = None if path is None else mapped(path, "<i8", (n,))
        except (OSError, ValueError):
            raise StoreError(f"{path} is no longer there. Open the version again.") from None

    def __reduce__(self) -> tuple[type[Selection], tuple[str, int, Path | None]]:
        return Selection, (self.fingerprint, self.n, self._path)

    @property
    def whole(self) -> bool:
        """Whether every row is selected."""
        return self._rows is None

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows at these places of the selection."""
        return places if self._rows is None else np.asarray(self._rows[places])

    def pieces(self) -> Iterable[NDArray[np.int64]]:
        """All rows, up to a million at a time."""
        for first in range(0, self.n, PIECE):
            yield self.rows(np.arange(first, min(first + PIECE, self.n)))


def write_selection(folder: Path, fingerprint: str, rows: Iterable[NDArray[np.int64]]) -> Selection:
    """Keep row numbers in a file of the opened version; a file that is there is overwritten.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / "selections" / f"{fingerprint}.i64"
    draft = path.with_name(f".{uuid.uuid4().hex}")
    count = 0
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with draft.open("xb") as out:
            for piece in rows:
                out.write(piece.astype("<i8", copy=False).tobytes())
                count += len(piece)
        os.replace(draft, path)
    except OSError as error:
        raise StoreError(
            f"Cannot write {path.parent}: {error.strerror or error}. Check free space."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return Selection(fingerprint, count, path)
