"""Reading vectors for training against indexing a memory-mapped matrix."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.original.calls import Original
from benchmarks.vectors import DIMENSION, Matrix, numbers, write_flat
from benchmarks.worlds import Worlds, open_db

ROUNDS = 7


def run(worlds: Worlds) -> list[Row]:
    """Random 100k of 1M vectors of 512 float32, all in the page cache."""
    size, wanted = worlds.size(1_000_000), worlds.size(100_000)
    rows = [_original(worlds, wanted)]
    place = worlds.copy(worlds.large, "features")
    flat = worlds.folder / "flat.f32"
    with open_db(place) as db:
        fill = rate(
            size,
            lambda: [
                db.store_features(ids, "cnn", vectors, "v1") for ids, vectors in numbers(size)
            ],
        )
        build = rate(size, lambda: db.get_features_for_training(np.arange(1, size + 1), "cnn"))
        write_flat(flat, size)
        matrix = np.memmap(flat, np.float32, "r", shape=(size, DIMENSION))
        rng = np.random.default_rng(3)
        picks = [rng.choice(size, wanted, replace=False) for _ in range(ROUNDS)]
        _same(db.get_features_for_training(picks[0] + 1, "cnn"), matrix[picks[0]])
        ours, plain = iter(picks), iter(picks)
        figures = take_turns(
            ROUNDS,
            memmap=lambda: rate(wanted, lambda: matrix[next(plain)]),
            mlmcsc=lambda: rate(
                wanted, lambda: db.get_features_for_training(next(ours) + 1, "cnn")
            ),
        )
    worlds.remove(place)
    flat.unlink()
    what = f"get_features_for_training, random {wanted} of {size} vectors of {DIMENSION} float32"
    reads = compare(
        "features",
        what,
        "vectors/s",
        figures["mlmcsc"],
        figures["memmap"],
        against="np.memmap[rows] on a flat file, both in the page cache",
        at_least=0.7,
    )
    return [
        reads,
        Row(
            "features",
            f"the same, against the original at {wanted} vectors in all",
            reads.product,
            "vectors/s",
            rows[0].product,
            rows[0].against,
            reads.product / rows[0].product,
        ),
        Row("features", "once: build the matrix and read it whole", build, "vectors/s"),
        Row("features", "store_features, 50000 vectors a call, with audit", fill, "vectors/s"),
    ]


def _same(got: Matrix, expected: Matrix) -> None:
    if not np.array_equal(got, expected):
        raise AssertionError("the vectors read are not those stored: the figure means nothing")


def _original(worlds: Worlds, count: int) -> Row:
    place = worlds.folder / "original-features.db"
    database = Original(place, create=True)
    for ids, vectors in numbers(count):
        database.store_features(ids.tolist(), vectors)
    order = np.random.default_rng(5).permutation(np.arange(1, count + 1)).tolist()
    figure = rate(count, lambda: database.features(order))
    database.close()
    worlds.remove(place)
    against = "original: pickled rows by the ORM, IN lists"
    return Row("features", "", figure, "vectors/s", against=against)
