"""Training splits: time and peak memory in fresh processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, judge
from benchmarks.worlds import CHUNK, Worlds, labels_of, open_db

ROUNDS = 5
FURTHER = 2
"""More technicians, each of whom labels every image."""


def run(worlds: Worlds) -> list[Row]:
    """1M labels, then 3M, grouped by 50k specimens."""
    size = worlds.size(1_000_000)
    place = worlds.copy(worlds.large, "splits")
    ours = [_split("mlmcsc", place) for _ in range(ROUNDS)]
    old = _split("original", place)
    took, peak = _median(ours, "seconds"), _median(ours, "peak_mb")
    method = "original: ORM rows, shuffled by label"
    rows = [
        judge("splits", f"get_training_data, {size} labels", "s", took, below=1.5),
        judge(
            "splits", f"peak memory of a process that does it, {size} labels", "MB", peak, below=600
        ),
        judge("splits", "processor time of the same calls", "s", _median(ours, "cpu_seconds")),
        Row(
            "splits",
            f"get_training_data, {size} labels, times faster",
            took,
            "s",
            old["seconds"],
            method,
            old["seconds"] / took,
        ),
        Row("splits", "peak memory, the original's", old["peak_mb"], "MB"),
    ]
    _more_labels(place, size)
    three = [_split("mlmcsc", place) for _ in range(ROUNDS)]
    worlds.remove(place)
    many = f"{3 * size} labels on {size} images"
    return [
        *rows,
        judge("splits", f"get_training_data, {many}", "s", _median(three, "seconds")),
        judge("splits", f"peak memory, {many}", "MB", _median(three, "peak_mb")),
    ]


def _split(who: str, place: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.split_process", who, str(place)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _median(answers: list[dict[str, Any]], key: str) -> float:
    return statistics.median(answer[key] for answer in answers)


def _more_labels(place: Path, size: int) -> None:
    rng = np.random.default_rng(6)
    with open_db(place) as db:
        for number in range(FURTHER):
            who = db.register_technician(f"tech_{number + 2:03d}", "Another Technician")
            for start in range(1, size + 1, CHUNK):
                ids = np.arange(start, min(start + CHUNK, size + 1), dtype=np.int64)
                db.store_labels(labels_of(ids, who, rng))
