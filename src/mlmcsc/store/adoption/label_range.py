"""Which range the original's labels have: fractions, or percent."""

from __future__ import annotations

from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.models import LABEL_RANGE

PERCENT: Final = (0.0, 100.0)
_VALUES: Final = (
    "SELECT label AS value FROM labels UNION ALL SELECT original_prediction FROM labels "
    "UNION ALL SELECT prediction FROM predictions"
)


def choose_range(
    source: driver.Connection,
    asked: tuple[float, float] | None,
    configured: tuple[float, float],
    ledger: Ledger,
) -> tuple[float, float]:
    """The new database's label range: asked for, else what the values show, else configured.

    Values above 1 and up to 100 show percent. The configured range decides only where there is
    no value, because fractions read as percent would be wrong by a factor of 100.
    """
    if asked is not None:
        return asked
    total, percent = source.execute(
        "SELECT count(*), count(CASE WHEN value > 1 AND value <= 100 THEN 1 END) "
        f"FROM ({_VALUES}) WHERE typeof(value) IN ('real', 'integer')"
    ).fetchone()
    if not total:
        return configured
    if percent:
        ledger.note(
            f"label range 0 to 100: {percent} of {total} labels and predictions lie above 1; if "
            "those are slips, open the backup with label_range=(0, 1)"
        )
        return PERCENT
    if configured != LABEL_RANGE:
        ledger.note("label range 0 to 1: no label or prediction lies above 1")
    return LABEL_RANGE
