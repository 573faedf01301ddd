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
