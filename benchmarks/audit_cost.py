"""What the audit trail costs a bulk call: the same insert with and without event and digest."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measure import Row, compare, rate, take_turns
from benchmarks.worlds import Worlds, open_db, predictions_of
from mlmcsc import DatabaseManager
from mlmcsc.domain.columns import read_input
from mlmcsc.store.models import images, model_versions, predictions
from mlmcsc.store.queries import batches
from mlmcsc.store.queries import rows as row_queries

ROUNDS = 9
PARENTS = {"image_id": images, "model_version_id": model_versions}


def run(worlds: Worlds) -> list[Row]:
    """Predictions as columns, checked and stored by the same code on both sides."""
    size, known = worlds.size(300_000), worlds.size(100_000)
    rng = np.random.default_rng(6)
    columns = predictions_of(rng.integers(1, known + 1, size), rng)
    place = worlds.copy(worlds.medium, "audit-cost")
    with open_db(place) as db:
        figures = take_turns(
            ROUNDS,
            without=lambda: rate(size, lambda: _without_trail(db, columns)),
            audited=lambda: rate(size, lambda: db.store_predictions(columns)),
        )
    worlds.remove(place)
    return [
        compare(
            "audit_cost",
            f"store_predictions, {size} rows, with the audit trail",
            "rows/s",
            figures["audited"],
            figures["without"],
            against="the same checks and insert without digest and event",
            at_least=0.9,
        )
    ]


def _without_trail(db: DatabaseManager, columns: Any) -> None:
    """`Predictions.add_many` with its audit event, commitments and digest left out."""
    checked = read_input(db.predictions.spec, columns, {})
    with db._database.store.write(db.actor) as tx:  # noqa: SLF001  # no public call goes unaudited
        good = batches.settle(tx, predictions, checked, PARENTS, on_error="raise")
        ids = tx.dialect.reserve_ids(tx.conn, predictions, checked.size)
        row_queries.insert_columns(tx, predictions, {"id": ids, **good})
