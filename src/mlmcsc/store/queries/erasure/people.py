"""Who is to be erased: every name and number by which the database knows the person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.places import identifier_places
from mlmcsc.store.models import accounts, metadata, subjects, technicians
from mlmcsc.store.queries import people
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

NAMED_BY_VAULT = frozenset({"subjects", "erasures", "login_attempts", "audit_logs"})
"""Tables whose names make nobody known: the vault's own, those of failed logins, the trail."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the database knows.

    Attributes:
        called: The clear identifier by which the vault knows the person, or will.
        technician_row: The id in `technicians`, if they are in it.
        subject_id: Random id in the vault; None for somebody whom only raw SQL wrote.
        aliases: Subject ids of the same person under other names: logins, written names.
        identifiers: Staff number, logins, e-mail address and full name.
    """

    called: str
    technician_row: int | None
    subject_id: str | None
    aliases: tuple[str, ...]
    identifiers: tuple[str, ...]

    @property
    def subject_ids(self) -> tuple[str, ...]:
        """All subject ids, the person's own first."""
        return (*([self.subject_id] if self.subject_id else []), *self.aliases)


def find(view: View, wanted: int | str) -> Person | None:
    """The person so called, who is not erased.

    Args:
        view: An open transaction.
        wanted: Staff number, login, written name or subject id; or the technician's row id, also
            as text where nobody is called so.

    Raises:
        MissingKeyError: The person's name cannot be read, as the master key is not here.
    """
    row, called = _technician(view, wanted), None
    subject = view.vault.find(view, wanted)
    if subject is not None:
        if subject.is_erased:
            return None
        called, row = subject.identifier, subject.technician_id or row
    elif isinstance(wanted, str) and row is None and _is_written(view, wanted):
        called = wanted
    if row is not None:
        return _of_technician(view, row, called)
    return None if called is None else _person(view, called, None, {called})


def _technician(view: View, wanted: int | str) -> int | None:
    """Row id of the technician with this staff number, account or row id."""
    t, a = technicians.c, accounts.c
    if isinstance(wanted, str):
        for query in (
            sa.select(t.id).where(t.technician_id == wanted),
            sa.select(a.technician_id).where(a.username == wanted),
        ):
            found = view.conn.scalar(query)
            if found is not None:
                return int(found)
        if view.vault.find(view, wanted) is not None or not wanted.isdecimal():
            return None
    number = int(wanted)
    known = number < 2**63 and view.conn.scalar(sa.select(t.id).where(t.id == number))
    return int(known) if known else None


def _is_written(view: View, name: str) -> bool:
    """Whether rows name somebody so whom the vault does not know."""
    return any(
        view.conn.scalar(sa.select(column).where(column == name).limit(1)) is not None
        for column in name_columns()
    )


def name_columns() -> list[sa.Column[Any]]:
    """Columns of live tables that name a person in clear."""
    found = []
    for place in sorted(identifier_places()):
        table, _, column = place.partition(".")
        if table not in NAMED_BY_VAULT:
            found.append(metadata.tables[table].c[column])
    return found


def _of_technician(view: View, row: int, called: str | None) -> Person | None:
    t = technicians.c
    query = sa.select(t.technician_id, t.name, t.email).where(t.id == row)
    found = view.conn.execute(query).first()
    own = sa.select(subjects.c.subject_id, subjects.c.erased_at).where(
        subjects.c.technician_id == row
    )
    subject = view.conn.execute(own).first()
    if found is None or (subject is not None and subject.erased_at is not None):
        return None
    staff, name, email = view.vault.unseal(view, tuple(found))
    logins = view.conn.scalars(
        sa.select(accounts.c.username).where(accounts.c.technician_id == row)
    )
    names = {staff, name, email, called, *logins}
    return _person(view, staff, row, {each for each in names if each})


def _person(view: View, called: str, row: int | None, names: set[str]) -> Person:
    c = subjects.c
    query = sa.select(c.subject_id, c.identifier, c.technician_id).where(
        sa.or_(is_called(c.identifier, names), c.technician_id == row if row else sa.false()),
        # A colleague may bear the name that this person writes.
        sa.or_(c.technician_id.is_(None), c.technician_id == row if row else sa.false()),
        c.erased_at.is_(None),
    )
    known = {found.identifier: found.subject_id for found in view.conn.execute(query)}
    own = known.pop(called, None)
    every = names | set(known)
    return Person(called, row, own, tuple(sorted(known.values())), tuple(sorted(every)))


def is_called(column: sa.ColumnElement[Any], names: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a column holds one of the names, in any case."""
    names = list(names)
    return sa.or_(column.in_(names), sa.func.lower(column).in_([name.lower() for name in names]))


def admit(tx: Transaction, person: Person) -> str:
    """The subject id; one whom only raw SQL wrote gets it now."""
    if person.technician_row is not None:
        return people.subject_of(tx, person.technician_row)
    return tx.vault.person(tx, person.called)
