"""Under which names and ids one person is known."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from mlmcsc.store.models import (
    accounts,
    alerts,
    audit_logs,
    data_versions,
    label_revisions,
    labels,
    model_versions,
    subjects,
    technicians,
)
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

WRITTEN = (
    labels.c.verified_by,
    label_revisions.c.verified_by,
    label_revisions.c.replaced_by,
    model_versions.c.created_by,
    data_versions.c.created_by,
    alerts.c.acknowledged_by,
    audit_logs.c.user_id,
    accounts.c.username,
    technicians.c.technician_id,
    subjects.c.identifier,
)
"""Columns in which people stand under a staff number, login or written name."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One person, who may be a technician, a login, and a written name.

    Attributes:
        names: Staff number, logins and written names, the one asked for first.
        subject_ids: Random ids; none for somebody whom only raw SQL has named.
        technician: The id in `technicians`.
    """

    names: tuple[str, ...]
    subject_ids: tuple[str, ...]
    technician: int | None


def identify(view: View, person: int | str) -> Identity | None:
    """The person with this staff number, login, written name, subject id or technician id.

    None for somebody unknown, and for somebody erased.
    """
    found = view.vault.find(view, person)
    if found is not None and (found.is_erased or found.identifier is None):
        return None
    technician = None if found is None else found.technician_id
    name = str(person) if found is None else found.identifier
    if isinstance(person, int) and found is None:
        technician = person
        name = _staff_number(view, technician)
    elif technician is None:
        technician = _technician_called(view, str(name))
    if name is None:
        return None
    names = _names(view, name, technician)
    if found is None and technician is None and not is_written(view, name):
        return None
    s = subjects.c
    known: sa.ColumnElement[bool] = s.identifier.in_(names)
    if technician is not None:
        known = sa.or_(known, s.technician_id == technician)
    ids = view.conn.scalars(sa.select(s.subject_id).where(known).order_by(s.id))
    return Identity(names, tuple(ids), technician)


def admit(tx: Transaction, who: Identity) -> str:
    """The subject id under which something about the person is registered from now on."""
    s = subjects.c
    query = sa.select(s.subject_id).where(s.identifier == who.names[0])
    found = tx.conn.scalar(query)
    if found is not None:
        return str(found)
    staff = None if who.technician is None else _staff_number(tx, who.technician)
    return tx.vault.person(tx, who.names[0], who.technician if staff == who.names[0] else None)


def is_written(view: View, name: str) -> bool:
    """Whether anybody stands under this name anywhere."""
    return any(
        view.conn.execute(sa.select(sa.literal(1)).where(column == name).limit(1)).first()
        for column in WRITTEN
    )


def _staff_number(view: View, technician: int) -> str | None:
    query = sa.select(technicians.c.technician_id).where(technicians.c.id == technician)
    found = view.conn.execute(query).first()
    return None if found is None else str(found[0])


def _technician_called(view: View, name: str) -> int | None:
    """By staff number, or through the account of this login."""
    found = view.conn.scalar(sa.select(technicians.c.id).where(technicians.c.technician_id == name))
    if found is None:
        found = view.conn.scalar(
            sa.select(accounts.c.technician_id).where(accounts.c.username == name)
        )
    return None if found is None else int(found)


def _names(view: View, name: str, technician: int | None) -> tuple[str, ...]:
    if technician is None:
        return (name,)
    query = sa.select(accounts.c.username).where(accounts.c.technician_id == technician)
    every = [name, _staff_number(view, technician), *view.conn.scalars(query)]
    return tuple(dict.fromkeys(each for each in every if each is not None))
