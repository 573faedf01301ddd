"""Reading the audit trail: pages of events, and the events that speak of certain rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.vault import PREFIX

MOST_COMPARED = 50
"""Ids that one statement compares one by one."""
EXCHANGES = (Operation.IMPORT.value, Operation.EXPORT.value)
"""They speak of files: what an import stored is told by the events of its rows."""

_c = audit_logs.c
# As text: a payload or time that somebody wrote past us must not stop the listing.
_COLUMNS = (
    _c.id,
    sa.type_coerce(_c.timestamp, sa.Text).label("timestamp"),
    _c.user_id,
    _c.operation,
    _c.table_name,
    _c.record_id,
    _c.n_rows,
    sa.cast(_c.old_values, sa.Text).label("old_values"),
    sa.cast(_c.new_values, sa.Text).label("new_values"),
    _c.reason,
    _c.ip_address,
    _c.user_agent,
    _c.digest,
    _c.subject_id,
    _c.seq,
    _c.who_commit,
    _c.payload_commit,
    _c.leaf,
    _c.who_salt.is_(None).label("who_gone"),
    _c.payload_salt.is_(None).label("payload_gone"),
)


def conditions(wanted: Mapping[str, Any], who: Person | None) -> list[sa.ColumnElement[bool]]:
    """The filter as SQL.

    Args:
        wanted: As `check_filter` returned it.
        who: The person whom `actor` names, if one is known: their events are found under every
            name, redacted ones by the subject id.
    """

    def by(actor: str) -> sa.ColumnElement[bool]:
        names = {actor} if who is None else {actor, *who.subject_ids, *who.identifiers}
        return _c.user_id.in_(sorted(names))  # a redacted name is replaced by the subject id

    return given(
        wanted,
        table=_c.table_name.__eq__,
        record_id=_c.record_id.__eq__,
        actor=by,
        operations=_c.operation.in_,
        since=_c.timestamp.__ge__,
        until=_c.timestamp.__lt__,
    )


def page(
    view: View,
    found: Sequence[sa.ColumnElement[bool]],
    *,
    after: int | None,
    before: int | None,
    oldest_first: bool,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """The next `limit` events by id, as they are stored; see `record_of`."""
    query = sa.select(*_COLUMNS).where(*found)
    if after is not None:
        query = query.where(_c.id > after)
    if before is not None:
        query = query.where(_c.id < before)
    order = _c.id if oldest_first else _c.id.desc()
    return view.conn.execute(query.order_by(order).limit(limit)).all()


def containing(view: View, text: str, people: Collection[str]) -> list[sa.ColumnElement[bool]]:
    """What an event must fulfil to be worth opening in a search; a coarse sieve.

    The longest part of the text that every database compares alike, whatever its case: letters
    beyond ASCII, and what JSON escapes, are left to the reader.

    Args:
        view: The open transaction.
        text: What is sought.
        people: Subject ids whose events are wanted as they are.
    """
    part = max(re.findall(r"[ !#-\[\]-~]+", text), key=len, default="")
    if not part:
        return []
    payloads = [sa.cast(column, sa.Text) for column in (_c.old_values, _c.new_values)]
    clear = (_c.user_id, _c.operation, _c.table_name, _c.subject_id, _c.digest, _c.reason)
    fold = view.dialect.name == "postgresql"  # SQLite's LIKE takes ASCII letters for equal anyway

    def has(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        if fold:
            return column.icontains(part, autoescape=True)
        return column.contains(part, autoescape=True)

    return [
        sa.or_(
            *map(has, (*clear, *payloads)),
            # A seal, or an escaped letter, may hide anything.
            *(c.contains(s, autoescape=True) for c in payloads for s in (PREFIX, r"\u")),
            *(column.is_not(None) for column in (_c.ip_address, _c.user_agent)),
            _c.subject_id.in_(list(people)),
        )
    ]


def get(view: View, event_id: int) -> tuple[AuditRecord, bytes | None, bytes | None] | None:
    """One event with the salts of its two commitments."""
    query = sa.select(*_COLUMNS, _c.who_salt, _c.payload_salt).where(_c.id == event_id)
    row = view.conn.execute(query).first()
    return None if row is None else (record_of(row), row.who_salt, row.payload_salt)


def about(view: View, table: str, ids: Collection[int]) -> Iterator[AuditRecord]:
    """The events on single rows of a table."""
    query = sa.select(*_COLUMNS).where(
        _c.table_name == table, view.dialect.ids_in(_c.record_id, list(ids))
    )
    yield from map(record_of, view.conn.execute(query))


def batches(
    view: View, table: str, ids: Collection[int], *, replacing: bool = False
) -> Iterator[AuditRecord]:
    """The events on many rows of a table that may have touched some of `ids`.

    Those whose range cannot contain any stay in the database; the others are for
    `mlmcsc.domain.audit.reach.touched` to judge. Found by the index over table and record, where
    batches stand together.

    Args:
        view: The open transaction.
        table: Which.
        ids: The rows asked about.
        replacing: Also every batch that made room for its rows.
    """
    first, last = (_number(view, _c.new_values, key) for key in ("first_id", "last_id"))
    wide = sa.select(*_COLUMNS).where(
        _c.table_name == table, _c.record_id.is_(None), _c.operation.not_in(EXCHANGES)
    )
    unclear: sa.ColumnElement[bool] = first.is_(None)
    if replacing:
        unclear = sa.or_(unclear, _c.old_values.is_not(None))
    if ids:
        unclear = sa.or_(unclear, *(_meets(first, last, span) for span in _as_spans(ids)))
    yield from map(record_of, view.conn.execute(wide.where(unclear)))


def _meets(
    first: sa.ColumnElement[Any], last: sa.ColumnElement[Any], span: tuple[int, int]
) -> sa.ColumnElement[bool]:
    return sa.and_(first <= span[1], last >= span[0])


def _as_spans(ids: Collection[int]) -> list[tuple[int, int]]:
    """Each id, or, of too many to compare, the whole range that they lie in."""
    if len(ids) > MOST_COMPARED:
        return [(min(ids), max(ids))]
    return [(i, i) for i in ids]


def created_for(view: View, table: sa.Table, image_id: int) -> list[int]:
    """Ids of an image's labels or predictions that are gone, from the events that stored them."""
    living = sa.exists().where(table.c.id == _c.record_id)
    query = sa.select(_c.record_id).where(
        _c.table_name == table.name,
        _c.record_id.is_not(None),
        ~living,  # told by the index alone; payloads are read of what is gone
        _c.operation == Operation.CREATE.value,
        _number(view, _c.new_values, "image_id") == image_id,
    )
    return [int(i) for i in view.conn.scalars(query)]


def named(view: View, table: str, key: str, name: str) -> int | None:
    """The row that was last stored, alone, under this name."""
    if view.dialect.name == "postgresql":
        told: sa.ColumnElement[Any] = sa.func.json_extract_path_text(_c.new_values, key)
    else:
        sound = sa.func.json_valid(_c.new_values) == 1
        told = sa.case((sound, sa.func.json_extract(_c.new_values, f"$.{key}")))
    query = sa.select(_c.record_id).where(
        _c.table_name == table, _c.record_id.is_not(None), told == name
    )
    found = view.conn.scalar(query.order_by(_c.id.desc()).limit(1))
    return None if found is None else int(found)


def _number(view: View, column: sa.Column[Any], key: str) -> sa.ColumnElement[Any]:
    """A whole number at the top of a payload; NULL for anything else, broken payloads included."""
    if view.dialect.name == "postgresql":
        is_number = sa.func.json_typeof(sa.func.json_extract_path(column, key)) == "number"
        told = sa.func.json_extract_path_text(column, key)
        return sa.case((is_number, sa.cast(told, sa.Numeric)))
    is_number = sa.func.json_type(column, f"$.{key}") == "integer"
    sound = sa.and_(sa.func.json_valid(column) == 1, is_number)
    return sa.case((sound, sa.func.json_extract(column, f"$.{key}")))


def of_transaction(view: View, moment: datetime, table: str, operation: Operation) -> Any:
    """The events of one kind that bear exactly this time, as those of one transaction do."""
    query = sa.select(*_COLUMNS).where(
        _c.timestamp == moment, _c.table_name == table, _c.operation == operation.value
    )
    return map(record_of, view.conn.execute(query))


def has_table(view: View, table: str) -> bool:
    """Whether any event is about this table."""
    query = sa.select(_c.id).where(_c.table_name == table).limit(1)
    return view.conn.execute(query).first() is not None


def record_of(row: Any) -> AuditRecord:
    """The event of a row, its personal texts still sealed."""
    damaged: list[str] = []
    payload: dict[str, Any] = {}
    for name in ("old_values", "new_values"):
        try:
            payload[name] = _json(getattr(row, name))
        except ValueError:
            damaged.append(name)
            payload[name] = getattr(row, name)
    moment = _moment(row.timestamp)
    if moment is None:
        damaged.append("timestamp")
    redacted = [
        part
        for part, gone in (("who", row.who_gone), ("payload", row.payload_gone))
        if gone and row.leaf is not None
    ]
    return AuditRecord(
        **{name: getattr(row, name) for name in _PLAIN},
        who_commit=_hex(row.who_commit),
        payload_commit=_hex(row.payload_commit),
        leaf=_hex(row.leaf),
        **payload,
        timestamp=moment,
        redacted=tuple(redacted),
        damaged=tuple(damaged),
    )


_PLAIN = (
    "id",
    "user_id",
    "operation",
    "table_name",
    "record_id",
    "n_rows",
    "reason",
    "ip_address",
    "user_agent",
    "digest",
    "subject_id",
    "seq",
)


def _json(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _hex(stored: Any) -> str | None:
    return bytes(stored).hex() if isinstance(stored, bytes | memoryview) else None


def _moment(stored: Any) -> datetime | None:
    """A stored time: PostgreSQL's driver has read it, SQLite's text is UTC without a zone."""
    if isinstance(stored, datetime):
        return stored.astimezone(UTC)
    try:
        found = datetime.fromisoformat(stored)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
