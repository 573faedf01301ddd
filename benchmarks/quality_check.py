"""The check of quality on a million images, and what its triggers cost those who write."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.measure import Row, compare, judge, rate, seconds, take_turns
from benchmarks.worlds import Worlds, labels_of, open_db
from mlmcsc.store.migrations.triggers_0005 import marking, unmarking

ROUNDS = 5
NEW = 10_000
UNCHANGED = 0.5
CHANGED = 1.0
BULK = 100_000


def run(worlds: Worlds) -> list[Row]:
    """First check, checks with nothing new and after new labels; bulk labels with triggers."""
    size = worlds.size(1_000_000)
    path = worlds.copy(worlds.large, "quality")
    rng = np.random.default_rng(6)
    with open_db(path) as db:
        first = seconds(db.quality.check)
        unchanged = [seconds(db.quality.check) for _ in range(ROUNDS)]
        newest = np.arange(size - NEW + 1, size + 1, dtype=np.int64)
        scattered = np.sort(rng.choice(size, NEW, replace=False) + 1).astype(np.int64)
        after = {}
        for name, ids in {"the newest images": newest, "images all over": scattered}.items():
            db.store_labels(labels_of(ids, 1, rng))
            after[name] = seconds(db.quality.check)
    worlds.remove(path)
    what = f"{size} images, {size} labels, {size} predictions"
    told = {where: f"check after {NEW} new labels of {where}" for where in after}
    return [
        _judged(f"quality check of {what}, nothing new", statistics.median(unchanged), UNCHANGED),
        judge("quality_check", f"first check of {what}: all sums are made", "s", first),
        _judged(told["the newest images"], after["the newest images"], CHANGED),
        judge("quality_check", told["images all over"], "s", after["images all over"]),
        _triggers(worlds),
    ]


def _judged(what: str, value: float, limit: float) -> Row:
    return judge("quality_check", what, "s", value, below=limit)


def _triggers(worlds: Worlds) -> Row:
    """Bulk labels into two equal databases, of which one lacks the triggers."""
    paths = {name: worlds.copy(worlds.medium, f"triggers_{name}") for name in ("with", "without")}
    _execute(paths["without"], unmarking("sqlite"))
    size = worlds.size(BULK)
    ids = np.arange(1, size + 1, dtype=np.int64)
    rng = np.random.default_rng(7)

    def store(path: Path) -> float:
        labels = labels_of(ids, 1, rng)
        with open_db(path) as db:
            return rate(size, lambda: db.store_labels(labels))

    found = take_turns(
        ROUNDS,
        triggers=lambda: store(paths["with"]),
        bare=lambda: store(paths["without"]),
    )
    _execute(paths["without"], marking("sqlite"))
    for path in paths.values():
        worlds.remove(path)
    return compare(
        "quality_check",
        f"bulk labels, {size} a call, into a database that marks what has changed",
        "labels/s",
        found["triggers"],
        found["bare"],
        against="the same without those triggers",
    )


def _execute(path: Path, statements: list[str]) -> None:
    with open_db(path) as db, db._database.store.write(db.actor) as tx:  # noqa: SLF001  # raw SQL
        for statement in statements:
            tx.conn.execute(sa.text(re.sub(r":(?=\w)", r"\\:", statement)))
