"""The person of an erasure that was begun: as found before it, and what came back since."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from mlmcsc.domain.privacy.matching import fold
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.store.models import subjects
from mlmcsc.store.queries import persons, spellings
from mlmcsc.store.queries.erasure.naming import readable
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View

_s = subjects.c


def person_of(view: View, begun: Saga) -> Person:
    """Every name of theirs, before they are gone from the database.

    Raises:
        MissingKeyError: The person's name cannot be read, as the master key is not here.
    """
    find = keyless if begun.without_keys else persons.living
    called = tuple(filter(None, [begun.identifier]))
    unnamed = Person(begun.identifier or "", begun.technician_row, begun.subject_id, (), called)
    return spellings.whole(view, find(view, begun.subject_id) or unnamed)


def keyless(view: View, wanted: int | str) -> Person | None:
    """As `persons.living`, by clear names and numbers alone where the sealed cannot be opened."""
    found = persons.resolve(view, wanted, lambda texts: readable(view, texts))
    return None if found is None or found.is_erased else found


def returned(
    view: View,
    begun: Saga,
    identifiers: Iterable[str],
    subject_ids: Iterable[str],
    shared: Iterable[str],
) -> Person:
    """The person as far as they can be met again after the database step.

    A name with which somebody else was registered since is theirs now.
    """
    row, names = begun.technician_row, tuple(identifiers)
    other: sa.ColumnElement[bool] = _s.technician_id.is_not(None)
    if row is not None:
        other &= _s.technician_id != row
    query = sa.select(_s.identifier).where(other, is_called(_s.identifier, names))
    taken = {fold(str(name)) for name in view.conn.scalars(query)}
    left = tuple(name for name in names if fold(name) not in taken)
    again = sa.select(_s.subject_id).where(
        is_called(_s.identifier, left), ~other, _s.erased_at.is_(None)
    )
    every = {*subject_ids, *view.conn.scalars(again)} - {begun.subject_id}
    person = Person(
        called=left[0] if left else "",
        technician_row=row,
        subject_id=begun.subject_id,
        aliases=tuple(sorted(every)),
        identifiers=left,
        shared=dict.fromkeys(shared, ()),
    )
    return spellings.whole(view, person)
