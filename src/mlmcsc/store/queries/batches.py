"""Writing many rows as one batch with one audit event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import numpy as np
import orjson
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.columns import Checked, Columns
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.results import BulkResult
from mlmcsc.errors import ValidationError
from mlmcsc.store.queries import rows
from mlmcsc.store.uow import Transaction

OnError = Literal["raise", "collect"]
DIGEST_CHUNK = 50_000


def insert_batch(
    tx: Transaction,
    table: sa.Table,
    columns: Columns,
    operation: Operation = Operation.CREATE,
    *,
    replaced: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
) -> NDArray[np.int64]:
    """Insert checked columns and record one event that commits to every row.

    Args:
        tx: The open transaction.
        table: Where the rows go.
        columns: Checked values.
        operation: What the event calls it.
        replaced: What was removed to make room, for the event's `old_values`.
        told: Further facts for the event's `new_values`.

    Returns:
        The new ids, ascending, in row order (int64).
    """
    size = len(next(iter(columns.values())))
    if size == 0:
        return np.empty(0, dtype=np.int64)
    ids = tx.dialect.reserve_ids(tx.conn, table, size)
    written: Columns = {"id": ids, **columns}
    rows.insert_columns(tx, table, written)
    tx.record(
        AuditEvent(
            operation,
            table.name,
            old_values=replaced,
            new_values=id_span(ids) | {"columns": list(written)} | dict(told or {}),
            n_rows=size,
            digest=digest(list(written.values())),
        )
    )
    return ids


def id_span(ids: NDArray[np.int64]) -> dict[str, Any]:
    """First and last of ascending ids, and the runs that they make where there are gaps."""
    runs = id_ranges(ids)
    span: dict[str, Any] = {"first_id": int(ids[0]), "last_id": int(ids[-1])}
    return span | ({"id_ranges": runs} if len(runs) > 1 else {})


def id_ranges(ids: NDArray[np.int64]) -> list[list[int]]:
    """Ascending ids as `[first, last]` of each unbroken run."""
    runs = np.split(ids, np.flatnonzero(np.diff(ids) != 1) + 1)
    return [[int(run[0]), int(run[-1])] for run in runs]


def add_checked(
    tx: Transaction,
    table: sa.Table,
    checked: Checked,
    parents: Mapping[str, sa.Table],
    *,
    on_error: OnError,
) -> BulkResult:
    """Insert the checked rows whose parents exist; see `settle`."""
    ids = insert_batch(tx, table, settle(tx, table, checked, parents, on_error=on_error))
    return BulkResult(table.name, len(ids), ids, checked.rejections())


def settle(
    tx: Transaction,
    table: sa.Table,
    checked: Checked,
    parents: Mapping[str, sa.Table],
    *,
    on_error: OnError,
) -> Columns:
    """The rows that may be inserted, with their times.

    Args:
        tx: The open transaction.
        table: Where they will go.
        checked: Columns and the rows that are wrong already.
        parents: The table that each id column refers to.
        on_error: `raise` for all rows or none; `collect` to go on with the good ones.

    Raises:
        RejectedRowsError: With `raise`, when any row is wrong.
        ValidationError: For another `on_error`.
    """
    if on_error not in {"raise", "collect"}:
        raise ValidationError(f"on_error={on_error!r}: must be 'raise' or 'collect'.")
    for column, parent in parents.items():
        _reject_unknown(tx, checked, column, parent)
    if on_error == "raise":
        checked.refuse_if_any(table.name)
    good, index = checked.good()
    return _with_times(good, table, len(index), tx.now)


def reject_known(tx: Transaction, checked: Checked, table: sa.Table, key: str) -> None:
    """Reject rows whose unique name is in the table, or earlier in the same batch, already."""
    values = list(checked.columns[key])
    query = sa.select(table.c[key]).where(tx.dialect.ids_in(table.c[key], values))
    seen = set(tx.conn.scalars(query))
    for index, value in enumerate(values):
        if value in seen:
            checked.rejected.setdefault(index, f"{key}={value!r}: is in {table.name} already.")
        seen.add(value)


def _reject_unknown(tx: Transaction, checked: Checked, column: str, parent: sa.Table) -> None:
    values = checked.columns[column]
    if not isinstance(values, np.ndarray):  # it has gaps: rows rejected already
        values = np.asarray([0 if v is None else v for v in values], dtype=np.int64)
    unknown = rows.missing_ids(tx, parent, values)
    for index in np.flatnonzero(np.isin(values, unknown)).tolist():
        checked.rejected.setdefault(index, f"{column}={values[index]}: not in {parent.name}.")


def _with_times(columns: Columns, table: sa.Table, size: int, now: datetime) -> Columns:
    """Rows without a time were made now."""
    name = next((n for n in ("timestamp", "extraction_timestamp") if n in table.c), None)
    if name is None:
        return columns
    given = columns.get(name, [None] * size)
    return {**columns, name: [now if value is None else value for value in given]}


def digest(columns: Sequence[Any]) -> str:
    """SHA-256 (hex) of the rows as one compact JSON array of arrays.

    Times are in RFC 3339, JSON objects have sorted keys; a binary value stands for itself by its
    SHA-256 in hex. Anyone can recompute it from the event's ids and column list.
    """
    plain = [c.tolist() if isinstance(c, np.ndarray) else c for c in columns]
    return digest_rows(zip(*plain, strict=True))


def digest_rows(rows: Iterable[tuple[Any, ...]]) -> str:
    """The `digest` of rows that come one after the other."""
    found = hashlib.sha256(b"[")
    every = iter(rows)
    first = True
    while chunk := list(islice(every, DIGEST_CHUNK)):
        text = orjson.dumps(chunk, default=_binary, option=orjson.OPT_SORT_KEYS)
        found.update(text[1:-1] if first else b"," + text[1:-1])
        first = False
    found.update(b"]")
    return found.hexdigest()


def _binary(value: Any) -> str:
    return hashlib.sha256(value).hexdigest()
