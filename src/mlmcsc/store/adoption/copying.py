"""Every original row into the new database, under its id, parents first."""

from __future__ import annotations

from typing import Any, Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.store.adoption.converting import LARGEST_ID, Converter, UnfitError
from mlmcsc.store.adoption.inserting import Inserter
from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.adoption.local_time import TimeRule
from mlmcsc.store.adoption.original import TABLES
from mlmcsc.store.adoption.vectors import copy_vectors
from mlmcsc.store.models import UNVERSIONED_MODEL

_SHOWN: Final = 5


def copy_all(
    source: driver.Connection,
    cursor: driver.Cursor,
    rule: TimeRule,
    label_range: tuple[float, float],
    ledger: Ledger,
) -> None:
    """Copy, convert and account for every row.

    Args:
        source: The original.
        cursor: Of the new, freshly created database, in a transaction.
        rule: For local times.
        label_range: Of the new database.
        ledger: Gains every row.
    """
    _make_room_for_models(source, cursor, ledger)
    for table in TABLES:
        converter = Converter(table, rule, ledger)
        if table == "features":
            copy_vectors(source, cursor, converter, label_range, ledger)
        else:
            _copy(source, cursor, converter, label_range, ledger)
    _activate_newest(source, cursor, ledger)
    _compare_label_counts(cursor, ledger)
    for table in TABLES:
        _continue_ids(source, cursor, table)


def _copy(
    source: driver.Connection,
    cursor: driver.Cursor,
    converter: Converter,
    label_range: tuple[float, float],
    ledger: Ledger,
) -> None:
    table = converter.table
    inserter = Inserter(cursor, table, converter.columns, label_range)
    specimens = 0
    query = f"SELECT {','.join(converter.columns)} FROM {table} ORDER BY id"
    for row in source.execute(query):
        try:
            values = converter.convert(row)
            if table == "model_versions":
                values["is_active"] = 0  # one is activated when all are known
            added = table == "images" and _add_specimen(cursor, values)
            try:
                inserter.insert(values)
            except UnfitError:
                if added:
                    _remove_specimen(cursor, values)
                raise
            specimens += added
            ledger.adopt(table)
        except UnfitError as reason:
            ledger.reject(table, row[0], str(reason))
    if specimens:
        ledger.note(f"specimens made from images.specimen_id: {specimens}")


def _add_specimen(cursor: driver.Cursor, values: dict[str, Any]) -> bool:
    if values["specimen_id"] is None:
        return False
    cursor.execute(
        "INSERT INTO specimens (specimen_id) VALUES (?) ON CONFLICT DO NOTHING",
        (values["specimen_id"],),
    )
    return bool(cursor.rowcount)


def _remove_specimen(cursor: driver.Cursor, values: dict[str, Any]) -> None:
    cursor.execute("DELETE FROM specimens WHERE specimen_id = ?", (values["specimen_id"],))


def _make_room_for_models(source: driver.Connection, cursor: driver.Cursor, ledger: Ledger) -> None:
    """The seeded `unversioned` model gives way to an original one of its id or name."""
    taken = source.execute(
        "SELECT 1 FROM model_versions WHERE id = ? OR version = 'unversioned'",
        (UNVERSIONED_MODEL,),
    ).fetchone()
    if taken is not None:
        cursor.execute("DELETE FROM model_versions")
        return
    ledger.added["model_versions"] += 1
    predictions = source.execute(
        "SELECT count(*) FROM predictions WHERE model_version_id = ?", (UNVERSIONED_MODEL,)
    ).fetchone()[0]
    if predictions:
        ledger.note(
            f"predictions: {predictions} name model 1, which the original never registered; it is "
            "now 'unversioned'"
        )


def _activate_newest(source: driver.Connection, cursor: driver.Cursor, ledger: Ledger) -> None:
    query = "SELECT id FROM model_versions WHERE is_active = 1"
    active = {row_id for (row_id,) in source.execute(query)}
    newest_first = cursor.execute("SELECT id FROM model_versions ORDER BY created_at DESC, id DESC")
    found = [row_id for (row_id,) in newest_first.fetchall() if row_id in active]
    if found:
        cursor.execute("UPDATE model_versions SET is_active = 1 WHERE id = ?", (found[0],))
    if found[1:]:
        others = ", ".join(str(row_id) for row_id in sorted(found[1:])[:_SHOWN])
        ledger.note(
            f"model_versions: {len(found)} were active; {found[0]}, the newest, still is, "
            f"{others} no longer"
        )


def _compare_label_counts(cursor: driver.Cursor, ledger: Ledger) -> None:
    wrong = cursor.execute(
        "SELECT t.id, t.total_labels, count(l.id) AS n FROM technicians AS t "
        "LEFT JOIN labels AS l ON l.technician_id = t.id "
        "GROUP BY t.id HAVING n <> t.total_labels ORDER BY t.id"
    ).fetchall()
    if wrong:
        shown = "; ".join(f"technician {t}: {kept}, has {n}" for t, kept, n in wrong[:_SHOWN])
        ledger.note(
            f"technicians.total_labels is kept although {len(wrong)} differ from the labels "
            f"adopted ({shown})"
        )


def _continue_ids(source: driver.Connection, cursor: driver.Cursor, table: str) -> None:
    """New ids begin beyond every id that ever was, also of rows deleted or left behind."""
    (largest,) = source.execute(
        "SELECT max(id) FROM (SELECT id FROM "
        f"{table} UNION ALL SELECT record_id FROM audit_logs WHERE table_name = ?) "
        "WHERE typeof(id) = 'integer' AND id BETWEEN 1 AND ?",
        (table, LARGEST_ID),
    ).fetchone()
    if largest is None:
        return
    cursor.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (largest, table))
    if not cursor.rowcount:
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, largest))
