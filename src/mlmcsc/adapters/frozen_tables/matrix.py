"""Feature vectors as a version holds them, aligned with its rows.

Most vectors of a version are still the live ones. Those are read from the very file of the live
matrix, by a hard link of our own: the live file only ever grows, and lives on under the link when
it is built anew. Vectors that were replaced or removed since lie in a small file beside it. Where
these are many, or no link can be made, that file holds all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables.drafts import drafted, mapped, prove, required, seal, state_of
from mlmcsc.domain.vectors import as_float32

ABSENT: Final = -1
OVERLAY: Final = -2
"""Row number -2 - k means: vector k of the file beside."""

OWN_SHARE: Final = 0.1
"""Vectors beside, as a share of all, from which the version has a file of its own: reading many
from two files takes twice as long."""
PIECE: Final = 1 << 13
ROWS_FILE: Final = "rows.i64"

Vectors = Iterable[tuple[NDArray[np.int64], bytes]]
"""Chunks of rows of the version, and their stored vectors one behind the other."""


class FrozenMatrix:
    """The vectors of one feature set, for each row of an opened version.

    Pickling keeps the path alone.

    Args:
        folder: As `write_matrix` left it.

    Attributes:
        dimension: Numbers per vector.

    Raises:
        StoreError: The files are gone or damaged; they are laid out anew then.
    """

    def __init__(self, folder: Path) -> None:
        state = required(folder)
        prove(folder, state, [ROWS_FILE])
        self._folder, self._state = folder, state
        self.dimension = int(state["dimension"])
        self._base = mapped(folder / "base.f32", "<f4", (int(state["base"]), self.dimension))
        beside = (int(state["overlay"]), self.dimension)
        self._overlay = mapped(folder / "overlay.f32", "<f4", beside)
        self._row_of = mapped(folder / ROWS_FILE, "<i8", (int(state["rows"]),))
        self._straight = bool(state["straight"])

    def __reduce__(self) -> tuple[type[FrozenMatrix], tuple[Path]]:
        return FrozenMatrix, (self._folder,)

    @property
    def there(self) -> bool:
        """Whether the files are still in their folder, whole."""
        return state_of(self._folder) == self._state

    def take(
        self, rows: NDArray[np.int64], out: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Vectors of these rows, and which rows have none (theirs are NaN); None: all have one.

        Args:
            rows: Each 0 to the number of rows - 1.
            out: Float32 of shape `(len(rows), dimension)` to write them to.

        Returns:
            Shape `(len(rows), dimension)`, float32, a copy; and shape `(len(rows),)` or None.
        """
        if self._straight:
            return _gathered(self._base, rows, out), None
        at = np.take(self._row_of, rows)
        if not len(at) or at.min() >= 0:
            return _gathered(self._base, at, out), None
        if at.max() <= OVERLAY:
            return _gathered(self._overlay, OVERLAY - at, out), None
        live, beside, absent = at >= 0, at <= OVERLAY, at == ABSENT
        # One pass over all rows, then the few others: choosing rows first would copy twice.
        if 2 * int(live.sum()) >= len(at):
            found = _gathered(self._base, np.maximum(at, 0), out)
            found[beside] = np.take(self._overlay, OVERLAY - at[beside], axis=0)
        else:
            shape = (len(rows), self.dimension)
            found = np.empty(shape, np.float32) if out is None else out
            found[:] = np.nan
            if len(self._overlay):
                _gathered(self._overlay, np.maximum(OVERLAY - at, 0), found)
            found[live] = np.take(self._base, at[live], axis=0)
        found[absent] = np.nan
        return found, absent if absent.any() else None


def _gathered(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], out: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """These rows of `vectors`, copied once."""
    if out is None:
        return np.take(vectors, rows, axis=0)
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(vectors):
        raise IndexError(f"rows {rows.min()} to {rows.max()}: there are {len(vectors)}.")
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
        out[:] = vectors[rows[0] : rows[-1] + 1]  # one piece: half as long again by rows
        return out
    # NumPy writes to `out` through a buffer, unless it need not look for wrong rows.
    return np.take(vectors, rows, axis=0, out=out, mode="clip")


def write_matrix(
    target: Path,
    dimension: int,
    dtype: str,
    base: tuple[Path, int] | None,
    row_of: NDArray[np.int64],
    beside: Vectors,
    check: Callable[[FrozenMatrix], None],
) -> None:
    """Write the files of a `FrozenMatrix`; call once for each set and version.

    Args:
        target: The folder.
        dimension: Numbers per vector.
        dtype: Of the stored vectors.
        base: The live matrix' file of float32 vectors, and how many it vouches for; None where
            it cannot be used.
        row_of: For each row of the version its row in `base`, or `ABSENT`; changed here.
        beside: Vectors that are not taken from `base`.
        check: Raises when the vectors are not those that were frozen.

    Raises:
        StoreError: The files cannot be written.
    """
    with drafted(target) as draft:
        if draft is None:
            return
        count, rows = 0, 0
        if base is not None:
            os.link(base[0], draft / "base.f32")
            rows = base[1]
        stored = np.dtype(dtype).newbyteorder("<")
        with (draft / "overlay.f32").open("xb", buffering=1 << 20) as out:
            for which, raw in beside:
                out.write(as_float32(np.frombuffer(raw, stored)).astype("<f4").tobytes())
                row_of[which] = OVERLAY - np.arange(count, count + len(which))
                count += len(which)
            if count > OWN_SHARE * len(row_of) and rows:
                base_file = np.memmap(draft / "base.f32", "<f4", "r", shape=(rows, dimension))
                count = _copy(base_file, row_of, count, out)
                rows = 0
                (draft / "base.f32").unlink()
        row_of.astype("<i8", copy=False).tofile(draft / ROWS_FILE)
        straight = len(row_of) <= rows and bool((row_of == np.arange(len(row_of))).all())
        facts: dict[str, Any] = {"dimension": dimension, "rows": len(row_of), "straight": straight}
        seal(draft, facts | {"base": rows, "overlay": count}, [ROWS_FILE])
        check(FrozenMatrix(draft))


def _copy(base: NDArray[np.float32], row_of: NDArray[np.int64], count: int, out: BinaryIO) -> int:
    """Write the vectors that are in `base` behind the others; how many there are then."""
    live = np.flatnonzero(row_of >= 0)
    for first in range(0, len(live), PIECE):
        rows = live[first : first + PIECE]
        out.write(base[row_of[rows]].tobytes())
        row_of[rows] = OVERLAY - np.arange(count, count + len(rows))
        count += len(rows)
    return count


def linkable(path: Path, folder: Path) -> bool:
    """Whether a hard link to `path` can be made in `folder`."""
    probe = folder / f".link-{os.getpid()}"
    try:
        os.link(path, probe)
    except OSError:
        return False
    with suppress(OSError):
        probe.unlink()
    return True
