"""Who bears which name: what is somebody's, and what could be somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.persons import Person, loosely, spelling
from mlmcsc.domain.privacy.places import identifier_places
from mlmcsc.store.models import accounts, audit_logs, metadata, subjects, technicians

if TYPE_CHECKING:  # the vault, which the unit of work builds on, looks people up, too
    from mlmcsc.store import views

Opened = Callable[[Sequence[Any]], Sequence[str | None]]
"""Opens sealed names; None stands for one that is missing, or not for whoever asks."""
Way = Callable[[str], str]
"""How names are compared: `spelling` or `loosely`."""

NAMED_BY_VAULT = frozenset({"subjects", "erasures", "login_attempts", "audit_logs"})
"""Tables whose names make nobody known: the vault's own, those of failed logins, the trail."""


@dataclass(frozen=True, slots=True)
class _Technician:
    staff: str
    logins: frozenset[str]
    names: frozenset[str]
    """Staff number, logins, full name and e-mail address."""


class Everybody:
    """The names of all people at one moment.

    A technician's are the staff number, the logins of accounts that are linked with the entry, the
    full name and the e-mail address. A *login* is somebody who has acted, or has an account, and is
    no technician. Two people may be called the same; then the name means neither.

    Args:
        view: An open transaction.
        opened: Opens technicians' names.
        written: Whether names count that only raw SQL wrote into tables.
    """

    def __init__(self, view: views.View, opened: Opened, *, written: bool = False) -> None:
        self._view = view
        s, a = subjects.c, accounts.c
        query = sa.select(s.subject_id, s.identifier, s.technician_id).order_by(s.id)
        self._subjects = view.conn.execute(query.where(s.identifier.is_not(None))).all()
        every = view.conn.execute(sa.select(a.username, a.technician_id)).all()
        self._accounts = {row.username for row in every if row.technician_id is None}
        self._technicians = _technicians(view, opened, every)
        self._written = _written(view) if written else set()
        self._of_row = {name: row for row, t in self._technicians.items() for name in t.logins}
        self._of_row |= {t.staff: row for row, t in self._technicians.items()}
        self._bearing: dict[Way, dict[str, set[int]]] = {}
        for way in (spelling, loosely):
            index = self._bearing[way] = defaultdict(set)
            for row, technician in self._technicians.items():
                for name in technician.names:
                    index[way(name)].add(row)

    def row_of(self, name: str) -> int | None:
        """Row id of the technician with exactly this staff number or linked login."""
        return self._of_row.get(name)

    def rows_bearing(self, name: str, way: Way) -> list[int]:
        """Row ids of the technicians who bear the name, ascending."""
        return sorted(self._bearing[way].get(way(name), ()))

    def is_written(self, name: str) -> bool:
        """Whether rows name somebody so."""
        return name in self._written

    def logins(self, name: str, way: Way) -> set[str]:
        """Those called so who have acted, or have an account, and are no technician."""
        wanted = way(name)
        alike = {
            str(row.identifier)
            for row in self._subjects
            if row.technician_id is None
            and row.identifier not in self._of_row
            and way(row.identifier) == wanted
        }
        by_account = {each for each in self._accounts if way(each) == wanted} - self._of_row.keys()
        if not alike:
            return by_account
        c = audit_logs.c
        acted = sa.select(c.user_id).where(c.user_id.in_(sorted(alike))).distinct()
        return {*self._view.conn.scalars(acted), *by_account}

    def technician(self, row: int) -> Person | None:
        """A technician, as a whole; None if there is none with this row id."""
        found = self._technicians.get(row)
        if found is None:
            return None
        linked = {each.identifier for each in self._subjects if each.technician_id == row}
        return self._person(found.staff, row, linked | found.logins, found.names)

    def login(self, name: str) -> Person:
        """Somebody who is no technician, by login or written name."""
        return self._person(name, None, set(), {name})

    def _person(
        self, called: str, row: int | None, linked: set[str], names: Iterable[str]
    ) -> Person:
        sure = {called, *linked}
        exactly, alike = {spelling(each) for each in names}, {loosely(each) for each in names}
        theirs, shared = set(sure), dict[str, tuple[str, ...]]()
        for name in sorted(self._spellings(row) | {*names}):
            if name not in sure and loosely(name) not in alike:
                continue
            is_own = name in sure or spelling(name) in exactly
            alike_to = self._others(row, name, loosely, sure)
            same = self._others(row, name, spelling, sure)
            if not alike_to or (is_own and not same):
                theirs.add(name)
            if alike_to and (is_own or not same):
                shared[name] = tuple(sorted(alike_to))
        known = {
            each.identifier: each.subject_id
            for each in self._subjects
            if each.technician_id in {None, row} and each.identifier in theirs
        }
        own = known.pop(called, None)
        aliases, identifiers = tuple(sorted(known.values())), tuple(sorted(theirs))
        return Person(called, row, own, aliases, identifiers, shared=shared)

    def _spellings(self, row: int | None) -> set[str]:
        """Every name that may be this person's as it is spelt."""
        free = {each.identifier for each in self._subjects if each.technician_id in {None, row}}
        return free | self._written | self._accounts

    def _others(self, row: int | None, name: str, way: Way, own: set[str]) -> set[str]:
        """Who else bears the name."""
        rows = (each for each in self.rows_bearing(name, way) if each != row)
        return {self._technicians[each].staff for each in rows} | (self.logins(name, way) - own)


def _technicians(view: views.View, opened: Opened, every: Sequence[Any]) -> dict[int, _Technician]:
    """Those who are not erased."""
    t, s = technicians.c, subjects.alias().c
    erased = sa.select(s.technician_id).where(
        s.technician_id.is_not(None), s.erased_at.is_not(None)
    )
    query = sa.select(t.id, t.technician_id, t.name, t.email).where(t.id.not_in(erased))
    people = view.conn.execute(query.order_by(t.id)).all()
    texts = opened([text for row in people for text in row[2:]])
    logins = defaultdict[int, set[str]](set)
    for account in every:
        if account.technician_id is not None:
            logins[account.technician_id].add(account.username)
    return {
        row.id: _Technician(
            row.technician_id,
            frozenset(logins[row.id]),
            frozenset({row.technician_id, *logins[row.id], *filter(None, both)}),
        )
        for row, *both in zip(people, texts[::2], texts[1::2], strict=True)
    }


def name_columns() -> list[sa.Column[Any]]:
    """Columns of live tables that name a person in clear."""
    found = []
    for place in sorted(identifier_places()):
        table, _, column = place.partition(".")
        if table not in NAMED_BY_VAULT:
            found.append(metadata.tables[table].c[column])
    return found


def _written(view: views.View) -> set[str]:
    return {
        str(name)
        for column in name_columns()
        if column.table.name not in {technicians.name, accounts.name}
        for name in view.conn.scalars(sa.select(column).where(column.is_not(None)).distinct())
    }


def places_of(view: views.View, name: str) -> list[str]:
    """Columns `table.column` in which the name is written exactly so."""
    return [
        f"{column.table.name}.{column.name}"
        for column in name_columns()
        if view.conn.scalar(sa.select(column).where(column == name).limit(1)) is not None
    ]
