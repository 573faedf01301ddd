"""A person under every spelling of their names that stands in the database.

The database compares ASCII letters only in any case (SQLite), and knows no separators: the few
distinct values of each column are read, and compared here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa

from mlmcsc.domain.privacy.matching import fold
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.store.models import accounts, audit_logs, login_attempts, subjects, technicians
from mlmcsc.store.queries.bearers import name_columns
from mlmcsc.store.queries.rows import View


def whole(view: View, person: Person) -> Person:
    """The person with the spellings that are found, and the subject ids filed under them."""
    names = Mentions(person.searched)
    taken = of_others(view, person.technician_row, person.identifiers)
    taken |= {fold(name) for name in person.shared}
    columns = [*name_columns(), subjects.c.identifier]
    columns += [login_attempts.c.username, audit_logs.c.user_id]
    found = {
        text
        for column in columns
        for text in view.conn.scalars(sa.select(column).where(column.is_not(None)).distinct())
        if fold(text) not in taken and names.is_one(text)
    }
    more = found - set(person.identifiers)
    if not more:
        return person
    s = subjects.c
    query = sa.select(s.subject_id).where(
        s.identifier.in_(sorted(more)),
        sa.or_(s.technician_id.is_(None), s.technician_id == (person.technician_row or 0)),
        s.erased_at.is_(None),
    )
    ids = set(view.conn.scalars(query)) - {person.subject_id}
    return replace(
        person,
        identifiers=(*person.identifiers, *sorted(more)),
        aliases=tuple(sorted(ids | set(person.aliases))),
    )


def of_others(view: View, technician_row: int | None, names: Iterable[str]) -> set[str]:
    """Staff numbers and logins, folded, that are another's however like the person's they look."""
    t, a, s, row = technicians.c, accounts.c, subjects.c, technician_row or 0
    own = {fold(name) for name in names}
    others = (
        sa.select(t.technician_id).where(t.id != row),
        sa.select(a.username).where(a.technician_id != row),
        sa.select(s.identifier).where(s.technician_id != row, s.identifier.is_not(None)),
    )
    found = {fold(text) for query in others for text in view.conn.scalars(query)}
    unlinked = sa.select(a.username).where(a.technician_id.is_(None))
    return found | ({fold(text) for text in view.conn.scalars(unlinked)} - own)
