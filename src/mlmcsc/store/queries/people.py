"""Technicians, and the personal texts of records: sealed in the tables, opened for who may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa

from mlmcsc.domain.consensus_labels import FULL_NAME, RESERVED
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import TechnicianRecord
from mlmcsc.errors import ConflictError, ValidationError
from mlmcsc.store.models import subjects, technicians
from mlmcsc.store.queries import registers, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

RecordT = TypeVar("RecordT")

SEALED = ("name", "email", "department")
"""The sealed columns of technicians."""


def reveal(
    view: View, actor: Actor, records: Iterable[RecordT], names: Sequence[str]
) -> list[RecordT]:
    """The records with the sealed fields of these names opened, as far as the actor may see."""
    found = list(records)
    texts = [getattr(record, name) for record in found for name in names]
    opened = iter(view.vault.show(view, actor, texts))
    return [_changed(record, {name: next(opened) for name in names}) for record in found]


def _changed(record: RecordT, values: Mapping[str, Any]) -> RecordT:
    if all(getattr(record, name) == value for name, value in values.items()):
        return record
    return replace(record, **values)  # type: ignore[type-var]  # every record is a dataclass


def register(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Add a technician, or return the id of the same one registered before.

    Raises:
        ConflictError: The staff number is registered with other facts.
        ValidationError: The staff number is kept for consensus labels.
    """
    registers.lock(tx, technicians)
    staff = values["technician_id"]
    given = {k: v for k, v in values.items() if v is not None}
    stored = rows.first(tx, technicians, TechnicianRecord, technician_id=staff)
    if stored is not None:
        _refuse_other_facts(_opened(tx, stored), given)
        return stored.id
    if staff in RESERVED and (given.get("name"), given.get("is_active")) != (FULL_NAME, False):
        raise ValidationError(
            f"technician_id={staff!r} is kept for what several people agree on: consensus labels "
            "are stored under it. Give the person another staff number."
        )
    subject_id = tx.vault.person(tx, staff)
    sealed = _sealed(tx, subject_id, given)
    record_id = rows.insert(tx, technicians, sealed | {"created_at": tx.now})
    tx.vault.person(tx, staff, record_id)
    tx.record(AuditEvent(Operation.CREATE, "technicians", record_id, new_values=sealed))
    return record_id


def change(tx: Transaction, stored: TechnicianRecord, values: Mapping[str, Any]) -> None:
    """Change a technician's given facts, with one event.

    Raises:
        ConflictError: The technician was erased, or stands for consensus and is no person.
    """
    known = _opened(tx, stored).to_dict()
    changed = {name: value for name, value in values.items() if known[name] != value}
    if not changed:
        return
    _refuse_erased(tx, stored)
    if changed.keys() & {"name", "is_active"} and stored.id == consensus_row(tx):
        raise ConflictError(
            f"technician {stored.technician_id} stands for what several people agree on, and "
            "nobody may label as it. Register the person under another staff number."
        )
    sealed = _sealed(tx, subject_of(tx, stored.id), changed)
    rows.update(tx, technicians, stored.id, sealed)
    before = {name: getattr(stored, name) for name in changed}
    tx.record(AuditEvent(Operation.UPDATE, "technicians", stored.id, before, sealed))


def consensus_row(view: View) -> int | None:
    """Id of the row in whose name consensus labels are stored; None before the first.

    A person who bore its staff number before that was kept for it is not meant.

    Raises:
        MissingKeyError: There is such a row, and the master key of its name is not here.
    """
    c = technicians.c
    query = (
        sa.select(c.id, c.name)
        .where(c.technician_id.in_(RESERVED), c.is_active.is_(False))
        .order_by(c.id)
    )
    found = view.conn.execute(query).all()
    names = view.vault.unseal(view, [row.name for row in found])
    return next((row.id for row, name in zip(found, names, strict=True) if name == FULL_NAME), None)


def refuse_consensus_row(view: View, technician: int | None) -> None:
    """Refuse to erase or restrict the row in whose name consensus labels are stored.

    Raises:
        ConflictError: It is that row.
        MissingKeyError: It may be, and the master key of its name is not here.
    """
    c = technicians.c
    staff = sa.select(c.technician_id).where(c.id == technician)
    if technician is None or view.conn.scalar(staff) not in RESERVED:
        return
    if technician == consensus_row(view):
        raise ConflictError(
            "This technician stands for what several people agree on, and is nobody; nothing was "
            "done. Consensus labels go with the labels that they are made of: erase or restrict "
            "the people who made those."
        )


def subject_of(tx: Transaction, technician: int) -> str:
    """The subject id of a technician; one written by raw SQL gets it now."""
    query = "SELECT subject_id FROM subjects WHERE technician_id = ?"
    found = tx.dialect.execute(tx.conn, query, (technician,))
    if found:
        return str(found[0][0])
    query = "SELECT technician_id FROM technicians WHERE id = ?"
    ((staff,),) = tx.dialect.execute(tx.conn, query, (technician,))
    return tx.vault.person(tx, staff, technician)


def seal_notes(
    tx: Transaction, people: Sequence[int | None], notes: Sequence[str | None]
) -> list[str | None]:
    """Notes of labels, each sealed under its technician's key.

    Args:
        tx: The open transaction.
        people: The technician's id of each note; those of rows without a note do not matter.
        notes: The texts; None where there is none.
    """
    pairs = zip(people, notes, strict=True)
    writers = {who for who, note in pairs if who is not None and note is not None}
    known = set(
        tx.conn.scalars(
            sa.select(technicians.c.id).where(tx.dialect.ids_in(technicians.c.id, writers))
        )
    )
    subject = {who: subject_of(tx, who) for who in sorted(known)}
    seal = tx.vault.sealer(tx, subject.values())
    return [
        note if note is None or who not in subject else seal(subject[who], note)
        for who, note in zip(people, notes, strict=True)
    ]


def _opened(tx: Transaction, stored: TechnicianRecord) -> TechnicianRecord:
    texts = tx.vault.unseal(tx, [getattr(stored, name) for name in SEALED])
    return replace(stored, **dict(zip(SEALED, texts, strict=True)))


def _sealed(tx: Transaction, subject_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    sealed = dict(values)
    for name in SEALED:
        if sealed.get(name) is not None:
            sealed[name] = tx.vault.seal(tx, subject_id, sealed[name])
    return sealed


def _refuse_other_facts(known: TechnicianRecord, given: Mapping[str, Any]) -> None:
    differing = {k: v for k, v in given.items() if getattr(known, k) != v}
    if differing:
        told = "; ".join(f"{k} is {getattr(known, k)!r}, not {v!r}" for k, v in differing.items())
        raise ConflictError(
            f"technician_id {known.technician_id!r} is registered already and differs: {told}. "
            "Use another name, or update the entry."
        )


def _refuse_erased(tx: Transaction, stored: TechnicianRecord) -> None:
    erased = sa.select(subjects.c.erased_at).where(subjects.c.technician_id == stored.id)
    if tx.conn.scalar(erased) is not None:
        raise ConflictError(
            f"technician {stored.technician_id} was erased and stays anonymous. Register the "
            "person anew if they work here again."
        )
