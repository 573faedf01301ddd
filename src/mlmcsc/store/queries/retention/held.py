"""What is held or restricted now, as conditions and subqueries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.retention import Cause
from mlmcsc.store.models import accounts, images, privacy_holds, subjects

Condition = sa.ColumnElement[bool]
Holds = Mapping[Cause, Condition]
"""Why a row stays; the first that applies is told."""


def _targets(kind: HoldKind, target: sa.Column[str]) -> sa.Select[tuple[str]]:
    """Persons or specimens for which something of this kind is in force.

    Of an alias, as all subqueries here: no query that they stand in takes their table for its own.
    """
    h = privacy_holds.alias().c
    return sa.select(h[target.name]).where(
        h.kind == kind.value, h.released_at.is_(None), h[target.name].is_not(None)
    )


def people(kind: HoldKind) -> sa.Select[tuple[str]]:
    """Subject ids of persons."""
    return _targets(kind, privacy_holds.c.subject_id)


def specimen_ids() -> sa.Select[tuple[str]]:
    """Specimen numbers under a legal hold."""
    return _targets(HoldKind.HOLD, privacy_holds.c.specimen_id)


def technicians_of(kind: HoldKind) -> sa.Select[tuple[int]]:
    """Ids of technicians."""
    s = subjects.alias().c
    return sa.select(s.technician_id).where(
        s.technician_id.is_not(None), s.subject_id.in_(people(kind))
    )


def names(kind: HoldKind) -> sa.Select[tuple[str]]:
    """Staff numbers, logins and written names."""
    s = subjects.alias().c
    return sa.select(s.identifier).where(s.identifier.is_not(None), s.subject_id.in_(people(kind)))


def accounts_of(kind: HoldKind) -> sa.Select[tuple[int]]:
    """Ids of accounts."""
    a = accounts.alias().c
    return sa.select(a.id).where(
        sa.or_(a.username.in_(names(kind)), a.technician_id.in_(technicians_of(kind)))
    )


def personal(held: Callable[[HoldKind], Condition]) -> Holds:
    """Held with the person; restricted data are kept, too: deleting is processing (Art. 18(2))."""
    return {Cause.PERSON: held(HoldKind.HOLD), Cause.RESTRICTED: held(HoldKind.RESTRICT)}


def of_specimens(image_id: sa.ColumnElement[int]) -> Condition:
    """Fits rows about images of held specimens."""
    i = images.alias().c
    return image_id.in_(sa.select(i.id).where(i.specimen_id.in_(specimen_ids())))


def any_hold() -> Condition:
    """True while any hold or restriction is in force."""
    h = privacy_holds.alias().c
    return sa.exists(sa.select(h.id).where(h.released_at.is_(None)))
