"""How long somebody waits for the next images to label, among a million; and for a ranking."""

from __future__ import annotations

import statistics

import numpy as np

from benchmarks.measure import Row, seconds
from benchmarks.worlds import Worlds, open_db
from mlmcsc.store.models import labels

ROUNDS = 15
N = 20
LIMITS_MS = {"random": 50.0, "uncertainty": 50.0, "overlap": 50.0, "disagreement": 200.0}


def run(worlds: Worlds) -> list[Row]:
    """Hand-outs from a database of which half the images are labelled; labels ranked."""
    size = worlds.size(1_000_000)
    path = worlds.copy(worlds.large, "label-queue")
    rows = []
    with open_db(path) as db:
        ranking = statistics.median(seconds(db.suspicious_labels.list) for _ in range(3))
        store = db._database.store  # noqa: SLF001  # no public call deletes half of all labels
        with store.write(db.actor) as tx:
            tx.conn.execute(labels.delete().where(labels.c.image_id > size // 2))
        people = [db.register_technician(f"rater_{n:03}", f"Rater {n}") for n in range(ROUNDS + 1)]
        for strategy, limit in LIMITS_MS.items():
            took = []
            for who in people:
                found = []
                spent = seconds(
                    lambda who=who, found=found, strategy=strategy: found.append(
                        db.label_queue.next(who, n=N, strategy=strategy, raters=50)
                    )
                )
                if len(found[0].images) != N:
                    raise AssertionError("too few images: the figure means nothing")
                took.append(spent)
                db.label_queue.release(who)
            ms = 1000 * float(np.median(took[1:]))
            what = f"hand-out of {N} of {size} images, half of them labelled: {strategy}"
            target = f"< {limit:.0f} ms"
            rows.append(Row("label_queue", what, ms, "ms", target=target, met=bool(ms < limit)))
    worlds.remove(path)
    rows.append(Row("label_queue", f"{size} labels ranked by suspicion", ranking, "s"))
    return rows
