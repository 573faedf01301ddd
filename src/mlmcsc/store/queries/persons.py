"""Who is meant: the one look-up of people, whatever they are called by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mlmcsc.domain.privacy.persons import Person, loosely, spelling
from mlmcsc.errors import AmbiguousError
from mlmcsc.store.models import subjects, technicians
from mlmcsc.store.queries.bearers import Everybody, Opened, places_of

if TYPE_CHECKING:  # the vault, which the unit of work builds on, looks people up, too
    from mlmcsc.store import views
    from mlmcsc.store.queries.rows import View
    from mlmcsc.store.uow import Transaction


def resolve(view: View, wanted: int | str, opened: Opened | None = None) -> Person | None:
    """The person so called, as a whole; None for somebody unknown.

    Whoever writes a technician's name, e-mail address or login is that technician.

    Args:
        view: An open transaction.
        wanted: Staff number, login, written name, e-mail address or subject id; or, as a number,
            the technician's row id. Text is never one.
        opened: Opens technicians' names; the vault does, if left out.

    Raises:
        AmbiguousError: Several technicians are called so; the message gives their staff numbers.
        MissingKeyError: Names cannot be read, as the master key is not here.
    """
    found = every(view, wanted, opened)
    if len(found) > 1:
        staff = ", ".join(sorted(person.called for person in found))
        raise AmbiguousError(
            f"{wanted!r} could be any of several people: {staff}. Give a staff number or a login."
        )
    return found[0] if found else None


def living(view: View, wanted: int | str) -> Person | None:
    """As `resolve`, but None for somebody who was erased, too."""
    person = resolve(view, wanted)
    return None if person is None or person.is_erased else person


def every(view: View, wanted: int | str, opened: Opened | None = None) -> list[Person]:
    """All persons so called: several where technicians share a name. See `resolve`."""
    return called(view, wanted, opened or _unsealing(view), written=True)


def called(
    view: views.View, wanted: int | str, opened: Opened, *, written: bool = False
) -> list[Person]:
    """As `every`, for the vault itself; names that only raw SQL wrote count if `written`."""
    subject = _subject(view, wanted)
    if subject is not None and subject.erased_at is not None:
        return [_erased(subject.subject_id, subject.technician_id)]
    everybody = Everybody(view, opened, written=written)
    if isinstance(wanted, int):
        found = everybody.technician(wanted)
        return [] if found is None else [found]
    name = wanted if subject is None else str(subject.identifier)
    linked = None if subject is None else subject.technician_id
    row = linked or everybody.row_of(name)
    if row is not None:
        people = [everybody.technician(row)]
    elif name in everybody.logins(name, spelling):
        people = [everybody.login(name)]
    else:
        people = _bearing(everybody, name)
        if not people and (subject is not None or everybody.is_written(name)):
            people = [everybody.login(name)]
    return [person for person in people if person is not None]


def _bearing(everybody: Everybody, name: str) -> list[Person | None]:
    """Those whose name it is; in another case, whoever may be meant."""
    rows = everybody.rows_bearing(name, spelling)
    if rows:
        return [everybody.technician(row) for row in rows]
    rows = everybody.rows_bearing(name, loosely)
    logins = sorted(everybody.logins(name, loosely))
    return [*map(everybody.technician, rows), *map(everybody.login, logins)]


def ambiguities(view: View, person: Person) -> tuple[str, ...]:
    """What is left of a person because it could be somebody else's, told."""
    told = []
    for name, others in person.shared.items():
        places = [] if name in person.identifiers else places_of(view, name)
        where = f"{', '.join(places)}, or in free text," if places else "in free text"
        told.append(f'"{name}" {where} could be {" or ".join((person.called, *others))}: left.')
    return tuple(told)


def of_login(view: views.View, login: str, opened: Opened) -> Person | None:
    """Whose own the data is that somebody signed in as `login` may see.

    A login that merely equals a technician's name is not taken for the technician: only the staff
    number and accounts that are linked with it are.
    """
    found = view.conn.execute(_subjects().where(subjects.c.identifier == login)).first()
    everybody = Everybody(view, opened)
    row = None if found is None else found.technician_id
    row = row or everybody.row_of(login)
    if row is not None:
        return everybody.technician(row)
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


def is_called(column: sa.ColumnElement[Any], names: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a column holds one of the names exactly: a person has all spellings of theirs."""
    return column.in_(list(names))


def unread(texts: Sequence[Any]) -> Sequence[str | None]:
    """Opens no name: people are found by what stands in clear."""
    return [None] * len(texts)


def _unsealing(view: View) -> Opened:
    return lambda texts: view.vault.names(view, texts)


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


def _is_id(number: int) -> bool:
    return 0 < number < 2**63
