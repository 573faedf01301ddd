"""Measuring image quality: against a bare OpenCV loop of the same kinds of measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import Row, compare, judge, rate, take_turns
from benchmarks.worlds import Worlds, open_db

FILES = 300
ROUNDS = 5
PROCESSES = 2
WIDTH, HEIGHT = 1280, 960
BARE = Path(__file__).with_name("image_quality_bare.py")


def run(worlds: Worlds) -> list[Row]:
    """Half JPEG, half PNG, of 1280 x 960 grey pixels, in the page cache."""
    count = max(2 * PROCESSES, worlds.size(FILES))
    place = worlds.folder / "image_quality"
    paths = _draw(place / "files", count)
    with open_db(place / "images.db") as db:
        db.ingest(place / "files")
        db.image_quality.update_scores(workers=PROCESSES, limit=1)

        def product() -> float:
            return rate(
                count,
                lambda: db.image_quality.update_scores(everything=True, workers=PROCESSES),
            )

        def baseline() -> float:
            return rate(count, lambda: _bare(paths))

        found = take_turns(ROUNDS, product=product, baseline=baseline)
        one = rate(count, lambda: db.image_quality.update_scores(everything=True, workers=1))
    size = f"{count} files of {WIDTH} x {HEIGHT}"
    return [
        compare(
            "image_quality",
            f"update_scores, {size}, {PROCESSES} processes, stored with audit",
            "images/s",
            found["product"],
            found["baseline"],
            against=f"bare OpenCV loop: imread and such measures, {PROCESSES} processes",
            at_least=0.8,
        ),
        judge("image_quality", f"update_scores, {size}, in one process", "images/s", one),
    ]


def _bare(paths: list[str]) -> None:
    def work(share: list[str]) -> None:
        subprocess.run(
            [sys.executable, str(BARE)],
            input=json.dumps(share),
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # as the product's processes
            text=True,
            check=True,
        )

    with ThreadPoolExecutor(PROCESSES) as threads:
        list(threads.map(work, [paths[at::PROCESSES] for at in range(PROCESSES)]))


def _draw(folder: Path, count: int) -> list[str]:
    """Grainy surfaces with camera noise, each different."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(9)
    noise = rng.integers(0, 9, (HEIGHT, WIDTH), dtype=np.uint8)
    paths = []
    for number in range(count):
        grains = Image.fromarray(rng.integers(20, 230, (120, 160), dtype=np.uint8))
        surface = np.asarray(grains.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.uint8)
        path = folder / f"{number:04d}.{'jpg' if number % 2 else 'png'}"
        options = {"quality": 90} if number % 2 else {"compress_level": 1}
        Image.fromarray(surface // 2 + surface // 4 + noise).save(path, **options)
        path.read_bytes()
        paths.append(str(path))
    return paths
