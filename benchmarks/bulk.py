"""Many predictions at once against `executemany` of the bare driver."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.raw import PREDICTION, Raw, now
from benchmarks.worlds import Worlds, open_db, predictions_of

ROUNDS = 5


def run(worlds: Worlds) -> list[Row]:
    """Predictions as columns and as row dictionaries, with validation and audit."""
    size, known = worlds.size(300_000), worlds.size(100_000)
    rng = np.random.default_rng(1)
    columns = predictions_of(rng.integers(1, known + 1, size), rng)
    names = list(columns)
    plain = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    dicts = [dict(zip(names, row, strict=True)) for row in plain]
    moment = now()
    tuples = [(*row, moment) for row in plain]
    places = {
        name: worlds.copy(worlds.medium, f"bulk-{name}") for name in ("raw", "arrays", "dicts")
    }
    raw, arrays, rows = Raw(places["raw"]), open_db(places["arrays"]), open_db(places["dicts"])

    def store(db: Any, data: Any) -> float:
        return rate(size, lambda: db.store_predictions(data))

    figures = take_turns(
        ROUNDS,
        raw=lambda: rate(size, lambda: raw.many(PREDICTION, tuples)),
        arrays=lambda: store(arrays, columns),
        dicts=lambda: store(rows, dicts),
    )
    for database in (raw, arrays, rows):
        database.close()
    for place in places.values():
        worlds.remove(place)
    return [
        compare(
            "bulk",
            f"store_predictions, {size} rows with audit, {given}",
            "rows/s",
            figures[side],
            figures["raw"],
            against="executemany of the bare driver, same table, one transaction",
            at_least=0.5 if side == "arrays" else None,
        )
        for side, given in (("arrays", "a dict of NumPy arrays"), ("dicts", "a list of dicts"))
    ]
