"""Who is meant: the one look-up of people, whatever they are called by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.places import identifier_places
from mlmcsc.errors import AmbiguousError
from mlmcsc.store.models import accounts, metadata, subjects, technicians

if TYPE_CHECKING:  # the vault, which the unit of work builds on, looks people up, too
    from mlmcsc.store import views
    from mlmcsc.store.queries.rows import View
    from mlmcsc.store.uow import Transaction

Opened = Callable[[Sequence[Any]], Sequence[str | None]]
"""Opens sealed names; None stands for one that is missing, or not for whoever asks."""

NAMED_BY_VAULT = frozenset({"subjects", "erasures", "login_attempts", "audit_logs"})
"""Tables whose names make nobody known: the vault's own, those of failed logins, the trail."""


def resolve(view: View, wanted: int | str, opened: Opened | None = None) -> Person | None:
    """The person so called, as a whole; None for somebody unknown.

    Whoever writes a technician's name, e-mail address or login is that technician.

    Args:
        view: An open transaction.
        wanted: Staff number, login, written name, e-mail address or subject id; or the
            technician's row id, also as text where nobody is called so.
        opened: Opens technicians' names; the vault does, if left out.

    Raises:
        AmbiguousError: Several technicians are called so; the message gives their staff numbers.
        MissingKeyError: Names cannot be read, as the master key is not here.
    """
    found = every(view, wanted, opened)
    if len(found) > 1:
        staff = ", ".join(sorted(person.called for person in found))
        raise AmbiguousError(
            f"{wanted!r} is the name of several technicians: {staff}. Give a staff number."
        )
    return found[0] if found else None


def living(view: View, wanted: int | str) -> Person | None:
    """As `resolve`, but None for somebody who was erased, too."""
    person = resolve(view, wanted)
    return None if person is None or person.is_erased else person


def every(view: View, wanted: int | str, opened: Opened | None = None) -> list[Person]:
    """All persons so called: several where technicians share a name. See `resolve`."""
    return called(view, wanted, opened or _unsealing(view))


def called(view: views.View, wanted: int | str, opened: Opened) -> list[Person]:
    """As `every`, for the vault itself."""
    subject = _subject(view, wanted)
    if subject is not None and subject.erased_at is not None:
        return [_erased(subject.subject_id, subject.technician_id)]
    known = None if subject is None else str(subject.identifier)
    linked = None if subject is None else subject.technician_id
    name = known or wanted
    row = linked or _linked(view, name) or (None if subject else _numbered(view, name))
    if row is not None:
        found = _of_technician(view, row, known, opened)
        return [] if found is None else [found]
    if isinstance(name, int):
        return []
    named = [_of_technician(view, each, name, opened) for each in _bearing(view, name, opened)]
    if not named and (subject is not None or _is_written(view, name)):
        named = [_person(view, name, None, {name})]
    return [person for person in named if person is not None]


def of_login(view: views.View, login: str, opened: Opened) -> Person | None:
    """Whose own the data is that somebody signed in as `login` may see.

    A login that merely equals a technician's name is not taken for the technician: only the staff
    number and accounts that are linked with it are.
    """
    s = subjects.c
    found = view.conn.execute(_subjects().where(s.identifier == login)).first()
    row = None if found is None else found.technician_id
    row = row or _linked(view, login)
    if row is not None:
        return _of_technician(view, row, login, opened)
    if found is None:
        return None
    return Person(login, None, found.subject_id, (), (login,))


def technicians_called(view: View, text: str, opened: Opened) -> set[str]:
    """Subject ids of the technicians in whose name there is `text` (casefolded)."""
    s, t = subjects.c, technicians.c
    query = sa.select(s.subject_id, t.name).join(technicians, t.id == s.technician_id)
    people = view.conn.execute(query).all()
    names = opened([row.name for row in people])
    return {
        row.subject_id
        for row, name in zip(people, names, strict=True)
        if name is not None and text in name.casefold()
    }


def admit(tx: Transaction, person: Person) -> str:
    """The subject id; one whom only raw SQL wrote gets it now."""
    return person.subject_id or tx.vault.person(tx, person.called, person.technician_row)


def name_columns() -> list[sa.Column[Any]]:
    """Columns of live tables that name a person in clear."""
    found = []
    for place in sorted(identifier_places()):
        table, _, column = place.partition(".")
        if table not in NAMED_BY_VAULT:
            found.append(metadata.tables[table].c[column])
    return found


def is_called(column: sa.ColumnElement[Any], names: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a column holds one of the names, in any case."""
    names = list(names)
    return sa.or_(column.in_(names), sa.func.lower(column).in_([name.lower() for name in names]))


def unread(texts: Sequence[Any]) -> Sequence[str | None]:
    """Opens no name: people are found by what stands in clear."""
    return [None] * len(texts)


def _unsealing(view: View) -> Opened:
    return lambda texts: view.vault.unseal(view, texts)


def _subjects() -> sa.Select[Any]:
    s = subjects.c
    return sa.select(s.subject_id, s.identifier, s.technician_id, s.erased_at).order_by(s.id)


def _subject(view: views.View, wanted: int | str) -> Any:
    """What the vault knows by exactly this."""
    s = subjects.c
    if isinstance(wanted, int):
        query = _subjects().where(s.technician_id == wanted) if _is_id(wanted) else None
    else:
        query = _subjects().where(sa.or_(s.identifier == wanted, s.subject_id == wanted))
    return None if query is None else view.conn.execute(query.limit(1)).first()


def _erased(subject_id: str, row: int | None) -> Person:
    return Person(subject_id, row, subject_id, (), (), is_erased=True)


def _linked(view: views.View, name: int | str) -> int | None:
    """Row id of the technician with this staff number or account."""
    t, a = technicians.c, accounts.c
    if isinstance(name, int):
        return None
    for query in (
        sa.select(t.id).where(t.technician_id == name),
        sa.select(a.technician_id).where(a.username == name),
    ):
        found = view.conn.scalar(query)
        if found is not None:
            return int(found)
    return None


def _numbered(view: views.View, name: int | str) -> int | None:
    """The row id that is given as such, if there is one."""
    if isinstance(name, str) and not (name.isascii() and name.isdecimal()):
        return None
    number = int(name)
    t = technicians.c
    found = view.conn.scalar(sa.select(t.id).where(t.id == number)) if _is_id(number) else None
    return None if found is None else int(found)


def _is_id(number: int) -> bool:
    return 0 < number < 2**63


def _bearing(view: views.View, name: str, opened: Opened) -> list[int]:
    """Row ids of the technicians with this full name or e-mail address, in any case."""
    t = technicians.c
    people = view.conn.execute(sa.select(t.id, t.name, t.email).order_by(t.id)).all()
    texts = opened([text for row in people for text in row[1:]])
    wanted = name.casefold()
    return [
        row.id
        for row, *both in zip(people, texts[::2], texts[1::2], strict=True)
        if wanted in {text.casefold() for text in both if text is not None}
    ]


def _is_written(view: views.View, name: str) -> bool:
    """Whether rows name somebody so whom the vault does not know."""
    return any(
        view.conn.scalar(sa.select(column).where(column == name).limit(1)) is not None
        for column in name_columns()
    )


def _of_technician(view: views.View, row: int, called: str | None, opened: Opened) -> Person | None:
    t, a, s = technicians.c, accounts.c, subjects.c
    query = sa.select(t.technician_id, t.name, t.email).where(t.id == row)
    found = view.conn.execute(query).first()
    subject = view.conn.execute(_subjects().where(s.technician_id == row)).first()
    if subject is not None and subject.erased_at is not None:
        return _erased(subject.subject_id, row)
    if found is None:
        return None
    logins = view.conn.scalars(sa.select(a.username).where(a.technician_id == row))
    names = {found.technician_id, called, *opened(found[1:]), *logins}
    return _person(view, found.technician_id, row, {each for each in names if each})


def _person(view: views.View, called: str, row: int | None, names: set[str]) -> Person:
    c = subjects.c
    theirs = c.technician_id == row if row else sa.false()
    query = sa.select(c.subject_id, c.identifier, c.technician_id).where(
        sa.or_(is_called(c.identifier, names), theirs),
        # A colleague may bear the name that this person writes.
        sa.or_(c.technician_id.is_(None), theirs),
        c.erased_at.is_(None),
    )
    known = {found.identifier: found.subject_id for found in view.conn.execute(query)}
    own = known.pop(called, None)
    identifiers = tuple(sorted(names | set(known)))
    return Person(called, row, own, tuple(sorted(known.values())), identifiers)
