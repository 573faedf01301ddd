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
    fine, coarse = (_steps(cells) for cells in _cells(gray))
    if np.count_nonzero(np.abs(fine) >= MIN_STEP) < MIN_STRUCTURE * fine.size:
        return None
    return Fingerprint(
        coarse=int.from_bytes(np.packbits(coarse >= MIN_STEP).tobytes(), signed=True),
        fine=np.packbits(fine >= MIN_STEP).tobytes(),
    )


def _steps(cells: Grid) -> Grid:
    """`(n, n + 1)` to `(n, n)`: steps to the right, less their mean over the rows around."""
    standing_out: Grid = _less_rows_around(len(cells)) @ (cells[:, 1:] - cells[:, :-1])
    return standing_out


@functools.cache
def _less_rows_around(rows: int) -> Grid:
    """`(rows, rows)`: takes from each row the mean of itself and two on either side.

    The outermost rows repeat where there are none beyond.
    """
    reach = ROWS_AROUND // 2
    around = np.arange(rows)[:, None] + np.arange(-reach, reach + 1)
    taken = np.identity(rows, np.float32)
    np.subtract.at(taken, (np.arange(rows)[:, None], around.clip(0, rows - 1)), 1 / ROWS_AROUND)
    return taken


def _cells(gray: npt.NDArray[np.generic]) -> tuple[Grid, Grid]:
    """Mean grey levels, 0 to 255, of 16 x 17 and of 8 x 9 equal cells, which may split pixels."""
    levels = _levels(gray)
    step = max(1, min(levels.shape) // ENOUGH)
    if step > 1:
        from PIL import Image  # noqa: PLC0415 - Pillow only when pixels are looked at

        levels = np.asarray(Image.fromarray(np.ascontiguousarray(levels)).reduce(step))
    rows = _row_means(levels.astype(np.float32))
    pairs = (rows[0::2] + rows[1::2]) * np.float32(0.5)
    return _column_means(rows, FINE + 1), _column_means(pairs, COARSE + 1)


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
    height, width = pixels.shape
    means: Grid
    if height % FINE == 0:  # the usual heights: five times faster
        means = np.add.reduce(pixels.reshape(FINE, height // FINE, width), axis=1)
    else:
        whole, rest = _edges(height, FINE)
        starts = whole[:-1]
        means = np.add.reduceat(pixels, starts, axis=0)
        means[:-1][starts[1:] == starts[:-1]] = 0  # a part inside one row has no whole one
        split = rest[:-1, None] * pixels[starts]
        means -= split
        means[:-1] += split[1:]
    return means * np.float32(FINE / height)


def _column_means(rows: Grid, parts: int) -> Grid:
    """`(n, W)` to `(n, parts)`: exact means, from running sums read between pixels."""
    count, width = rows.shape
    running = np.zeros((count, width + 1), np.float32)
    np.add.accumulate(rows, axis=1, out=running[:, 1:])
    whole, rest = _edges(width, parts)
    at_edges = running.take(whole, axis=1) + rest * rows.take(whole, axis=1)
    means: Grid = (at_edges[:, 1:] - at_edges[:, :-1]) * np.float32(parts / width)
    return means


def _levels(gray: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """The picture in 256 levels.

    Unsigned integers span the bits in use (12-bit cameras store 16), others their own range.
    """
    if gray.dtype == np.uint8:
        return gray.view(np.uint8)  # as they are, without a look at each
    if gray.dtype.kind == "u":
        shift = max(0, int(gray.max()).bit_length() - 8)
        return (gray >> np.array(shift, gray.dtype) if shift else gray).astype(np.uint8)
    finite = np.isfinite(gray)
    quarters = np.where(finite, gray, 0).astype(np.float64) / 4  # so that high - low is finite
    values = quarters[finite]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    scale = 255 / (high - low) if high > low else 0.0
    return np.where(finite, np.rint((quarters - low) * scale), 0).astype(np.uint8)
