"""What erasure sets or removes, column by column, as data: a dry run counts what the deed does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.mentions import ERASED
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.store.models import (
    accounts,
    api_tokens,
    label_revisions,
    labels,
    login_attempts,
    sessions,
    subjects,
    technicians,
)
from mlmcsc.store.queries import removal
from mlmcsc.store.queries.bearers import name_columns
from mlmcsc.store.queries.erasure.touched import Touched
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

OWN_COLUMNS = (
    "email",
    "department",
    "experience_level",
    "last_active",
    "accuracy_score",
    "accuracy_labels",
    "accuracy_scored_at",
)
"""Of technicians, emptied."""
BY_ROW = frozenset({"technicians", "accounts"})
"""Tables whose names are dealt with row by row."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One column of the rows that fit.

    Attributes:
        column: Which.
        rows: Condition on its table.
        value: What is written.
    """

    column: sa.Column[Any]
    rows: sa.ColumnElement[bool]
    value: Any


def deeds(person: Person, pseudonym: str, labels_: LabelChoice) -> Iterator[Deed]:
    """Every column that is overwritten, in an order in which each still finds its rows."""
    row, names = person.technician_row, person.identifiers
    if row is not None:
        yield from _technician(row, pseudonym)
        if labels_ == "keep":
            yield from _of_own_labels(row)
    reason = label_revisions.c.reason
    of_theirs = is_called(label_revisions.c.replaced_by, names)
    yield Deed(reason, sa.and_(of_theirs, reason != ERASED), ERASED)
    for column in name_columns():
        if column.table.name not in BY_ROW:
            yield Deed(column, is_called(column, names), pseudonym)


def _technician(row: int, pseudonym: str) -> Iterator[Deed]:
    c = technicians.c
    for column in (c.technician_id, c.name):
        yield Deed(column, (c.id == row) & (column != pseudonym), pseudonym)
    for name in OWN_COLUMNS:
        yield Deed(c[name], (c.id == row) & c[name].is_not(None), None)
    yield Deed(c.is_active, (c.id == row) & c.is_active.is_(True), False)  # noqa: FBT003  # the value


def _of_own_labels(row: int) -> Iterator[Deed]:
    theirs = labels.c.technician_id == row
    for column in (labels.c.notes, labels.c.time_spent):
        yield Deed(column, theirs & column.is_not(None), None)
    notes = label_revisions.c.notes
    own = label_revisions.c.label_id.in_(sa.select(labels.c.id).where(theirs))
    yield Deed(notes, own & notes.is_not(None), None)


def gone(person: Person) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """Rows that are removed, besides labels; in an order that foreign keys allow."""
    row, names = person.technician_row, person.identifiers
    a = accounts.c
    own = is_called(a.username, names)
    if row is not None:
        own = sa.or_(own, a.technician_id == row)
    of_account = sa.select(a.id).where(own)
    return [
        (sessions, sessions.c.account_id.in_(of_account)),
        (api_tokens, api_tokens.c.account_id.in_(of_account)),
        (login_attempts, is_called(login_attempts.c.username, names)),
        (accounts, own),
    ]


def vault_deeds(subject_ids: Iterable[str]) -> Iterator[Deed]:
    """The keys and identifiers of the person in the vault."""
    c = subjects.c
    mine = c.subject_id.in_(list(subject_ids))
    for column in (c.wrapped_key, c.key_id, c.identifier):
        yield Deed(column, mine & column.is_not(None), None)


def count(view: View, person: Person, labels_: LabelChoice) -> dict[str, int]:
    """Rows of each place `table.column` that would be changed or removed."""
    counts: dict[str, int] = {}
    for deed in (*deeds(person, "", labels_), *vault_deeds(person.subject_ids)):
        _add(counts, deed.column, _rows(view, deed.column.table, deed.rows))
    for table, condition in gone(person):
        _add_all(counts, table, _rows(view, table, condition))
    _count_labels(view, person, counts)
    return counts


def dealt_with(person: Person, labels_: LabelChoice) -> dict[str, sa.ColumnElement[bool]]:
    """Of each place `table.column`, the rows that are overwritten or removed as a whole."""
    found: dict[str, sa.ColumnElement[bool]] = {}

    def add(column: sa.Column[Any], rows: sa.ColumnElement[bool]) -> None:
        place = f"{column.table.name}.{column.name}"
        found[place] = rows if place not in found else sa.or_(found[place], rows)

    for deed in deeds(person, "", labels_):
        add(deed.column, deed.rows)
    removed = gone(person)
    if labels_ == "delete" and person.technician_row is not None:
        removed += _own_label_rows(person.technician_row)
    for table, condition in removed:
        for column in table.c:
            add(column, condition)
    return found


def apply(
    tx: Transaction, person: Person, pseudonym: str, labels_: LabelChoice, touched: Touched
) -> dict[str, int]:
    """Do it; says how many rows of each place `table.column` were changed or removed."""
    counts: dict[str, int] = {}
    _count_labels(tx, person, counts)
    if labels_ == "delete" and person.technician_row is not None:
        _delete_labels(tx, person.technician_row, touched)
    for table, condition in gone(person):
        ids = tx.conn.scalars(table.delete().where(condition).returning(table.c.id))
        _add_all(counts, table, touched.removed(table, ids))
    for deed in deeds(person, pseudonym, labels_):
        _add(counts, deed.column, _do(tx, deed, touched))
    return counts


def _delete_labels(tx: Transaction, row: int, touched: Touched) -> None:
    for table, condition in _own_label_rows(row):
        touched.removed(table, tx.conn.scalars(sa.select(table.c.id).where(condition)))
    if removal.delete_labels(tx, labels.c.technician_id == row):
        touched.add(technicians.c.total_labels, [row])


def left(
    view: View, person: Person, pseudonym: str, labels_: LabelChoice, subject_ids: Iterable[str]
) -> dict[str, int]:
    """Rows of each place `table.column` that still hold something after an erasure."""
    counts: dict[str, int] = {}
    for deed in (*deeds(person, pseudonym, labels_), *vault_deeds(subject_ids)):
        _add(counts, deed.column, _rows(view, deed.column.table, deed.rows))
    removed = gone(person)
    if labels_ == "delete" and person.technician_row is not None:
        removed += _own_label_rows(person.technician_row)
    for table, condition in removed:
        _add(counts, table.c.id, _rows(view, table, condition))
    return {place: number for place, number in counts.items() if number}


def destroy_keys(tx: Transaction, subject_ids: Iterable[str], touched: Touched) -> dict[str, int]:
    """Destroy data keys and names in the vault: what was sealed is unreadable from here on."""
    ids = list(subject_ids)
    counts: dict[str, int] = {}
    for deed in vault_deeds(ids):
        _add(counts, deed.column, _do(tx, deed, touched))
    c = subjects.c
    erased = subjects.update().where(c.subject_id.in_(ids), c.erased_at.is_(None))
    touched.add(c.erased_at, tx.conn.scalars(erased.values(erased_at=tx.now).returning(c.id)))
    return counts


def _do(tx: Transaction, deed: Deed, touched: Touched) -> int:
    table: Any = deed.column.table
    statement = table.update().where(deed.rows).values({deed.column.name: deed.value})
    ids = tx.conn.scalars(statement.returning(table.c.id))
    return touched.add(deed.column, ids)


def _rows(view: View, table: Any, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(condition)
    return int(view.conn.scalar(query) or 0)


def _count_labels(view: View, person: Person, counts: dict[str, int]) -> None:
    """The person's labels and their revisions, which stay or go as rows."""
    if person.technician_row is None:
        return
    for table, condition in _own_label_rows(person.technician_row):
        n_rows = _rows(view, table, condition)
        for column in table.c:
            if column.name not in {"notes", "time_spent", "reason", "verified_by", "replaced_by"}:
                _add(counts, column, n_rows)


def _own_label_rows(row: int) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    theirs = labels.c.technician_id == row
    own = label_revisions.c.label_id.in_(sa.select(labels.c.id).where(theirs))
    return [(labels, theirs), (label_revisions, own)]


def _add(counts: dict[str, int], column: sa.Column[Any], more: int) -> None:
    place = f"{column.table.name}.{column.name}"
    counts[place] = counts.get(place, 0) + more


def _add_all(counts: dict[str, int], table: sa.Table, more: int) -> None:
    for column in table.c:
        _add(counts, column, more)
