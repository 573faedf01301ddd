"""What imports and exports ask of the database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.fields import Kind
from mlmcsc.store.models import (
    audit_logs,
    feature_sets,
    features,
    image_aliases,
    images,
    model_versions,
    technicians,
)
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import STREAM_ROWS, decode
from mlmcsc.store.queries.rows import View
from mlmcsc.store.types import UtcDateTime
from mlmcsc.store.uow import Transaction

NATURAL = {
    "image_id": ("image_path", images, images.c.path),
    "technician_id": ("technician", technicians, technicians.c.technician_id),
    "model_version_id": ("model_version", model_versions, model_versions.c.version),
}
"""For each id column: the name, table and column of the key that people know."""

TIMES = ("timestamp", "extraction_timestamp", "created_at", "replaced_at", "opened_at")


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier exchange of the same bytes."""

    operation: str
    timestamp: datetime
    user_id: str
    facts: Mapping[str, Any]


def earlier_exchange(view: View, table: sa.Table, sha256: str) -> Earlier | None:
    """The latest import to, or export from, this table of a file with this content."""
    c = audit_logs.c
    query = (
        sa.select(c.operation, c.timestamp, c.user_id, c.new_values)
        .where(
            c.operation.in_([Operation.IMPORT.value, Operation.EXPORT.value]),
            c.table_name == table.name,
            c.digest == sha256,
        )
        .order_by(c.id.desc())
        .limit(1)
    )
    row = view.conn.execute(query).first()
    return None if row is None else Earlier(*row[:3], facts=row.new_values or {})


def lock_content(tx: Transaction, sha256: str) -> None:
    """Let only one importer at a time work on the same content.

    SQLite has one writer anyway.
    """
    if tx.dialect.name == "postgresql":
        key = int(sha256[:15], 16)  # 60 bits of an advisory lock's 64
        tx.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def kinds(table: sa.Table, columns: Sequence[str], *, natural_keys: bool) -> dict[str, Kind]:
    """Name and kind of each exported column."""
    found: dict[str, Kind] = {}
    for name in columns:
        if natural_keys and _refers(table, name):
            found[NATURAL[name][0]] = Kind.TEXT
        else:
            found[name] = _kind(table.c[name].type)
    return found


def _refers(table: sa.Table, name: str) -> bool:
    """Whether the column holds ids; `technicians.technician_id` is a staff number itself."""
    return name in NATURAL and bool(table.c[name].foreign_keys)


def _kind(kind: sa.types.TypeEngine[Any]) -> Kind:
    for known, name in (
        (UtcDateTime, Kind.TIMESTAMP),
        (sa.JSON, Kind.JSON),
        (sa.Boolean, Kind.FLAG),
        (sa.Integer, Kind.INTEGER),
        (sa.Float, Kind.REAL),
        (sa.LargeBinary, Kind.VECTOR),
    ):
        if isinstance(kind, known):
            return name
    return Kind.TEXT


def pages(
    view: View,
    table: sa.Table,
    columns: Sequence[str],
    *,
    natural_keys: bool,
    after_id: int,
    since: datetime | None,
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows by id, a page at a time; vectors as arrays."""
    query = _select(table, columns, natural_keys=natural_keys)
    if since is not None:
        query = query.where(table.c[time_column(table) or "id"] >= since)
    vector = columns.index("feature_vector") if "feature_vector" in columns else None
    size = rows.CHUNK if vector is None else STREAM_ROWS
    last = after_id
    while True:
        found = view.conn.execute(
            query.where(table.c.id > last).order_by(table.c.id).limit(size)
        ).all()
        if not found:
            return
        last = found[-1][-1]
        yield [_plain(row, len(columns), vector) for row in found]


def _select(table: sa.Table, columns: Sequence[str], *, natural_keys: bool) -> sa.Select[Any]:
    """The columns, then what is needed to read on: a vector's dtype and the id."""
    joined: sa.FromClause = table
    chosen: list[Any] = []
    for name in columns:
        if natural_keys and _refers(table, name):
            _, parent, key = NATURAL[name]
            joined = joined.outerjoin(parent, parent.c.id == table.c[name])
            chosen.append(key)
        else:
            chosen.append(table.c[name])
    if table is features:
        chosen.append(features.c.dtype.label("vector_dtype"))
    return sa.select(*chosen, table.c.id.label("row_id")).select_from(joined)


def _plain(row: sa.Row[Any], width: int, vector: int | None) -> tuple[Any, ...]:
    if vector is None:
        return tuple(row[:width])
    return (*row[:vector], decode(row[vector], row[width]), *row[vector + 1 : width])


def time_column(table: sa.Table) -> str | None:
    """The column that tells when a row came about."""
    return next((name for name in TIMES if name in table.c), None)


def has_wide_vectors(view: View) -> bool:
    """Whether any feature set keeps float64."""
    return rows.count(view, feature_sets, feature_sets.c.dtype == "float64") > 0


def ids_by(
    view: View, table: sa.Table, key: str, values: Iterable[str]
) -> Mapping[str, tuple[int, ...]]:
    """The ids of the rows whose `key` has one of these values."""
    query = sa.select(table.c[key], table.c.id).where(
        view.dialect.ids_in(table.c[key], list(values))
    )
    found: dict[str, tuple[int, ...]] = {}
    for value, row_id in view.conn.execute(query.order_by(table.c.id)):
        found[value] = (*found.get(value, ()), row_id)
    return found


def ids_by_file_name(view: View, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The images that have a file of this name, at their own path or at any further one."""
    found: dict[str, set[int]] = {
        name: set(ids) for name, ids in ids_by(view, images, "filename", names).items()
    }
    wanted = frozenset(names)
    a = image_aliases.c
    aliases = sa.select(a.path, a.image_id).execution_options(yield_per=rows.CHUNK)
    for path, image_id in view.conn.execute(aliases):
        name = os.path.basename(path)
        if name in wanted:
            found.setdefault(name, set()).add(image_id)
    return {name: tuple(sorted(ids)) for name, ids in found.items()}


def paths_named(view: View, name: str, image_ids: Iterable[int]) -> list[str]:
    """For each of some images, by id, the path whose file has this name."""
    ids = list(image_ids)
    a, c = image_aliases.c, images.c
    further = sa.select(a.image_id, a.path).where(a.image_id.in_(ids)).order_by(a.id)
    found = {i: path for i, path in view.conn.execute(further) if os.path.basename(path) == name}
    own = sa.select(c.id, c.path, c.filename).where(c.id.in_(ids)).order_by(c.id)
    return [
        path if filename == name else found.get(image_id, path)
        for image_id, path, filename in view.conn.execute(own)
    ]
