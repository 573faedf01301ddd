"""What every table's queries share: one row in, records out, pages by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.columns import Column
from mlmcsc.domain.results import Page
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.dialects.base import Dialect, Rows
from mlmcsc.store.statements import insert_row
from mlmcsc.store.uow import Snapshot, Transaction

RecordT = TypeVar("RecordT")
View = Snapshot | Transaction

CHUNK = 20_000
"""Rows per statement or fetch: large enough to be fast, small enough to hold in memory."""


@cache
def select_record(table: sa.Table, kind: Any) -> sa.Select[Any]:
    """`SELECT` of the columns that a record class names, in its order."""
    return sa.select(*(table.c[f.name] for f in fields(kind)))


def get(
    view: View,
    table: sa.Table,
    kind: Callable[..., RecordT],
    record_id: int,
    *,
    for_update: bool = False,
) -> RecordT | None:
    """The row with this id; `for_update` keeps other writers off it until the transaction ends."""
    if not _is_id(record_id):
        return None
    query = select_record(table, kind).where(table.c.id == sa.bindparam("record_id"))
    if for_update:
        query = query.with_for_update()
    row = view.conn.execute(query, {"record_id": record_id}).first()
    return None if row is None else kind(*row)


def _is_id(value: Any) -> bool:
    """Whether a database could hold such an id; drivers fail in their own ways on others."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and 0 < int(cast("int", value)) < 2**63


def first(
    view: View, table: sa.Table, kind: Callable[..., RecordT], **equal: Any
) -> RecordT | None:
    """The row whose columns have these values."""
    query = select_record(table, kind).where(*(table.c[k] == v for k, v in equal.items()))
    row = view.conn.execute(query.limit(1)).first()
    return None if row is None else kind(*row)


def page(
    view: View,
    table: sa.Table,
    kind: Callable[..., RecordT],
    conditions: Sequence[sa.ColumnElement[bool]],
    *,
    after_id: int = 0,
    limit: int,
    select: sa.Select[Any] | None = None,
) -> Page[RecordT]:
    """The next `limit` rows by id: equally fast at any depth.

    `kind` makes a record of a row; `select` names the columns where they are not the record's.
    """
    query = (
        (select_record(table, kind) if select is None else select)
        .where(table.c.id > after_id, *conditions)
        .order_by(table.c.id)
        .limit(limit + 1)
    )
    rows = view.conn.execute(query).all()
    items = tuple(kind(*row) for row in rows[:limit])
    return Page(items, int(rows[limit - 1].id) if len(rows) > limit else None)


def given(
    wanted: Mapping[str, Any], **conditions: Callable[[Any], sa.ColumnElement[bool]]
) -> list[sa.ColumnElement[bool]]:
    """The conditions whose keyword is in `wanted` and not None."""
    return [
        condition(wanted[name])
        for name, condition in conditions.items()
        if wanted.get(name) is not None
    ]


def insert(tx: Transaction, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Insert one row and return its id."""
    return insert_row(tx.conn, tx.dialect, table, values)


def update(tx: Transaction, table: sa.Table, record_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of one row."""
    tx.conn.execute(table.update().where(table.c.id == record_id).values(**values))


def update_many(tx: Transaction, table: sa.Table, changed: Sequence[Mapping[str, Any]]) -> None:
    """Change the same columns of many rows; each gives its id as `row_id`."""
    names = [name for name in changed[0] if name != "row_id"]
    statement = (
        table.update()
        .where(table.c.id == sa.bindparam("row_id"))
        .values({name: sa.bindparam(name) for name in names})
    )
    tx.conn.execute(statement, list(changed))


def insert_columns(tx: Transaction, table: sa.Table, columns: Mapping[str, Column]) -> None:
    """Insert many checked rows, given column by column."""
    names = list(columns)
    tx.dialect.insert_rows(tx.conn, table, names, encode(tx.dialect, table, columns))


def encode(dialect: Dialect, table: sa.Table, columns: Mapping[str, Column]) -> Rows:
    """Rows of driver values from columns of Python values."""
    encoded: list[Iterable[Any]] = []
    for name, values in columns.items():
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        convert = dialect.encoder(table.c[name])
        encoded.append(plain if convert is None else map(convert, plain))
    return list(zip(*encoded, strict=True))


def missing_ids(view: View, table: sa.Table, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of `ids` the table does not hold; ascending, each once."""
    wanted = np.unique(ids)
    found = view.conn.scalars(
        sa.select(table.c.id).where(view.dialect.ids_in(table.c.id, wanted))
    ).all()
    return np.setdiff1d(wanted, np.fromiter(found, dtype=np.int64, count=len(found)))


def exists(view: View, table: sa.Table, record_id: int) -> bool:
    """Whether the row is there."""
    query = sa.select(sa.literal(1)).where(table.c.id == sa.bindparam("record_id"))
    return view.conn.execute(query, {"record_id": record_id}).first() is not None


def both_known(left: sa.Table, right: sa.Table) -> str:
    """A query that looks up two parents at once; see `require_both`."""
    return (
        f'SELECT (SELECT id FROM "{left.name}" WHERE id = ?), '
        f'(SELECT id FROM "{right.name}" WHERE id = ?)'
    )


def require_both(view: View, query: str, /, **ids: int) -> None:
    """Refuse a row whose parents do not exist.

    Raises:
        UnknownRecordError: Naming what is missing and its id.
    """
    (row,) = view.dialect.execute(view.conn, query, list(ids.values()))
    for found, (what, wanted) in zip(row, ids.items(), strict=True):
        if found is None:
            raise UnknownRecordError(
                f"{what} {wanted} does not exist; nothing was stored. Register it first, or look "
                "up the right id."
            )


def count(view: View, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """How many rows fit."""
    query = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(view.conn.scalar(query) or 0)


def stream(view: View, query: sa.Select[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """The rows of a query in chunks, without holding them all."""
    result = view.conn.execute(query, execution_options={"yield_per": size})
    yield from result.partitions(size)


def by_id(
    view: View, table: sa.Table, query: sa.Select[Any], size: int = CHUNK
) -> Iterator[Sequence[Any]]:
    """The rows of a query in order of `id`, in chunks each read whole, so that it may be changed.

    Args:
        view: The open transaction.
        table: Whose ids order the rows.
        query: Selects that table's `id` among its columns, and has no order.
        size: Rows a chunk.
    """
    last = 0
    while found := view.conn.execute(
        query.where(table.c.id > last).order_by(table.c.id).limit(size)
    ).all():
        yield found
        last = found[-1].id
