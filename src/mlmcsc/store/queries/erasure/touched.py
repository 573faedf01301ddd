"""Which rows an erasure changed or removed, for the events on their own tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.queries.batches import id_ranges
from mlmcsc.store.uow import Transaction

RANGES_PER_EVENT: Final = 1000


class Touched:
    """Rows by table. What they held is told nowhere: that is what went."""

    def __init__(self) -> None:
        self._ids: dict[str, set[int]] = defaultdict(set)
        self._columns: dict[str, set[str]] = defaultdict(set)

    def add(self, column: sa.Column[Any], ids: Iterable[int]) -> int:
        """Note that a column of these rows was overwritten; says of how many."""
        found = list(ids)
        if found:
            self._ids[column.table.name].update(found)
            self._columns[column.table.name].add(column.name)
        return len(found)

    def removed(self, table: sa.Table, ids: Iterable[int]) -> int:
        """Note that these rows were deleted; says how many."""
        found = list(ids)
        self._ids[table.name].update(found)
        return len(found)

    def tell(self, tx: Transaction) -> None:
        """One ERASE event for each table, or several where the rows lie far apart."""
        for table in sorted(name for name, ids in self._ids.items() if ids):
            runs = id_ranges(np.sort(np.fromiter(self._ids[table], dtype=np.int64)))
            columns = {"columns": sorted(self._columns[table])} if self._columns[table] else {}
            for start in range(0, len(runs), RANGES_PER_EVENT):
                some = runs[start : start + RANGES_PER_EVENT]
                count = sum(last - first + 1 for first, last in some)
                tx.record(
                    AuditEvent(
                        Operation.ERASE,
                        table,
                        some[0][0] if count == 1 else None,
                        None,
                        columns | ({"id_ranges": some} if count > 1 else {}),
                        n_rows=count,
                    )
                )
