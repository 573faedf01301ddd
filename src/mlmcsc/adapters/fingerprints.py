"""Perceptual hashes that survive re-encoding, resizing and changes of brightness.

Difference hash (dHash: N. Krawetz, "Kind of Like That", hackerfactor.com, 2013) over area-averaged
grey values, with two changes for micrographs. A step from one cell to the next counts by how much
it differs from the steps in the rows around it: else the illumination, the outline of the specimen
and the data bar, alike in every picture of a series, would make different surfaces look the same.
And pictures with too little structure get no hash: theirs would be noise, or all zeros.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from mlmcsc.domain.image_facts import Fingerprint

FINE, COARSE = 16, 8
"""Bits per side of the two hashes."""
BASE_ROWS, BASE_COLUMNS = 16, 153
"""One base grid serves both: 153 = 9 * 17 columns and 16 = 2 * 8 rows divide evenly."""

ROWS_AROUND = 5
"""Rows, the cell's own included, whose mean step is subtracted."""

MIN_STEP = 0.5
"""Grey levels (of 255) by which a step must stand out to set its bit, and to count as structure."""
MIN_STRUCTURE = 0.4
"""Share of the 256 fine steps that must be structure for a hash to mean something."""

ENOUGH = 256
"""Pixels on the shorter side beyond which whole-number reduction comes first: it is faster."""

Grid = npt.NDArray[np.float32]


def fingerprint(gray: npt.NDArray[np.generic]) -> Fingerprint | None:
    """Hash a grey picture.

    Args:
        gray: `(H, W)` of any real dtype, at least 1 x 1. Non-finite values count as darkest.

    Returns:
        The two hashes, or None when the picture has too little structure: fewer than two in five
        of the 256 steps stand out by half a grey level or more. A level is 1/255 of the range that
        the picture's bit depth spans.
    """
    base = _area_average(gray)
    cells = np.add.reduce(base.reshape(FINE, FINE + 1, -1), axis=2)  # ndarray.mean costs twice
    fine = _steps(cells / np.float32(BASE_COLUMNS // (FINE + 1)))
    if np.count_nonzero(np.abs(fine) >= MIN_STEP) < MIN_STRUCTURE * fine.size:
        return None
    cells = np.add.reduce(base.reshape(COARSE, 2, COARSE + 1, -1), axis=(1, 3))
    coarse = _steps(cells / np.float32(2 * BASE_COLUMNS // (COARSE + 1)))
    return Fingerprint(
        coarse=int.from_bytes(np.packbits(coarse >= MIN_STEP).tobytes(), signed=True),
        fine=np.packbits(fine >= MIN_STEP).tobytes(),
    )


def _steps(grid: Grid) -> Grid:
    """`(n, n + 1)` to `(n, n)`: steps to the right, less their mean over the rows around."""
    steps = grid[:, 1:] - grid[:, :-1]
    around = np.add.reduce(steps[_rows_around(grid.shape[0])], axis=1)
    standing_out: Grid = steps - around / np.float32(ROWS_AROUND)
    return standing_out


@functools.cache
def _rows_around(rows: int) -> npt.NDArray[np.intp]:
    """`(rows, 5)`: for each row itself and two rows on either side; the outermost repeat."""
    reach = ROWS_AROUND // 2
    around: npt.NDArray[np.intp] = np.arange(rows)[:, None] + np.arange(-reach, reach + 1)
    return around.clip(0, rows - 1)


def _area_average(gray: npt.NDArray[np.generic]) -> Grid:
    """Mean grey level, 0 to 255, of each cell of the base grid; cells may split pixels."""
    levels = _levels(gray)
    step = max(1, min(levels.shape) // ENOUGH)
    if step > 1:
        from PIL import Image  # noqa: PLC0415 - Pillow only when pixels are looked at

        levels = np.asarray(Image.fromarray(np.ascontiguousarray(levels)).reduce(step))
    return _column_means(_row_means(levels.astype(np.float32)))


@functools.lru_cache(maxsize=64)
def _edges(length: int, parts: int) -> tuple[npt.NDArray[np.intp], Grid]:
    """Where equal parts of `length` pixels begin and end: whole pixel and rest, `(parts + 1,)`."""
    edges = np.linspace(0, length, parts + 1)
    whole = np.minimum(edges.astype(np.intp), length - 1)
    return whole, (edges - whole).astype(np.float32)


def _row_means(pixels: Grid) -> Grid:
    """`(H, W)` to `(16, W)`: exact means over equal parts, splitting rows where a part ends.

    Pillow's filters snap parts to whole pixels, which halving the size moves. A matrix product
    would be as exact, but BLAS starts threads for it: 30 ms a picture when workers share cores.
    """
    height = pixels.shape[0]
    whole, rest = _edges(height, BASE_ROWS)
    starts = whole[:-1]
    means: Grid = np.add.reduceat(pixels, starts, axis=0)
    means[:-1][starts[1:] == starts[:-1]] = 0  # a part inside one row has no whole one
    if rest[:-1].any():
        split = rest[:-1, None] * pixels[starts]
        means -= split
        means[:-1] += split[1:]
    return means * np.float32(BASE_ROWS / height)


def _column_means(rows: Grid) -> Grid:
    """`(16, W)` to `(16, 153)`: exact means, from running sums read between pixels."""
    width = rows.shape[1]
    running = np.zeros((BASE_ROWS, width + 1), np.float32)
    np.cumsum(rows, axis=1, out=running[:, 1:])
    whole, rest = _edges(width, BASE_COLUMNS)
    at_edges = running[:, whole] + rest * rows[:, whole]
    means: Grid = (at_edges[:, 1:] - at_edges[:, :-1]) * np.float32(BASE_COLUMNS / width)
    return means


def _levels(gray: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """The picture in 256 levels.

    Unsigned integers span the bits in use (12-bit cameras store 16), others their own range.
    """
    if gray.dtype.kind == "u":
        shift = max(0, int(gray.max()).bit_length() - 8)
        return (gray >> np.array(shift, gray.dtype) if shift else gray).astype(np.uint8)
    finite = np.isfinite(gray)
    quarters = np.where(finite, gray, 0).astype(np.float64) / 4  # so that high - low is finite
    values = quarters[finite]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    scale = 255 / (high - low) if high > low else 0.0
    return np.where(finite, np.rint((quarters - low) * scale), 0).astype(np.uint8)
