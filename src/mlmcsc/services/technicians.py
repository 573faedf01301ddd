"""The people who label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack

from mlmcsc.domain.filters import check_page
from mlmcsc.domain.keywords import TechnicianDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import TechnicianRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.tables import TECHNICIANS
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.models import technicians
from mlmcsc.store.queries import people, registers, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Technicians:
    """Register and read technicians, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.MANAGE_PEOPLE)
    def register(self, technician_id: str, name: str, **details: Unpack[TechnicianDetails]) -> int:
        """Register a technician and return the id to label with.

        Registering the same person again returns the same id.

        Args:
            technician_id: The laboratory's staff number, at most 50 characters.
            name: Full name.
            **details: See `mlmcsc.domain.tables.TECHNICIANS`.

        Raises:
            ValidationError: A value is wrong.
            ConflictError: The staff number is registered with other facts.
        """
        values = TECHNICIANS.check({"technician_id": technician_id, "name": name, **details})
        with self.db.write(self.actor) as tx:
            return people.register(tx, values)

    @requires(Permission.MANAGE_PEOPLE)
    def update(
        self, technician: int | str, **details: Unpack[TechnicianDetails]
    ) -> TechnicianRecord:
        """Change what is known of a technician; with `is_active=False` they may not label.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: There is no such technician.
            ConflictError: The technician was erased.
        """
        TECHNICIANS.known(details)
        if details.get("is_active", True) is None:
            raise ValidationError("is_active cannot be removed: give true or false.")
        values = {k: TECHNICIANS.by_name[k].check(v) for k, v in details.items()}
        with self.db.write(self.actor) as tx:
            people.change(tx, _find(tx, technician), values)
            return self._shown(tx, [_find(tx, technician)])[0]

    @requires(Permission.READ)
    def get(self, technician: int | str) -> TechnicianRecord:
        """One technician, by id or by staff number.

        Raises:
            ValidationError: It is neither an id nor a staff number.
            UnknownRecordError: If there is none.
        """
        with self.db.read() as view:
            return self._shown(view, [_find(view, technician)])[0]

    @requires(Permission.READ)
    def list(self, *, after_id: int = 0, limit: int = 100) -> Page[TechnicianRecord]:
        """Technicians by id, a page at a time."""
        check_page(after_id, limit)
        with self.db.read() as view:
            found = rows.page(
                view, technicians, TechnicianRecord, (), after_id=after_id, limit=limit
            )
            return Page(tuple(self._shown(view, found.items)), found.next_after_id)

    def _shown(self, view: View, found: Iterable[TechnicianRecord]) -> Sequence[TechnicianRecord]:
        """Names and addresses in clear for those who may see them."""
        return people.reveal(view, self.actor, found, people.SEALED)


def _find(view: View, technician: int | str) -> TechnicianRecord:
    key = TECHNICIANS.by_name["technician_id"]
    record = registers.find(view, technicians, TechnicianRecord, key, technician)
    if record is None:
        raise UnknownRecordError(
            f"technician {technician!r} does not exist. Register them first: "
            "technician register ID --name NAME."
        )
    return record
