"""Listing pages deep in a table, and the health call, at a million rows."""

from __future__ import annotations

from benchmarks.measure import Row, compare, seconds, take_turns
from benchmarks.original.calls import Original
from benchmarks.worlds import Worlds, open_db

ROUNDS = 101
HEALTH_ROUNDS = 7
OLD_ROUNDS = 3
LIMIT = 100


def run(worlds: Worlds) -> list[Row]:
    """Page at depth 900k of 1M against the first one; health at 1M rows in each large table."""
    size = worlds.size(1_000_000)
    deep = size * 9 // 10
    original = Original(worlds.large)
    with open_db(worlds.large) as db:
        pages = take_turns(
            ROUNDS,
            first=lambda: 1e3 * seconds(lambda: db.get_images(after_id=0, limit=LIMIT)),
            deep=lambda: 1e3 * seconds(lambda: db.get_images(after_id=deep, limit=LIMIT)),
        )
        offset = take_turns(
            OLD_ROUNDS,
            old=lambda: 1e3 * seconds(lambda: original.page(deep, LIMIT)),
            ours=lambda: 1e3 * seconds(lambda: db.get_images(after_id=deep, limit=LIMIT)),
        )
        health = take_turns(
            HEALTH_ROUNDS,
            ours=lambda: 1e3 * seconds(db.get_system_health),
            old=lambda: 1e3 * seconds(original.health),
        )
    original.close()
    what = f"get_images, {LIMIT} records at depth {deep} of {size}"
    return [
        compare(
            "pages",
            what,
            "ms",
            pages["deep"],
            pages["first"],
            against="its first page",
            at_most=1.5,
        ),
        compare("pages", what, "ms", offset["ours"], offset["old"], against="original: OFFSET"),
        compare(
            "pages",
            f"get_system_health at {size} images, labels and predictions",
            "ms",
            health["ours"],
            health["old"],
            against="original: an ORM count per table",
        ),
    ]
