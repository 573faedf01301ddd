"""Images, specimens, and the files that are known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.columns import Columns
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.records import ImageRecord, SpecimenRecord
from mlmcsc.domain.results import Page
from mlmcsc.errors import StoreError
from mlmcsc.store.models import (
    image_aliases,
    images,
    labels,
    specimens,
)
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.uow import Transaction


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A path that was ingested before, with the facts of its image that were asked for."""

    image_id: int
    path: str
    stored_path: str
    file_size: int | None
    file_mtime_ns: int | None
    stated: Mapping[str, Any]


UNKNOWN: Final = {
    "specimen": images.c.specimen_id,
    "magnification": images.c.magnification,
    "pixel_size": images.c.pixel_size_um,
    "score": images.c.quality_score,
}
"""What images can be listed without, to its column."""


def conditions(view: View, wanted: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """The filter as SQL."""
    c = images.c
    found = given(
        wanted,
        specimen_id=c.specimen_id.__eq__,
        is_valid=c.is_valid.__eq__,
        min_quality=c.quality_score.__ge__,
        max_quality=c.quality_score.__le__,
        below_quality=c.quality_score.__lt__,
        without=lambda name: UNKNOWN[name].is_(None),
        format=c.format.__eq__,
        since=c.timestamp.__ge__,
        until=c.timestamp.__lt__,
        image_ids=lambda ids: view.dialect.ids_in(c.id, ids),
    )
    path, labelled = wanted.get("path"), wanted.get("labelled")
    if path is not None:
        alias = sa.select(image_aliases.c.image_id).where(image_aliases.c.path == path)
        found.append(sa.or_(c.path == path, c.id.in_(alias)))
    if labelled is not None:
        has_label = sa.exists().where(labels.c.image_id == c.id)
        found.append(has_label if labelled else ~has_label)
    return found


def page(view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int) -> Page[ImageRecord]:
    """Images by id."""
    return rows.page(
        view, images, ImageRecord, conditions(view, wanted), after_id=after_id, limit=limit
    )


def known_files(
    view: View, paths: Sequence[str], stated: Sequence[str] = ()
) -> dict[str, KnownFile]:
    """What is known of these paths, as stored path or as alias.

    Args:
        view: The open transaction.
        paths: Absolute paths.
        stated: Image columns to fetch as `KnownFile.stated`; settings can be long, so only on
            demand.
    """
    facts = [images.c[name] for name in stated]
    at_home = sa.select(
        images.c.id,
        images.c.path,
        images.c.path,
        images.c.file_size,
        images.c.file_mtime_ns,
        *facts,
    ).where(view.dialect.ids_in(images.c.path, paths))
    a = image_aliases.c
    elsewhere = (
        sa.select(images.c.id, a.path, images.c.path, a.file_size, a.file_mtime_ns, *facts)
        .join(images, images.c.id == a.image_id)
        .where(view.dialect.ids_in(a.path, paths))
    )
    found: dict[str, KnownFile] = {}
    for query in (elsewhere, at_home):
        for image_id, path, stored, size, mtime, *values in view.conn.execute(query):
            held = dict(zip(stated, values, strict=True))
            found[path] = KnownFile(image_id, path, stored, size, mtime, held)
    return found


def by_content(view: View, hashes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Image id and stored path of each content hash that is known."""
    query = sa.select(images.c.content_hash, images.c.id, images.c.path).where(
        view.dialect.ids_in(images.c.content_hash, hashes)
    )
    return {row.content_hash: (row.id, row.path) for row in view.conn.execute(query)}


def add_aliases(tx: Transaction, aliases: Sequence[Mapping[str, Any]]) -> None:
    """Remember further paths of stored content; a path known already is brought up to date."""
    by_path = {alias["path"]: alias for alias in aliases}
    c = image_aliases.c
    names = ("id", "image_id", "path", "file_size", "file_mtime_ns")
    query = sa.select(*(c[name] for name in names)).where(tx.dialect.ids_in(c.path, by_path))
    changes = []
    for known in tx.conn.execute(query.order_by(c.id).with_for_update()).mappings().all():
        seen = by_path.pop(known["path"])
        new = {name: value for name, value in seen.items() if known[name] != value}
        if new:
            rows.update(tx, image_aliases, known["id"], new)
            changes.append(Change(known["id"], {name: known[name] for name in new}, new))
    record_changes(tx, Operation.UPDATE, image_aliases.name, changes)
    _create_aliases(tx, list(by_path.values()))


def _create_aliases(tx: Transaction, aliases: Sequence[Mapping[str, Any]]) -> None:
    if len(aliases) == 1:
        row = {**aliases[0], "created_at": tx.now}
        record_id = rows.insert(tx, image_aliases, row)
        tx.record(AuditEvent(Operation.CREATE, image_aliases.name, record_id, new_values=row))
    elif aliases:
        columns: Columns = {name: [alias[name] for alias in aliases] for name in aliases[0]}
        columns["created_at"] = [tx.now] * len(aliases)
        batches.insert_batch(tx, image_aliases, columns)


def ensure_specimens(tx: Transaction, names: Iterable[str | None]) -> None:
    """Register specimens that are not known yet, each with its name in the audit trail.

    Lock order: whoever also writes images has locked those before.
    """
    wanted = sorted({name for name in names if name is not None})
    if not wanted:
        return
    tx.dialect.lock_table(tx.conn, specimens)
    query = sa.select(specimens.c.specimen_id).where(
        tx.dialect.ids_in(specimens.c.specimen_id, wanted)
    )
    known = set(tx.conn.scalars(query))
    new = [name for name in wanted if name not in known]
    if len(new) == 1:
        row = {"specimen_id": new[0], "created_at": tx.now}
        record_id = rows.insert(tx, specimens, row)
        tx.record(AuditEvent(Operation.CREATE, specimens.name, record_id, new_values=row))
    elif new:
        columns: Columns = {"specimen_id": new, "created_at": [tx.now] * len(new)}
        batches.insert_batch(tx, specimens, columns, told={"specimen_id": new})


ROW_REFUSED = frozenset({"DataError", "IntegrityError"})
"""What drivers raise when a row, not the database, is at fault (PEP 249, Exceptions)."""


def refused_a_row(error: StoreError) -> bool:
    """Whether a write failed over a row's values, so that other rows may still be stored."""
    cause = error.__context__  # also where `from None` keeps it out of tracebacks
    unfit = type(cause) is sa.exc.StatementError  # no driver's error: a value it cannot take
    return unfit or any(kind.__name__ in ROW_REFUSED for kind in type(cause).__mro__)


def specimens_named(view: View, names: Sequence[str]) -> dict[str, SpecimenRecord]:
    """Specimens by their number, in its order."""
    query = (
        rows.select_record(specimens, SpecimenRecord)
        .where(view.dialect.ids_in(specimens.c.specimen_id, names))
        .order_by(specimens.c.specimen_id)
    )
    return {row.specimen_id: SpecimenRecord(*row) for row in view.conn.execute(query)}


def specimen_page(
    view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int
) -> Page[SpecimenRecord]:
    """Specimens by id."""
    c = specimens.c
    found = given(wanted, heat=c.heat.__eq__, material=c.material.__eq__)
    return rows.page(view, specimens, SpecimenRecord, found, after_id=after_id, limit=limit)
