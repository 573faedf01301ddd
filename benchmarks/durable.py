"""One durable row per call against a bare WAL FULL commit of the same row."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.original.calls import Original
from benchmarks.raw import LABEL, PREDICTION, Raw, now
from benchmarks.worlds import Worlds, open_db

ROUNDS = 9
CALLS = 300
ORIGINAL_CALLS = 60


def run(worlds: Worlds) -> list[Row]:
    """store_prediction and store_label: checked, audited, on disk when the call returns."""
    images = worlds.size(100_000)
    calls, few = worlds.size(CALLS), worlds.size(ORIGINAL_CALLS)
    ours, theirs, bare = (
        worlds.copy(worlds.medium, f"durable-{name}") for name in ("mlmcsc", "original", "raw")
    )
    worlds.remove(theirs)
    db, raw, original = open_db(ours), Raw(bare), Original(theirs, create=True)
    chance = random.Random(2)

    def image() -> int:
        return chance.randint(1, images)

    def turn(count: int, call: Callable[[], object]) -> float:
        return rate(count, lambda: [call() for _ in range(count)])

    value = chance.random
    figures = take_turns(
        ROUNDS,
        raw_prediction=lambda: turn(
            calls, lambda: raw.one(PREDICTION, (image(), 1, value(), value(), now()))
        ),
        prediction=lambda: turn(calls, lambda: db.store_prediction(image(), 1, value(), value())),
        raw_label=lambda: turn(calls, lambda: raw.one(LABEL, (image(), 1, value(), now()))),
        label=lambda: turn(calls, lambda: db.store_label(image(), 1, value())),
        original_prediction=lambda: turn(
            few, lambda: original.store_prediction(image(), value(), value())
        ),
        original_label=lambda: turn(few, lambda: original.store_label(image(), value())),
    )
    for database in (db, raw, original):
        database.close()
    for place in (ours, theirs, bare):
        worlds.remove(place)
    return [row for kind in ("prediction", "label") for row in _rows(kind, figures)]


def _rows(kind: str, figures: dict[str, list[float]]) -> list[Row]:
    what = f"store_{kind}, one durable row with audit"
    bare = "bare driver: BEGIN IMMEDIATE, the same INSERT, COMMIT; WAL, synchronous=FULL"
    old = "original: session, commit, audit commit"
    ours = figures[kind]
    return [
        compare(
            "durable", what, "rows/s", ours, figures[f"raw_{kind}"], against=bare, at_least=0.5
        ),
        compare("durable", what, "rows/s", ours, figures[f"original_{kind}"], against=old),
    ]
