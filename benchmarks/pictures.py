"""Image files drawn at run time: grey textures, each different, none near another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 256
GRAIN = 24
NOISE = 13
"""Grey levels of camera noise, peak to peak."""


def draw(folder: Path, count: int) -> list[Path]:
    """Write `count` JPEG files of 256 x 256 and leave them in the page cache."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    paths = []
    for number in range(count):
        grains = Image.fromarray(rng.integers(0, 200, (GRAIN, GRAIN), dtype=np.uint8))
        surface = np.asarray(grains.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.uint8)
        noise = rng.integers(0, NOISE, (SIDE, SIDE), dtype=np.uint8)
        path = folder / f"S{number // 20:04d}_{number:05d}.jpg"
        Image.fromarray(surface // 2 + surface // 4 + noise).save(path, quality=85)
        paths.append(path)
    for path in paths:
        path.read_bytes()
    return paths


WIDTH, HEIGHT = 1280, 960
"""Pixels of a micrograph, as scanning electron microscopes commonly save them."""


def micrographs(
    folder: Path, count: int, *, width: int = WIDTH, height: int = HEIGHT
) -> list[Path]:
    """Write files like a microscope's, half of them TIFF, half JPEG, into the page cache.

    Each is 8-bit grey, with grain and camera noise: TIFF uncompressed with a pixel size in its tags
    (at 1280 x 960: 1.2 MB), JPEG of quality 90 (0.3 MB).
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(8)
    noise = rng.integers(0, NOISE, (2 * HEIGHT, 2 * WIDTH), dtype=np.uint8)
    paths = []
    for number in range(count):
        grains = Image.fromarray(rng.integers(0, 200, (3 * GRAIN, 4 * GRAIN), dtype=np.uint8))
        surface = np.asarray(grains.resize((width, height), Image.Resampling.BICUBIC), np.uint8)
        top, left = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
        pixels = surface // 2 + surface // 4 + noise[top : top + height, left : left + width]
        stem = folder / f"S{number // 20:04d}_{number:05d}"
        paths.append(_save(Image.fromarray(pixels), stem, tiff=number % 2 == 0))
    for path in paths:
        path.read_bytes()
    return paths


def _save(image: Image.Image, stem: Path, *, tiff: bool) -> Path:
    if not tiff:
        path = stem.with_suffix(".jpg")
        image.save(path, quality=90)
        return path
    path = stem.with_suffix(".tif")
    # As ImageJ says that a pixel is 0.2 micrometres wide.
    image.save(path, description="ImageJ=1.53\nunit=micron\n", x_resolution=5.0, y_resolution=5.0)
    return path
