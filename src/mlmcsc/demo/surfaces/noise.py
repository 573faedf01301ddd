"""Random fields the relief of a fracture is made of."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
SEEDS_KEPT = 0.66
TINY = 1e-6


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], cell: tuple[float, float]
) -> Field:
    """Draw smooth noise of zero mean and unit deviation.

    Args:
        rng: source of randomness.
        shape: height and width in pixels.
        cell: correlation length down and across, in pixels; unequal lengths give a grain.

    Returns:
        float32 array of `shape`.
    """
    height, width = shape
    rows = max(2, round(height / cell[0]) + 1)
    columns = max(2, round(width / cell[1]) + 1)
    knots = rng.standard_normal((rows, columns), dtype=np.float32)
    field = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
    return _normalised(np.asarray(field, np.float32))


def fractal_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell: tuple[float, float],
    octaves: int,
) -> Field:
    """Sum `octaves` of smooth noise, each of half the length and 0.6 times the amplitude."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        finer = (max(1.0, cell[0] / 2**octave), max(1.0, cell[1] / 2**octave))
        total += np.float32(0.6**octave) * smooth_noise(rng, shape, finer)
    return _normalised(total)


def facet_labels(
    rng: np.random.Generator, shape: tuple[int, int], pitch: float
) -> NDArray[np.int32]:
    """Divide the plane into Voronoi cells around jittered seeds, as grains divide a fracture.

    Args:
        rng: source of randomness.
        shape: height and width in pixels.
        pitch: edge of the grid that holds one seed or none per square, in pixels.

    Returns:
        int32 array of `shape`: the cell number of every pixel, from 1.
    """
    height, width = shape
    rows, columns = np.mgrid[0 : height / pitch, 0 : width / pitch]
    jitter = rng.random((2, *rows.shape))
    # Leaving out every third seed makes small and large grains lie side by side, as they do.
    kept = rng.random(rows.shape) < SEEDS_KEPT
    kept[0, 0] = True
    y = np.minimum(((rows + jitter[0]) * pitch).astype(np.intp), height - 1)[kept]
    x = np.minimum(((columns + jitter[1]) * pitch).astype(np.intp), width - 1)[kept]
    ground = np.ones(shape, np.uint8)
    ground[y, x] = 0
    _, labels = cv2.distanceTransformWithLabels(
        ground, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(labels, np.int32)


def _normalised(field: Field) -> Field:
    centred = field - field.mean()
    return np.asarray(centred / max(float(centred.std()), TINY), np.float32)
