"""Whom and what holds reach, as conditions for the tables that retention clears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mlmcsc.domain.holds import HoldKind
from mlmcsc.domain.retention import Cause
from mlmcsc.store.models import accounts, images, privacy_holds
from mlmcsc.store.queries.holds import persons_of, specimens_held
from mlmcsc.store.queries.persons import is_called
from mlmcsc.store.queries.rows import View

Condition = sa.ColumnElement[bool]
Holds = Mapping[Cause, Condition]
"""Why a row stays; the first that applies is told."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Everybody on whom a hold, or a restriction, is in force, under every name.

    Attributes:
        subject_ids: In the vault.
        technicians: Ids in `technicians`.
        names: Staff numbers, logins and written names.
    """

    subject_ids: tuple[str, ...]
    technicians: tuple[int, ...]
    names: tuple[str, ...]

    @classmethod
    def by(cls, view: View, kind: HoldKind) -> Reached:
        """By what is in force now.

        Raises:
            MissingKeyError: Names cannot be read, as the master key is not here.
        """
        found = persons_of(view, kind)
        return cls(
            tuple(sorted({each for person in found for each in person.subject_ids})),
            tuple(sorted({row for p in found if (row := p.technician_row) is not None})),
            tuple(sorted({name for person in found for name in person.identifiers})),
        )

    def person(self, subject_id: sa.ColumnElement[str]) -> Condition:
        """Fits rows of their subject ids."""
        return subject_id.in_(self.subject_ids)

    def technician(self, technician_id: sa.ColumnElement[int]) -> Condition:
        """Fits rows of their ids in `technicians`."""
        return technician_id.in_(self.technicians)

    def named(self, name: sa.ColumnElement[str]) -> Condition:
        """Fits rows that name them, in any case."""
        return is_called(name, self.names)

    def accounts(self) -> sa.Select[tuple[int]]:
        """Ids of their accounts."""
        a = accounts.alias().c
        return sa.select(a.id).where(
            sa.or_(self.named(a.username), self.technician(a.technician_id))
        )


def personal(view: View, held: Callable[[Reached], Condition]) -> Holds:
    """Held with the person; restricted data are kept, too: deleting is processing (Art. 18(2))."""
    return {
        Cause.PERSON: held(Reached.by(view, HoldKind.HOLD)),
        Cause.RESTRICTED: held(Reached.by(view, HoldKind.RESTRICT)),
    }


def of_specimens(image_id: sa.ColumnElement[int]) -> Condition:
    """Fits rows about images of held specimens."""
    i = images.alias().c
    return image_id.in_(sa.select(i.id).where(i.specimen_id.in_(specimens_held())))


def any_hold() -> Condition:
    """True while any hold or restriction is in force."""
    h = privacy_holds.alias().c
    return sa.exists(sa.select(h.id).where(h.released_at.is_(None)))
