"""Dataset versions of a million labels: time, memory and bytes, each act in a fresh process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, compare, judge, rate, seconds, take_turns
from benchmarks.vectors import DIMENSION, TYPE, Vectors, shared
from benchmarks.worlds import CHUNK, Ids, Worlds, labels_of, open_db
from mlmcsc.services.datasets import Dataset

ROUNDS, READS = 3, 7
CHANGED = 0.01
"""Share of the images with a new label; they lie all over the database."""
BATCH = 1_024
"""Vectors that a training step reads."""
EPOCH = 200_000
"""Vectors read per round."""
FIGURES = ("seconds", "cpu_seconds", "peak_mb")


def run(worlds: Worlds) -> list[Row]:
    """Freeze, freeze again after 1 % changed, compare; then train from what was frozen."""
    return [*_freezing(worlds), *_training(worlds)]


def _freezing(worlds: Worlds) -> list[Row]:
    size = worlds.size(1_000_000)
    first: list[dict[str, Any]] = []
    place = worlds.folder / "versions.db"
    for _ in range(ROUNDS):
        worlds.copy(worlds.large, "versions")
        first.append(_process("create", place, "v1"))
    base = _bytes_of(place)
    _relabel(place, size, int(size * CHANGED))
    second = _process("create", place, "v2")
    more = _bytes_of(place) - base
    few = [_process("diff", place, "v1", "v2") for _ in range(ROUNDS)]
    _relabel(place, size, size)
    third = _process("create", place, "v3")
    all_ = [_process("diff", place, "v1", "v3") for _ in range(ROUNDS)]
    worlds.remove(place)
    clock, processor, peak = (_median(first, figure) for figure in FIGURES)
    return [
        judge("versions", f"freeze a version of {size} labels", "s", clock, below=10),
        judge("versions", "peak memory of a process that does it", "MB", peak, below=1000),
        judge("versions", "processor time of the same", "s", processor),
        judge("versions", "bytes of its rows", "MB", base / 1e6),
        judge("versions", "freeze the next after 1 % new labels", "s", second["seconds"]),
        Row(
            "versions",
            "bytes of the next against the first",
            more / 1e6,
            "MB",
            base / 1e6,
            "the first version's",
            more / base,
            "≤ 0.05 x",
            more / base <= 0.05,
        ),
        judge("versions", "freeze the next after all labels are new", "s", third["seconds"]),
        judge("versions", "compare two that share 99 %", "s", _median(few, "seconds"), below=3),
        judge("versions", "peak memory of that", "MB", _median(few, "peak_mb")),
        judge("versions", "compare two that share nothing", "s", _median(all_, "seconds"), below=3),
        judge("versions", "peak memory of that one", "MB", _median(all_, "peak_mb")),
    ]


def _process(act: str, place: Path, *versions: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.version_process", act, str(place), *versions]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    if not answer["result"]:
        raise AssertionError(f"{act} {versions} found nothing: the figure means nothing")
    return answer


def _median(answers: Sequence[dict[str, Any]], figure: str) -> float:
    return float(statistics.median(answer[figure] for answer in answers))


def _bytes_of(place: Path) -> int:
    """Bytes of the folder of versions: rows and manifests."""
    folder = place.with_name(f"{place.name}.versions")
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _relabel(place: Path, size: int, count: int) -> None:
    """A further label for `count` of the images 1 to `size`."""
    rng = np.random.default_rng(10)
    images = np.sort(rng.choice(np.arange(1, size + 1), count, replace=False))
    with open_db(place) as db:
        for start in range(0, count, CHUNK):
            db.store_labels(labels_of(images[start : start + CHUNK], 1, rng))


def _training(worlds: Worlds) -> list[Row]:
    """Shuffled batches of vectors against the same rows of a memory-mapped file."""
    vectors = shared(worlds)
    wanted = worlds.size(EPOCH)
    with open_db(vectors.database) as db:
        db.create_data_version("v1")
        dataset = db.datasets.open("v1")
        opened = seconds(lambda: db.datasets.open("v1"))
        laid_out = seconds(lambda: next(dataset.batches(BATCH, features=TYPE)))
        _same(dataset, vectors)
        rng = np.random.default_rng(11)
        picks = [rng.permutation(vectors.count)[:wanted] for _ in range(READS)]
        epochs, plain = count(1), iter(picks)
        read = take_turns(
            READS,
            mlmcsc=lambda: rate(wanted, lambda: _ours(dataset, next(epochs), wanted)),
            memmap=lambda: rate(wanted, lambda: _plain(vectors, next(plain))),
        )
        whole = take_turns(
            ROUNDS,
            mlmcsc=lambda: rate(vectors.count, lambda: dataset.to_numpy(TYPE)),
            memmap=lambda: rate(vectors.count, lambda: np.array(vectors.flat)),
        )
    return [
        compare(
            "versions",
            f"train from a version: {wanted} of {vectors.count} vectors of {DIMENSION} float32, "
            f"shuffled, with ids, labels and splits, {BATCH} at a time",
            "vectors/s",
            read["mlmcsc"],
            read["memmap"],
            against="np.memmap[rows] of a flat file in batches as large, both in the page cache",
            at_least=0.7,
        ),
        compare(
            "versions",
            f"to_numpy: all {vectors.count} vectors with ids and labels",
            "vectors/s",
            whole["mlmcsc"],
            whole["memmap"],
            against="np.array of the flat file",
        ),
        judge("versions", "once for each version: lay its vectors out", "s", laid_out),
        judge("versions", "open a version opened before", "s", opened),
    ]


def _ours(dataset: Dataset, epoch: int, wanted: int) -> None:
    for _ in islice(
        dataset.batches(BATCH, shuffle=True, epoch=epoch, features=TYPE), -(-wanted // BATCH)
    ):
        pass


def _plain(vectors: Vectors, rows: Ids) -> None:
    for start in range(0, len(rows), BATCH):
        vectors.flat[rows[start : start + BATCH]]


def _same(dataset: Dataset, vectors: Vectors) -> None:
    """Refuse to time what reads something else."""
    batch = next(dataset.batches(BATCH, shuffle=True, features=TYPE))
    expected = vectors.flat[batch.image_ids - 1]
    if batch.features is None or not np.array_equal(batch.features, expected):
        raise AssertionError("the vectors read are not those stored: the figure means nothing")
