"""Charpy specimens: what was broken, at which temperature, with which energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from mlmcsc.domain.columns import read_input
from mlmcsc.domain.filters import SpecimenFilter, check_listing
from mlmcsc.domain.keywords import SpecimenDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.results import BulkResult, Page
from mlmcsc.domain.tables import SPECIMENS
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.models import specimens
from mlmcsc.store.queries import batches, registers, rows
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Specimens:
    """Register and read specimens, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.INGEST)
    def register(self, specimen_id: str, **details: Unpack[SpecimenDetails]) -> int:
        """Register a specimen, or add facts to one that an image has named already.

        Args:
            specimen_id: The laboratory's specimen number.
            **details: Material, heat, temperature_c, orientation, kv_joule, le_mm, notes,
                sfa_percent, sfa_method, sfa_details; see `mlmcsc.domain.tables.SPECIMENS`.

        Raises:
            ValidationError: A value is wrong.
            ConflictError: A fact that is known already differs; use `update`.
        """
        values = SPECIMENS.check({"specimen_id": specimen_id, **details})
        with self.db.write(self.actor) as tx:
            registers.lock(tx, specimens)
            before = rows.first(tx, specimens, SpecimenRecord, specimen_id=specimen_id)
            if before is not None:
                known = before.to_dict()
                new = {k: v for k, v in values.items() if v is not None and known[k] is None}
                registers.change(tx, specimens, before, new)
            return registers.register(tx, specimens, SpecimenRecord, "specimen_id", values)

    @requires(Permission.INGEST)
    def update(self, specimen_id: str, **details: Unpack[SpecimenDetails]) -> SpecimenRecord:
        """Change what is known of a specimen; the audit trail keeps the earlier values.

        Another SFA takes the method and the details of the earlier one away, unless they are
        given with it.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: There is no such specimen.
        """
        SPECIMENS.known(details)
        values = {k: SPECIMENS.by_name[k].check(v) for k, v in details.items()}
        with self.db.write(self.actor) as tx:
            registers.lock(tx, specimens)  # the values before are those that are replaced
            before = _find(tx, specimen_id)
            registers.change(tx, specimens, before, _whole_sfa(before, values))
            return _find(tx, specimen_id)

    @requires(Permission.INGEST)
    def add_many(
        self, data: Any = None, /, *, on_error: batches.OnError = "raise", **common: Any
    ) -> BulkResult:
        """Register many new specimens in one transaction.

        Raises:
            RejectedRowsError: With `on_error="raise"`, when any row is wrong or known already.
        """
        checked = read_input(SPECIMENS, data, common)
        with self.db.write(self.actor) as tx:
            registers.lock(tx, specimens)
            batches.reject_known(tx, checked, specimens, "specimen_id")
            return batches.add_checked(tx, specimens, checked, {}, on_error=on_error)

    @requires(Permission.READ)
    def get(self, specimen_id: str) -> SpecimenRecord:
        """One specimen, by its number.

        Raises:
            ValidationError: No specimen number could look so.
            UnknownRecordError: If there is none.
        """
        with self.db.read() as view:
            return _find(view, specimen_id)

    @requires(Permission.READ)
    def list(
        self, *, after_id: int = 0, limit: int = 100, **wanted: Unpack[SpecimenFilter]
    ) -> Page[SpecimenRecord]:
        """Specimens by id, a page at a time; of a `heat`, of a `material`."""
        found = check_listing(SpecimenFilter, wanted, after_id, limit)
        with self.db.read() as view:
            return image_queries.specimen_page(view, found, after_id=after_id, limit=limit)


def _whole_sfa(before: SpecimenRecord, values: dict[str, Any]) -> dict[str, Any]:
    """The change, without a method or details left over from another SFA."""
    if values.get("sfa_percent", before.sfa_percent) == before.sfa_percent:
        return values
    return {"sfa_method": None, "sfa_details": None} | values


def _find(view: View, specimen_id: str) -> SpecimenRecord:
    name = SPECIMENS.by_name["specimen_id"].check(specimen_id)
    record = rows.first(view, specimens, SpecimenRecord, specimen_id=name)
    if record is None:
        raise UnknownRecordError(f"specimen {specimen_id!r} does not exist.")
    return record
